"""POST /manage/v1/uploads/{token}."""

from providers.edge.open_endpoint import Shown, Visit
from providers.edge.pages import stored_page
from providers.edge.schemas import api_key
from providers.edge.views import changed_reply
from providers.entrypoints import open_endpoint
from providers.ports import Ports
from providers.usecases.uploads import use_upload
from providers_contract.secret import Secret


@open_endpoint(form=api_key)
def handler(visit: Visit[Secret], ports: Ports) -> Shown:
    """Verify the credential and store it as the link says; 201 for a new provider, 200 for a rotated one."""
    changed = use_upload(ports, visit.token, visit.form, visit.id)
    provider, warnings = changed
    unchanged = any(warning["code"] == "credential_unchanged" for warning in warnings)
    status = 201 if provider.active.number == 1 and not unchanged else 200
    return Shown(changed_reply(changed, status), stored_page(provider, warnings))
