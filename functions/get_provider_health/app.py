"""GET /manage/v1/providers/{provider_id}/health."""

from providers.edge.http import Request
from providers.edge.views import health_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.health import Report, read_health
from providers_contract import operations
from providers_contract.vocabulary import DEFAULT_HISTORY_SPAN, HistorySpan


@endpoint(operations.GET_PROVIDER_HEALTH, reply=health_reply)
def handler(request: Request[None], ports: Ports) -> Report:
    """Return a provider's state, windows and history."""
    span = request.choice("history", tuple(HistorySpan)) or DEFAULT_HISTORY_SPAN
    return read_health(ports, request.org, request.provider_id(), span)
