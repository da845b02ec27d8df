"""A secret is only readable with `reveal()`, and only listed files can call it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
from pathlib import Path

import pytest

from providers_contract.secret import Secret, trimmed

ROOT = Path(__file__).parent.parent.parent
CANARY = "sk-fake-canary-0000"

ALLOWED = {
    "client/providers_client/cli/access.py",  # hands the stored management key to the client
    "client/providers_client/cli/profiles.py",  # stores the management key
    "client/providers_client/cli/executing.py",  # puts it into the environment of a program
    "client/providers_client/cli/importing.py",  # sends it to the API
    "layers/shared/providers/edge/operate.py",  # prints a new management key, once
    "client/providers_client/sending.py",  # sends the management key
    "layers/shared/providers/edge/resolver.py",  # returns it to a data plane
    "layers/shared/providers/adapters/envelope.py",  # seals it
    "layers/shared/providers/adapters/http.py",  # puts it on the wire
    "layers/shared/providers/usecases/verification.py",  # digests it
    "layers/shared/providers/usecases/management_keys.py",  # takes a minted token apart
    "layers/shared/providers_data_plane/credentials.py",  # hands it to the caller's SDK
    "layers/shared/providers_data_plane/integrations/auth.py",  # puts it into a request
    "layers/shared/providers_data_plane/integrations/aws.py",  # signs requests with it
    "layers/shared/providers_data_plane/integrations/litellm.py",  # puts it into a call
    "layers/shared/providers/vendors/__init__.py",  # compares it with other vendors' forms
    "layers/shared/providers/vendors/_bedrock_keys.py",
    "layers/shared/providers/vendors/bedrock.py",
    "layers/shared/providers/vendors/base.py",
}


def test_only_listed_files_reveal_secrets() -> None:
    """Every file that reveals a secret is in the list."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("layers/shared", "client")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.reveal\(\)|credential\.api_key", path.read_text()) and path.name != "secret.py"
    }
    assert found == ALLOWED


def test_a_secret_does_not_show_itself() -> None:
    """repr, str, format and tracebacks never contain the secret."""
    secret = Secret(CANARY)
    record = logging.LogRecord("x", logging.INFO, "x", 1, "key %s %r", (secret, secret), None)
    texts = f"{secret} {secret!r} {secret!s} {secret:>30} {[secret]} {record.getMessage()} {dir(secret)}"
    assert CANARY not in texts
    assert CANARY not in json.dumps({"key": secret}, default=str)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, vars])
def test_a_secret_cannot_be_serialized(leak: object) -> None:
    """Copying or serializing a secret is refused."""
    with pytest.raises(TypeError) as caught:
        leak(Secret(CANARY))  # type: ignore[operator]
    assert CANARY not in str(caught.value)


def test_secrets_compare_by_their_text() -> None:
    """A secret is equal only to another secret with the same text."""
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert len(Secret(CANARY)) == len(CANARY)


INVISIBLE = {
    "byte order mark": "\ufeff",
    "zero-width space": "\u200b",
    "zero-width non-joiner": "\u200c",
    "zero-width joiner": "\u200d",
    "left-to-right mark": "\u200e",
    "right-to-left override": "\u202e",
    "first strong isolate": "\u2068",
    "word joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "no-break space": "\u00a0",
    "narrow no-break space": "\u202f",
    "ideographic space": "\u3000",
    "line separator": "\u2028",
    "variation selector": "\ufe0f",
    "Hangul filler": "\u3164",
    "braille blank": "\u2800",
    "tag character": "\U000e0020",
    "line break": "\r\n",
    "several": " \ufeff\t\u200b\u00a0\n",
}


@pytest.mark.parametrize("blank", INVISIBLE.values(), ids=INVISIBLE)
def test_invisible_characters_are_trimmed_at_both_ends_only(blank: str) -> None:
    """Invisible characters are removed at both ends of a key, but not within it."""
    assert trimmed(f"{blank}{CANARY}{blank}") == CANARY
    assert trimmed(f"a{blank}b") == f"a{blank}b"
    assert trimmed(blank) == trimmed("") == ""


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "é", "–", "\u0301", "\ud800"])
def test_other_characters_are_not_trimmed(character: str) -> None:
    """Visible and control characters are not removed, so that a damaged key is refused."""
    assert trimmed(f"{character}{CANARY}{character}") == f"{character}{CANARY}{character}"
