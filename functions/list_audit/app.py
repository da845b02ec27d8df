"""GET /manage/v1/audit."""

from collections.abc import Sequence

from providers.edge.http import Request
from providers.edge.views import entry_view, page_reply
from providers.entrypoints import endpoint
from providers.model.audit import Entry
from providers.ports import AuditFilter, Ports
from providers.usecases.audit import list_audit
from providers_contract import operations
from providers_contract.vocabulary import Action


@endpoint(operations.LIST_AUDIT, reply=page_reply(entry_view))
def handler(request: Request[None], ports: Ports) -> tuple[Sequence[Entry], str | None]:
    """Return a page of the organization's audit trail, newest first."""
    wanted = AuditFilter(
        resource_id=request.text("resource_id"),
        action=request.choice("action", tuple(Action)),
        key_id=request.text("key_id"),
    )
    return list_audit(ports, request.org, wanted, request.limit(), request.cursor)
