"""Read the audit trail."""

from __future__ import annotations

from collections.abc import Sequence

from providers.model.audit import KEPT, Entry
from providers.ports import AuditFilter, Ports
from providers.usecases.cursors import make_cursor, read_cursor
from providers_contract.ids import ULID


def list_audit(
    ports: Ports, org: str, wanted: AuditFilter, limit: int, cursor: str | None
) -> tuple[Sequence[Entry], str | None]:
    """Return up to `limit` entries, newest first, and the next cursor (None at the end). Raises InvalidRequest."""
    scope = ("audit", org, wanted.resource_id or "", wanted.action or "", wanted.key_id or "")
    since = ports.clock.now() - KEPT
    page, last = ports.audit.list(org, wanted, since, limit, read_cursor(cursor, ULID, *scope))
    return page, None if last is None else make_cursor(last, *scope)
