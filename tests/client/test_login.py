"""`providers login`, `logout` and `whoami`, and the order in which profiles count."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.stack import Stack
from providers_contract.vocabulary import Scope
from tests.client.canned import KEY
from tests.client.conftest import Commands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's settings, on a machine without a keyring."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    return tmp_path


@pytest.fixture
def nobody(folder: Path) -> Commands:
    """A person who has configured nothing."""
    return Commands({"XDG_CONFIG_HOME": str(folder), "PROVIDERS_API_URL": "", "PROVIDERS_API_KEY": ""})


def test_a_login_is_all_that_commands_need(nobody: Commands, folder: Path, stack: Stack) -> None:
    """After a login, no variable is needed; only the owner can read the file with the key."""
    key = stack.mint("org_login", Scope.PROVIDERS_READ).reveal()
    done = nobody.ok("login", answers=f"{stack.url}\n{key}\n")
    assert "Logged in to org_login with the key" in done.out
    file = folder / "providers" / "profiles.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert nobody.ok("list").err == "No providers. `providers add` adds one.\n"
    shown = nobody.ok("whoami", PROVIDERS_FORCE_TTY="120").out
    for expected in ("org_login", "providers:read", "never", stack.url, "profile default, in the file"):
        assert expected in shown
    data = nobody.ok("whoami", "--json=org,scopes").data
    assert data == {"org": "org_login", "scopes": ["providers:read"]}
    assert nobody.ok("logout").out == "Removed: profile default\n"
    assert nobody("list").code == 2
    assert nobody("logout").code == 2
    assert key not in "".join(nobody.seen)
    assert key not in file.read_text()


def test_a_login_without_a_terminal(nobody: Commands, folder: Path, stack: Stack) -> None:
    """Options take the place of the questions; without them, the error names them."""
    assert "no terminal for prompts: use --url and --management-key-file" in nobody("login").err
    (folder / "key").write_text(stack.mint("org_file").reveal() + "\n")
    nobody.ok("login", "--url", stack.url, "--management-key-file", str(folder / "key"))
    assert nobody.ok("whoami", "--json=org").data == {"org": "org_file"}


def test_a_wrong_key_is_not_stored(nobody: Commands, folder: Path, stack: Stack) -> None:
    """A key that the API refuses is not stored."""
    assert nobody("login", answers=f"{stack.url}\n{KEY}\n").code == 7
    assert not (folder / "providers").exists()


def test_options_count_before_variables_and_variables_before_profiles(nobody: Commands, stack: Stack) -> None:
    """An option counts most, `--profile` included; a variable counts more than a profile that is not asked for."""
    token = {name: stack.mint(f"org_{name}").reveal() for name in ("a", "b", "env")}
    nobody.ok("login", answers=f"{stack.url}\n{token['a']}\n")
    nobody.ok("login", "--profile", "b", answers=f"{stack.url}\n{token['b']}\n")
    variables = {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token["env"]}
    for arguments, environment, org in [
        ([], {}, "org_a"),
        ([], {"PROVIDERS_PROFILE": "b"}, "org_b"),
        ([], variables, "org_env"),
        ([], variables | {"PROVIDERS_PROFILE": "b"}, "org_env"),
        (["--profile", "b"], variables, "org_b"),
        (["--profile=default"], {"PROVIDERS_PROFILE": "b"}, "org_a"),
    ]:
        assert nobody.ok("whoami", "--json", *arguments, **environment).data["org"] == org, (arguments, environment)
    unknown = nobody("list", "--profile", "c")
    assert (unknown.code, "there is no such profile" in unknown.err, "known: default, b" in unknown.err) == (
        2,
        True,
        True,
    )


def test_a_profiles_key_is_sent_to_its_own_address_only(nobody: Commands, stack: Stack) -> None:
    """With another address, a profile's key is not sent, wherever the address is from."""
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_own').reveal()}\n")
    elsewhere = "https://elsewhere.example.com"
    for done in (
        nobody("list", "--url", elsewhere),
        nobody("list", PROVIDERS_API_URL=elsewhere),
        nobody("list", "--profile", "default", "--url", elsewhere),
    ):
        assert (done.code, "the profile's key is for another address" in done.err) == (2, True)
    nobody.ok("list", "--url", f"{stack.url}/")


