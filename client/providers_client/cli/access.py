"""The API's address and the management key: from options, else from the environment, else from a profile."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from providers_client.cli import profiles
from providers_client.cli.files import read_text
from providers_client.errors import ConfigurationError
from providers_client.variables import KEY_VARIABLE, URL_VARIABLE

PROFILE_VARIABLE: Final = "PROVIDERS_PROFILE"


@dataclass(frozen=True, slots=True)
class Access:
    """The address and the management key; `key_from` says where the key is from."""

    url: str
    key: str = field(repr=False)
    key_from: str


def access(url: str | None, key_file: str | None, profile: str | None) -> Access:
    """Return what the global options select. Raises ConfigurationError.

    A profile's key is sent to the profile's own address only, and another key to an address that was given with it.
    """
    given = os.environ.get(KEY_VARIABLE)
    if key_file is not None:
        return Access(_given(url, profile), read_text(key_file, "--management-key-file"), "--management-key-file")
    if given and profile is None:
        return Access(_given(url, None), given, KEY_VARIABLE)
    found = _profile(profile)
    if found is None:
        raise ConfigurationError(
            f"run `providers login`, set {KEY_VARIABLE} to a management key, or add --management-key-file"
        )
    if url is None and profile is None:
        url = os.environ.get(URL_VARIABLE)
    if url and url.rstrip("/") != found.url.rstrip("/"):
        raise ConfigurationError(
            f"the profile's key is for another address: set {KEY_VARIABLE}, or add --management-key-file"
        )
    return Access(found.url, found.key.reveal(), f"profile {found.name}, in {found.place}")


def _given(url: str | None, profile: str | None) -> str:
    """Return the address for a key that is not a profile's. Raises ConfigurationError."""
    found = url or (os.environ.get(URL_VARIABLE) if profile is None else None)
    if not found and profile is None:
        raise ConfigurationError(f"set {URL_VARIABLE}, or add --url or --profile: the key is not from a profile")
    return address(found, profile)


def address(url: str | None, profile: str | None) -> str:
    """Return the API's address. Raises ConfigurationError."""
    if not url and profile is None:
        url = os.environ.get(URL_VARIABLE)
    if not url:
        found = _profile(profile)
        url = None if found is None else found.url
    if not url:
        raise ConfigurationError(f"run `providers login`, set {URL_VARIABLE}, or add --url")
    return url


def _profile(name: str | None) -> profiles.Profile | None:
    named = name or os.environ.get(PROFILE_VARIABLE)
    return profiles.load(profiles.checked(named or profiles.DEFAULT), required=bool(named))
