"""`providers exec`: run a program with vendors' credentials in its environment."""

from __future__ import annotations

import os
import subprocess
from typing import NoReturn

import click

from providers_client.cli import options
from providers_client.cli.session import begin
from providers_client.errors import ConfigurationError
from providers_contract import vendors


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--provider",
    "chosen",
    multiple=True,
    required=True,
    metavar="PROVIDER",
    shell_complete=options.complete_provider,
    help="A provider's id or name; repeat it for several vendors.",
)
@click.option("--org", help="The organization, instead of PROVIDERS_ORG.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT]…")
@click.pass_context
def exec_(ctx: click.Context, chosen: tuple[str, ...], org: str | None, command: tuple[str, ...]) -> None:
    """Run a program with vendors' keys in the variables that their SDKs read.

    It reads the keys as a gateway does, with your AWS credentials and the stack's outputs (docs/use.md), not with a
    management key. They are in no argument and no file, and the program replaces this one. It keeps the keys that it
    started with: start it again after a rotation, within the grace window.
    """
    begin(ctx)
    variables = _variables(chosen, org)
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    environment |= {name: value for name, value in variables.items() if value is not None}
    _run(command, environment)


def _variables(chosen: tuple[str, ...], org: str | None) -> dict[str, str | None]:
    """Return the variables of the chosen providers; None for those that must not be set. Raises ConfigurationError."""
    try:
        from providers_data_plane import CredentialError, Credentials  # late, and optional
    except ImportError:
        raise ConfigurationError("install providers-data-plane for this command") from None
    found: dict[str, str | None] = {}
    try:
        credentials = Credentials.from_environment(org=org)
        try:
            for which in chosen:
                with credentials.use(which) as credential:
                    facts = vendors.facts(credential.vendor)
                    its = facts.exported(credential.secret.reveal(), credential.base_url)
                if not found.keys().isdisjoint(its):
                    raise ConfigurationError(
                        f"several providers of {credential.vendor}: a program can have one of them"
                    )
                found |= its
        finally:
            credentials.close()
    except CredentialError as error:
        raise ConfigurationError(f"{error} ({error.code})") from None
    return found


def _run(command: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    """Replace this process with the command; run it where that is not possible. Raises ConfigurationError."""
    try:
        if os.name == "posix":
            os.execvpe(command[0], command, environment)  # noqa: S606 - without a shell, as intended
        raise SystemExit(subprocess.run(command, env=environment, check=False).returncode)  # noqa: S603 - as intended
    except OSError as error:
        why = error.strerror
    raise ConfigurationError(f"cannot run the command: {why}")
