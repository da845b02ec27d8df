"""GET /manage/v1/routing-configs."""

from providers.edge.http import Reply, Request
from providers.edge.views import routing_config_view
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.routing import list_routing_configs
from providers_contract.vocabulary import Scope


@endpoint(Scope.ROUTING_READ, query=("limit", "cursor"))
def handler(request: Request[None], ports: Ports) -> Reply:
    """One page of the organization's routing configs, in the order of their slugs."""
    page, cursor = list_routing_configs(ports, request.org, request.limit(), request.query.get("cursor"))
    return Reply([routing_config_view(each) for each in page], members={"next_cursor": cursor})
