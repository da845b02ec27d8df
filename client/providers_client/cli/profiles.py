"""Profiles, which `providers login` stores: an address and its management key under a name.

The key is in the operating system's keyring if the package `keyring` is installed and finds one, otherwise in the file.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from providers_client.errors import ConfigurationError
from providers_contract.secret import Secret
from providers_contract.vendors import is_credential

DEFAULT: Final = "default"
SERVICE: Final = "providers-client"
"""The service in the keyring; the user is the profile's name and its address (`_user`)."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile; `place` says where its key is stored."""

    name: str
    url: str
    key: Secret = field(repr=False)
    place: str


def path() -> Path:
    """Return the path of the file: in $XDG_CONFIG_HOME, or else where the system keeps programs' settings."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return Path(home, "providers", "profiles.json") if home else Path(click.get_app_dir("providers"), "profiles.json")


def checked(name: str) -> str:
    """Return the name of a profile. Raises ConfigurationError, which does not echo it."""
    if not _NAME.fullmatch(name) or is_credential(name):
        raise ConfigurationError("a profile's name has up to 32 characters: a-z, 0-9, _, . and -")
    return name


def load(name: str, *, required: bool) -> Profile | None:
    """Return a profile; None if there is none and it is not `required`. Raises ConfigurationError."""
    stored = _read()
    found = stored.get(name)
    if found is None:
        if not required:
            return None
        known = f"; known: {', '.join(stored)}" if stored else ""
        raise ConfigurationError(f"there is no such profile: `providers login --profile NAME` stores one{known}")
    if "key" in found:
        return Profile(name, found["url"], Secret(found["key"]), f"the file {path()}")
    keyring = _keyring()
    key = None if keyring is None else _unless_it_fails(keyring, "get_password", _user(name, found["url"]))
    if not key:
        raise ConfigurationError("the keyring does not have this profile's key: run `providers login` again")
    return Profile(name, found["url"], Secret(key), "the keyring")


def save(name: str, url: str, key: Secret) -> Profile:
    """Store a profile, in place of one with the same name."""
    stored, keyring, user = _read(), _keyring(), _user(name, url)
    replaced = _user(name, stored[name]["url"]) if name in stored else user
    in_keyring = keyring is not None and _unless_it_fails(keyring, "set_password", user, key.reveal()) is not False
    stored[name] = {"url": url} if in_keyring else {"url": url, "key": key.reveal()}
    _write(stored)
    if keyring is not None and not (in_keyring and replaced == user):
        _unless_it_fails(keyring, "delete_password", replaced)
    return Profile(name, url, key, "the keyring" if in_keyring else f"the file {path()}, which only you can read")


def remove(name: str) -> None:
    """Remove a profile and its key. Raises ConfigurationError if there is none."""
    stored = _read()
    if name not in stored:
        raise ConfigurationError("there is no such profile")
    keyring, found = _keyring(), stored.pop(name)
    if keyring is not None:  # even if the file has the key: an earlier login may have stored one
        _unless_it_fails(keyring, "delete_password", _user(name, found["url"]))
    _write(stored)


def _user(name: str, url: str) -> str:
    """Return the keyring's name for a profile's key: with another address, a file never finds it."""
    return f"{name} {url}"


def _read() -> dict[str, dict[str, str]]:
    try:
        with path().open(encoding="utf-8") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigurationError(f"others can read {path()}: chmod 600 it, and replace its keys")
            found: dict[str, dict[str, str]] = json.load(file)["profiles"]
            return found
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        if isinstance(error, ConfigurationError):
            raise
    raise ConfigurationError(f"cannot read {path()}: remove it, and run `providers login` again")


def _write(stored: dict[str, dict[str, str]]) -> None:
    """Replace the file in one step; it is never readable by others."""
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path().parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"profiles": stored}, file, indent=2)
            Path(name).replace(path())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        why = error.strerror
    else:
        return
    raise ConfigurationError(f"cannot write {path()}: {why}")


def _keyring() -> Any:
    try:
        return importlib.import_module("keyring")  # optional: the extra `keyring`
    except ImportError:
        return None


def _unless_it_fails(keyring: Any, call: str, *arguments: str) -> Any:
    """Return the result of a call of the keyring; False if the system has none, or it is locked."""
    try:
        return getattr(keyring, call)(SERVICE, *arguments)
    except keyring.errors.KeyringError:
        return False
