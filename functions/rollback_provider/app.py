"""POST /manage/v1/providers/{provider_id}/rollback."""

from providers.edge.http import Reply, Request
from providers.edge.schemas import rollback
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.rollback import rollback_provider
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_WRITE, body=rollback, body_optional=True)
def handler(request: Request[int | None], ports: Ports) -> Reply:
    """Bring an earlier credential back as a new version, once its vendor has confirmed that it still works."""
    if_match, mutation = request.headers.get("if-match"), request.mutation(changed_reply)
    provider_id = request.provider_id()
    changed = rollback_provider(ports, request.org, provider_id, request.body, if_match, mutation=mutation)
    return changed_reply(changed)
