"""Leaks: canary credentials go through every path, good and bad, and are then looked for in everything that came out.

The real functions over HTTP, moto below botocore, the emulator behind httpx2, and every logger's records at DEBUG. It
can fail: the last tests turn the libraries' own logs on and find what they hold; so does logging `event` in
`edge/endpoint.py` (the records), or keeping `content` in the idempotency record in place of its digest (the items).
"""

from __future__ import annotations

import base64
import contextlib
import copy
import importlib
import io
import json
import logging
import pickle
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import httpx2
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import EndpointConnectionError

from functions.resolve_credential.app import handler as resolve_credential
from local.aws import LocalDependencies
from local.background import in_background
from local.stack import running_stack
from local.vendors.cases import CASES
from local.vendors.keys import fake_key
from providers.adapters.metrics import EmfMetrics
from providers.edge import logs
from providers.ports import TamperedCredential
from providers.usecases.resolve import resolve
from providers_contract.vendors import NAMES, facts
from providers_data_plane import CredentialError, Credentials, Settings, Unavailable
from tests.kit.figures import Figure
from tests.kit.leaks import Evidence, forms, of_error, of_item, of_record, pieces
from tests.local.conftest import PATIENT, Api

SETTINGS: Final = PATIENT | {"RATE_LIMIT_PER_MINUTE": "100000"}
FIRST: Final = 8_231_654_907_000
"""Canaries are keys that the emulator plays a case for, with digits that nothing else has."""
VENDOR_CASES: Final = {name: "valid echo" for name in NAMES if not facts(name).base_url_required} | {
    "openai": "valid invalid rate-limited server-500 slow drop garbage html redirect echo",
    "google": "valid invalid echo",
    "bedrock": "valid valid-session invalid echo",
    "anthropic": "valid invalid echo",
}
EDGES: Final = {
    "providers.edge.shell": "to_client_error",
    "providers.edge.authorizer": "where",
    "providers.edge.background": "where",
}
"""The functions to which each edge passes an error that is logged."""
QUIET: Final = ("botocore", "boto3", "urllib3", "httpx2", "httpcore2")


class Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


