"""Invalid input returns the documented error, is never repeated, and changes nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from local.vendors.keys import fake_key
from providers import vendors
from providers_contract.limits import DEFAULT_PAGE
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Response, call
from tests.kit.requests import key

GOOD = {"vendor": "openai", "name": "Prod", "api_key": key().reveal()}
CANARY = "CANARY-0123456789"


def check(response: Response, status: int, code: str, param: str | None = None) -> None:
    """Assert that the response is this error, in the format of all errors."""
    assert (response.status, response.error["code"], response.error["param"]) == (status, code, param)
    assert set(response.error) >= {"type", "code", "message", "resource", "id", "param", "request_id"}
    assert response.error["request_id"] == "request-1"
    assert response.headers["Content-Type"] == "application/json"


BODIES = [
    ("", "malformed_json"),
    ("{", "malformed_json"),
    ("[]", "malformed_json"),
    ("null", "malformed_json"),
    ('"x"', "malformed_json"),
    ('{"vendor": NaN}', "malformed_json"),
    ('{"name": "a", "name": "b"}', "malformed_json"),
    ("[" * 60000, "malformed_json"),
    ('{"vendor": "openai"', "malformed_json"),
]


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_bodies_that_are_not_json_objects_are_refused(ports: FakePorts, body: str, code: str) -> None:
    """A body that is not a JSON object returns 400."""
    check(call("add_provider", body=body), 400, code)
    assert ports.db.providers == {}


def test_a_body_that_is_not_utf8(ports: FakePorts) -> None:
    """A body that is not valid UTF-8 is malformed."""
    given = {"body": base64.b64encode(b'{"name": "\xff"}').decode()}
    from tests.kit.lambdas import event, invoke

    check(invoke("add_provider", event() | given | {"isBase64Encoded": True}), 400, "malformed_json")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
def test_a_body_that_is_too_large(ports: FakePorts, size: int) -> None:
    """A body over 64 KiB returns 413."""
    check(call("add_provider", body='{"name": "' + "x" * size + '"}'), 413, "body_too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_of_another_type(ports: FakePorts, media_type: str) -> None:
    """Only JSON is accepted."""
    check(call("add_provider", body=GOOD, headers={"Content-Type": media_type}), 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_with_a_charset_is_accepted(ports: FakePorts, media_type: str) -> None:
    """Parameters and case of the media type are ignored."""
    assert call("add_provider", body=GOOD, headers={"Content-Type": media_type}).status == 201


INVALID: list[tuple[dict[str, Any], str | None]] = [
    ({"vendor": None}, "vendor"),
    ({"vendor": 7}, "vendor"),
    ({"vendor": "acme"}, "vendor"),
    ({"vendor": "OpenAI"}, "vendor"),
    ({"vendor": CANARY}, "vendor"),
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "x" * 81}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": "a\u202eb"}, "name"),
    ({"name": "a\ud800b"}, "name"),
    ({"name": ["x"]}, "name"),
    *(({"name": f"a{blank}b"}, "name") for blank in "\u00ad\u200b\u3164\u115f\uffa0\u2800\u034f\ufe00\U000e0100\ufeff"),
    ({"name": "\ufe0f"}, "name"),
    ({"name": "\ufdfa" * 80}, "name"),
    ({"api_key": 7}, "api_key"),
    ({"api_key": {"secret": CANARY}}, "api_key"),
    ({"base_url": 7}, "base_url"),
    ({"on_unavailable": "whatever"}, "on_unavailable"),
    ({"key_expires_at": "tomorrow"}, "key_expires_at"),
    ({"key_expires_at": "2001-01-01T00:00:00Z"}, "key_expires_at"),
    ({"key_expires_at": "2999-13-01T00:00:00Z"}, "key_expires_at"),
    ({"key_expires_at": "9999-12-31T23:59:59-23:00"}, "key_expires_at"),
    ({"tags": "one"}, "tags"),
    ({"tags": None}, "tags"),
    ({"tags": [""]}, "tags[0]"),
    ({"tags": ["a", " b"]}, "tags[1]"),
    ({"tags": ["a\nb"]}, "tags[0]"),
    ({"tags": ["x" * 41]}, "tags[0]"),
    ({"tags": ["ключ"]}, "tags[0]"),
    ({"tags": ["a", "a"]}, "tags"),
    ({"tags": [f"t{number}" for number in range(21)]}, "tags"),
    ({"tags": [key().reveal()[:40]]}, "tags[0]"),
    ({"surprise": CANARY}, "surprise"),
    ({CANARY: 1}, None),
]


@pytest.mark.parametrize(("members", "param"), INVALID, ids=str)
def test_invalid_fields_are_refused(ports: FakePorts, members: dict[str, Any], param: str | None) -> None:
    """422 names the invalid field without repeating its value."""
    response = call("add_provider", body=GOOD | members)
    check(response, 422, "validation_failed", param)
    assert [each["param"] for each in response.error["errors"]] == [param]
    assert CANARY not in response.text
    assert (ports.db.providers, ports.verify.asked) == ({}, [])


def test_tags_are_stored_replaced_and_removed(ports: FakePorts) -> None:
    """Tags are returned as they were sent; an update replaces all of them, and is recorded in the audit trail."""
    most = ["a", *(f"team:{number}" for number in range(18)), "x" * 40]
    added = call("add_provider", body=GOOD | {"tags": most})
    assert added.data["tags"] == most
    path = {"provider_id": added.data["id"]}
    assert call("update_provider", path=path, body={"tags": ["b c", "a"]}).data["tags"] == ["b c", "a"]
    assert call("update_provider", path=path, body={"name": "Other"}).data["tags"] == ["b c", "a"]
    assert call("update_provider", path=path, body={"tags": []}).data["tags"] == []
    changes = [(each["before"], each["after"]) for each in call("list_audit").data]
    assert changes[0] == ({"tags": ["b c", "a"]}, {"tags": []})


def test_a_list_is_filtered_by_tag_and_by_part_of_the_name(ports: FakePorts) -> None:
    """`?tag` is exact; `?name` ignores case, width and repeated blanks."""
    for number, (name, tags) in enumerate([("Prod  Straße", ["a", "b"]), ("Test", ["a"])]):
        call("add_provider", body=GOOD | {"name": name, "tags": tags, "api_key": key(str(number)).reveal()})

    def names(**query: str) -> list[str]:
        return [each["name"] for each in call("list_providers", query=query).data]

    assert names(tag="a") == ["Test", "Prod  Straße"]
    assert names(tag="b") == ["Prod  Straße"]
    assert names(tag="A") == names(tag="a,b") == []
    assert names(name="ＰＲＯＤ strasse") == ["Prod  Straße"]
    assert names(name="t", tag="b") == ["Prod  Straße"]
    for wrong in ({"tag": ""}, {"name": ""}, {"tag": "x" * 41}, {"name": "x" * 81}):
        check(call("list_providers", query=wrong), 400, "invalid_parameter", next(iter(wrong)))


def test_a_list_with_sparklines_is_one_page(ports: FakePorts) -> None:
    """With `?include=sparkline` and without `limit`, a page has more than the usual number; `limit` stays 1 to 100."""
    for number in range(DEFAULT_PAGE + 1):
        call("add_provider", body=GOOD | {"name": f"P{number}", "api_key": key(str(number)).reveal()})
    page = call("list_providers", query={"include": "sparkline"})
    assert (len(page.data), page.body["next_cursor"]) == (DEFAULT_PAGE + 1, None)
    assert len(call("list_providers").data) == DEFAULT_PAGE
    assert len(call("list_providers", query={"include": "sparkline", "limit": "2"}).data) == 2
    check(call("list_providers", query={"include": "sparkline", "limit": "101"}), 400, "invalid_parameter", "limit")


def test_every_invalid_field_is_listed(ports: FakePorts) -> None:
    """All validation errors are returned at once."""
    response = call("add_provider", body={"vendor": "acme", "name": "", "extra": 1})
    assert {each["param"] for each in response.error["errors"]} == {"vendor", "name", "extra", "api_key"}


KEYS = [
    "",
    "   ",
    "\n",
    "sk-fake\nwith-newline",
    "sk-fake\r\nx: y",
    "sk-fake with space",
    "sk-fake\ttab",
    '"sk-fake-in-quotes"',
    "'sk-fake-in-quotes'",
    "sk-fake\x00nul",
    "sk-fake\x7fdel",
    "sk–fake-curly-dash",
    "sk-fake-ключ",
    "sk-fake-\u200binvisible",
    "x" * 8193,
]


@pytest.mark.parametrize("api_key", KEYS, ids=ascii)
@pytest.mark.parametrize("function", ["add_provider", "update_provider"])
def test_malformed_credentials_are_refused(ports: FakePorts, api_key: str, function: str) -> None:
    """A malformed key returns 422 `credential_format` without calling the vendor or repeating the key."""
    existing = call("add_provider", body=GOOD | {"name": "Existing"}).data["id"]
    asked = len(ports.verify.asked)
    body = GOOD | {"api_key": api_key} if function == "add_provider" else {"api_key": api_key}
    response = call(function, body=body, path={"provider_id": existing})
    check(response, 422, "credential_format", "api_key")
    assert len(ports.verify.asked) == asked
    assert not api_key.strip() or api_key.strip() not in response.text


def test_white_space_around_a_key_is_trimmed(ports: FakePorts) -> None:
    """White space around a pasted key is removed."""
    provider_id = call("add_provider", body=GOOD | {"api_key": f"\ufeff\n {key().reveal()} \u200b\r\n"}).data["id"]
    assert ports.db.rows["org_a", provider_id, 1].ciphertext == key().reveal().encode()


AWS = ("AKIAVALIDAAABEXAMPLE", "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE", "us-east-1")
REPEATS = [
    pytest.param(key().reveal(), {"name": f"Prod {key().reveal()}"}, "name", id="in the name"),
    pytest.param(f" {key().reveal()}\n", {"name": key().reveal()}, "name", id="but for white space"),
    pytest.param(key().reveal(), {"base_url": f"https://x.example.com/{key().reveal()}"}, "base_url", id="in a path"),
    pytest.param("::".join(AWS), {"vendor": "bedrock", "name": AWS[1]}, "name", id="the secret of an AWS credential"),
]


@pytest.mark.parametrize(("api_key", "members", "param"), REPEATS)
@pytest.mark.parametrize("function", ["add_provider", "update_provider"])
def test_a_credential_in_a_visible_field_is_refused(
    ports: FakePorts, function: str, api_key: str, members: dict[str, Any], param: str
) -> None:
    """A credential in a visible field is refused without repeating it."""
    existing = call("add_provider", body=GOOD | {"name": "Existing"}).data["id"]
    before, asked = dict(ports.db.providers), len(ports.verify.asked)
    body = {"api_key": api_key} | members
    if function == "add_provider":
        body = GOOD | body
    else:
        body.pop("vendor", None)
    response = call(function, body=body, path={"provider_id": existing})
    check(response, 422, "validation_failed", param)
    assert response.error["errors"][0]["code"] == "holds_credential"
    assert (ports.db.providers, len(ports.verify.asked)) == (before, asked)
    assert all(part not in response.text for part in api_key.strip().split("::") if len(part) > 20)


AWS_SECRET = "Fake1Example/" * 3 + "F"


@pytest.mark.parametrize(
    ("member", "text", "refused"),
    [
        ("name", AWS_SECRET, True),
        ("name", f"Bedrock AWS_SECRET_ACCESS_KEY={AWS_SECRET}", True),
        ("tags", AWS_SECRET, True),
        ("tags", "da39a3ee5e6b4b0d3255bfef95601890afd80709", False),  # a git commit
        ("name", AWS_SECRET + "A", False),
        ("tags", "Fake/Example/" * 3 + "F", False),
    ],
)
def test_an_aws_secret_alone_is_not_shown(ports: FakePorts, member: str, text: str, refused: bool) -> None:
    """A name or a tag with the form of a secret access key is refused without repeating it; others are accepted."""
    assert len(AWS_SECRET) == 40
    response = call("add_provider", body=GOOD | {member: [text] if member == "tags" else text})

    assert (response.status == 201) is not refused
    if refused:
        assert response.error["errors"][0]["code"] == "holds_credential"
        assert AWS_SECRET not in response.text
        assert not ports.db.providers


SAME = [
    "production EU",
    "PRODUCTION  eu",
    "Ｐｒｏｄｕｃｔｉｏｎ EU",
    "Production\u00a0EU",
    "Production EU\ufe0f",
    "ﬁnal",
    "FINAL",
]


@pytest.mark.parametrize("name", SAME)
def test_names_are_unique_without_case_width_and_repeated_blanks(ports: FakePorts, name: str) -> None:
    """Names that look the same are equal; a name is shown as it was written."""
    for number, taken in enumerate(("Production EU", "final")):
        call("add_provider", body=GOOD | {"name": taken, "api_key": key(str(number)).reveal()})
    check(call("add_provider", body=GOOD | {"name": name}), 409, "name_taken", "name")
    other = call("add_provider", body=GOOD | {"name": f"{name} 2"}).data
    assert other["name"] == f"{name} 2"


MANAGEMENT_KEY = "mlx_mk_01test_" + "0" * 64
FUNCTIONS_WITH_A_NAME = ["add_provider", "update_provider", "create_upload"]


@pytest.mark.parametrize("vendor", [*vendors.NAMES, "this API"])
@pytest.mark.parametrize("function", FUNCTIONS_WITH_A_NAME)
def test_a_name_that_looks_like_a_credential_is_refused(ports: FakePorts, function: str, vendor: str) -> None:
    """A name that contains any vendor's credential is refused, because names are visible."""
    existing = call("add_provider", body=GOOD | {"name": "Existing"}).data["id"]
    credential = MANAGEMENT_KEY if vendor == "this API" else fake_key(vendor, "valid")
    before = dict(ports.db.providers)
    wide = "".join(chr(ord(each) + 0xFEE0) for each in credential)  # full-width letters
    for name in (credential, f"Prod {credential}", f"KEY={credential}", f'"{credential}",', f"eu-{credential}", wide):
        body = {"name": name} | ({"vendor": "openai"} if function == "create_upload" else {})
        body = GOOD | body if function == "add_provider" else body
        response = call(function, body=body, path={"provider_id": existing})
        check(response, 422, "validation_failed", "name")
        assert credential not in response.text
    assert (ports.db.providers, ports.db.uploads) == (before, {})


