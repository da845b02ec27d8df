"""The API from a caller's view: real HTTP, real functions, embedded AWS, and the vendor emulator."""

from __future__ import annotations

import base64
import concurrent.futures
import gzip
import io
import json
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from local.stack import Stack
from local.vendors.cases import CASES
from local.vendors.keys import fake_key
from local.vendors.routes import own_base_url
from providers.edge import logs
from providers.model.errors import NotFound
from providers.ports import TamperedCredential
from providers.usecases.management_keys import revoke_management_key
from providers.usecases.resolve import resolve
from providers_contract.vendors import NAMES
from providers_contract.vocabulary import Scope
from tests.local.conftest import Api


def stored_key(api: Api, provider_id: str, version: int | None = None) -> str:
    """Return the key that the stack decrypts for a provider now."""
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    return resolve(api.stack.ports, key.org, provider_id, version).secret.reveal()


VENDORS = [
    *((vendor, "valid", own_base_url(vendor)) for vendor in NAMES),
    ("bedrock", "valid-session", None),
    ("bedrock", "valid-short-term", None),
]


@pytest.mark.parametrize(("vendor", "case", "base_url"), VENDORS)
def test_every_vendor_from_adding_to_deleting(api: Api, vendor: str, case: str, base_url: str | None) -> None:
    """Add, get, list, rotate and delete work for every vendor, with verification at the emulator."""
    first, second = fake_key(vendor, case, 1), fake_key(vendor, case, 2)
    before = api.stack.emulator.requests if api.stack.emulator else 0
    provider = api.added(first, vendor, base_url=base_url)
    assert api.stack.emulator is not None
    assert api.stack.emulator.requests > before
    assert (provider["status"], provider["verification"]["outcome"]) == ("active", "valid")
    path = f"/providers/{provider['id']}"
    assert api.call("GET", path).json()["data"] == provider
    assert provider in api.call("GET", "/providers").json()["data"]
    rotated = api.rotate(provider["id"], second)
    assert (rotated.status_code, rotated.json()["data"]["key_version"]) == (200, 2)
    assert (stored_key(api, provider["id"]), stored_key(api, provider["id"], 1)) == (second, first)
    assert api.call("DELETE", path).json() == {"data": {"id": provider["id"], "deleted": True}}
    assert api.call("GET", path).status_code == 404


@pytest.mark.parametrize("vendor", NAMES)
def test_a_refused_credential_is_stored_nowhere(api: Api, vendor: str) -> None:
    """POST and PATCH return 422; after the PATCH the stored key is still the old one."""
    base_url = own_base_url(vendor)
    refused = api.add(fake_key(vendor, "invalid", 7), vendor, base_url=base_url)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "credential_rejected")
    assert api.call("GET", "/providers").json()["data"] == []
    good = fake_key(vendor, "valid", 7)
    provider = api.added(good, vendor, base_url=base_url)
    patched = api.rotate(provider["id"], fake_key(vendor, "invalid", 8))
    assert (patched.status_code, patched.json()["error"]["code"]) == (422, "credential_rejected")
    assert stored_key(api, provider["id"]) == good
    assert api.call("GET", f"/providers/{provider['id']}").json()["data"] == provider
    api.call("DELETE", f"/providers/{provider['id']}")


@pytest.fixture
def impatient(stack: Stack) -> Iterator[None]:
    """Shorten the verification deadline from ten seconds to one."""
    before, stack.ports.verifier.deadline_s = stack.ports.verifier.deadline_s, 1
    yield
    stack.ports.verifier.deadline_s = before


