"""POST /manage/v1/providers."""

from providers.edge.http import Reply, Request
from providers.edge.schemas import new_provider
from providers.edge.views import changed_reply
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.add import NewProvider, add_provider
from providers.usecases.verification import Changed
from providers_contract.vocabulary import Scope, Status


@endpoint(Scope.PROVIDERS_WRITE, body=new_provider)
def handler(request: Request[NewProvider], ports: Ports) -> Reply:
    """Verify the credential and store it; 202 where it is stored unverified because the caller asked for that."""
    return _reply(add_provider(ports, request.org, request.body, request.mutation(_reply)))


def _reply(changed: Changed) -> Reply:
    provider, _ = changed
    status = 202 if provider.status is Status.PENDING else 201
    return changed_reply(changed, status, {"Location": f"/manage/v1/providers/{provider.id}"})
