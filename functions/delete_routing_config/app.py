"""DELETE /manage/v1/routing-configs/{slug}."""

from providers.edge.http import Reply, Request
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.routing import delete_routing_config
from providers_contract.vocabulary import Scope


@endpoint(Scope.ROUTING_WRITE)
def handler(request: Request[None], ports: Ports) -> Reply:
    """Delete a routing config; the providers it named are free of it."""
    slug = request.slug()
    reply = Reply({"slug": slug, "deleted": True})
    delete_routing_config(ports, request.org, slug, request.mutation(lambda _: reply))
    return reply