BAD_DAYS = [
    ("slow", 504, "timeout"),
    ("drip", 504, "timeout"),
    ("drop", 502, "connection_dropped"),
    ("drop-midway", 502, "connection_dropped"),
    ("garbage", 502, "connection_dropped"),
    ("redirect", 502, "redirected"),
    ("endless", 502, "answer_too_large"),
    ("huge", 502, "answer_too_large"),
    ("bomb", 502, "unexpected_answer"),
    ("html", 502, "unexpected_answer"),
    ("deep", 502, "unexpected_answer"),
    ("teapot", 502, "unexpected_answer"),
    ("server-500", 502, "http_5xx"),
]


@pytest.mark.parametrize(("case", "status", "reason"), BAD_DAYS)
@pytest.mark.usefixtures("impatient")
def test_a_vendors_bad_day_changes_nothing(api: Api, case: str, status: int, reason: str) -> None:
    """POST stores nothing, or a `pending` provider on request; PATCH leaves the old key active."""
    bad = fake_key("openai", case, 5)
    response = api.add(bad)
    assert (response.status_code, response.json()["error"]["reason"]) == (status, reason)
    assert api.call("GET", "/providers").json()["data"] == []
    pending = api.add(bad, on_unavailable="store_pending")
    assert (pending.status_code, pending.json()["data"]["status"]) == (202, "pending")
    assert api.call("GET", "/providers?status=pending").json()["data"] == [pending.json()["data"]]
    good = fake_key("openai", "valid", 5)
    provider = api.added(good)
    assert api.rotate(provider["id"], bad).status_code == status
    assert stored_key(api, provider["id"]) == good
    for each in (provider, pending.json()["data"]):
        api.call("DELETE", f"/providers/{each['id']}")


def test_an_unreachable_vendor(api: Api) -> None:
    """A refused connection gives 502 and stores nothing."""
    response = api.add(fake_key("openai"), base_url="http://127.0.0.1:1/v1")
    assert (response.status_code, response.json()["error"]["reason"]) == (502, "connection_failed")
    assert api.call("GET", "/providers").json()["data"] == []


def test_a_limited_credential_is_stored_and_says_why(api: Api) -> None:
    """The key is replaced, and `verification` gives the reason for the limit."""
    provider = api.added(fake_key("openai", "rate-limited"))
    assert provider["verification"] | {"checked_at": ""} == {
        "outcome": "limited",
        "reason": "rate_limited",
        "checked_at": "",
    }


def test_a_key_of_another_region_is_stored_with_a_warning(api: Api) -> None:
    """The warning names the member to change and its new value."""
    response = api.add(fake_key("openai", "incorrect-hostname")).json()
    assert response["data"]["verification"]["reason"] == "wrong_region"
    (warning,) = response["warnings"]
    assert (warning["code"], "https://eu.api.openai.com/v1" in warning["message"]) == ("wrong_region", True)


