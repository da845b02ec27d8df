"""POST /manage/v1/uploads/{token}."""

from providers.edge.commands import api_key
from providers.edge.open_endpoint import PageRequest, PageResponse
from providers.edge.pages import stored_page
from providers.edge.views import changed_reply
from providers.entrypoints import open_endpoint
from providers.ports import Ports
from providers.usecases.uploads import use_upload
from providers_contract.secret import Secret


@open_endpoint(form=api_key)
def handler(request: PageRequest[Secret], ports: Ports) -> PageResponse:
    """Verify the credential and store it for the link: 201 for a new provider, 200 for a rotated one."""
    changed = use_upload(ports, request.token, request.form, request.id)
    provider, warnings = changed
    unchanged = any(warning["code"] == "credential_unchanged" for warning in warnings)
    status = 201 if provider.active.number == 1 and not unchanged else 200
    return PageResponse(changed_reply(changed, status), stored_page(provider, warnings))
