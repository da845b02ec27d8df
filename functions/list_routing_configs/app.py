"""GET /manage/v1/routing-configs."""

from collections.abc import Sequence

from providers.edge.http import Request
from providers.edge.views import page_reply, routing_config_view
from providers.entrypoints import endpoint
from providers.model.routing import RoutingConfig
from providers.ports import Ports
from providers.usecases.routing import list_routing_configs
from providers_contract import operations


@endpoint(operations.LIST_ROUTING_CONFIGS, reply=page_reply(routing_config_view))
def handler(request: Request[None], ports: Ports) -> tuple[Sequence[RoutingConfig], str | None]:
    """Return a page of the organization's routing configs, ordered by slug."""
    return list_routing_configs(ports, request.org, request.limit(), request.cursor)