GEMINI = "https://generativelanguage.googleapis.com"
OWN_HOSTS = [
    ("openai", "https://eu.api.openai.com", "https://eu.api.openai.com/v1"),
    ("google", f"{GEMINI}/v1beta/openai/", f"{GEMINI}/v1beta/openai/"),
    (
        "azure",
        "https://acme.openai.azure.us/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        "https://acme.openai.azure.us",
    ),
    ("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "https://bedrock-runtime.us-east-1.amazonaws.com"),
]


@pytest.mark.parametrize(("vendor", "base_url", "stored"), OWN_HOSTS)
def test_each_of_a_vendors_hosts_is_called(api: Api, vendor: str, base_url: str, stored: str) -> None:
    """A vendor's regional, cloud and inference hosts are accepted as pasted, and called."""
    provider = api.added(fake_key(vendor), vendor, base_url=base_url)
    assert (provider["base_url"], provider["verification"]["outcome"]) == (stored, "valid")


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1"])
def test_a_bedrock_region_of_every_partition_is_called(api: Api, region: str) -> None:
    """The request goes to the partition's own host, with a signature for it."""
    provider = api.added(fake_key("bedrock").replace("us-east-1", region), "bedrock")
    assert provider["verification"]["outcome"] == "valid"


LONGEST = [
    ("openai", "sk-proj-FAKE-EXAMPLE-".ljust(8192, "F")),
    ("anthropic", "sk-ant-api03-FAKE-EXAMPLE-".ljust(8192, "F")),
    ("bedrock", fake_key("bedrock", "valid-session").replace("::FAKE/SESSION", "::FAKE" + "F" * 8000 + "/SESSION")),
]


@pytest.mark.parametrize(("vendor", "key"), LONGEST)
def test_the_longest_credential_reaches_its_vendor(api: Api, vendor: str, key: str) -> None:
    """The vendor refuses it, and nothing on the way does."""
    assert api.add(key, vendor).json()["error"]["code"] == "credential_rejected"


def test_an_oauth_token_of_anthropics_is_good(api: Api) -> None:
    """An OAuth token is sent as a bearer token; the emulator refuses one sent as an API key, as Anthropic does."""
    provider = api.added(fake_key("anthropic", "valid-oauth"), "anthropic")
    assert provider["verification"]["outcome"] == "valid"


@pytest.mark.parametrize("round_", range(3))
def test_twenty_rotations_at_once(api: Api, round_: int) -> None:
    """Each response is 200 or 409, the active version counts the 200s, and the stored key is that version's."""
    provider = api.added(fake_key("groq", "valid", 100), "groq", name=f"Race {round_}")
    keys = [fake_key("groq", "valid", number) for number in range(200, 220)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda key: api.rotate(provider["id"], key), keys))
    assert {response.status_code for response in responses} <= {200, 409}
    won = {
        response.json()["data"]["key_version"]: key
        for response, key in zip(responses, keys, strict=True)
        if response.status_code == 200
    }
    active = api.call("GET", f"/providers/{provider['id']}").json()["data"]["key_version"]
    assert sorted(won) == list(range(2, active + 1))
    assert len(won) == sum(response.status_code == 200 for response in responses)
    assert {version: stored_key(api, provider["id"], version) for version in won} == won
    codes = {response.json()["error"]["code"] for response in responses if response.status_code == 409}
    assert codes <= {"rotation_conflict", "too_many_live_versions"}


def test_a_delete_and_an_attach_never_both_win(api: Api) -> None:
    """In twenty races, either the provider is deleted and the config refused, or both exist."""
    outcomes = set()
    for number in range(20):
        caller = api.another("org_race")
        provider = caller.added(fake_key("openai", "valid", number), name=f"Race {number}")
        body = {"strategy": "single", "attempts": [{"provider_id": provider["id"], "model": "m"}]}
        work: list[Callable[[], httpx2.Response]] = [
            lambda caller=caller, id_=provider["id"]: caller.call("DELETE", f"/providers/{id_}"),  # type: ignore[misc]
            lambda caller=caller, body=body, n=number: caller.call("PUT", f"/routing-configs/r{n}", body),  # type: ignore[misc]
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            order = work if number % 2 else work[::-1]
            responses = list(pool.map(lambda each: each(), order))
        deleted, attached = (responses if number % 2 else responses[::-1])[:2]
        outcomes.add((deleted.status_code, attached.status_code))
        exists = caller.call("GET", f"/providers/{provider['id']}").status_code == 200
        config = caller.call("GET", f"/routing-configs/r{number}").status_code == 200
        assert exists == config
    assert outcomes <= {(200, 422), (409, 201)}


def test_deleting_what_is_in_use(api: Api) -> None:
    """Deleting gives a 409 that names every config, and succeeds after they are detached."""
    provider = api.added(fake_key("openai"))
    attempts = [{"provider_id": provider["id"], "model": "gpt"}]
    for slug in ("@production", "batch"):
        made = api.call("PUT", f"/routing-configs/{slug}", {"strategy": "single", "attempts": attempts})
        assert made.status_code == 201
    for query in ("", "?dry_run=true"):
        response = api.call("DELETE", f"/providers/{provider['id']}{query}")
        assert (response.status_code, response.json()["error"]["code"]) == (409, "provider_in_use")
        assert [each["id"] for each in response.json()["error"]["references"]] == ["@production", "batch"]
    for slug in ("%40production", "batch"):
        assert api.call("DELETE", f"/routing-configs/{slug}").status_code == 200
    assert api.call("DELETE", f"/providers/{provider['id']}?dry_run=true").json()["data"]["deleted"] is False
    assert api.call("DELETE", f"/providers/{provider['id']}").status_code == 200


def test_the_old_key_finishes_and_then_is_refused(api: Api) -> None:
    """A replaced version is readable until it expires; then it is refused, even while its row exists."""
    provider = api.added(fake_key("openai", "valid", 1))
    assert api.rotate(provider["id"], fake_key("openai", "valid", 2)).status_code == 200
    assert stored_key(api, provider["id"], 1) == fake_key("openai", "valid", 1)
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    api.stack.ports.dynamodb.update_item(
        TableName="SecretsTable",
        Key={"PK": {"S": f"ORG#{key.org}#PROV#{provider['id']}"}, "SK": {"S": "V#00000001"}},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"S": "2020-01-01T00:00:00.000000+00:00"}},
    )
    with pytest.raises(NotFound):
        stored_key(api, provider["id"], 1)
    assert stored_key(api, provider["id"]) == fake_key("openai", "valid", 2)


