"""Where a command takes a vendor's key from: never from its arguments, which every process on the machine can see."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from providers_client.cli.session import read_stdin, read_text
from providers_client.errors import ConfigurationError
from providers_contract.ids import MANAGEMENT_KEY_PREFIX
from providers_contract.secret import trimmed
from providers_contract.vendors import KEY_FORMATS

KeyFile = Annotated[Path | None, typer.Option("--key-file", help="Read the vendor's key from this file.")]
KeyStdin = Annotated[bool, typer.Option("--key-stdin", help="Read the vendor's key from standard input.")]
KeyEnv = Annotated[
    str | None, typer.Option("--key-env", metavar="NAME", help="Read the vendor's key from this environment variable.")
]


def read_key(vendor: str | None, key_file: Path | None, key_stdin: bool, key_env: str | None) -> str:
    """The key, without white space and invisible characters around it.

    A person is asked for it, without showing it, where no option says where it is.

    Raises ConfigurationError.
    """
    if sum((key_file is not None, key_stdin, key_env is not None)) > 1:
        raise ConfigurationError("give one of --key-file, --key-stdin and --key-env")
    if key_file is not None:
        key = read_text(key_file, "--key-file")
    elif key_stdin:
        key = read_stdin()
    elif key_env is not None:
        key = os.environ.get(key_env, "")
        if not key:
            raise ConfigurationError("--key-env names an environment variable, and this one is not set")
    elif sys.stdin.isatty():
        form = KEY_FORMATS.get(vendor or "")
        key = typer.prompt(f"The {vendor or 'new'} key" + (f" ({form})" if form else ""), hide_input=True, err=True)
    else:
        raise ConfigurationError("there is no terminal to ask for the key: give --key-stdin, --key-file or --key-env")
    key = trimmed(key)
    if not key:
        raise ConfigurationError("the key is empty")
    if MANAGEMENT_KEY_PREFIX in key.lower():
        raise ConfigurationError("this is a management key; a vendor's key is wanted")
    return key
