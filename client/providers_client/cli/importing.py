"""`providers import`: add the keys in a .env file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import click

from providers_client.aio import AsyncClient
from providers_client.cli import options
from providers_client.cli.envfile import Contents, Found, read
from providers_client.cli.files import read_stdin, read_text
from providers_client.cli.reporting import exit_code, plain
from providers_client.cli.session import (
    Session,
    begin,
    confirm,
    require_terminal,
    say,
    say_prominently,
)
from providers_client.cli.tables import Column, show, styled, table
from providers_client.errors import AuthenticationFailed, ConfigurationError, PermissionDenied, ProvidersAPIError
from providers_contract.responses import Provider
from providers_contract.vendors import facts

AT_ONCE: Final = 4
RETRIES: Final = 4
A_MINUTE: Final = 30
"""Verifications that the API does for an organization, unless its stack is configured otherwise."""
_CANDIDATES: Final = 3
_FIELDS: Final = (
    "variables",
    "vendor",
    "name",
    "key_hint",
    "base_url",
    "foreign_host",
    "result",
    "code",
    "message",
    "provider_id",
)
_NOT_ALLOWED: Final = "host_not_allowed"

Outcome = Literal[
    "added", "already stored", "to add", "refused", "unavailable", "foreign host", "duplicate", "name taken", "skipped"
]
_STYLES: Final = {
    "added": "green",
    "already stored": "green",
    "refused": "red",
    "unavailable": "red",
    "foreign host": "red",
    "name taken": "yellow",
}
_FAILED: Final = ("refused", "unavailable", "foreign host", "name taken")


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one credential."""

    of: Found
    outcome: Outcome
    detail: str | None = None
    code: str | None = None
    provider_id: str | None = None


@click.command("import")
@click.argument("file", type=options.FILE, metavar="FILE")
@click.option("--skip", multiple=True, metavar="VARIABLE", help="Skip the credential in this variable; repeat it.")
@click.option("--store-pending", is_flag=True, help="If a vendor is unavailable, store its keys unverified.")
@click.option(
    "--allow-host",
    multiple=True,
    metavar="HOST",
    help="Send keys to this host, although it is not a host of their vendor; repeat it.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be added, without adding it.")
