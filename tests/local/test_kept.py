"""`DATA=folder`: a stack that is stopped and started again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from local.background import in_background
from local.stack import running_stack
from local.vendors.keys import fake_key
from providers_client import Client
from providers_contract.secret import Secret

OTHER = "mlx_mk_mine_" + "0" * 64


def test_state_is_kept_between_runs(tmp_path: Path) -> None:
    """A provider of the first run can be read, used and rotated in the second, with the same management key."""
    data = tmp_path / "data"
    with in_background(running_stack(data=data)) as first:
        with Client(first.url, first.management_key.reveal()) as client:
            added = client.add_provider("openai", "Kept", fake_key("openai")).data
        key = first.management_key
        first.ports.local_clock.ahead = timedelta(minutes=5)
    assert (data / "stack.json").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    for _ in range(2):  # a run that changes nothing loses nothing
        with in_background(running_stack(data=data)) as second:
            assert second.management_key == key
            assert second.ports.local_clock.ahead == timedelta(minutes=5)
            with Client(second.url, key.reveal()) as client:
                assert client.get_provider(added.id).name == "Kept"
    with in_background(running_stack(data=data)) as third, Client(third.url, key.reveal()) as client:
        rotated = client.update_provider(added.id, api_key=fake_key("openai", serial=2)).data
        assert client.rollback_provider(rotated.id).data.key_hint == added.key_hint


def test_a_given_key_is_added(tmp_path: Path) -> None:
    """A management key that is given counts, and the kept one stays valid."""
    with in_background(running_stack(data=tmp_path)) as first:
        kept = first.management_key
    for _ in range(2):
        with in_background(running_stack(data=tmp_path, management_key=Secret(OTHER))) as second:
            assert second.management_key == Secret(OTHER)
            for key in (kept, second.management_key):
                with Client(second.url, key.reveal()) as client:
                    assert list(client.list_providers()) == []


def test_a_failed_save_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file cannot be replaced, the temporary file with the KMS key is removed."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"), in_background(running_stack(data=tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"management_key": "x"}',
        '{"management_key": "x", "clock_ahead_s": 0, "kms": {}, "tables": {"Another": []}}',
    ],
)
def test_a_file_that_does_not_fit_is_an_error(tmp_path: Path, content: str) -> None:
    """A file that is broken, or from another version, is an error, and stays as it is."""
    file = tmp_path / "stack.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"stack\.json|Expecting"), in_background(running_stack(data=tmp_path)):
        pass
    assert file.read_text() == content
