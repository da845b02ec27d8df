"""Fuzz the running stack from its own OpenAPI description, as two organizations.

`make test` sends a hundred, `make prove` 2,000. With that many, the first rounds also try every bound and every kind of
a wrong value that the description's schemas have, which is some 400 requests an organization.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER
from schemathesis.schemas import BaseSchema

from local.background import in_background
from local.stack import Stack, running_stack
from local.vendors.keys import fake_key
from providers import vendors
from providers.edge import logs
from tests.kit.description import document, operations, resolved
from tests.kit.figures import SOAK, Figure
from tests.local.conftest import PATIENT, Api

CASES = [pytest.param(100), pytest.param(20_000 if SOAK else 2_000, marks=pytest.mark.prove)]
THOROUGH = 1_000
AZURE = "https://fake.openai.azure.com"
KEYS = ("valid", "valid", "valid", "rate-limited", "invalid", "server-500")
"""The case that the emulator plays for most credentials; it would refuse random ones."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack without rate limits and with a short vendor deadline."""
    with in_background(running_stack(settings=PATIENT | {"RATE_LIMIT_PER_MINUTE": "1000000"})) as running:
        running.ports.verifier.deadline_s = 2
        yield running


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Disable logs: a line for each request would take as long as the request."""
    before = logs.logger.log_level
    logs.logger.setLevel("CRITICAL")
    yield
    logs.logger.setLevel(before)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable DNS and proxies: made-up hosts are unknown."""
    real = socket.getaddrinfo

    def local_only(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("127.0.0.1", "::1", "localhost", b"127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "DNS is disabled in this test")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", local_only)
    monkeypatch.setenv("NO_PROXY", "*")


@dataclass
class Tenant:
    """An organization with resources that carry its mark."""

    api: Api
    marks: set[str]
    provider_ids: list[str]

    def everything(self) -> Any:
        """Return all of its resources, as it sees them."""
        paths = ("/providers?limit=100", "/routing-configs?limit=100", "/audit?limit=100")
        return [self.api.call("GET", path).json()["data"] for path in paths]


@pytest.fixture
def tenants(stack: Stack, http: httpx2.Client, request: pytest.FixtureRequest) -> list[Tenant]:
    """Return two organizations, each with two providers and a routing config."""
    found = []
    for number, name in enumerate(("ORCHID", "WALNUT")):
        api = Api(stack, http, stack.mint(f"org_{name}_{request.node.name}").reveal())
        secrets = [fake_key("openai", "valid", 9_000 + 10 * number + each) for each in range(2)]
        ids = [api.added(secret, name=f"{name} {secret[-4:]}")["id"] for secret in secrets]
        for number_of, provider_id in enumerate(ids):
            assert api.rotate(provider_id, fake_key("openai", "valid", 9_100 + 10 * number + number_of)).is_success
        attempts = [{"provider_id": ids[0], "model": f"{name}-model"}]
        slug = f"@{name.lower()}"
        assert api.call("PUT", f"/routing-configs/{slug}", {"strategy": "single", "attempts": attempts}).is_success
        found.append(Tenant(api, {name, slug, *ids}, ids))
    return found


@dataclass
class Findings:
    """The results of a run."""

    sent: int = 0
    responses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)
    successes: set[str] = field(default_factory=set)

    def note(self, recorder: ScenarioRecorder, marks: set[str]) -> None:
        """Record one scenario: its failed checks, and every response."""
        self.sent += len(recorder.interactions)
        for checks in recorder.checks.values():
            for each in checks:
                if each.failure_info:
                    failure = each.failure_info.failure
                    self.faults.append(
                        f"{each.name}: {failure.title}: {failure.message}\n{each.failure_info.code_sample}"
                    )
        for case_id, interaction in recorder.interactions.items():
            response = interaction.response
            if response is None:
                self.faults.append(f"no response to {interaction.request.method} {interaction.request.uri}")
                continue
            self.responses[response.status_code] += 1
            operation = recorder.cases[case_id].value.operation
            requested = f"{interaction.request.method} {operation.path}"
            self.requested.add(requested)
            if response.status_code < 300:
                self.successes.add(requested)
            text = f"{response.headers} {response.content.decode()}"
            self.faults += [f"{mark} in the response to {requested}" for mark in marks if mark in text]
            self.faults += undescribed(requested, response.status_code, response.content)


