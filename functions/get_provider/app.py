"""GET /manage/v1/providers/{provider_id}."""

from providers.bootstrap import endpoint
from providers.edge.http import Reply, Request
from providers.edge.views import provider_view
from providers.model.provider import Scope
from providers.ports import Ports
from providers.usecases.read import get_provider
from providers.usecases.update import etag, matches


@endpoint(Scope.PROVIDERS_READ)
def handler(request: Request[None], ports: Ports) -> Reply:
    """One provider; 304 where the caller has this revision already."""
    provider = get_provider(ports, request.org, request.provider_id())
    known = request.headers.get("if-none-match")
    unchanged = known is not None and matches(known.replace("W/", ""), provider)
    return Reply(provider_view(provider), status=304 if unchanged else 200, headers={"ETag": etag(provider)})