def test_a_key_without_an_address_is_not_sent_to_a_profiles(nobody: Commands, folder: Path, stack: Stack) -> None:
    """A key of a variable or a file goes to a profile's address only if `--profile` names the profile."""
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_stored').reveal()}\n")
    key = stack.mint("org_given").reveal()
    (folder / "key").write_text(key)
    from_file = ("--management-key-file", str(folder / "key"))
    for done in (
        nobody("whoami", PROVIDERS_API_KEY=key),
        nobody("whoami", PROVIDERS_API_KEY=key, PROVIDERS_PROFILE="default"),
        nobody("whoami", *from_file),
    ):
        assert (done.code, "set PROVIDERS_API_URL, or add --url or --profile" in done.err) == (2, True)
    for done in (
        nobody.ok("whoami", "--json=org", "--url", stack.url, PROVIDERS_API_KEY=key),
        nobody.ok("whoami", "--json=org", *from_file, PROVIDERS_API_URL=stack.url),
        nobody.ok("whoami", "--json=org", *from_file, "--profile", "default"),
    ):
        assert done.data == {"org": "org_given"}


class Ring:
    """A keyring; a locked one fails."""

    def __init__(self, *, locked: bool = False) -> None:
        self.errors = SimpleNamespace(KeyringError=RuntimeError)
        self.stored: dict[tuple[str, str], str] = {}
        self.locked = locked

    def set_password(self, service: str, user: str, key: str) -> None:
        if self.locked:
            raise RuntimeError("locked")
        self.stored[service, user] = key

    def get_password(self, service: str, user: str) -> str | None:
        return self.stored.get((service, user))

    def delete_password(self, service: str, user: str) -> None:
        if self.locked or (service, user) not in self.stored:
            raise RuntimeError("locked, or there is no such password")
        del self.stored[service, user]


@pytest.mark.parametrize("locked", [False, True])
def test_a_keyring_is_preferred(
    nobody: Commands, folder: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """If there is a keyring, the key is in it and not in the file; if it fails, the file has the key."""
    ring = Ring(locked=locked)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    key = stack.mint("org_ring").reveal()
    nobody.ok("login", answers=f"{stack.url}\n{key}\n")
    assert (list(ring.stored.values()) == [key]) is not locked
    assert (key in (folder / "providers" / "profiles.json").read_text()) is locked
    assert nobody.ok("whoami", "--json=org").data == {"org": "org_ring"}
    nobody.ok("logout")
    assert ring.stored == {}


def test_a_keyring_that_lost_the_key(nobody: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the keyring does not have the key any more, the error says to log in again."""
    ring = Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_lost').reveal()}\n")
    ring.stored.clear()
    done = nobody("list")
    assert (done.code, "run `providers login` again" in done.err) == (2, True)


def test_a_key_in_the_keyring_is_for_one_address(
    nobody: Commands, folder: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose profile has another address does not find the key in the keyring, so the key is not sent there."""
    monkeypatch.setitem(sys.modules, "keyring", Ring())
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_one').reveal()}\n")
    file = folder / "other" / "providers" / "profiles.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"profiles": {"default": {"url": "https://elsewhere.example.com"}}}))
    file.chmod(0o600)
    done = nobody("list", XDG_CONFIG_HOME=str(folder / "other"))
    assert (done.code, "run `providers login` again" in done.err) == (2, True)


def test_a_login_leaves_no_older_key_in_the_keyring(
    nobody: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login to another address removes the key of the replaced profile from the keyring."""
    ring = Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    keys = [stack.mint("org_again").reveal() for _ in range(3)]
    nobody.ok("login", answers=f"{stack.url}\n{keys[0]}\n")
    nobody.ok("login", answers=f"{stack.url}/\n{keys[1]}\n")
    assert list(ring.stored.values()) == [keys[1]]
    nobody.ok("login", answers=f"{stack.url}/\n{keys[2]}\n")
    assert list(ring.stored.values()) == [keys[2]]


def test_a_logout_removes_a_key_that_the_keyring_kept(
    nobody: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of an earlier login leaves the keyring even if a later login stored its own in the file."""
    ring = Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_first').reveal()}\n")
    ring.locked = True
    nobody.ok("login", answers=f"{stack.url}\n{stack.mint('org_second').reveal()}\n")
    ring.locked = False
    nobody.ok("logout")
    assert ring.stored == {}


def test_a_failed_write_leaves_no_file(
    nobody: Commands, folder: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file cannot be replaced, the temporary file with the keys is removed."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    done = nobody("login", answers=f"{stack.url}\n{stack.mint('org_full').reveal()}\n")
    assert (done.code, "No space left on device" in done.err) == (2, True)
    assert list((folder / "providers").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_others_can_read_is_refused(nobody: Commands, folder: Path) -> None:
    """A file that others can read, or that is no such file, is an error that says what to do."""
    file = folder / "providers" / "profiles.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"profiles": {}}))
    file.chmod(0o644)
    assert "chmod 600" in nobody("list").err
    file.chmod(0o600)
    file.write_text("{")
    assert "run `providers login` again" in nobody("list").err
