"""PATCH /manage/v1/providers/{provider_id}."""

from providers.edge.http import Reply, Request
from providers.edge.schemas import change
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.update import Change, update_provider
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_WRITE, body=change)
def handler(request: Request[Change], ports: Ports) -> Reply:
    """Rename, disable, enable or rotate; a new credential is verified before it replaces the one in force."""
    if_match, mutation = request.headers.get("if-match"), request.mutation(changed_reply)
    provider_id = request.provider_id()
    changed = update_provider(ports, request.org, provider_id, request.body, if_match, mutation=mutation)
    return changed_reply(changed)
