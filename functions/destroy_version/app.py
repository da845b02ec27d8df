"""DELETE /manage/v1/providers/{provider_id}/versions/{number}."""

from providers.edge.http import Reply, Request
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.mutation import Mutation
from providers.usecases.versions import destroy_version
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_WRITE)
def handler(request: Request[None], ports: Ports) -> Reply:
    """Destroy a version that is not active before its grace window ends, for example because its key has leaked."""
    provider_id, number = request.provider_id(), request.version()
    reply = Reply({"provider_id": provider_id, "number": number, "deleted": True})
    if_match = request.headers.get("if-match")
    mutation: Mutation[None] = request.mutation(lambda _: reply)
    destroy_version(ports, request.org, provider_id, number, if_match, mutation=mutation)
    return reply
