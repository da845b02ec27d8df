"""The code that vendors share: cleaning, hints, ids, waits."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.vendors.cases.bedrock_keys import short_term_key
from local.vendors.keys import fake_key
from providers import vendors
from providers.model.errors import Unprocessable
from providers.model.vendor import Credential, ProbeResponse
from providers.vendors.base import clean, retry_after, safe_id
from providers_contract.credentials import MAX_CREDENTIAL_CHARS, make_hint
from providers_contract.secret import Secret
from providers_contract.vocabulary import Outcome
from tests.vendors.exchanges import NOW, parse, verify

HINTS = [
    ("openai", "sk-proj-FAKE-EXAMPLE-EXAMPLE-sQoA", "sk-proj-…sQoA"),
    ("openai", "sk-svcacct-FAKE-EXAMPLE-EXAMPLE-sQoA", "sk-svcacct-…sQoA"),
    ("openai", "sk-FAKE-EXAMPLE-EXAMPLE-sQoA", "sk-…sQoA"),
    ("openai", "FAKE-EXAMPLE-EXAMPLE-EXAMPLE-sQoA", "…sQoA"),
    ("openai", "sk-FAKE", "sk-…"),
    ("anthropic", "sk-ant-api03-FAKE-EXAMPLE-EXAMPLE-sQAA", "sk-ant-api03-…sQAA"),
    ("anthropic", "sk-ant-oat01-FAKE-EXAMPLE-EXAMPLE-sQAA", "sk-ant-oat01-…sQAA"),
    ("google", "AIzaFAKE-EXAMPLE-EXAMPLE-EXAMPLE-EX-0001", "AIza…0001"),
    ("google", "AQ.FAKE-EXAMPLE-EXAMPLE-EXAMPLE-EX-0001", "AQ.…0001"),
    ("azure", "fa4efa4efa4efa4efa4efa4efa4e0001", "…0001"),
    ("azure", "fa4e0001", "…"),
    ("groq", "gsk_FAKEEXAMPLEFAKEEXAMPLE0001", "gsk_…0001"),
    ("fireworks", "fw_FAKEEXAMPLEFAKEEXAMPLE0001", "fw_…0001"),
    ("fireworks", "fw_FAKEEXAMPLEFAKE0001", "fw_…"),
    ("bedrock", "AKIAFAKEFAKEFEXAMPLE::FAKEFAKE::us-west-2", "AKIA…MPLE"),
    ("bedrock", "ASIAFAKEFAKEFEXAMPLE::FAKEFAKE::us-west-2::FAKETOKEN", "ASIA…MPLE"),
    ("bedrock", "ABSK" + "FAKE" * 30 + "::us-west-2", "ABSK…FAKE"),
    ("bedrock", short_term_key("ASIAFAKEFAKEFEXAMPLE"), "bedrock-api-key-…MPLE"),
]


@pytest.mark.parametrize(("vendor", "text", "hint"), HINTS)
def test_a_hint_only_distinguishes_keys(vendor: str, text: str, hint: str) -> None:
    """A hint shows the prefix and the last four characters only if twenty others stay hidden."""
    assert parse(vendor, text).hint == hint


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
def test_a_hint_hides_twenty_characters_or_shows_none(text: str) -> None:
    """A hint hides at least twenty characters or shows none, however short the key is."""
    prefix, _, tail = make_hint(text, ("sk-",)).partition("…")

    assert not tail or len(text) - len(prefix) - len(tail) >= 20


UNUSABLE = {
    "empty": "",
    "white space alone": " \n\t ",
    "a line break": "sk-FAKE\nEXAMPLE",
    "a header's end": "sk-FAKE\r\nx-evil: 1",
    "a space": "sk-FAKE EXAMPLE",
    "a curly dash": "sk–FAKE–EXAMPLE",
    "an accent": "sk-FAKÉ",
    "a zero-width space": "sk-FAKE\u200bEXAMPLE",
    "a null": "sk-FAKE\x00",
    "a quote": '"sk-FAKE-EXAMPLE"',
    "an apostrophe": "sk-FAKE'EXAMPLE",
    "a backslash": "sk-FAKE\\n",
    "too much": "F" * (MAX_CREDENTIAL_CHARS + 1),
}


@pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE)
def test_malformed_credentials_are_refused_before_the_call(text: str) -> None:
    """Malformed credentials are refused before an HTTP client could quote them in an error."""
    with pytest.raises(Unprocessable) as caught:
        clean(text)

    assert (caught.value.code, caught.value.param) == ("credential_format", "api_key")


@pytest.mark.parametrize("text", [text for text in UNUSABLE.values() if "FAK" in text])
def test_a_refusal_does_not_quote_the_credential(text: str) -> None:
    """The error message contains no part of the credential."""
    with pytest.raises(Unprocessable) as caught:
        clean(text)

    assert "FAK" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


MISTAKES = {
    "a service account's key file": (
        json.dumps({"type": "service_account", "project_id": "fake", "private_key": "-----BEGIN FAKE\nFAKE"}, indent=2),
        "service account",
    ),
    "AWS credentials as JSON": (
        json.dumps({"AccessKeyId": "FAKE", "SecretAccessKey": "FAKE", "SessionToken": "FAKE"}),
        "::SECRET_ACCESS_KEY::REGION",
    ),
    "a response of STS": (
        json.dumps({"Credentials": {"AccessKeyId": "FAKE", "SecretAccessKey": "FAKE"}}),
        "::SECRET_ACCESS_KEY::REGION",
    ),
    "another JSON document": ('{"key": "FAKE"}', "JSON document"),
    "credentials of another type": ('{"Credentials": ["FAKE"]}', "JSON document"),
    "JSON that is cut off": ('{"type": "service_account", "FAKE', "a quote"),
    "a number of five thousand digits": ('{"FAKE": ' + "9" * 5000 + "}", "a quote"),
    "a private key": ("-----BEGIN PRIVATE KEY-----\nFAKE\n-----END PRIVATE KEY-----", "PEM"),
    "a header's value": ("Bearer sk-proj-FAKE", "HTTP header"),
    "a header": ("x-api-key: sk-ant-FAKE", "HTTP header"),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_common_mistake_is_named(text: str, says: str) -> None:
    """A common mistake is named, with what to send instead, and without quoting the text."""
    with pytest.raises(Unprocessable) as caught:
        clean(text)

    assert (caught.value.code, says in caught.value.message) == ("credential_format", True)
    assert "FAKE" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_longest_credential_is_accepted() -> None:
    """A Bedrock credential with a long AWS session token is accepted."""
    text = f"ASIAFAKEFAKEFEXAMPLE::{'FAKE' * 10}::us-east-1::".ljust(MAX_CREDENTIAL_CHARS, "F")

    assert len(clean(f" {text} ")) == MAX_CREDENTIAL_CHARS == 8192
    assert parse("bedrock", text).familiar


@pytest.mark.parametrize("around", ["\n", "  ", "\r\n", "\t", "\u00a0", "\ufeff", "\u200b", "\u2060"])
def test_a_pasted_key_is_trimmed(around: str) -> None:
    """White space around a pasted key is removed."""
    assert clean(f"{around}sk-FAKE-EXAMPLE{around}") == Secret("sk-FAKE-EXAMPLE")


CREDENTIAL = Credential(Secret("sk-proj-FAKE-EXAMPLE-0123456789"), "sk-proj-…6789")
IDS = [
    ("req_5c1d9be27fa34b0d8a6e", True),
    ("b5a1f3d7-8c2e-4e6b-9f10-3a7d5c9e1b42", True),
    ("sk-proj-FAKE-EXAMPLE-0123456789", False),
    ("prefix-FAKE-EXAMPLE-suffix", False),
    ("FAKE-EXA", False),
    ("0123456789", False),
    ("FAKE", False),
    ("", False),
    ("two words", False),
    ("<script>", False),
    ("line\nbreak", False),
    ("x" * 129, False),
    (None, False),
    (7, False),
    (["a"], False),
]


@pytest.mark.parametrize(("value", "kept"), IDS)
def test_a_vendors_id_is_kept_only_if_plain_and_not_an_echo(value: object, kept: bool) -> None:
    """A vendor's id is kept only if it is well-formed and contains nothing that was sent."""
    assert safe_id(value, CREDENTIAL) == (value if kept else None)


