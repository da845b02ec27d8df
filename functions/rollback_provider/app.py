"""POST /manage/v1/providers/{provider_id}/rollback."""

from providers.edge.commands import rollback
from providers.edge.http import Request
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.rollback import rollback_provider
from providers.usecases.verification import Changed
from providers_contract import operations


@endpoint(operations.ROLLBACK_PROVIDER, body=rollback, reply=changed_reply)
def handler(request: Request[int | None], ports: Ports) -> Changed:
    """Restore a previous credential as a new version, after its vendor has confirmed that it still works."""
    provider_id, if_match = request.provider_id(), request.if_match
    return rollback_provider(ports, request.org, provider_id, request.body, if_match, mutation=request.mutation)
