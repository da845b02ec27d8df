"""GET /manage/v1/providers."""

from typing import Any

from providers.edge.http import Request
from providers.edge.views import page_reply, provider_view
from providers.entrypoints import endpoint
from providers.model.provider import Provider
from providers.ports import Ports, ProviderFilter
from providers.usecases.health import HealthSummary, health_summaries
from providers.usecases.read import list_providers
from providers_contract import operations, vendors
from providers_contract.limits import MAX_NAME_CHARS, MAX_TAG_CHARS, WHOLE_PAGE
from providers_contract.names import name_claim
from providers_contract.vocabulary import HealthState, Include, Status


def _view(found: tuple[Provider, HealthSummary]) -> dict[str, Any]:
    return provider_view(*found)


@endpoint(operations.LIST_PROVIDERS, reply=page_reply(_view))
def handler(request: Request[None], ports: Ports) -> tuple[list[tuple[Provider, HealthSummary]], str | None]:
    """Return a page of the organization's providers with their health, newest first."""
    status = request.choice("status", tuple(Status))
    health = request.choice("health", tuple(HealthState))
    name = request.text("name", MAX_NAME_CHARS)
    wanted = ProviderFilter(
        vendor=request.choice("vendor", vendors.NAMES),
        status=None if status is None else Status(status),
        health=None if health is None else HealthState(health),
        name=None if name is None else name_claim(name),
        tag=request.text("tag", MAX_TAG_CHARS),
    )
    asked = request.choice("include", tuple(Include))
    include = None if asked is None else Include(asked)
    limit = WHOLE_PAGE if include is Include.SPARKLINE and "limit" not in request.query else request.limit()
    page, cursor = list_providers(ports, request.org, wanted, limit, request.cursor)
    summaries = health_summaries(ports, page, include)
    return [(each, summaries[each.id]) for each in page], cursor
