"""PUT /manage/v1/routing-configs/{slug}."""

from providers.edge.http import Reply, Request
from providers.edge.schemas import routing
from providers.edge.views import routing_config_view
from providers.entrypoints import endpoint
from providers.model.routing import Attempt, RoutingConfig
from providers.ports import Ports
from providers.usecases.routing import put_routing_config
from providers_contract.vocabulary import Scope


@endpoint(Scope.ROUTING_WRITE, body=routing)
def handler(request: Request[tuple[str, tuple[Attempt, ...]]], ports: Ports) -> Reply:
    """Create or replace a routing config, and with it the references that protect its providers from deletion."""
    strategy, attempts = request.body
    mutation = request.mutation(_reply)
    return _reply(put_routing_config(ports, request.org, request.slug(), strategy, attempts, mutation=mutation))


def _reply(put: tuple[RoutingConfig, bool]) -> Reply:
    config, created = put
    return Reply(routing_config_view(config), status=201 if created else 200)
