"""GET /manage/v1/providers/{provider_id}/versions."""

from providers.edge.http import Reply, Request
from providers.edge.views import version_view
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.versions import list_versions
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_READ)
def handler(request: Request[None], ports: Ports) -> Reply:
    """The versions of the credential that can still be read, newest first."""
    return Reply([version_view(each) for each in list_versions(ports, request.org, request.provider_id())])