class Aws:
    """Between botocore and moto: records requests and unwrapped keys, and injects faults.

    Attributes:
        faults: by operation, the results of its next requests: a response, or an error to raise.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.faults: dict[str, AWSResponse | Exception] = {}

    def watch(self, client: Any) -> Any:
        """Return the client, with its calls recorded."""
        client.meta.events.register_first("before-send", self._sent)
        client.meta.events.register("after-call.kms.Decrypt", self._unwrapped)
        return client

    def _sent(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        body = request.body.decode("latin-1") if isinstance(request.body, bytes) else str(request.body)
        self._evidence.aws_requests.append(f"{request.method} {request.url} {dict(request.headers)} {body}")
        fault = self.faults.get(event_name.rpartition(".")[2])
        if isinstance(fault, Exception):
            raise fault
        return fault

    def _unwrapped(self, parsed: Any, **_: Any) -> None:
        if "Plaintext" in parsed:
            self._evidence.data_keys.add(parsed["Plaintext"])


def failure(text: str) -> AWSResponse:
    """Return a 500 of AWS with the message `text`."""
    body = json.dumps({"__type": "InternalServerError", "message": text}).encode()
    headers = HeadersDict({"x-amzn-ErrorType": text})
    return AWSResponse("https://aws.example", 500, headers, Raw(body))  # type: ignore[arg-type]


def unreachable(text: str) -> Exception:
    """Return the error of a failed connection to the address `text`."""
    return EndpointConnectionError(endpoint_url=text)


class Journey:
    """Sends canaries, and keeps every response."""

    def __init__(self, api: Api, evidence: Evidence, aws: Aws) -> None:
        self.api = api
        self.evidence = evidence
        self.aws = aws
        self._serial = FIRST

    def canary(self, vendor: str = "openai", case: str = "valid") -> str:
        """Return a new canary."""
        self._serial += 10_007
        key = fake_key(vendor, case, self._serial if vendor != "bedrock" else self._serial % 900_000)
        self.evidence.canaries.add(key)
        return key

    def caller(self, org: str) -> Api:
        """Return a caller with a management key, which is a canary too."""
        caller = self.api.another(org)
        self.evidence.canaries.add(caller.key.rpartition("_")[2])
        return caller

    def seen(self, response: httpx2.Response) -> httpx2.Response:
        """Record the response, and return it."""
        line = f"{response.status_code} {response.reason_phrase} {response.headers.multi_items()}"
        self.evidence.responses.append(f"{line} {response.content.decode('latin-1')}")
        return response

    def vendors(self) -> None:
        """Add, rotate to and retry accepted, limited, refused and indeterminate keys."""
        caller = self.caller("org_vendors")
        for vendor, cases in VENDOR_CASES.items():
            assert set(cases.split()) <= {case.slug for case in CASES[vendor]}
            for case in cases.split():
                key, name = self.canary(vendor, case), f"{vendor} {case}"
                added = self.seen(caller.add(key, vendor, name=name, on_unavailable="store_pending"))
                if added.status_code < 300:
                    path = f"/providers/{added.json()['data']['id']}"
                    self.seen(caller.call("PATCH", path, {"api_key": key}))
                    self.seen(caller.call("GET", path))
                    self.seen(caller.add(key, vendor, name=name))
                if case in ("valid", "invalid"):
                    headers = {"idempotency_key": f"once-{vendor}-{case}"}
                    body = {"vendor": vendor, "name": f"{name} once", "api_key": self.canary(vendor, case)}
                    for _ in range(2):
                        self.seen(caller.call("POST", "/providers", body, **headers))
                    body["api_key"] = self.canary(vendor, case)
                    self.seen(caller.call("POST", "/providers", body, **headers))
        self.seen(caller.call("GET", "/providers?limit=100"))

    def misplaced(self) -> None:
        """Send keys in the wrong places: in other members and as their names, in paths, queries and headers."""
        caller, key = self.caller("org_misplaced"), self.canary()
        odd: list[Any] = [f'"{key}"', f"\u201c{key}\u201d", f"{key[:30]}\n{key[30:]}", f"{key}\0", f"Bearer {key}"]
        odd += [[key], {key: key}, {"value": key}]
        for value in odd:
            self.seen(caller.add(value))
        wrong: list[dict[str, Any]] = [
            {"vendor": key},
            {"name": key + "x" * 80},
            {"name": [key]},
            {"on_unavailable": key},
        ]
        wrong += [{"key_expires_at": key}, {key: key}, {"base_url": {key: key}}, {"name": f"\0{key}"}]
        hosts = "https://user:{}@api.openai.com/v1 https://{}@api.openai.com/v1 https://api.openai.com/v1/{}"
        hosts += " https://api.openai.com/v1?key={} https://api.openai.com/v1#{} https://{}.example http://{} {}"
        wrong += [{"base_url": each.replace("{}", key)} for each in hosts.split()]
        wrong.append({"base_url": f"http://127.0.0.1:1/{key}"})
        for members in wrong:
            self.seen(caller.add(self.canary(), **members))
            self.seen(caller.call("PATCH", "/providers/prov_01ARZ3NDEKTSV4RRFFQ69G5FAV", members))
        bodies: list[Any] = [None, key, [key], {key: key}, {"vendor": "openai", "provider_id": key}]
        for members in bodies:
            for method, path in (("POST", "/providers"), ("POST", "/uploads"), ("PUT", f"/routing-configs/{key}")):
                self.seen(caller.call(method, path, members))
        self.seen(caller.call("PUT", "/routing-configs/main", {"strategy": key, "attempts": [{"provider_id": key}]}))
        for path in ("", "/versions", "/health", "/rollback", "/nothing"):
            for method in ("GET", "POST", "PATCH", "DELETE"):
                self.seen(caller.call(method, f"/providers/{key}{path}"))
        for path in (f"/{key}", f"/uploads/{key}", f"/audit?cursor={key}", f"/providers?{key}={key}"):
            self.seen(caller.call("GET", path))
        for query in ("cursor", "limit", "status", "vendor", "dry_run"):
            self.seen(caller.call("GET", f"/providers?{query}={key}"))
        for header in ("if_none_match", "if_match", "x_request_id", "user_agent", "accept", "idempotency_key"):
            self.seen(caller.call("GET", "/providers", **{header: key}))
            self.seen(caller.call("POST", "/providers", {"api_key": key}, **{header: key}))
        for value in (key, f"Bearer {key}", f"Basic {key}", f"Bearer {caller.key} {key}", f"Bearer {caller.key[:-1]}"):
            self.seen(self.api.client.get("/manage/v1/providers", headers={"authorization": value}))
        headers = {"authorization": f"Bearer {caller.key}", "content-type": "application/json"}
        broken = ['{"api_key": "{}"', '{"api_key": "{}", "api_key": "{}"}', '"{}"', "{}", '["{}"]', '{"{}": NaN}']
        broken += ["[" * 5_000 + key, json.dumps({"api_key": key, "name": "x" * 400_000}), "\ud800".join([key, key])]
        for text in broken:
            content = text.replace("{}", key).encode(errors="surrogatepass")
            self.seen(self.api.client.post("/manage/v1/providers", content=content, headers=headers))
            self.seen(self.api.client.post("/mcp", content=content, headers=headers))
        wrong_type = headers | {"content-type": key}
        self.seen(self.api.client.post("/manage/v1/providers", content=b"{}", headers=wrong_type))

    def tools(self) -> None:
        """Send keys as arguments of the MCP server's tools."""
        caller, key = self.caller("org_tools"), self.canary()
        headers = {"authorization": f"Bearer {caller.key}", "accept": "application/json, text/event-stream"}
        good = {"vendor": "openai", "name": "By a tool", "api_key": key}
        bad = {"vendor": key, "name": [key], "api_key": {key: key}, key: key}
        for name, arguments in (("add_provider", good), ("add_provider", bad), (key, {}), ("get_provider", bad)):
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
            message["params"] = {"name": name, "arguments": arguments}
            self.seen(self.api.client.post("/mcp", json=message, headers=headers))

    def uploads(self) -> None:
        """Use an upload link as a person and as a program; its token is a canary too."""
        caller = self.caller("org_uploads")
        wanted = {"vendor": "openai", "name": "Entered"}
        for accept in ("text/html", "application/json"):
            made = caller.call("POST", "/uploads", wanted | {"name": accept}, idempotency_key=accept)
            url = made.json()["data"]["url"]
            again = caller.call("POST", "/uploads", wanted | {"name": accept}, idempotency_key=accept)
            assert again.json()["data"]["url"] == url
            self.evidence.links.add(url.rpartition("_")[2])
            self.evidence.handed_over += [f"{each.headers.multi_items()} {each.text}" for each in (made, again)]
            headers = {"accept": accept}
            self.seen(self.api.client.get(url, headers=headers))
            fields: list[dict[str, Any]] = [
                {"api_key": [self.canary(), self.canary()]},
                {self.canary(): "x"},
                {"api_key": ""},
            ]
            fields += [{"api_key": f"\u201c{self.canary()}"}, {"api_key": self.canary(case="invalid")}]
            fields += [{"api_key": self.canary(case="drop")}, {"api_key": self.canary()}, {"api_key": self.canary()}]
            for data in fields:
                self.seen(self.api.client.post(url, data=data, headers=headers))
            for method, address in (("GET", url), ("PUT", url), ("GET", f"{url}/x"), ("GET", f"{url}0")):
                self.seen(self.api.client.request(method, address, headers=headers))
            self.seen(self.api.client.post(url, json={"api_key": self.canary()}, headers=headers))

    def faults(self) -> None:
        """Make AWS, and unexpected code, fail with messages that contain the key."""
        failures: list[tuple[str, Callable[[str], AWSResponse | Exception]]] = [
            ("TransactWriteItems", failure),
            ("Decrypt", unreachable),
            ("TransactWriteItems", RuntimeError),
            ("GetItem", RuntimeError),
        ]
        for number, (operation, fault) in enumerate(failures):
            caller, key = self.caller(f"org_fault_{number}"), self.canary()
            self.aws.faults[operation] = fault(key)
            body = {"vendor": "openai", "name": "Unlucky", "api_key": key}
            response = self.seen(caller.call("POST", "/providers", body, idempotency_key=f"fault-{number}"))
            assert response.status_code >= 500, response.text
            self.aws.faults.clear()

    def life(self) -> None:
        """Rotate, roll back, resolve, probe, tamper with and delete providers."""
        caller = self.caller("org_life")
        provider = caller.added(self.canary())
        path = f"/providers/{provider['id']}"
        calls: list[Callable[[], httpx2.Response]] = [
            lambda: caller.rotate(provider["id"], self.canary()),
            lambda: caller.rotate(provider["id"], self.canary(case="invalid")),
            lambda: caller.call("POST", f"{path}/rollback"),
            lambda: caller.call("GET", f"{path}/versions"),
            lambda: self.api.client.post("/_local/sweep", json={}),
            lambda: caller.call("GET", f"{path}/health"),
        ]
        for call in calls:
            assert self.seen(call()).status_code in (200, 422)
        ports = self.api.stack.ports
        opened = resolve(ports, "org_life", provider["id"])
        self.evidence.messages.append(f"{opened} {opened!r}")
        place: dict[str, Any] = {"PK": {"S": f"ORG#org_life#PROV#{provider['id']}"}, "SK": {"S": "V#00000003"}}
        row = ports.dynamodb.get_item(TableName="SecretsTable", Key=place)["Item"]
        first = ports.dynamodb.get_item(TableName="SecretsTable", Key=place | {"SK": {"S": "V#00000001"}})["Item"]
        ports.dynamodb.put_item(TableName="SecretsTable", Item=first | place)
        with pytest.raises(TamperedCredential) as caught:
            resolve(ports, "org_life", provider["id"])
        self.evidence.errors.append(caught.value)
        self.seen(self.api.client.post("/_local/sweep", json={}))
        self.seen(caller.call("POST", f"{path}/rollback", {"version": 3}))
        ports.dynamodb.put_item(TableName="SecretsTable", Item=row)
        self.seen(self.api.client.post("/_local/sweep", json={}))
        self.altered(caller, "org_life", provider["id"])
        for each in (f"{path}?dry_run=true", path, path):
            self.seen(caller.call("DELETE", each))
        self.seen(caller.call("GET", "/audit"))

    def data_plane(self) -> None:
        """Use, report, fail to read and fail to serialize credentials in a data plane, and by `resolve_credential`."""
        caller = self.caller("org_plane")
        provider = caller.added(self.canary(), name="Used")
        ports = self.api.stack.ports
        own = ports.settings
        settings = Settings(own.main_table, own.secrets_table, own.kms_key_id, 3600, 0, "org_plane", own.queue_url)
        credentials = Credentials(settings, client=ports.client)
        for reference in (provider["id"], "Used"):
            use = credentials.use(reference)
            with use as credential:
                assert credential.report(401)
                assert credential.api_key in self.evidence.canaries
                shown = (credentials, use, credential, credential.secret, credential._held, settings)
                self.evidence.messages += [f"{each} {each!r}" for each in shown]
                for each in (pickle.dumps, copy.copy, copy.deepcopy):
                    for serialized in (credential, credential.secret, credentials):
                        with pytest.raises(TypeError) as refused:
                            each(serialized)
                        self.evidence.errors.append(refused.value)
        self.evidence.messages += [repr(entry) for entry in credentials._cache._entries.values()]
        with contextlib.suppress(ConnectionError), credentials.use("Used") as credential:
            raise ConnectionError
        for reference in ("Missing", self.canary(), "prov_01ARZ3NDEKTSV4RRFFQ69G5FAV"):
            self._refused(credentials, reference)
        for operation in ("GetItem", "Decrypt"):
            key = self.canary()
            fresh = Credentials(replace(settings, grace_s=0), client=ports.client)
            self.aws.faults[operation] = failure(key)
            with pytest.raises(Unavailable) as caught, fresh.use(provider["id"]):
                pass
            self.evidence.messages.append(f"{caught.value} {caught.value!r}")  # its context is what this test made
            self.aws.faults.clear()
            fresh.close()
        payloads: list[Any] = [{"org": "org_plane", "provider": each} for each in ("Used", "Missing", self.canary())]
        payloads += [self.canary(), {"org": self.canary(), "provider": "Used"}, {"provider": [self.canary()]}]
        for payload in payloads:
            response = resolve_credential(payload, None)
            if "error" in response:
                self.evidence.messages.append(json.dumps(response))
            else:
                assert response["data"].pop("secret") in self.evidence.canaries
                self.evidence.messages.append(json.dumps(response))
        assert caller.call("PATCH", f"/providers/{provider['id']}", {"status": "disabled"}).status_code == 200
        self._refused(credentials, "Used")
        credentials.close()

    def _refused(self, credentials: Credentials, reference: str) -> None:
        with pytest.raises(CredentialError) as caught, credentials.use(reference):
            pass
        self.evidence.errors.append(caught.value)

    def altered(self, caller: Api, org: str, provider_id: str) -> None:
        """Change the provider item so that the stored key would go elsewhere; restore it at the end."""
        ports = self.api.stack.ports
        place: dict[str, Any] = {"PK": {"S": f"ORG#{org}"}, "SK": {"S": f"PROV#{provider_id}"}}
        item = ports.dynamodb.get_item(TableName="MainTable", Key=place)["Item"]
        elsewhere = copy.deepcopy(item)
        for version in elsewhere["versions"]["L"]:
            version["M"]["base_url"] = {"S": "https://eu.api.openai.com/v1"}
        for alteration in (item | {"vendor": {"S": "groq"}}, elsewhere):
            ports.dynamodb.put_item(TableName="MainTable", Item=alteration)
            with pytest.raises(TamperedCredential) as caught:
                resolve(ports, org, provider_id)
            self.evidence.errors.append(caught.value)
            self.seen(self.api.client.post("/_local/sweep", json={}))
            self.seen(caller.call("POST", f"/providers/{provider_id}/rollback"))
        ports.dynamodb.put_item(TableName="MainTable", Item=item)


