"""`providers import`: adds what a .env file holds."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from providers_client.aio import AsyncClient
from providers_client.cli.charts import cells, table
from providers_client.cli.envfile import Contents, Found, read
from providers_client.cli.exits import exit_code
from providers_client.cli.session import Json, Session, Yes, begin, console, read_text, run, say
from providers_client.errors import AuthenticationFailed, PermissionDenied, ProvidersAPIError

AT_ONCE: Final = 4
RETRIES: Final = 4

Outcome = Literal["added", "to add", "refused", "unavailable", "duplicate", "name taken", "skipped"]
_STYLES: Final = {"added": "green", "refused": "red", "unavailable": "red", "name taken": "yellow"}
_FAILED: Final = ("refused", "unavailable", "name taken")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a credential."""

    of: Found
    outcome: Outcome
    told: str | None = None
    code: str | None = None
    provider_id: str | None = None


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .env file; - for standard input.")],
    skip: Annotated[
        list[str] | None, typer.Option(metavar="VARIABLE", help="Leave this variable's credential out; repeat it.")
    ] = None,
    store_pending: Annotated[
        bool, typer.Option("--store-pending", help="Store those unverified whose vendor cannot be reached.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be added.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Add the credentials in a .env file, each verified with its vendor. Ends with 1 if one of them was not added.

    They are recognized by their form and by their variable's name. Values are never shown, and nothing is put into the
    environment.
    """
    session = begin(ctx, as_json)
    contents = read(sys.stdin.read() if str(file) == "-" else read_text(file))
    planned = {found: _planned(found, skip or ()) for found in contents.found}
    sendable = [found for found, result in planned.items() if result.outcome == "to add"]
    if not as_json and (dry_run or not yes):
        _show(list(planned.values()))
        _show_rest(contents)
    if not dry_run and sendable:
        if not yes:
            typer.confirm(f"Verify and add {_count(len(sendable))}?", abort=True, err=True)
        added = run(_add_all(session, sendable, store_pending=store_pending, quiet=as_json))
        planned |= {result.of: result for result in added}
    results = list(planned.values())
    if as_json:
        session.print_json([_plain(each) for each in results], not_recognized=contents.unknown)
    elif not dry_run:
        _show(results)
        if yes:
            _show_rest(contents)
        _sum_up(results)
    if any(each.outcome in _FAILED for each in results):
        raise typer.Exit(1)


def _planned(found: Found, skip: list[str] | tuple[str, ...]) -> Result:
    if set(found.variables) & set(skip):
        return Result(found, "skipped")
    if found.same_as is not None:
        return Result(found, "duplicate", f"the same as {found.same_as}")
    if found.problem is not None:
        return Result(found, "refused", found.problem, "credential_format")
    return Result(found, "to add")


async def _add_all(session: Session, wanted: list[Found], *, store_pending: bool, quiet: bool) -> list[Result]:
    """Add some at once, with a bar that fills. Raises what concerns all of them: a management key that is not good."""
    bar = Progress(
        TextColumn("verifying"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        transient=True,
    )
    gate = asyncio.Semaphore(AT_ONCE)
    async with session.async_client(retries=RETRIES) as client:
        with bar:
            task = bar.add_task("", total=len(wanted))

            async def one(found: Found) -> Result:
                async with gate:
                    result = await _add(client, found, store_pending=store_pending)
                bar.advance(task)
                return result

            adding = [asyncio.create_task(one(found)) for found in wanted]
            try:
                return list(await asyncio.gather(*adding))
            finally:
                for each in adding:
                    each.cancel()


async def _add(client: AsyncClient, found: Found, *, store_pending: bool) -> Result:
    try:
        changed = await client.add_provider(
            found.vendor,
            found.name,
            found.secret.reveal(),
            base_url=found.base_url,
            on_unavailable="store_pending" if store_pending else None,
        )
    except (AuthenticationFailed, PermissionDenied):
        raise
    except ProvidersAPIError as error:
        unavailable = exit_code(error) == 6
        outcome: Outcome = "name taken" if error.code == "name_taken" else "unavailable" if unavailable else "refused"
        return Result(found, outcome, error.message, error.code)
    told = "; ".join(warning.message for warning in changed.warnings) or None
    return Result(found, "added", told, provider_id=changed.data.id)


def _show(results: list[Result]) -> None:
    shown = table("VARIABLE", "VENDOR", "NAME", "KEY", "RESULT", "")
    for each in results:
        outcome = Text(each.outcome, _STYLES.get(each.outcome, ""))
        of = each.of
        shown.add_row(*cells(of.variables[0], of.vendor, of.name, of.hint, outcome, each.told or ""))
    if results:
        console().print(shown)
    else:
        say("No credentials of a known vendor.")


def _show_rest(contents: Contents) -> None:
    if contents.unknown:
        say(f"Not recognized: {', '.join(contents.unknown)}")
    if contents.others:
        say(f"Not credentials: {len(contents.others)} other variable{'s' * (len(contents.others) > 1)}")


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
        "result": result.outcome.replace(" ", "_"),
        "code": result.code,
        "message": result.told,
        "provider_id": result.provider_id,
    }


def _count(number: int) -> str:
    return f"{number} credential{'s' * (number != 1)}"
