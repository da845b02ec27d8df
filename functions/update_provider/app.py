"""PATCH /manage/v1/providers/{provider_id}."""

from providers.bootstrap import endpoint
from providers.edge.http import Reply, Request
from providers.edge.schemas import change
from providers.edge.views import provider_view
from providers.model.provider import Scope
from providers.ports import Ports
from providers.usecases.update import Change, etag, update_provider


@endpoint(Scope.PROVIDERS_WRITE, body=change)
def handler(request: Request[Change], ports: Ports) -> Reply:
    """Rename, disable, enable or rotate; a new credential is verified before it replaces the one in force."""
    if_match = request.headers.get("if-match")
    provider, warnings = update_provider(ports, request.org, request.provider_id(), request.body, if_match)
    return Reply(
        provider_view(provider),
        headers={"ETag": etag(provider)},
        members={"warnings": warnings} if warnings else {},
    )