@contextlib.contextmanager
def listening(evidence: Evidence) -> Iterator[None]:
    """Record all loggers, at the levels of LogLevel=DEBUG."""
    with pytest.MonkeyPatch.context() as patch:
        handle = logging.Logger.handle

        def kept(logger: logging.Logger, record: logging.LogRecord) -> None:
            evidence.records.append(record)
            handle(logger, record)

        patch.setattr(logging.Logger, "handle", kept)
        moto = logging.getLogger("moto")  # plays AWS, and logs every step of an expression at DEBUG
        loggers: list[Any] = [logging.getLogger(), logs.logger, moto]
        levels = [logger.level if isinstance(logger, logging.Logger) else logger.log_level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.WARNING if logger is moto else logging.DEBUG)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def talkative() -> Iterator[None]:
    """Let the libraries log at the root logger's level."""
    levels = {logging.getLogger(library): logging.getLogger(library).level for library in QUIET}
    for logger in levels:
        logger.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


@contextlib.contextmanager
def journey() -> Iterator[Journey]:
    """Send all canaries through a stack, and record all its output."""
    evidence, printed = Evidence(), io.StringIO()
    aws = Aws(evidence)
    client = LocalDependencies.client
    with contextlib.ExitStack() as closing:
        patch = closing.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(LocalDependencies, "client", lambda ports, service: aws.watch(client(ports, service)))
        patch.setattr(LocalDependencies, "metrics", EmfMetrics("leaks"))  # as on AWS: this stack writes none otherwise
        for module, name in EDGES.items():
            patch.setattr(f"{module}.{name}", keeping(getattr(importlib.import_module(module), name), evidence, aws))
        for handler in logs.logger.handlers:
            patch.setattr(handler, "stream", printed)
        closing.enter_context(contextlib.redirect_stdout(printed))
        closing.enter_context(contextlib.redirect_stderr(printed))
        closing.enter_context(listening(evidence))
        console = evidence.printed.append
        stack = closing.enter_context(in_background(running_stack(settings=SETTINGS, log=console)))
        stack.ports.verifier.deadline_s = stack.ports.verifier.probe_deadline_s = 1
        http = closing.enter_context(httpx2.Client(base_url=stack.url, trust_env=False, timeout=30))
        evidence.canaries.add(stack.management_key.reveal().rpartition("_")[2])
        yield Journey(Api(stack, http, stack.management_key.reveal()), evidence, aws)
        evidence.printed.append(printed.getvalue())


