"""DELETE /manage/v1/providers/{provider_id}/versions/{number}."""

from providers.edge.http import Reply, Request
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.versions import DestroyedVersion, destroy_version
from providers_contract import operations


def _reply(destroyed: DestroyedVersion) -> Reply:
    return Reply({"provider_id": destroyed.provider_id, "number": destroyed.number, "deleted": True})


@endpoint(operations.DESTROY_VERSION, reply=_reply)
def handler(request: Request[None], ports: Ports) -> DestroyedVersion:
    """Destroy a replaced version before its grace window ends."""
    provider_id, number = request.provider_id(), request.version()
    return destroy_version(ports, request.org, provider_id, number, request.if_match, mutation=request.mutation)
