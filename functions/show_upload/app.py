"""GET /manage/v1/uploads/{token}."""

from providers.edge.http import Reply
from providers.edge.open_endpoint import Shown, Visit
from providers.edge.pages import form_page
from providers.edge.views import upload_view
from providers.entrypoints import open_endpoint
from providers.ports import Ports
from providers.usecases.uploads import open_upload


@open_endpoint()
def handler(visit: Visit[None], ports: Ports) -> Shown:
    """Show what the link is for, and the form. Changes nothing, so that a chat's preview of a link uses nothing up."""
    upload = open_upload(ports, visit.token)
    return Shown(
        Reply({**upload_view(upload), "base_url": upload.base_url}), form_page(upload, ports.vendors(upload.vendor))
    )