@pytest.mark.parametrize("sent", [MANAGEMENT_KEY, f"  {MANAGEMENT_KEY}\n", f"{MANAGEMENT_KEY}::us-east-1"])
@pytest.mark.parametrize("vendor", vendors.NAMES)
def test_a_management_key_is_sent_to_no_vendor(ports: FakePorts, vendor: str, sent: str) -> None:
    """A management key in place of a credential is refused and never sent to a vendor."""
    body = GOOD | {"vendor": vendor, "api_key": sent}
    if vendor == "azure":
        body["base_url"] = "https://fake.openai.azure.com"
    response = call("add_provider", body=body)
    check(response, 422, "credential_format", "api_key")
    assert "management key" in response.error["message"]
    assert ports.verify.asked == []


@pytest.mark.parametrize("name", ["Desk-research-department-production", "task-proj-customer-support-agents", "0" * 40])
def test_a_name_with_a_credentials_prefix_is_accepted(ports: FakePorts, name: str) -> None:
    """A credential form inside a longer word does not count."""
    assert call("add_provider", body=GOOD | {"name": name}).status == 201


def test_a_name_can_contain_the_access_key_id(ports: FakePorts) -> None:
    """A name can contain an AWS access key id, which is not a secret."""
    body = {"vendor": "bedrock", "name": f"Bedrock {AWS[0]} {AWS[2]}", "api_key": "::".join(AWS)}
    assert call("add_provider", body=body).status == 201


