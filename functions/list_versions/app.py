"""GET /manage/v1/providers/{provider_id}/versions."""

from collections.abc import Sequence

from providers.edge.http import Request
from providers.edge.views import versions_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.versions import LiveVersion, list_versions
from providers_contract import operations


@endpoint(operations.LIST_VERSIONS, reply=versions_reply)
def handler(request: Request[None], ports: Ports) -> Sequence[LiveVersion]:
    """Return the key versions that can still be read, newest first."""
    return list_versions(ports, request.org, request.provider_id())
