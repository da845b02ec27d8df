"""Bedrock's four forms of credentials, and malformed ones."""

from __future__ import annotations

from base64 import b64encode

import pytest

from local.vendors.cases.bedrock_keys import short_term_key
from providers.model.errors import Unprocessable
from providers.vendors._bedrock_keys import ApiKey, AwsCredential, account_of
from tests.vendors.exchanges import parse

ID, TEMPORARY = "AKIAFAKEFAKEFEXAMPLE", "ASIAFAKEFAKEFEXAMPLE"
SECRET = "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE"
TOKEN = "FAKE/SESSION/TOKEN/EXAMPLE/ONLY=="
LONG = "ABSK" + "FAKE" * 30
EAST, WEST = "https://bedrock.us-east-1.amazonaws.com", "https://bedrock.us-west-2.amazonaws.com/"


def short(inside: str) -> str:
    """Return a short-term key with `inside` encoded."""
    return "bedrock-api-key-" + b64encode(inside.encode()).decode()


REFUSED = {
    "one part": (ID, None, "ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION"),
    "two parts": (f"{ID}::{SECRET}", None, "ACCESS_KEY_ID::SECRET_ACCESS_KEY::REGION"),
    "five parts": (f"{TEMPORARY}::{SECRET}::us-east-1::{TOKEN}::x", None, "ACCESS_KEY_ID"),
    "another vendor's key": ("sk-ant-api03-FAKE-EXAMPLE", None, "ACCESS_KEY_ID"),
    "id and secret swapped": (f"{SECRET}::{ID}::us-east-1", None, "AKIA or ASIA"),
    "an id of another kind": (f"AIDAFAKEFAKEFEXAMPLE::{SECRET}::us-east-1", None, "AKIA or ASIA"),
    "an id in small letters": (f"{ID.lower()}::{SECRET}::us-east-1", None, "AKIA or ASIA"),
    "a short id": (f"AKIAFAKE::{SECRET}::us-east-1", None, "AKIA or ASIA"),
    "no secret": (f"{ID}::::us-east-1", None, "secret access key"),
    "a placeholder for the secret": (f"{ID}::FAKE...::us-east-1", None, "secret access key"),
    "no region": (f"{ID}::{SECRET}::", None, "us-east-1"),
    "a region with a host in it": (f"{ID}::{SECRET}::evil.example/#", None, "us-east-1"),
    "a region with a dot": (f"{ID}::{SECRET}::us-east-1.evil", None, "us-east-1"),
    "a zone": (f"{ID}::{SECRET}::us-east-1a", None, "us-east-1"),
    "a temporary id without token": (f"{TEMPORARY}::{SECRET}::us-east-1", None, "requires its ::SESSION_TOKEN"),
    "a temporary id with an empty token": (f"{TEMPORARY}::{SECRET}::us-east-1::", None, "session token"),
    "a permanent id with a token": (f"{ID}::{SECRET}::us-east-1::{TOKEN}", None, "has no session token"),
    "a region that is not the base_url's": (f"{ID}::{SECRET}::us-east-1", WEST, "us-west-2"),
    "a long-term key without region": (LONG, None, "ABSK…::us-east-1"),
    "a long-term key with a bad region": (f"{LONG}::nowhere", None, "ABSK…::us-east-1"),
    "a long-term key at a proxy without region": (LONG, "https://proxy.example", "ABSK…::us-east-1"),
    "a long-term key with another region than the base_url": (f"{LONG}::us-east-1", WEST, "us-west-2"),
    "a short-term key with another region than the base_url": (short_term_key(TEMPORARY), WEST, "us-west-2"),
    "a short-term key with another region behind it": (f"{short_term_key(TEMPORARY)}::us-west-2", None, "us-east-1"),
    "a short-term key cut short": (short_term_key(TEMPORARY)[:60], None, "incomplete or damaged"),
    "a short-term key that is no base64": ("bedrock-api-key-!!!", None, "incomplete or damaged"),
    "a short-term key that is empty": ("bedrock-api-key-", None, "incomplete or damaged"),
    "a short-term key of other bytes": (
        "bedrock-api-key-" + b64encode(b"\xff\xfe\x00").decode(),
        None,
        "incomplete or damaged",
    ),
    "a short-term key without a date": (short("bedrock.amazonaws.com/?X-Amz-Expires=1"), None, "incomplete or damaged"),
    "a short-term key with a wild expiry": (
        short(
            "bedrock.amazonaws.com/?X-Amz-Date=20260101T000000Z&X-Amz-Expires=99999999999999&X-Amz-Credential="
            f"{TEMPORARY}/20260101/us-east-1/bedrock/aws4_request"
        ),
        None,
        "incomplete or damaged",
    ),
    "a short-term key with an expiry of five thousand digits": (
        short(f"bedrock.amazonaws.com/?X-Amz-Date=20260101T000000Z&X-Amz-Expires={'9' * 5000}&X-Amz-Credential=a/b/c"),
        None,
        "incomplete or damaged",
    ),
    "a short-term key for another host": (
        short(
            "bedrock.amazonaws.com/?X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Credential="
            f"{TEMPORARY}/20260101/evil.example/bedrock/aws4_request"
        ),
        None,
        "incomplete or damaged",
    ),
}


