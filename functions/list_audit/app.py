"""GET /manage/v1/audit."""

from providers.edge.http import Reply, Request
from providers.edge.views import entry_view
from providers.entrypoints import endpoint
from providers.ports import AuditFilter, Ports
from providers.usecases.audit import list_audit
from providers_contract.vocabulary import Action, Scope


@endpoint(Scope.PROVIDERS_READ, query=("limit", "cursor", "resource_id", "action", "key_id"))
def handler(request: Request[None], ports: Ports) -> Reply:
    """One page of the organization's audit trail, newest first."""
    wanted = AuditFilter(
        resource_id=request.text("resource_id"),
        action=request.choice("action", tuple(Action)),
        key_id=request.text("key_id"),
    )
    page, cursor = list_audit(ports, request.org, wanted, request.limit(), request.query.get("cursor"))
    return Reply([entry_view(each) for each in page], members={"next_cursor": cursor})
