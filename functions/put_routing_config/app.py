"""PUT /manage/v1/routing-configs/{slug}."""

from providers.edge.commands import routing
from providers.edge.http import Reply, Request
from providers.edge.views import routing_config_reply
from providers.entrypoints import endpoint
from providers.model.routing import Attempt, RoutingConfig
from providers.ports import Ports
from providers.usecases.routing import put_routing_config
from providers_contract import operations


def _reply(put: tuple[RoutingConfig, bool]) -> Reply:
    config, created = put
    return routing_config_reply(config, status=201 if created else 200)


@endpoint(operations.PUT_ROUTING_CONFIG, body=routing, reply=_reply)
def handler(request: Request[tuple[str, tuple[Attempt, ...]]], ports: Ports) -> tuple[RoutingConfig, bool]:
    """Create or replace a routing config, and the references that protect its providers from deletion."""
    strategy, attempts = request.body
    return put_routing_config(ports, request.org, request.slug(), strategy, attempts, mutation=request.mutation)
