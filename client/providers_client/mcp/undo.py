"""The tools with which a model can undo its work: only of servers whose user wants them."""

from __future__ import annotations

from typing import Any, Final

from providers_client.mcp import arguments
from providers_client.mcp.results import Stored
from providers_client.mcp.tool import READS, Caller, Tool, hints
from providers_contract.responses import AuditEntry, Page, Single, Version


def list_versions(caller: Caller, given: arguments.ListVersions) -> Single[list[Version]]:
    """Return a provider's key versions."""
    return Single[list[Version]](data=caller.client.list_versions(given.provider_id))


def rollback_provider(caller: Caller, given: arguments.RollbackProvider) -> Stored:
    """Restore an earlier key."""
    changed = caller.client.rollback_provider(given.provider_id, given.version)
    return Stored(provider=changed.data, warnings=changed.warnings)


def list_audit(caller: Caller, given: arguments.ListAudit) -> Page[AuditEntry]:
    """Return one page of the audit trail."""
    return caller.client.list_audit_page(given.provider_id, given.action, limit=given.limit, cursor=given.cursor)


UNDO_TOOLS: Final[dict[str, Tool[Any]]] = {
    each.name: each
    for each in (
        Tool(
            "list_versions",
            "List key versions",
            "List a provider's key versions that can still be read, newest first: hint, whether it is active, when it "
            "is destroyed, when it was last used, and whether it is safe to revoke at the vendor. Never a key.",
            arguments.ListVersions,
            (Single[list[Version]],),
            hints("List key versions", **READS),
            list_versions,
        ),
        Tool(
            "rollback_provider",
            "Roll back to an earlier key",
            "Undo a rotation: make an earlier key version, which must not be destroyed yet, the active key again, as a "
            "new version. It is verified with the vendor first; if the vendor refuses it or is unavailable, nothing "
            "changes.",
            arguments.RollbackProvider,
            (Stored,),
            hints("Roll back to an earlier key", reads=False, destroys=True, idempotent=False, calls_vendor=True),
            rollback_provider,
        ),
        Tool(
            "list_audit",
            "List the audit trail",
            "List the organization's changes, newest first: who changed what and when, and the fields before and "
            "after. One page: pass next_cursor as cursor for the next, null means it was the last. Never a key.",
            arguments.ListAudit,
            (Page[AuditEntry],),
            hints("List the audit trail", **READS),
            list_audit,
        ),
    )
}
"""The tools by name, in the order of the list, after the six."""
