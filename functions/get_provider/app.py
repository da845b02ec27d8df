"""GET /manage/v1/providers/{provider_id}."""

from providers.edge.http import Reply, Request
from providers.edge.views import provider_view, shown_tag
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.health import health_summaries
from providers.usecases.read import get_provider
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_READ)
def handler(request: Request[None], ports: Ports) -> Reply:
    """One provider; 304 where the caller has this revision already."""
    provider = get_provider(ports, request.org, request.provider_id())
    summary = health_summaries(ports, [provider])[provider.id]
    tag = shown_tag(provider, summary)
    unchanged = request.has_already(tag)
    return Reply(provider_view(provider, summary), status=304 if unchanged else 200, headers={"ETag": tag})
