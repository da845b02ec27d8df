"""PATCH /manage/v1/providers/{provider_id}."""

from providers.edge.commands import change
from providers.edge.http import Request
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.commands import Change
from providers.usecases.update import update_provider
from providers.usecases.verification import Changed
from providers_contract import operations


@endpoint(operations.UPDATE_PROVIDER, body=change, reply=changed_reply)
def handler(request: Request[Change], ports: Ports) -> Changed:
    """Rename, disable, enable or rotate a provider; a new credential is verified before it becomes the active one."""
    provider_id, if_match = request.provider_id(), request.if_match
    return update_provider(ports, request.org, provider_id, request.body, if_match, mutation=request.mutation)
