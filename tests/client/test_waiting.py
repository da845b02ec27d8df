"""What a command says while it waits."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.vendors.keys import fake_key
from providers_client.cli import waiting
from tests.client.canned import PROVIDER, PROVIDER_ID, Script, error, one
from tests.client.conftest import Commands

LIMITED = error(429, "rate_limited", {"retry-after": "12"})
DOWN = error(503, "dependency_unavailable", {"retry-after": "3"})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits take no time, and are announced with their full length."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.usefixtures("waits")
def test_a_long_wait_is_announced(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """A wait of a second or more is a line on standard error, with its reason."""
    run, _ = canned(LIMITED, DOWN, one(PROVIDER))
    done = run.ok("get", PROVIDER_ID)
    assert done.err == "Rate limit reached: waiting 12 s …\nThe API is temporarily unavailable: waiting 3 s …\n"
    assert "waiting" not in done.out


@pytest.mark.usefixtures("waits")
def test_a_short_wait_and_json_are_silent(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """A short wait is not worth a line; with `--json`, standard error has errors alone."""
    run, _ = canned(error(503, "dependency_unavailable"), one(PROVIDER), LIMITED, one(PROVIDER))
    assert run.ok("get", PROVIDER_ID).err == ""
    assert run.ok("get", PROVIDER_ID, "--json").err == ""


def test_a_spinner_is_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spinner is shown on a terminal only, and on standard error."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = {}
    for name, stream, quiet in (
        ("terminal", Terminal(), False),
        ("quiet", Terminal(), True),
        ("pipe", io.StringIO(), False),
    ):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with waiting.spinner("Verifying", quiet=quiet):
            pass
        shown[name] = "Verifying" in stream.getvalue()
    assert shown == {"terminal": True, "quiet": False, "pipe": False}


@pytest.mark.parametrize(("keys", "minutes"), [(30, None), (31, "about 2 minutes"), (61, "about 3 minutes")])
def test_a_large_import_says_how_long_it_takes(tmp_path: Path, keys: int, minutes: str | None) -> None:
    """More keys than the API verifies in a minute take minutes, which `import` says before it asks."""
    file = tmp_path / ".env"
    file.write_text("".join(f"GROQ_API_KEY_{n}={fake_key('groq', serial=n)}\n" for n in range(1, keys + 1)))
    run = Commands({})
    said = run.ok("import", str(file), "--dry-run").err
    assert ("a minute." in said) == (minutes is not None)
    assert (minutes or "") in said
    assert len(json.loads(run.ok("import", str(file), "--dry-run", "--json").out)["data"]) == keys
