# `make` alone says what there is. Nothing needs to be installed first but Python 3.11 or newer (3.13 for `make build`).
#
#   PYTHON=…   the interpreter for .venv                 ARGS=…   more arguments for the program that a target runs
#   SAM=…      a SAM CLI to use instead of .venv-sam's   ARCH=…   arm64 or x86_64; without it samconfig.toml decides
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run aws management-key bench openapi test prove soak check build test-sam test-deploy requirements clean

BIN := .venv/bin
PIP_INSTALL := install -qq --disable-pip-version-check
SAM ?= $(shell command -v sam 2>/dev/null || echo .venv-sam/bin/sam)
BUILD_DIR ?= .aws-sam/build
# A build for this machine's own processor, which its containers can run. The tests look for it there.
LOCAL_BUILD_DIR := .aws-sam/local
LOCAL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

export SAM_CLI_TELEMETRY := 0

# $(call first_python,CONDITION,NAMES): a shell command that prints the first interpreter for which the Python expression
# CONDITION holds. Each is run, because a pyenv shim can be on the PATH and fail; pyenv's versions are tried by their paths too.
define first_python
for each in $(foreach name,$(2),$(name) "$$(pyenv root 2>/dev/null)"/versions/*/bin/$(name)); do \
  "$$each" -c 'import sys; sys.exit(not ($(1)))' 2>/dev/null && { "$$each" -c 'import sys; print(sys.executable)'; break; }; \
done
endef

# One virtual environment. `make run` puts in what it needs; `make test` and `make check` add the rest. A stamp says which
# requirement file was installed last, so that nothing is done twice. The pip that does it is pinned, too: the one that comes
# with Python 3.11 takes a package that is asked for with extras for another than the pinned one, and has no hash for it.
define make_venv
[ -x $(1)/bin/python ] || { \
  python="$(PYTHON)"; [ -n "$$python" ] || python=$$($(call first_python,sys.version_info >= (3$(comma) 11) and __import__("ensurepip"),python3.13 python3.12 python3.11 python3)); \
  [ -n "$$python" ] || { echo "No Python 3.11 or newer that can make virtual environments was found. Install one (on Debian: python3 and python3-venv), or set PYTHON." >&2; exit 1; }; \
  echo "Making $(1) with $$python"; "$$python" -m venv $(1) || exit 1; }; \
$(1)/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/pip.txt
endef
comma := ,

help:
	@echo "make run           the API on this machine, without Docker or an AWS account"
	@echo "make aws           only the embedded AWS and the vendors' stand-ins, for the API in containers (sam local start-api)"
	@echo "make management-key STACK=… ORG=…   mints a management key for a deployed stack, with your AWS credentials"
	@echo "make bench         measures the sweep and the health answers, and writes docs/bench.md"
	@echo "make openapi       writes what is generated: vendors.json, the API's description, docs/api.md, the MCP tools' schemas"
	@echo "make test          the tests that need nothing but Python"
	@echo "make prove         the proofs of what is promised, and a table of what they tried (soak: ten times as much)"
	@echo "make check         format, lint, types, imports, template"
	@echo "make build         the template validated, the functions and the layer built for a deployment (ARCH=arm64 or x86_64)"
	@echo "make test-sam      the tests that need SAM CLI and a container engine, on a build for this machine"
	@echo "make test-deploy   deploys the build to an emulator of AWS that AWS_ENDPOINT_URL names, and uses it"
	@echo "make requirements  the pinned requirement files, made anew from requirements/*.in (UPGRADE=1: newest versions)"
	@echo "make clean         removes everything that make made"

run: .venv/local.stamp
	@$(BIN)/python -m local $(ARGS)

aws: .venv/local.stamp
	@$(BIN)/python -m local aws $(ARGS)

management-key: .venv/local.stamp
	@$(BIN)/python -m providers_client keys create --stack "$(STACK)" --org "$(ORG)" $(ARGS)

bench: .venv/dev.stamp
	@$(BIN)/python -m bench $(ARGS)

# In this order: the description and the tools list the vendors that vendors.json has.
openapi: .venv/dev.stamp
	@$(BIN)/python -m tests.kit.vendors_json
	@$(BIN)/python -m openapi
	@$(BIN)/python -m tests.mcp.test_schemas

# A process for each core; one that has nothing left to do takes tests from another, whose own may be waiting for a vendor.
PARALLEL := -n auto --dist worksteal

test: .venv/dev.stamp
	@$(BIN)/pytest -q -m "not sam and not deploy and not prove" $(PARALLEL) $(ARGS)

# With the quick ones, which `make test` runs too, so that the table has them all.
PROOFS := tests/proofs tests/local/test_fuzz.py tests/test_permissions.py
export WRITE_FIGURES
prove: .venv/dev.stamp
	@$(BIN)/pytest -q $(PARALLEL) $(PROOFS) $(ARGS)

soak: .venv/dev.stamp
	@SOAK=1 $(BIN)/pytest -q $(PARALLEL) $(PROOFS) $(ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml notifications/template.yaml

# SAM checks that the runtime's Python is on the PATH, so one that is elsewhere is put there. Our own make's flags would
# reach the layer's Makefile and override what it says of the architecture.
build: $(if $(filter .venv-sam/%,$(SAM)),.venv-sam/sam.stamp)
	@python=$$($(call first_python,sys.version_info[:2] == (3$(comma) 13),python3.13 python3)); \
	[ -n "$$python" ] || { echo "The functions run on Python 3.13 and are built with it: install it." >&2; exit 1; }; \
	PATH="$$(dirname "$$python"):$$PATH"; export PATH; unset MAKEFLAGS MFLAGS MAKELEVEL; set -x; \
	$(SAM) validate --lint && \
	$(SAM) build --build-dir $(BUILD_DIR) $(if $(ARCH),--parameter-overrides Architecture=$(ARCH)) $(ARGS)

test-sam: .venv/dev.stamp
	@$(MAKE) --no-print-directory build BUILD_DIR=$(LOCAL_BUILD_DIR) ARCH=$(LOCAL_ARCH) ARGS=
	@SAM="$(SAM)" $(BIN)/pytest -q -m sam $(ARGS)

# Needs AWS_ENDPOINT_URL, the loopback address of an emulator that deploys the template, and EMULATOR_LOG, its log.
test-deploy: .venv/dev.stamp $(if $(filter .venv-sam/%,$(SAM)),.venv-sam/sam.stamp)
	@$(MAKE) --no-print-directory build BUILD_DIR=$(LOCAL_BUILD_DIR) ARCH=$(LOCAL_ARCH) ARGS=
	@SAM="$(SAM)" $(BIN)/pytest -q -m deploy tests/test_deploy.py $(ARGS)

.venv/local.stamp: requirements/local.txt requirements/pip.txt pyproject.toml
	@$(call make_venv,.venv)
	@echo "Installing what the local API needs into .venv (once; about a minute)"
	@$(BIN)/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/local.txt
	@$(BIN)/python -m pip $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# dev.txt holds all of local.txt, at the same versions.
.venv/dev.stamp: requirements/dev.txt requirements/pip.txt pyproject.toml
	@$(call make_venv,.venv)
	@echo "Installing what the tests and checks need into .venv (once; one or two minutes)"
	@$(BIN)/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch .venv/local.stamp $@

.venv-sam/sam.stamp: requirements/sam.txt requirements/pip.txt
	@$(call make_venv,.venv-sam)
	@echo "Installing SAM CLI into .venv-sam (once; about a minute)"
	@.venv-sam/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/sam.txt
	@touch $@

# The layer and the MCP function are resolved for what they run on; the others for every Python from 3.11 on, at the layer's
# versions. The MCP function leaves out what the layer has, and what its library needs as a client alone.
MCP_UNUSED := attrs jsonschema jsonschema-specifications pyjwt referencing rpds-py
COMPILE = $(BIN)/uv pip compile --no-config --quiet --generate-hashes --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)
requirements: .venv/dev.stamp
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 requirements/layer.in -o layers/shared/requirements.txt
	$(COMPILE) --universal --python-version 3.11 -c layers/shared/requirements.txt requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --universal --python-version 3.11 -c requirements/dev.txt requirements/local.in -o requirements/local.txt
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 -c requirements/dev.txt \
	  $(addprefix --no-emit-package ,$(MCP_UNUSED)) $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' layers/shared/requirements.txt) \
	  requirements/mcp.in -o functions/mcp/requirements.txt
	$(COMPILE) --universal --python-version 3.11 requirements/sam.in -o requirements/sam.txt
	$(COMPILE) --universal --python-version 3.11 requirements/pip.in -o requirements/pip.txt

clean:
	rm -rf .venv .venv-sam .aws-sam .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
