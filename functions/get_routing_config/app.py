"""GET /manage/v1/routing-configs/{slug}."""

from providers.edge.http import Reply, Request
from providers.edge.views import routing_config_view
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.routing import get_routing_config
from providers_contract.vocabulary import Scope


@endpoint(Scope.ROUTING_READ)
def handler(request: Request[None], ports: Ports) -> Reply:
    """One routing config."""
    return Reply(routing_config_view(get_routing_config(ports, request.org, request.slug())))