def undescribed(requested: str, status: int, content: bytes) -> list[str]:
    """Return the faults of an error response: the operation must list its code under its status."""
    if status < 400:
        return []
    method, _, path = requested.partition(" ")
    operation = document()["paths"][path].get(method.lower())
    error = json.loads(content)["error"] if content else {"code": "method_not_allowed"}  # HEAD has no body
    if operation is None:
        known = ["route_not_found", "method_not_allowed", "missing_api_key", "invalid_api_key", "rate_limited"]
    else:
        known = resolved(operation["responses"].get(str(status), {})).get("x-error-codes", [])
    return [] if error["code"] in known else [f"{requested} responds {status} {error['code']}"]


def described(stack: Stack, tenant: Tenant, seed: int, examples: int, **given: Any) -> BaseSchema:
    """Return the stack's own description as a schema for schemathesis, with one organization's key."""
    config = {
        "base-url": stack.url,
        "seed": seed,
        "continue-on-failure": True,
        "headers": {"Authorization": f"Bearer {tenant.api.key}"},
        "generation": {"max-examples": examples, "database": "none"},
        "checks": {
            # An unknown method is an unknown route here (404); see the test of methods.
            "unsupported_method": {"enabled": False},
            # With this configuration, a request "without" the key still has it; `ignored_auth` tests that properly.
            "missing_required_header": {"enabled": False},
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "502", "504"]},
            # A schema cannot say if a credential, a host or an id is valid.
            "positive_data_acceptance": {"enabled": False},
        },
    }
    return schemathesis.openapi.from_url(
        f"{stack.url}/manage/v1/openapi.json", config=SchemathesisConfig.from_dict(config | given)
    )


@contextmanager
def aimed(own: Tenant, other: Tenant) -> Iterator[None]:
    """Replace generated credentials with ones that the emulator knows, and generated ids with existing ones."""
    serials = itertools.count(100)

    def before_call(_: Any, case: Any, **__: Any) -> None:
        body = case.body
        serial = next(serials)
        if serial % 2 and "provider_id" in (case.path_parameters or {}):  # half of the changes can succeed
            case.headers.pop("If-Match", None)
            case.headers.pop("Idempotency-Key", None)
            if case.method == "PATCH" and isinstance(body, dict) and len(body) > 1:
                case.body = body = dict(list(body.items())[: 1 + serial % 3])
            given = str(case.path_parameters["provider_id"])
            if given.startswith("prov_") and given not in other.provider_ids and case.method in ("PATCH", "POST"):
                case.path_parameters["provider_id"] = own.provider_ids[serial // 2 % 2]
            if case.operation.path.endswith("/rollback") and isinstance(body, dict):
                case.body = body = {}
        if not isinstance(body, dict):
            return
        vendor = body.get("vendor", "openai")
        if isinstance(body.get("api_key"), str) and vendor in vendors.NAMES and len(body["api_key"]) > 3:
            drawn = KEYS[hashlib.sha256(body["api_key"].encode()).digest()[0] % len(KEYS)]
            if drawn == "valid" or vendor == "openai":
                case.body = body = body | {"api_key": fake_key(vendor, drawn, serial % 9_000)}
            if vendor == "azure" and body.get("base_url"):
                case.body = body = body | {"base_url": AZURE}
        ids = itertools.cycle([*own.provider_ids, *own.provider_ids, *other.provider_ids])
        attempts = body.get("attempts")
        if isinstance(attempts, list) and attempts and all(isinstance(each, dict) for each in attempts):
            start = serial % 3
            chosen = list(itertools.islice(ids, start, start + len(attempts)))
            case.body = body | {
                "attempts": [
                    each | {"provider_id": found} if str(each.get("provider_id", "")).startswith("prov_") else each
                    for each, found in zip(attempts, chosen, strict=True)
                ]
            }

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)


