# `make` lists the targets. Only Python 3.11 or newer must be installed (3.13 for `make build`).
#
#   PYTHON=…   the interpreter for .venv                 ARGS=…   more arguments for the program that a target runs
#   SAM=…      a SAM CLI to use instead of .venv-sam's   ARCH=…   arm64 or x86_64; default: samconfig.toml
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run aws deploy adopt management-key bench openapi quick test test-real test-browser test-mcp test-clients prove soak check check-policy build test-sam test-deploy release requirements clean

BIN := .venv/bin
PIP_INSTALL := install -qq --disable-pip-version-check
SAM ?= $(shell command -v sam 2>/dev/null || echo .venv-sam/bin/sam)
BUILD_DIR ?= .aws-sam/build
# A build for the processor of this machine, which its containers can run. The tests look for it there.
LOCAL_BUILD_DIR := .aws-sam/local
LOCAL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

export SAM_CLI_TELEMETRY := 0
# Without cached bytecode, every process that the tests and the benchmark start compiles the project again.
export PYTHONDONTWRITEBYTECODE :=

# $(call first_python,CONDITION,NAMES): a shell command that prints the first interpreter for which the Python expression
# CONDITION is true. Each is run, because a pyenv shim can be on the PATH and fail; pyenv's versions are tried by their paths too.
define first_python
for each in $(foreach name,$(2),$(name) "$$(pyenv root 2>/dev/null)"/versions/*/bin/$(name)); do \
  "$$each" -c 'import sys; sys.exit(not ($(1)))' 2>/dev/null && { "$$each" -c 'import sys; print(sys.executable)'; break; }; \
done
endef

# One virtual environment. `make run` installs what it needs; `make test` and `make check` add the rest. A stamp says which
# requirement file was installed last, so nothing is installed twice. pip is pinned, too: the one that comes with Python 3.11
# looks for another hash if a package is required with extras.
define make_venv
[ -x $(1)/bin/python ] || { \
  python="$(PYTHON)"; [ -n "$$python" ] || python=$$($(call first_python,sys.version_info >= (3$(comma) 11) and __import__("ensurepip"),python3.13 python3.12 python3.11 python3)); \
  [ -n "$$python" ] || { echo "No Python 3.11 or newer that can make virtual environments was found. Install one (on Debian: python3 and python3-venv), or set PYTHON." >&2; exit 1; }; \
  echo "Creating $(1) with $$python"; "$$python" -m venv $(1) || exit 1; }; \
$(1)/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/pip.txt
endef
comma := ,

help:
	@echo "make run           Serve the API on this machine, without Docker or an AWS account"
	@echo "make aws           Serve the embedded AWS and the vendor emulator, for the API in containers (sam local start-api)"
	@echo "make deploy        Build and deploy the stack, without questions (STACK=… REGION=…; parameters: samconfig.toml)"
	@echo "make adopt         Create a stack that adopts retained tables (STACK=… MAIN_TABLE=… SECRETS_TABLE=… KMS_KEY=…)"
	@echo "make management-key STACK=… ORG=…   Create a management key for a deployed stack, with your AWS credentials"
	@echo "make quick         Run the tests of the inner loop: no servers, no real deadlines"
	@echo "make test          Run all tests that need only Python"
	@echo "make test-real     Use credentials with a LiteLLM proxy and the vendors' own SDKs while their keys are rotated"
	@echo "make test-browser  Check the types of the console's scripts, and test it in Chromium (Debian: chromium, chromium-driver, npm)"
	@echo "make test-mcp      Run the official conformance suite of the Model Context Protocol (npm)"
	@echo "make test-clients  Use clients that two generators make (npm), and the examples for Node, Go and the AWS CLI"
	@echo "make prove         Run the proofs of what is promised, and print what they tried (soak: ten times as much)"
	@echo "make check         Check format, lint, types, imports, templates"
	@echo "make check-policy  Check the templates and the workflows against policies (checkov, zizmor)"
	@echo "make openapi       Write the OpenAPI document, docs/api.md and what else is generated from the contract"
	@echo "make bench         Measure cold starts, the sweep, reads and the command line, and write docs/bench.md"
	@echo "make build         Validate the template, and build the functions and the layer (ARCH=arm64 or x86_64)"
	@echo "make test-sam      Run the tests that need SAM CLI and a container engine, on a build for this machine"
	@echo "make test-deploy   Deploy the build to the emulator of AWS at AWS_ENDPOINT_URL, and use it"
	@echo "make release RELEASE=v1.2.3   Build the client's package and the release's notes into dist/"
	@echo "make requirements  Pin the requirement files from requirements/*.in (UPGRADE=1: newest versions)"
	@echo "make clean         Remove everything that make created"

run: .venv/local.stamp
	@$(BIN)/python -m local $(ARGS)

aws: .venv/local.stamp
	@$(BIN)/python -m local aws $(ARGS)

# REGION is AWS_DEFAULT_REGION for everything that these run. PARAMETERS="Name=value …" adds to those of samconfig.toml, and
# BUILT=1 deploys the build as it is, if it is for the right architecture.
STACK ?= providers-api
export SAM
$(if $(REGION),$(eval export AWS_DEFAULT_REGION := $(REGION))$(eval export AWS_REGION := $(REGION)))
deploy: .venv/local.stamp $(if $(filter .venv-sam/%,$(SAM)),.venv-sam/sam.stamp)
	@$(BIN)/python -m deploy --stack "$(STACK)" --sam "$(SAM)" --build-dir $(BUILD_DIR) $(if $(BUILT),--built) $(PARAMETERS)

adopt: .venv/local.stamp
	@$(BIN)/python -m deploy.adopt --stack "$(STACK)" --main-table "$(MAIN_TABLE)" --secrets-table "$(SECRETS_TABLE)" --kms-key "$(KMS_KEY)"

management-key: .venv/local.stamp
	@$(BIN)/python -m providers_client keys create --stack "$(STACK)" --org "$(ORG)" $(ARGS)

# The section on cold starts runs the build on Lambda's runtime; SAM CLI brings the emulator of its interface.
bench: .venv/dev.stamp .venv-bench/bench.stamp .venv-sam/sam.stamp
	@$(MAKE) --no-print-directory build BUILD_DIR=$(LOCAL_BUILD_DIR) ARCH=$(LOCAL_ARCH) ARGS=
	@$(BIN)/python -m bench $(ARGS)

# In this order: the description and the tools list the vendors that vendors.json has.
openapi: .venv/dev.stamp
	@$(BIN)/python -m tests.kit.vendors_json
	@$(BIN)/python -m openapi
	@$(BIN)/python -m tests.mcp.test_schemas

# In one process: starting others takes longer than they save.
QUICK := tests/model tests/usecases tests/edge tests/openapi tests/contract tests/vendors tests/test_template.py tests/test_imports.py
NOT_QUICK := --ignore tests/vendors/emulator --ignore tests/vendors/test_eighth_vendor.py --ignore tests/usecases/test_back_off.py \
  --ignore tests/usecases/test_probe_results.py -k "not ten_thousand"
quick: .venv/dev.stamp
	@$(BIN)/pytest -q $(QUICK) $(NOT_QUICK) $(ARGS)

# A process for each core and one more (tests/conftest.py). One that has nothing left to do takes tests from another.
PARALLEL := -n auto --dist worksteal

test: .venv/dev.stamp
	@$(BIN)/pytest -q -m "not clients and not sam and not deploy and not prove and not real and not browser and not conformance" $(PARALLEL) $(ARGS)

# In an environment of its own: LiteLLM pins many packages.
test-real: .venv-real/real.stamp
	@.venv-real/bin/pytest -q -s -m real tests/real $(ARGS)

# npm installs only what package-lock.json pins, and runs no script of a package. Without Chromium the tests are skipped.
test-browser: .venv-browser/browser.stamp
	@if command -v npm >/dev/null; then cd tests/console && npm ci --silent && node_modules/.bin/tsc -p .; \
	else echo "npm is not installed: the types of the console's scripts and its barriers are not checked." >&2; fi
	@PYTHONPATH=.venv-browser $(BIN)/pytest -q -m browser tests/console $(ARGS)

# The suite needs Node 22, which package-lock.json pins, too. Without npm it is skipped.
test-mcp: .venv/dev.stamp
	@if command -v npm >/dev/null; then npm ci --silent --ignore-scripts --prefix tests/mcp/conformance; fi
	@$(BIN)/pytest -q -m conformance tests/mcp $(ARGS)

# Without npm, the TypeScript client is skipped.
test-clients: .venv/dev.stamp .venv-clients/clients.stamp
	@if command -v npm >/dev/null; then cd tests/clients && npm ci --silent --ignore-scripts; fi
	@$(BIN)/pytest -q -m clients tests/clients $(ARGS)

# With the fast proofs, which `make test` runs too, so that the table is complete.
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
	$(BIN)/cfn-lint --include-checks I -- template.yaml notifications/template.yaml monitoring/template.yaml

# .checkov.yaml and the Metadata of resources have the reason for each suppression.
check-policy: .venv-policy/policy.stamp
	CKV_SKIP_PACKAGE_UPDATE_CHECK=true .venv-policy/bin/checkov --config-file .checkov.yaml
	.venv-policy/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv-policy/bin/zizmor --offline --no-progress --persona pedantic .github/workflows

# SAM requires the runtime's Python on the PATH, so it is added. The flags of this make would reach the layer's Makefile and
# override its architecture, so they are unset.
build: $(if $(filter .venv-sam/%,$(SAM)),.venv-sam/sam.stamp)
	@python=$$($(call first_python,sys.version_info[:2] == (3$(comma) 13),python3.13 python3)); \
	[ -n "$$python" ] || { echo "The functions run on Python 3.13 and are built with it: install it." >&2; exit 1; }; \
	PATH="$$(dirname "$$python"):$$PATH"; export PATH; unset MAKEFLAGS MFLAGS MAKELEVEL; set -x; \
	$(SAM) validate --lint && \
	$(SAM) build --build-dir $(BUILD_DIR) $(if $(ARCH),--parameter-overrides Architecture=$(ARCH)) $(ARGS)$(if $(ARCH), && "$$python" -m deploy.build $(BUILD_DIR) $(ARCH))

test-sam: .venv/dev.stamp
	@$(MAKE) --no-print-directory build BUILD_DIR=$(LOCAL_BUILD_DIR) ARCH=$(LOCAL_ARCH) ARGS=
	@SAM="$(SAM)" $(BIN)/pytest -q -m sam $(ARGS)

# Requires AWS_ENDPOINT_URL, the loopback address of an emulator that deploys the template, and EMULATOR_LOG, its log.
test-deploy: .venv/dev.stamp $(if $(filter .venv-sam/%,$(SAM)),.venv-sam/sam.stamp)
	@$(MAKE) --no-print-directory build BUILD_DIR=$(LOCAL_BUILD_DIR) ARCH=$(LOCAL_ARCH) ARGS=
	@SAM="$(SAM)" $(BIN)/pytest -q -m deploy tests/test_deploy.py $(ARGS)

# The tag must be the version of the code, and have a section in the changelog.
release: .venv/dev.stamp
	@[ "$(RELEASE)" = "v$$($(BIN)/hatchling version)" ] || { echo "The version is v$$($(BIN)/hatchling version), not RELEASE=$(RELEASE)." >&2; exit 1; }
	@rm -rf dist && $(BIN)/hatchling build -t wheel -d dist && cd packages/data-plane && $(abspath $(BIN))/hatchling build -t wheel -d ../../dist
	@awk -v heading="## $(RELEASE:v%=%)" 'found && /^## / { exit } found { print } index($$0 " ", heading " ") == 1 { found = 1 }' CHANGELOG.md > dist/notes.md
	@[ -s dist/notes.md ] || { echo "CHANGELOG.md has no section $(RELEASE:v%=%)." >&2; exit 1; }

.venv/local.stamp: requirements/local.txt requirements/pip.txt pyproject.toml
	@$(call make_venv,.venv)
	@echo "Installing what the local API needs into .venv (once; about a minute)"
	@$(BIN)/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/local.txt
	@$(BIN)/python -m pip $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# dev.txt contains all of local.txt, at the same versions.
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

# The functions' own version of Python.
.venv-bench/bench.stamp: override PYTHON = $(shell $(call first_python,sys.version_info[:2] == (3$(comma) 13),python3.13 python3))
.venv-bench/bench.stamp: requirements/bench.txt requirements/pip.txt
	@[ -n "$(PYTHON)" ] || { echo "The functions run on Python 3.13: install it." >&2; exit 1; }
	@$(call make_venv,.venv-bench)
	@.venv-bench/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@

.venv-real/real.stamp: requirements/real.txt requirements/pip.txt pyproject.toml
	@$(call make_venv,.venv-real)
	@echo "Installing LiteLLM and the vendors' SDKs into .venv-real (once; two minutes)"
	@.venv-real/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/real.txt
	@.venv-real/bin/python -m pip $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv-browser/browser.stamp: requirements/browser.txt .venv/dev.stamp
	@echo "Installing Selenium into .venv-browser (once)"
	@$(BIN)/python -m pip $(PIP_INSTALL) --require-hashes --no-deps --upgrade --target .venv-browser -r requirements/browser.txt
	@touch $@

.venv-policy/policy.stamp: requirements/policy.txt requirements/pip.txt
	@$(call make_venv,.venv-policy)
	@echo "Installing the policy checks into .venv-policy (once; about a minute)"
	@.venv-policy/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/policy.txt
	@touch $@

.venv-clients/clients.stamp: requirements/clients.txt requirements/pip.txt
	@$(call make_venv,.venv-clients)
	@echo "Installing a generator of Python clients into .venv-clients (once)"
	@.venv-clients/bin/python -m pip $(PIP_INSTALL) --require-hashes -r requirements/clients.txt
	@touch $@

# The layer and the MCP function are resolved for the platform that they run on; the others for every Python from 3.11 on, at
# the layer's versions. The MCP function omits what the layer has, and what its library needs only as a client.
MCP_UNUSED := attrs jsonschema jsonschema-specifications pyjwt referencing rpds-py
COMPILE = $(BIN)/uv pip compile --no-config --quiet --generate-hashes --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)
requirements: .venv/dev.stamp
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 requirements/layer.in -o layers/shared/requirements.txt
	$(COMPILE) --universal --python-version 3.11 -c layers/shared/requirements.txt requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --universal --python-version 3.11 -c requirements/dev.txt requirements/local.in -o requirements/local.txt
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 -c requirements/dev.txt \
	  $(addprefix --no-emit-package ,$(MCP_UNUSED)) $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' layers/shared/requirements.txt) \
	  requirements/mcp.in -o functions/mcp/requirements.txt
	$(COMPILE) --universal --python-version 3.11 -c requirements/dev.txt requirements/browser.in -o requirements/browser.txt
	$(COMPILE) --universal --python-version 3.11 requirements/sam.in -o requirements/sam.txt
	$(COMPILE) --universal --python-version 3.11 requirements/real.in -o requirements/real.txt
	$(COMPILE) --universal --python-version 3.11 requirements/policy.in -o requirements/policy.txt
	$(COMPILE) --universal --python-version 3.11 requirements/clients.in -o requirements/clients.txt
	$(COMPILE) --universal --python-version 3.13 requirements/bench.in -o requirements/bench.txt
	$(COMPILE) --universal --python-version 3.11 requirements/pip.in -o requirements/pip.txt

clean:
	rm -rf .venv .venv-sam .venv-policy .venv-bench .venv-clients .venv-real .venv-browser .aws-sam dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf tests/console/node_modules tests/clients/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
