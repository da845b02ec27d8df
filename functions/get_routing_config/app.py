"""GET /manage/v1/routing-configs/{slug}."""

from providers.edge.http import Request
from providers.edge.views import routing_config_reply
from providers.entrypoints import endpoint
from providers.model.routing import RoutingConfig
from providers.ports import Ports
from providers.usecases.routing import get_routing_config
from providers_contract import operations


@endpoint(operations.GET_ROUTING_CONFIG, reply=routing_config_reply)
def handler(request: Request[None], ports: Ports) -> RoutingConfig:
    """Return a routing config."""
    return get_routing_config(ports, request.org, request.slug())