@options.yes
@options.as_json
@click.pass_context
def import_(
    ctx: click.Context,
    file: str,
    skip: tuple[str, ...],
    store_pending: bool,
    allow_host: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Import keys from a .env file.

    FILE is a .env file, or - for standard input. Each key is verified with its vendor; the exit code is 1 if one was
    not added. Keys are recognized by their format and by the name of their variable. Values are never shown, and the
    environment is not changed. A key is sent to a host that is not its vendor's only if you allow that host.
    """
    session = begin(ctx, as_json, _FIELDS)
    contents = read(read_stdin() if file == "-" else read_text(file, "FILE"))
    _refuse_unknown(skip, contents)
    planned = {found: _planned(found, skip) for found in contents.found}
    asks = not (yes or dry_run)
    if asks:
        require_terminal()
    if not as_json and not yes:
        _show(list(planned.values()))
        _show_rest(contents)
    planned |= _decided(planned, allow_host, asks=asks, quiet=as_json and not asks)
    sendable = [found for found, result in planned.items() if result.outcome == "to add"]
    if not as_json and len(sendable) > A_MINUTE:
        minutes = -(-len(sendable) // A_MINUTE)
        say(f"{_count(len(sendable))}: about {minutes} minutes, as the API verifies {A_MINUTE} a minute.")
    if not dry_run and sendable:
        if asks:
            confirm(f"Verify and add {_count(len(sendable))}?")
        added = asyncio.run(_add_all(session, sendable, store_pending=store_pending, quiet=as_json))
        planned |= {result.of: result for result in added}
    results = list(planned.values())
    if as_json:
        session.print_json(
            [_plain(each) for each in results],
            not_recognized=contents.unknown,
            references=contents.references,
            unreadable_lines=contents.unreadable,
        )
    elif not dry_run:
        _show(results)
        if yes:
            _show_rest(contents)
        _sum_up(results)
    if contents.unreadable or any(each.outcome in _FAILED for each in results):
        raise click.exceptions.Exit(1)


def _refuse_unknown(skip: Sequence[str], contents: Contents) -> None:
    """Raise ConfigurationError for a mistyped --skip, which would send the key that it was meant to leave out."""
    known = {*contents.unknown, *contents.references, *contents.others}
    known.update(*(found.variables for found in contents.found))
    if not set(skip) <= known:
        raise ConfigurationError("--skip names a variable that the file does not have; nothing was sent")


def _planned(found: Found, skip: Sequence[str]) -> Result:
    if set(found.variables) & set(skip):
        return Result(found, "skipped")
    if found.same_as is not None:
        return Result(found, "duplicate", f"the same as {found.same_as}")
    if found.problem is not None:
        return Result(found, "refused", found.problem, "credential_format")
    return Result(found, "to add")


def _decided(
    planned: Mapping[Found, Result], allowed: Sequence[str], *, asks: bool, quiet: bool
) -> dict[Found, Result]:
    """Return the results of credentials whose host is neither the vendor's own, nor allowed, nor confirmed."""
    foreign = {found: found.foreign_host for found, result in planned.items() if result.outcome == "to add"}
    hosts = {host: found for found, host in foreign.items() if host is not None}
    good = {each.lower() for each in allowed}
    for host, found in hosts.items():
        names = ", ".join(each.variables[0] for each in foreign if foreign[each] == host)
        warning = f"{names} would be sent to {host}, which is not a host of {facts(found.vendor).title}."
        if not quiet:
            say_prominently(warning)
        if host not in good and asks and click.confirm(plain(f"Send it to {host}?"), err=True):
            good.add(host)
    return {
        found: Result(
            found,
            "foreign host",
            f"{host} is not a host of {facts(found.vendor).title}; --allow-host allows it",
            _NOT_ALLOWED,
        )
        for found, host in foreign.items()
        if host is not None and host not in good
    }


async def _add_all(session: Session, wanted: list[Found], *, store_pending: bool, quiet: bool) -> list[Result]:
    """Add the credentials concurrently, with a progress bar. Raises errors of the management key, which concern all."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with session.async_client(retries=RETRIES) as client:
        stored = await _stored(client)
        with progress(len(wanted), quiet=quiet) as advance:

            async def one(found: Found) -> Result:
                async with gate:
                    result = await _add(client, found, stored, store_pending=store_pending)
                advance()
                return result

            adding = [asyncio.create_task(one(found)) for found in wanted]
            try:
                return list(await asyncio.gather(*adding))
            finally:
                for each in adding:
                    each.cancel()


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error, if that is a terminal; the result advances it by one."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # late: only a terminal needs it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


async def _stored(client: AsyncClient) -> list[Provider]:
    """Return the stored providers; none if the management key may only write."""
    try:
        return [each async for each in client.list_providers()]
    except PermissionDenied:
        return []


async def _add(client: AsyncClient, found: Found, stored: Sequence[Provider], *, store_pending: bool) -> Result:
    """Add a credential, unless a provider already has it, which only the API can decide.

    The API reports it when it refuses a taken name. So a credential with the hint of a stored one is first sent under
    the stored provider's name: if they are the same, nothing is added.
    """
    same = [each.name for each in stored if (each.vendor, each.key_hint) == (found.vendor, found.hint)]
    names = [*(same[:_CANDIDATES] if not found.hint.endswith("…") else ()), found.name]
    for name in dict.fromkeys(names):
        try:
            changed = await client.add_provider(
                found.vendor,
                name,
                found.secret.reveal(),
                base_url=found.base_url,
                on_unavailable="store_pending" if store_pending else None,
            )
        except (AuthenticationFailed, PermissionDenied):
            raise
        except ProvidersAPIError as error:
            holders = [each.id for each in error.references if each.type == "provider"]
            if error.code == "name_taken" and holders:
                called = next((each.name for each in stored if each.id in holders), holders[0])
                return Result(found, "already stored", f"as {called}", provider_id=holders[0])
            if error.code == "name_taken":
                result = Result(found, "name taken", error.message, error.code)
                continue
            outcome: Outcome = "unavailable" if exit_code(error) == 6 else "refused"
            return Result(found, outcome, error.message, error.code)
        warnings = "; ".join(warning.message for warning in changed.warnings) or None
        return Result(found, "added", warnings, provider_id=changed.data.id)
    return result


def _show(results: list[Result]) -> None:
    shown = table(
        Column("VARIABLE"),
        Column("VENDOR", drop=2),
        Column("NAME", drop=3, folds=True),
        Column("KEY", drop=1),
        Column("RESULT"),
        Column("", folds=True),
    )
    for each in results:
        outcome = styled(each.outcome, _STYLES.get(each.outcome, ""))
        of = each.of
        shown.add(of.variables[0], of.vendor, of.name, of.hint, outcome, each.detail or "")
    if results:
        show(shown)
    else:
        say("No credentials of a known vendor.")


def _show_rest(contents: Contents) -> None:
    if contents.unknown:
        refers = {name: f" (a reference to {what})" for name, what in contents.references.items()}
        say(f"Not recognized: {', '.join(name + refers.get(name, '') for name in contents.unknown)}")
    if contents.others:
        say(f"Not credentials: {len(contents.others)} other variable{'s' * (len(contents.others) > 1)}")
    for line in contents.unreadable:
        say_prominently(f"Line {line} is not of the form NAME=VALUE, and was left out.")


def _sum_up(results: list[Result]) -> None:
    outcomes = [each.outcome for each in results]
    say(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)))


def _plain(result: Result) -> dict[str, Any]:
    of = result.of
    return {
        "variables": list(of.variables),
        "vendor": of.vendor,
        "name": of.name,
        "key_hint": of.hint,
        "base_url": of.base_url,
        "foreign_host": of.foreign_host,
        "result": result.outcome.replace(" ", "_"),
        "code": result.code,
        "message": result.detail,
        "provider_id": result.provider_id,
    }


def _count(number: int) -> str:
    return f"{number} credential{'s' * (number != 1)}"
