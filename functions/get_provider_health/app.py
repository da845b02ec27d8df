"""GET /manage/v1/providers/{provider_id}/health."""

from providers.edge.http import Reply, Request
from providers.edge.views import health_view
from providers.entrypoints import endpoint
from providers.model.health import HISTORIES
from providers.ports import Ports
from providers.usecases.health import read_health
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_READ, query=("history",))
def handler(request: Request[None], ports: Ports) -> Reply:
    """State, rolling windows and a history for a sparkline (`?history=1h|24h|7d`, 24h where none is asked for)."""
    span = request.choice("history", tuple(HISTORIES)) or "24h"
    return Reply(health_view(read_health(ports, request.org, request.provider_id(), span)))