def keeping(handed_to: Callable[..., Any], evidence: Evidence, aws: Aws) -> Callable[..., Any]:
    """Record each error passed to `handed_to`, except those into which this test put the key."""

    def kept(error: Exception, *rest: Any) -> Any:
        if not aws.faults:
            evidence.errors.append(error)
        return handed_to(error, *rest)

    return kept


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Return the evidence of the whole journey."""
    with journey() as going:
        for part in (
            going.vendors,
            going.misplaced,
            going.tools,
            going.uploads,
            going.faults,
            going.data_plane,
            going.life,
        ):
            part()
        dynamodb = going.api.stack.ports.dynamodb
        for table in dynamodb.list_tables()["TableNames"]:
            going.evidence.items += [of_item(item) for item in dynamodb.scan(TableName=table)["Items"]]
    return going.evidence


PLACES: Final[dict[str, Callable[[Evidence], list[str]]]] = {
    "answers": lambda evidence: evidence.responses,
    "AWS requests, with those that queue and publish": lambda evidence: evidence.aws_requests,
    "items of every table": lambda evidence: evidence.items,
    "log records": lambda evidence: [text for record in evidence.records for text in of_record(record)],
    "errors": lambda evidence: [text for error in evidence.errors for text in of_error(error)],
    "the console": lambda evidence: evidence.printed,
    "metrics": lambda evidence: [line for line in "\n".join(evidence.printed).splitlines() if '"_aws"' in line],
    "reprs": lambda evidence: evidence.messages,
}


@pytest.mark.prove
def test_the_canaries_have_been_everywhere(evidence: Evidence) -> None:
    """The run had every kind of response, called every service, and left no place empty."""
    statuses = {int(response[:3]) for response in evidence.responses}
    assert statuses >= {200, 201, 202, 400, 401, 404, 409, 413, 415, 422, 500, 502, 503, 504}
    requests = "\n".join(evidence.aws_requests)
    for operation in ("TransactWriteItems", "SendMessageBatch", "PutEvents", "Decrypt", "GenerateDataKey"):
        assert f".{operation}" in requests
    assert [place for place in PLACES if not PLACES[place](evidence)] == []
    assert {type(error).__name__ for error in evidence.errors} >= {
        "TamperedCredential",
        "Unprocessable",
        "NotFound",
        "ProviderNotFound",
        "ProviderDisabled",
    }
    assert len(evidence.data_keys) > 3
    assert len(evidence.links) == 2


@pytest.mark.prove
@pytest.mark.parametrize("place", PLACES)
def test_no_canary_gets_out(evidence: Evidence, place: str, figure: Figure) -> None:
    """No credential, management key, link token or data key appears in any form."""
    texts = PLACES[place](evidence)
    figure("Leaks", "places searched for a canary in its forms", len(texts))
    assert texts
    assert evidence.found(texts) == []


@pytest.mark.prove
def test_a_link_is_handed_over_with_nothing_else(evidence: Evidence) -> None:
    """The response that creates a link, and its replay, contain only the link."""
    assert evidence.found(evidence.handed_over, links=False) == []
    assert evidence.found(evidence.handed_over)


def test_the_functions_level_does_not_turn_the_libraries_on() -> None:
    """Lambda gives the root logger the stack's LogLevel. At DEBUG, the libraries' logs would hold a data key (KMS's
    response) and a credential (a vendor's header that repeats it): with their levels taken away, they do."""
    with journey() as going:
        held = going.evidence

        def talk(org: str) -> set[str]:
            caller = going.caller(org)
            caller.add(going.canary())
            caller.add(going.canary(case="echo"))
            assert held.data_keys
            return {needle for needle, _ in held.found(PLACES["log records"](held))}

        assert talk("org_quiet") == set()
        assert {record.name.partition(".")[0] for record in held.records}.isdisjoint(QUIET)
        with talkative():
            found = talk("org_talkative")
        assert found & {form for each in held.data_keys for form in forms(each)}
        assert found & {form for key in held.canaries for each in pieces(key) for form in forms(each.encode())}


@pytest.mark.parametrize("before", ["", "x", "xy"])
@pytest.mark.parametrize("key", [fake_key(vendor, "valid", 8_231) for vendor in VENDOR_CASES])
def test_the_search_finds_every_form(key: str, before: str) -> None:
    """The search finds a key in any form, alone or inside a longer encoded text, whole or truncated."""
    held = Evidence(canaries={key})
    secret = key.split("::")[1] if "::" in key else key
    for part in (secret, secret[:24], secret[-18:]):
        text = f"{before}{part}"
        for encoded in (
            text,
            text[::-1],
            text.encode().hex(),
            base64.b64encode(text.encode()).decode(),
            base64.urlsafe_b64encode(text.encode()).decode(),
            urllib.parse.quote(text, safe=""),
        ):
            assert held.found(["nothing", f"and {encoded} there"]), encoded
    assert held.found(["nothing", key[:8], key[-4:]]) == []
