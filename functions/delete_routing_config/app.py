"""DELETE /manage/v1/routing-configs/{slug}."""

from providers.edge.http import Reply, Request
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.routing import delete_routing_config
from providers_contract import operations


def _reply(slug: str) -> Reply:
    return Reply({"slug": slug, "deleted": True})


@endpoint(operations.DELETE_ROUTING_CONFIG, reply=_reply)
def handler(request: Request[None], ports: Ports) -> str:
    """Delete a routing config, and the references to its providers."""
    return delete_routing_config(ports, request.org, request.slug(), request.mutation)