def _waiting(**headers: str) -> ProbeResponse:
    return ProbeResponse(429, {name.replace("_", "-"): value for name, value in headers.items()})


WAITS = [
    (_waiting(), None),
    (_waiting(retry_after="20"), 20.0),
    (_waiting(retry_after="1.5"), 1.5),
    (_waiting(retry_after="20", retry_after_ms="1500"), 1.5),
    (_waiting(retry_after="20", retry_after_ms="soon"), 20.0),
    (_waiting(retry_after=format_datetime(NOW + timedelta(seconds=90), usegmt=True)), 90.0),
    (_waiting(retry_after=format_datetime(NOW - timedelta(seconds=90), usegmt=True)), 0.0),
    (_waiting(retry_after="Mon, 23 Nov 2026 12:01:00"), None),
    (_waiting(retry_after="inf"), None),
    (_waiting(retry_after_ms="nan"), None),
    (_waiting(retry_after_ms="1e9"), None),
    (_waiting(retry_after="-1"), None),
    (_waiting(retry_after="9" * 5000), None),
    (_waiting(retry_after=""), None),
]


@pytest.mark.parametrize(("response", "seconds"), WAITS)
def test_every_form_of_retry_after_is_read_or_ignored(response: ProbeResponse, seconds: float | None) -> None:
    """Retry times in milliseconds, seconds or as a date (RFC 9110, 10.2.3) are parsed; others are ignored."""
    assert retry_after(response, NOW) == seconds


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["invalid_api_key", "error", "API_KEY_INVALID", "401", "UNAUTHORIZED", "invalid_request_error"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "type", "code", "message", "details", "status", "data", "accounts", "fault"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
STATUSES = st.sampled_from([200, 302, 400, 401, 402, 403, 404, 412, 418, 429, 498, 500, 503, 529])
"""Statuses with a meaning at one of the vendors."""
HEADERS = st.dictionaries(
    st.sampled_from(["x-amzn-errortype", "retry-after", "date", "x-request-id", "openai-organization"]),
    st.text(max_size=20),
    max_size=3,
)


@pytest.mark.parametrize("vendor", vendors.NAMES)
@settings(max_examples=40)
@given(status=STATUSES, body=JSON, headers=HEADERS)
def test_no_response_makes_a_vendor_raise(vendor: str, status: int, body: object, headers: dict[str, str]) -> None:
    """Any JSON response leads to a verdict, and only 200 with the list is valid."""
    response = ProbeResponse(status, headers, json.dumps(body).encode())

    verdict, _ = verify(vendor, lambda _: response, key=fake_key(vendor))

    assert verdict.outcome is not Outcome.VALID or status == 200
