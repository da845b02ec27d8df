"""The command line: its commands and global options. A command's module is imported when the command runs."""

from __future__ import annotations

import os
from typing import Final

import click

from providers_client.cli import options, streams
from providers_client.cli.commands import Commands
from providers_client.cli.exit_codes import EXITS
from providers_client.variables import KEY_VARIABLE, URL_VARIABLE
from providers_client.version import VERSION

COMPLETION_VARIABLE: Final = "_PROVIDERS_COMPLETE"
HELP: Final = f"""Add, verify, rotate, monitor and delete an organization's LLM provider credentials.

The management key is read from {KEY_VARIABLE}, from a file, or from what `providers login` stored. Keys are never
arguments: every process on the machine can see those.
"""
EPILOG: Final = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items()) + "."
COMMANDS: Final = {
    "list": ("providers_client.cli.listing:list_", "List providers, newest first, with their health."),
    "add": ("providers_client.cli.providers:add", "Verify a credential with its vendor and add it."),
    "get": ("providers_client.cli.providers:get", "Show a provider."),
    "rotate": ("providers_client.cli.providers:rotate", "Verify a new key and replace the active one."),
    "update": (
        "providers_client.cli.providers:update",
        "Rename, tag, enable or disable, or set the key's expiry.",
    ),
    "disable": ("providers_client.cli.several:disable", "Disable providers: they cannot be used, and are not probed."),
    "enable": ("providers_client.cli.several:enable", "Enable disabled providers."),
    "rm": ("providers_client.cli.several:remove", "Delete providers and every version of their credentials."),
    "health": ("providers_client.cli.health:health", "Show success rates and latencies, and a chart."),
    "versions": ("providers_client.cli.versions:versions", "List the key versions that can still be read."),
    "destroy-version": ("providers_client.cli.versions:destroy_version", "Destroy a replaced key version early."),
    "rollback": ("providers_client.cli.versions:rollback", "Restore a previous key (creates a new version)."),
    "upload": ("providers_client.cli.providers:upload", "Create a one-time link for someone else to enter a key."),
    "open": ("providers_client.cli.opening:open_", "Open the console in a browser."),
    "import": ("providers_client.cli.importing:import_", "Import keys from a .env file."),
    "exec": (
        "providers_client.cli.executing:exec_",
        "Run a program with vendors' keys in the variables that their SDKs read.",
    ),
    "audit": ("providers_client.cli.audit:audit", "Show who changed what, newest first."),
    "events": ("providers_client.cli.events:app", "Follow changes and health, as they happen."),
    "routing": ("providers_client.cli.routing:app", "Manage routing configs, which protect their providers."),
    "keys": ("providers_client.cli.keys:app", "Create and revoke management keys (needs AWS credentials)."),
    "data-keys": (
        "providers_client.cli.data_keys:app",
        "Replace the keys that seal stored credentials (needs AWS credentials).",
    ),
    "webhook": (
        "providers_client.cli.webhooks:app",
        "Test the webhook and the Slack channel (needs AWS credentials).",
    ),
    "login": ("providers_client.cli.login:login", "Store an address and its management key, as a profile."),
    "logout": ("providers_client.cli.login:logout", "Remove a profile and its key from this machine."),
    "whoami": ("providers_client.cli.login:whoami", "Show the management key that commands use, and its organization."),
    "help": ("providers_client.cli.help:help_", "Show the help of a command."),
    "version": ("providers_client.cli.help:version", "Show the version."),
}
"""The location and short help of each command; the help must not need the command's module."""


@click.group(
    "providers",
    cls=Commands,
    commands=COMMANDS,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--url", metavar="URL", help=f"The API's address, instead of {URL_VARIABLE}.")
@click.option(
    "--management-key-file",
    "key_file",
    type=options.FILE,
    help=f"A file with the management key, instead of {KEY_VARIABLE}.",
)
@click.option("--profile", metavar="NAME", help="The address and key that `providers login --profile NAME` stored.")
@click.version_option(VERSION, message="providers %(version)s", help="Show the version.")
@click.pass_context
def app(ctx: click.Context, url: str | None, key_file: str | None, profile: str | None) -> None:
    """Store the global options for the command."""
    if os.environ.get("NO_COLOR"):  # rich knows the variable; click does not
        ctx.color = False
    ctx.obj = {"url": url, "key_file": key_file, "profile": profile}


def main() -> None:
    """Run the command line."""
    if COMPLETION_VARIABLE not in os.environ:  # click writes completions as bytes
        streams.install()
    app(prog_name="providers", complete_var=COMPLETION_VARIABLE)