PATCHES: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "validation_failed", None),
    ({"name": None}, "validation_failed", "name"),
    ({"api_key": None}, "validation_failed", "api_key"),
    ({"status": None}, "validation_failed", "status"),
    ({"status": "pending"}, "validation_failed", "status"),
    ({"vendor": "groq"}, "validation_failed", "vendor"),
    ({"key_expires_at": "2000-01-01T00:00:00Z"}, "validation_failed", "key_expires_at"),
    ({"base_url": "https://x.example.com"}, "base_url_not_allowed", "base_url"),
    ({"base_url": "http://x.example.com", "api_key": "sk-fake-0000000000"}, "base_url_not_allowed", "base_url"),
]


@pytest.mark.parametrize(("body", "code", "param"), PATCHES, ids=str)
def test_invalid_patches_are_refused(ports: FakePorts, body: dict[str, Any], code: str, param: str | None) -> None:
    """An invalid update leaves the provider unchanged."""
    provider_id = call("add_provider", body=GOOD).data["id"]
    before = dict(ports.db.providers)
    check(call("update_provider", body=body, path={"provider_id": provider_id}), 422, code, param)
    assert ports.db.providers == before


QUERIES: list[tuple[dict[str, str | list[str]], str, str | None]] = [
    ({"limit": "0"}, "invalid_parameter", "limit"),
    ({"limit": "101"}, "invalid_parameter", "limit"),
    ({"limit": "-1"}, "invalid_parameter", "limit"),
    ({"limit": "ten"}, "invalid_parameter", "limit"),
    ({"limit": "１０"}, "invalid_parameter", "limit"),
    ({"limit": ["1", "2"]}, "invalid_parameter", "limit"),
    ({"vendor": "acme"}, "invalid_parameter", "vendor"),
    ({"status": "gone"}, "invalid_parameter", "status"),
    ({"health": "fine"}, "invalid_parameter", "health"),
    ({CANARY: "1"}, "invalid_parameter", None),
    ({"cursor": ""}, "invalid_cursor", "cursor"),
    ({"cursor": CANARY}, "invalid_cursor", "cursor"),
    ({"cursor": "é"}, "invalid_cursor", "cursor"),
    ({"cursor": base64.urlsafe_b64encode(b'["prov_x", "00"]').decode()}, "invalid_cursor", "cursor"),
    ({"cursor": base64.urlsafe_b64encode(b"[1, 2]").decode()}, "invalid_cursor", "cursor"),
    ({"cursor": base64.urlsafe_b64encode(b"[" * 5000).decode()}, "invalid_cursor", "cursor"),
]


