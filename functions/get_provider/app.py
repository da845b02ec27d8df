"""GET /manage/v1/providers/{provider_id}."""

from providers.edge.http import Reply, Request, as_is
from providers.edge.views import provider_etag, provider_view
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.health import health_summaries
from providers.usecases.read import get_provider
from providers_contract import operations


@endpoint(operations.GET_PROVIDER, reply=as_is)
def handler(request: Request[None], ports: Ports) -> Reply:
    """Return a provider, or 304 if `If-None-Match` names its current revision."""
    provider = get_provider(ports, request.org, request.provider_id())
    summary = health_summaries(ports, [provider])[provider.id]
    tag = provider_etag(provider, summary)
    unchanged = request.has_already(tag)
    return Reply(provider_view(provider, summary), status=304 if unchanged else 200, headers={"ETag": tag})
