"""DELETE /manage/v1/providers/{provider_id}."""

from providers.edge.http import Request
from providers.edge.views import deleted_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.delete import Deleted, delete_provider
from providers_contract import operations


@endpoint(operations.DELETE_PROVIDER, reply=deleted_reply)
def handler(request: Request[None], ports: Ports) -> Deleted:
    """Delete a provider that no routing config uses; `?dry_run=true` only checks for blockers."""
    return delete_provider(
        ports,
        request.org,
        request.provider_id(),
        dry_run=request.choice("dry_run", ("true", "false")) == "true",
        if_match=request.if_match,
        mutation=request.mutation,
    )