def test_a_stored_row_that_is_copied_elsewhere_does_not_open(api: Api) -> None:
    """The same bytes do not decrypt for another provider, version or organization."""
    mine = api.added(fake_key("openai", "valid", 1))
    theirs = api.another("org_other").added(fake_key("openai", "valid", 2))
    other = api.added(fake_key("openai", "valid", 3))
    api.rotate(other["id"], fake_key("openai", "valid", 4))
    api.rotate(mine["id"], fake_key("openai", "valid", 5))
    dynamodb = api.stack.ports.dynamodb
    key = api.stack.ports.management_keys.get(api.key.split("_")[2])
    assert key is not None
    source = {"PK": {"S": f"ORG#{key.org}#PROV#{mine['id']}"}, "SK": {"S": "V#00000001"}}
    row: dict[str, Any] = dynamodb.get_item(TableName="SecretsTable", Key=source)["Item"]
    for org, provider_id, version in [
        (key.org, other["id"], 2),
        (key.org, mine["id"], 2),
        ("org_other", theirs["id"], 1),
    ]:
        place = {"PK": {"S": f"ORG#{org}#PROV#{provider_id}"}, "SK": {"S": f"V#{version:08d}"}}
        dynamodb.put_item(TableName="SecretsTable", Item=row | place)
        with pytest.raises(TamperedCredential):
            resolve(api.stack.ports, org, provider_id, version)
    assert resolve(api.stack.ports, key.org, mine["id"], 1).secret.reveal() == fake_key("openai", "valid", 1)