def tried(schema: BaseSchema, marks: set[str], findings: Findings) -> None:
    """Run all phases, and record the results."""
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            findings.note(event.recorder, marks)
        elif isinstance(event, events.NonFatalError):
            findings.faults.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception


@pytest.mark.parametrize("cases", CASES)
@pytest.mark.usefixtures("network")
def test_the_api_is_as_it_is_described(stack: Stack, tenants: list[Tenant], figure: Figure, cases: int) -> None:
    """Every response has a described status, type, headers and body, and nothing of the other organization."""
    findings = Findings()
    for number in itertools.count():
        own, other = tenants if number % 2 == 0 else tenants[::-1]
        first = number < 2  # examples and bounds are the same each time
        phases = {
            "examples": {"enabled": first},
            "coverage": {"enabled": first and cases >= THOROUGH, "generate-duplicate-query-parameters": True},
            "stateful": {"generation": {"max-examples": 5 if first else 20}, "max-steps": 6},
        }
        schema = described(stack, own, seed=number, examples=5 if first else 20, phases=phases)
        before = other.everything()
        with aimed(own, other):
            tried(schema, other.marks, findings)
        assert other.everything() == before
        if findings.sent >= cases or findings.faults:
            break
    figure("Fuzz", "requests made from the description, by two organizations", findings.sent)
    assert findings.faults == []
    assert {200, 201, 400, 401, 404, 422} <= findings.responses.keys()
    listed = {f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods}
    # schemathesis does not test the path of the description itself
    reached = findings.successes if cases >= THOROUGH else findings.requested
    assert listed - reached <= {"GET /manage/v1/openapi.json"}


@pytest.mark.parametrize("cases", CASES)
@pytest.mark.usefixtures("network")
def test_another_organizations_id_is_not_found(stack: Stack, tenants: list[Tenant], figure: Figure, cases: int) -> None:
    """Every operation on a provider of another organization finds nothing."""
    own, other = tenants
    before = other.everything()
    findings = Findings()
    schema = described(
        stack,
        own,
        seed=1,
        examples=max(4, cases // 100),
        parameters={"path.provider_id": other.provider_ids[0]},
        phases={"coverage": {"enabled": False}, "stateful": {"enabled": False}},
    )
    with aimed(own, other):
        tried(schema.include(path_regex="provider_id"), {"ORCHID", "WALNUT"}, findings)
    figure("Fuzz", "requests aimed at another organization's ids", findings.sent)
    assert findings.faults == []
    assert findings.responses[404] > 10
    assert not {200, 304, 409, 412} & findings.responses.keys()
    assert other.everything() == before


PATHS = sorted(document()["paths"])


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT"])
def test_other_methods_need_a_key(http: httpx2.Client, method: str) -> None:
    """Without a key, any method gets a 401; on a route that needs no key, HEAD succeeds and others get a 404."""
    for path in PATHS:
        response = http.request(method, path)
        if path.endswith(".json"):
            status, code = (200, "") if method == "HEAD" else (404, "route_not_found")
        else:
            status, code = 401, "missing_api_key"
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith("application/json")
        assert method == "HEAD" or response.json()["error"]["code"] == code


@pytest.mark.parametrize("method", ["TRACE", "QUERY", "PROPFIND"])
def test_unknown_methods_are_not_routed(http: httpx2.Client, method: str) -> None:
    """A method that API Gateway cannot route gets a 404 in the API's format."""
    for path in PATHS:
        response = http.request(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "route_not_found")


def test_every_operation_is_fuzzed() -> None:
    """The fuzzer's list of operations is the API's."""
    assert len(operations()) == sum(len(methods) for methods in document()["paths"].values())