@pytest.mark.parametrize(("query", "code", "param"), QUERIES, ids=str)
def test_invalid_query_parameters_are_refused(
    ports: FakePorts, query: dict[str, str | list[str]], code: str, param: str | None
) -> None:
    """An invalid query parameter returns 400 without repeating its value."""
    response = call("list_providers", query=query)
    check(response, 400, code, param)
    assert CANARY not in response.text


def test_a_cursor_is_for_its_own_list_only(ports: FakePorts) -> None:
    """A cursor of another filter or organization is refused."""
    for name in ("one", "two"):
        call("add_provider", body=GOOD | {"name": name})
    cursor = call("list_providers", query={"limit": "1"}).body["next_cursor"]
    assert len(call("list_providers", query={"cursor": cursor}).data) == 1
    check(call("list_providers", query={"cursor": cursor, "vendor": "openai"}), 400, "invalid_cursor", "cursor")
    check(call("list_providers", query={"cursor": cursor}, org="org_b"), 400, "invalid_cursor", "cursor")


@pytest.mark.parametrize("provider_id", ["prov_", "x", CANARY, "prov_" + "0" * 26, "..%2f..", "prov_%0a"])
@pytest.mark.parametrize("function", ["get_provider", "delete_provider", "update_provider"])
def test_unknown_and_malformed_ids_are_not_found(ports: FakePorts, function: str, provider_id: str) -> None:
    """An unknown id returns 404 without repeating it, because it could be a misplaced key."""
    response = call(function, path={"provider_id": provider_id}, body={"name": "x"})
    assert (response.status, response.error["code"]) == (404, "provider_not_found")
    assert CANARY not in response.text