def test_unauthorized_callers(api: Api) -> None:
    """A missing, wrong, malformed or revoked key gets 401; a read-only key can read, and gets 403 otherwise."""
    reader = api.another("org_reader", Scope.PROVIDERS_READ)
    assert reader.call("GET", "/providers").status_code == 200
    refused = reader.add(fake_key("openai"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    bare = api.client.get("/manage/v1/providers")
    assert (bare.status_code, bare.json()["error"]["code"]) == (401, "missing_api_key")
    for wrong in (api.key[:-1] + ("0" if api.key[-1] != "0" else "1"), "mlx_mk_x", "mlx_mk_x_" + "0" * 64):
        response = Api(api.stack, api.client, wrong).call("GET", "/providers")
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
    revoke_management_key(api.stack.ports, reader.key.split("_")[2])
    assert reader.call("GET", "/providers").status_code == 401


def test_the_limit_of_a_minute(api: Api) -> None:
    """Every response counts down, and beyond sixty it is 429 with Retry-After. A new minute may begin once."""
    responses = [api.call("GET", "/providers?limit=1") for _ in range(122)]
    assert [response.headers["RateLimit-Limit"] for response in responses] == ["60"] * 122
    limited = [response for response in responses if response.status_code == 429]
    assert limited
    assert limited[0].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(limited[0].headers["Retry-After"]) <= 60
    assert limited[0].headers["RateLimit-Remaining"] == "0"
    first = int(responses[0].headers["RateLimit-Remaining"])
    assert first == 59


def test_the_gateways_own_responses(api: Api) -> None:
    """Unknown paths, unlisted methods and enormous bodies get the API's error format too."""
    for method, path, status, code in [
        ("GET", "/nothing", 404, "route_not_found"),
        ("PUT", "/providers", 405, "method_not_allowed"),
        ("GET", "/providers/a/b/c", 404, "route_not_found"),
    ]:
        response = api.call(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.json()["error"]["request_id"] == response.headers["x-amzn-RequestId"]
        assert response.headers["X-Request-Id"] == response.headers["x-amzn-RequestId"]
    for size in (1024 * 1024, 11 * 1024 * 1024):
        body = b'{"name": "' + b"x" * size + b'"}'
        headers = {"authorization": f"Bearer {api.key}", "content-type": "application/json"}
        large = api.client.post("/manage/v1/providers", content=body, headers=headers)
        assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")


def test_head_options_and_other_methods(api: Api) -> None:
    """HEAD is GET without a body; OPTIONS and a 405 list the methods in Allow; a management key is needed."""
    for path, allowed in [
        ("/providers", "GET, POST, HEAD, OPTIONS"),
        ("/providers/prov_01JFAKE0000000000000000001/rollback", "POST, OPTIONS"),
        ("/providers/prov_01JFAKE0000000000000000001/versions/1", "DELETE, OPTIONS"),
    ]:
        assert (api.call("OPTIONS", path).status_code, api.call("OPTIONS", path).headers["Allow"]) == (204, allowed)
        refused = api.call("PUT", path, {})
        assert (refused.status_code, refused.headers["Allow"]) == (405, allowed)
        assert refused.json()["error"]["code"] == "method_not_allowed"
        assert api.client.options(f"/manage/v1{path}").status_code == 401
    found, head = api.call("GET", "/providers"), api.call("HEAD", "/providers")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == found.headers["Content-Type"]
    assert api.call("HEAD", "/providers/prov_01JFAKE0000000000000000001").status_code == 404


def test_the_gateways_own_responses_have_the_rate_limit_of_a_known_key(api: Api) -> None:
    """A body that is not text is refused after the authorizer, with the caller's rate limit in the headers."""
    headers = {"authorization": f"Bearer {api.key}", "content-type": "application/json"}
    response = api.client.post("/manage/v1/providers", content=b"\xff", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed_json")
    assert (response.headers["RateLimit-Limit"], response.headers["RateLimit-Remaining"]) == ("60", "59")


@pytest.mark.parametrize("path", ["/providers/a%0Ab", "/providers/%0A", "/%0A", "/routing-configs/%0D%0A"])
def test_a_path_with_a_line_break_gets_our_shape_too(api: Api, path: str) -> None:
    """A path with a line break gets 404 in the API's format, as every unknown path."""
    response = api.call("GET", path)
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found")


def test_a_body_is_taken_as_it_was_sent(api: Api) -> None:
    """Bodies are never decompressed: gzip is not JSON, and JSON labeled as gzip is."""
    headers = {"authorization": f"Bearer {api.key}", "content-type": "application/json", "content-encoding": "gzip"}
    for body, status, code in ((gzip.compress(b"{}"), 400, "malformed_json"), (b"{}", 422, "validation_failed")):
        response = api.client.post("/manage/v1/providers", content=body, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def forms(secret: str) -> set[str]:
    """Return a secret and its encodings."""
    raw = secret.encode()
    return {
        secret,
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        urllib.parse.quote(secret, safe=""),
        raw.hex(),
        secret[::-1],
    }


def plain(item: Any) -> str:
    """Return a DynamoDB item as text, bytes both as text and in hex."""
    return json.dumps(item, default=lambda raw: raw.hex() + raw.decode("latin-1"), ensure_ascii=False)


@pytest.mark.usefixtures("impatient")
def test_nothing_of_a_credential_gets_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every path, no response, header, log line or item contains the key, except encrypted in sealed rows."""
    api.stack.ports.verifier.deadline_s = 0.3  # many of these vendors are slow, and the test waits for each
    logged = io.StringIO()
    for handler in logs.logger.handlers:
        monkeypatch.setattr(handler, "stream", logged)
    logs.logger.setLevel("DEBUG")
    wanted = {
        "valid",
        "invalid",
        "rate-limited",
        "throttled",
        "suspended",
        "server-500",
        "slow",
        "drop",
        "garbage",
        "html",
        "redirect",
        "echo",
    }
    vendors = ("openai", "google", "bedrock")
    cases = {
        fake_key(vendor, case.slug, 7_000 + number): (vendor, case.slug)
        for vendor in vendors
        for number, case in enumerate(CASES[vendor])
        if case.slug in wanted
    }
    callers = {vendor: api.another("org_canary") for vendor in vendors}

    def play(canary: str) -> list[httpx2.Response]:
        vendor, case = cases[canary]
        caller, name = callers[vendor], f"{vendor} {case}"
        first = caller.add(canary, vendor, name=name, on_unavailable="store_pending")
        if first.status_code >= 300:
            return [first]
        rotated = caller.rotate(first.json()["data"]["id"], canary)
        return [first, rotated, caller.add(canary, vendor, name=f"{name} again")]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = [response for responses in pool.map(play, cases) for response in responses]
    caller = api.another("org_canary")
    canaries = [api.key.rpartition("_")[2], *cases]
    canary = fake_key("openai", "valid", 8_000)
    canaries.append(canary)
    seen.append(caller.add(f'"{canary}"'))
    seen.append(caller.add(canary, name=canary + "x" * 80))
    seen.append(caller.add(canary, base_url=f"https://{canary}@example.com/"))
    seen.append(caller.add(canary, base_url=f"https://example.com/?key={canary}"))
    seen.append(caller.add(canary, vendor=canary))
    seen.append(caller.call("POST", "/providers", {canary: canary}))
    seen.append(caller.call("GET", f"/providers/{canary}"))
    seen.append(caller.call("GET", f"/providers?{canary}={canary}"))
    seen.append(caller.call("GET", f"/providers?cursor={canary}"))
    seen.append(caller.call("GET", f"/{canary}"))
    seen.append(caller.call("PUT", f"/routing-configs/{canary}", {"strategy": canary}))
    seen.append(Api(api.stack, api.client, canary).call("GET", "/providers"))
    seen.extend([caller.call("GET", "/providers?limit=100"), caller.call("GET", "/routing-configs")])
    assert {200, 201, 202, 400, 401, 404, 422} <= {response.status_code for response in seen}
    dynamodb = api.stack.ports.dynamodb
    haystack = [f"{response.headers} {response.text}" for response in seen]
    haystack += [plain(item) for item in dynamodb.scan(TableName="MainTable")["Items"]]
    haystack += [plain(item) for item in dynamodb.scan(TableName="SecretsTable")["Items"]]
    haystack.append(logged.getvalue())
    assert len(logged.getvalue()) > 1000
    needles = {form for canary in canaries for part in [canary, *canary.split("::")[1:2]] for form in forms(part)}
    found = [(needle, text) for text in haystack for needle in needles if needle in text]
    assert found == []
