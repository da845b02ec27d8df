"""Reads a vendor's key: never from an argument, which every process on the machine can see."""

from __future__ import annotations

import os
import sys

import click

from providers_client.cli.files import read_stdin, read_text
from providers_client.errors import ConfigurationError
from providers_contract.ids import MANAGEMENT_KEY_PREFIX
from providers_contract.secret import trimmed
from providers_contract.vendors import KEY_FORMATS


def read_key(vendor: str | None, key_file: str | None, key_stdin: bool, key_env: str | None) -> str:
    """Return the key, without surrounding white space and invisible characters.

    Without an option, the person at the terminal is prompted for it; it is not shown.

    Raises ConfigurationError.
    """
    if sum((key_file is not None, key_stdin, key_env is not None)) > 1:
        raise ConfigurationError("use only one of --key-file, --key-stdin and --key-env")
    if key_file is not None:
        key = read_text(key_file, "--key-file")
    elif key_stdin:
        key = read_stdin()
    elif key_env is not None:
        key = os.environ.get(key_env, "")
        if not key:
            raise ConfigurationError("the environment variable of --key-env is not set")
    elif sys.stdin.isatty():
        form = KEY_FORMATS.get(vendor or "")
        key = click.prompt(f"The {vendor or 'new'} key" + (f" ({form})" if form else ""), hide_input=True, err=True)
    else:
        raise ConfigurationError("no terminal to prompt for the key: use --key-stdin, --key-file or --key-env")
    key = trimmed(key)
    if not key:
        raise ConfigurationError("the key is empty")
    if MANAGEMENT_KEY_PREFIX in key.lower():
        raise ConfigurationError("this is a management key, not a vendor's key")
    return key