def test_another_organizations_provider_is_not_found(ports: FakePorts) -> None:
    """Every endpoint returns the same 404 for another organization's id as for an unknown one."""
    provider_id = call("add_provider", body=GOOD).data["id"]
    before = dict(ports.db.providers)
    for function in ("get_provider", "update_provider", "delete_provider"):
        theirs = call(function, path={"provider_id": provider_id}, body={"name": "x"}, org="org_b")
        foreign = call(function, path={"provider_id": "prov_" + "0" * 26}, body={"name": "x"}, org="org_b")
        assert theirs.text.replace(provider_id, "ID") == foreign.text.replace("prov_" + "0" * 26, "ID")
    assert ports.db.providers == before


MODEL = "attempts[0].model"
ROUTES: list[tuple[Any, str]] = [
    ({}, "strategy"),
    ({"strategy": "random", "attempts": []}, "strategy"),
    ({"strategy": "single", "attempts": []}, "attempts"),
    ({"strategy": "single", "attempts": "x"}, "attempts"),
    ({"strategy": "single", "attempts": ["x"]}, "attempts[0]"),
    ({"strategy": "single", "attempts": [{"provider_id": "x", "model": "m"}]}, "attempts[0].provider_id"),
    ({"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26}]}, "attempts[0].model"),
    ({"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": "m"}] * 2}, "attempts"),
    ({"strategy": "fallback", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": "m"}] * 21}, "attempts"),
    *(
        ({"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": f"m{each}"}]}, MODEL)
        for each in (
            "\x1b",
            "\n",
            "\x9b",
            "\u202e",
            "\u2066",
            "\u200b",
            "\ufeff",
            "\u2028",
            "\u00ad",
            "\u3164",
            "\ufe0f",
        )
    ),
    (
        {"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": "m"}]},
        "attempts[0].provider_id",
    ),
]


@pytest.mark.parametrize(("body", "param"), ROUTES, ids=str)
def test_invalid_routing_configs_are_refused(ports: FakePorts, body: Any, param: str) -> None:
    """An invalid routing config returns 422 that names the first invalid field."""
    check(call("put_routing_config", body=body, path={"slug": "a"}), 422, "validation_failed", param)
    assert ports.db.routes == {}


@pytest.mark.parametrize("slug", ["UPPER", "a b", "@@a", "-a", "a" * 64, "%00", CANARY, "a/b"])
def test_malformed_slugs_are_not_found(ports: FakePorts, slug: str) -> None:
    """A malformed slug returns 404 on every endpoint without being repeated."""
    for function in ("get_routing_config", "put_routing_config", "delete_routing_config"):
        body = {"strategy": "single", "attempts": [{"provider_id": "prov_" + "0" * 26, "model": "m"}]}
        response = call(function, path={"slug": slug}, body=body)
        assert (response.status, response.error["code"]) == (404, "routing_config_not_found")
        assert CANARY not in response.text
