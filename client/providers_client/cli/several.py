"""`providers rm|disable|enable`, which take several providers: they go on after a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from providers_client.cli import options
from providers_client.cli.reporting import exit_code, report
from providers_client.cli.session import Session, begin, confirm, find_by_name, out, require_terminal, say_warnings
from providers_client.errors import AuthenticationFailed, NotFound, PermissionDenied, ProvidersAPIError
from providers_contract.ids import PROVIDER_ID

if TYPE_CHECKING:
    from providers_contract.responses import Deleted, Provider

T = TypeVar("T")


@click.command("rm")
@options.providers
@click.option("--dry-run", is_flag=True, help="Check for blockers without deleting.")
@options.yes
@options.as_json
@click.pass_context
def remove(ctx: click.Context, which: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete providers and every version of their credentials."""
    session = begin(ctx, as_json, "Deleted")
    if not (yes or dry_run):
        require_terminal()

    def delete(provider_id: str) -> Deleted:
        deleted = client.delete_provider(provider_id, dry_run=dry_run)
        if not as_json:
            out(f"{'Can be deleted' if dry_run else 'Deleted'}: {deleted.id}")
        return deleted

    with session.client() as client:
        run = _Run(session, len(which) > 1)
        ids = run.resolved(which, lambda: [*client.list_providers()])
        if not (yes or dry_run) and ids:
            found = run.each(ids, client.get_provider)
            ids = [each.id for each in found]
            if ids:
                named = ", ".join(f"{each.name} ({each.vendor}, key {each.key_hint})" for each in found)
                confirm(f"Delete {named}?")
        run.finish(run.each(ids, delete))


@click.command()
@options.providers
@options.as_json
@click.pass_context
def disable(ctx: click.Context, which: tuple[str, ...], as_json: bool) -> None:
    """Disable providers: they cannot be used, and are not probed."""
    _set_status(begin(ctx, as_json, "Provider"), which, "disabled", "Disabled")


@click.command()
@options.providers
@options.as_json
@click.pass_context
def enable(ctx: click.Context, which: tuple[str, ...], as_json: bool) -> None:
    """Enable disabled providers."""
    _set_status(begin(ctx, as_json, "Provider"), which, "active", "Enabled")


def _set_status(session: Session, which: Sequence[str], status: Literal["active", "disabled"], done: str) -> None:
    def update(provider_id: str) -> Provider:
        changed = client.update_provider(provider_id, status=status)
        say_warnings(() if session.as_json else changed.warnings)
        if not session.as_json:
            out(f"{done}: {changed.data.name}")
        return changed.data

    with session.client() as client:
        run = _Run(session, len(which) > 1)
        run.finish(run.each(run.resolved(which, lambda: [*client.list_providers()]), update))


@dataclass(slots=True)
class _Run:
    """One command for several providers, and the exit codes of its failures."""

    session: Session
    several: bool
    failed: list[int] = field(default_factory=list)

    def resolved(self, which: Sequence[str], providers: Callable[[], Sequence[Provider]]) -> list[str]:
        """Return the ids, each once; one lookup finds all names."""
        known = [] if all(map(PROVIDER_ID.fullmatch, which)) else providers()
        ids = []
        for number, each in enumerate(which, 1):
            try:
                ids.append(each if PROVIDER_ID.fullmatch(each) else find_by_name(known, each))
            except NotFound as error:
                self._report(error, f"argument {number}")
        return [*dict.fromkeys(ids)]

    def each(self, ids: Sequence[str], change: Callable[[str], T]) -> list[T]:
        """Return the results. Raises errors of the management key, which concern all."""
        results = []
        for provider_id in ids:
            try:
                results.append(change(provider_id))
            except (AuthenticationFailed, PermissionDenied):
                raise
            except ProvidersAPIError as error:
                self._report(error, provider_id)
        return results

    def finish(self, results: Sequence[object]) -> None:
        """Print the results with `--json`. Exits with the code of the first failure."""
        if self.session.as_json and (results or not self.failed):
            self.session.print_json([*results])
        if self.failed:
            raise click.exceptions.Exit(self.failed[0])

    def _report(self, error: ProvidersAPIError, of: str) -> None:
        if self.several:
            error.message = f"{of}: {error.message}"
        report(error, as_json=self.session.as_json)
        self.failed.append(exit_code(error))
