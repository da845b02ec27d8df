"""GET /manage/v1/key."""

from providers.edge.caller import Authorized
from providers.edge.http import Request
from providers.edge.views import own_key_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers_contract import operations


@endpoint(operations.GET_MANAGEMENT_KEY, reply=own_key_reply)
def handler(request: Request[None], _: Ports) -> Authorized:
    """Return the management key of the request, as the authorizer found it."""
    return request.caller