@pytest.mark.parametrize(("text", "base_url", "says"), REFUSED.values(), ids=REFUSED)
def test_malformed_credentials_are_refused_with_advice(text: str, base_url: str | None, says: str) -> None:
    """The error says what is missing or how to write the credential."""
    with pytest.raises(Unprocessable) as caught:
        parse("bedrock", text, base_url)

    assert caught.value.code == "credential_format"
    assert says in caught.value.message


@pytest.mark.parametrize(("text", "base_url"), [row[:2] for row in REFUSED.values()], ids=REFUSED)
def test_a_refusal_contains_no_part_of_the_credential(text: str, base_url: str | None) -> None:
    """Neither the message nor a chained exception contains a part of the credential."""
    with pytest.raises(Unprocessable) as caught:
        parse("bedrock", text, base_url)

    assert "FAKE" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


TAKEN = {
    "access key": (f"{ID}::{SECRET}::us-west-2", None, AwsCredential, "us-west-2", True),
    "access key at its region's host": (f"{ID}::{SECRET}::us-west-2", WEST, AwsCredential, "us-west-2", True),
    "access key at a proxy": (f"{ID}::{SECRET}::us-west-2", "https://proxy.example", AwsCredential, "us-west-2", True),
    "secret of another length": (f"{ID}::FAKE::us-west-2", None, AwsCredential, "us-west-2", False),
    "government region": (f"{ID}::{SECRET}::us-gov-west-1", None, AwsCredential, "us-gov-west-1", True),
    "temporary credentials": (f"{TEMPORARY}::{SECRET}::us-west-2::{TOKEN}", None, AwsCredential, "us-west-2", True),
    "long-term key with region": (f"{LONG}::eu-west-1", None, ApiKey, "eu-west-1", True),
    "long-term key at a host of its region": (LONG, WEST, ApiKey, "us-west-2", True),
    "long-term key at the runtime's host": (
        LONG,
        "https://bedrock-runtime.eu-north-1.amazonaws.com",
        ApiKey,
        "eu-north-1",
        True,
    ),
    "long-term key of another length": ("ABSKFAKE::us-west-2", None, ApiKey, "us-west-2", False),
    "short-term key": (short_term_key(TEMPORARY, region="eu-west-3"), None, ApiKey, "eu-west-3", True),
    "short-term key with its region": (f"{short_term_key(TEMPORARY)}::us-east-1", EAST, ApiKey, "us-east-1", True),
    "short-term key with its version behind it": (
        f"{short_term_key(TEMPORARY)}&Version=1",
        None,
        ApiKey,
        "us-east-1",
        False,
    ),
    "short-term key without padding": (short_term_key(TEMPORARY).rstrip("="), None, ApiKey, "us-east-1", True),
}


@pytest.mark.parametrize(("text", "base_url", "kind", "region", "familiar"), TAKEN.values(), ids=TAKEN)
def test_each_form_is_parsed(text: str, base_url: str | None, kind: type, region: str, familiar: bool) -> None:
    """The region to send requests to is known for every form."""
    credential = parse("bedrock", text, base_url)

    assert isinstance(credential, kind)
    assert isinstance(credential, AwsCredential | ApiKey)
    assert (credential.region, credential.familiar) == (region, familiar)


ACCOUNT_IDS = [
    ("AKIAVALIDAAABEXAMPLE", "344352555008"),
    ("AKIAVALIDAAACEXAMPLE", "344352555008"),
    ("ASIAVALIDAAABEXAMPLE", "344352555008"),
    ("AKIAQAAAAAAAAEXAMPLE", "000000000000"),
    ("AKIAQAAAAAAAQEXAMPLE", "000000000001"),
    ("AKIA7777777777777777", None),
    ("AKIAIOSFODNN7EXAMPLE", None),
    ("AKIAFAKE0189FEXAMPLE", None),
    ("FAKE", None),
]


@pytest.mark.parametrize(("access_key_id", "account"), ACCOUNT_IDS)
def test_the_account_is_read_from_ids_that_contain_it(access_key_id: str, account: str | None) -> None:
    """The account is read from ids issued since 2019, which contain it in forty bits, and from no other text."""
    assert account_of(access_key_id) == account
