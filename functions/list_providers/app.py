"""GET /manage/v1/providers."""

from providers.edge.http import Reply, Request
from providers.edge.views import provider_view
from providers.entrypoints import endpoint
from providers.ports import Ports, ProviderFilter
from providers.usecases.health import health_summaries
from providers.usecases.read import list_providers
from providers_contract import vendors
from providers_contract.vocabulary import HealthState, Scope, Status


@endpoint(Scope.PROVIDERS_READ, query=("limit", "cursor", "vendor", "status", "health"))
def handler(request: Request[None], ports: Ports) -> Reply:
    """One page of the organization's providers, newest first."""
    status = request.choice("status", tuple(Status))
    health = request.choice("health", tuple(HealthState))
    wanted = ProviderFilter(
        vendor=request.choice("vendor", vendors.NAMES),
        status=None if status is None else Status(status),
        health=None if health is None else HealthState(health),
    )
    page, cursor = list_providers(ports, request.org, wanted, request.limit(), request.query.get("cursor"))
    summaries = health_summaries(ports, page)
    return Reply([provider_view(each, summaries[each.id]) for each in page], members={"next_cursor": cursor})
