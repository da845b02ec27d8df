"""POST /manage/v1/providers."""

from providers.edge.commands import new_provider
from providers.edge.http import Reply, Request
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.add import add_provider
from providers.usecases.commands import NewProvider
from providers.usecases.verification import Changed
from providers_contract import operations
from providers_contract.vocabulary import Status


def _reply(changed: Changed) -> Reply:
    provider, _ = changed
    status = 202 if provider.status is Status.PENDING else 201
    return changed_reply(changed, status, {"Location": f"{operations.ADD_PROVIDER.path}/{provider.id}"})


@endpoint(operations.ADD_PROVIDER, body=new_provider, reply=_reply)
def handler(request: Request[NewProvider], ports: Ports) -> Changed:
    """Verify the credential and store it."""
    return add_provider(ports, request.org, request.body, request.mutation)
