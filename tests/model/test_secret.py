"""A secret shows itself through one door, and only named files may open it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
from pathlib import Path

import pytest

from providers.model.secret import Secret

LAYER = Path(__file__).parent.parent.parent / "layers/shared/providers"
CANARY = "sk-fake-canary-0000"

ALLOWED = {
    "adapters/envelope.py",  # seals it
    "adapters/http.py",  # puts it on the wire
    "usecases/credentials.py",  # digests it
    "usecases/management_keys.py",  # takes a minted token apart
    "vendors/_bedrock_keys.py",
    "vendors/_sigv4.py",
    "vendors/base.py",
}


def test_only_named_files_reveal() -> None:
    """A file that opens a secret is listed here, with its reason in mind."""
    found = {
        str(path.relative_to(LAYER))
        for path in LAYER.rglob("*.py")
        if re.search(r"\.reveal\(\)", path.read_text()) and path.name != "secret.py"
    }
    assert found == ALLOWED


def test_a_secret_does_not_show_itself() -> None:
    """Not in any way that a log line, a traceback or an f-string would use."""
    secret = Secret(CANARY)
    record = logging.LogRecord("x", logging.INFO, "x", 1, "key %s %r", (secret, secret), None)
    shown = f"{secret} {secret!r} {secret!s} {secret:>30} {[secret]} {record.getMessage()} {dir(secret)}"
    assert CANARY not in shown
    assert CANARY not in json.dumps({"key": secret}, default=str)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, vars])
def test_a_secret_is_not_serialized(leak: object) -> None:
    """Copies and serialized forms are refused."""
    with pytest.raises(TypeError) as caught:
        leak(Secret(CANARY))  # type: ignore[operator]
    assert CANARY not in str(caught.value)


def test_secrets_compare_by_what_they_hold() -> None:
    """Equal to another with the same text, and to nothing else."""
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert len(Secret(CANARY)) == len(CANARY)
