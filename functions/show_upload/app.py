"""GET /manage/v1/uploads/{token}."""

from providers.edge.http import Reply
from providers.edge.open_endpoint import PageRequest, PageResponse
from providers.edge.pages import form_page
from providers.edge.views import upload_view
from providers.entrypoints import open_endpoint
from providers.model.upload import TRIES
from providers.ports import Ports
from providers.usecases.uploads import open_upload


@open_endpoint()
def handler(request: PageRequest[None], ports: Ports) -> PageResponse:
    """Show the link's purpose and the form. Changes nothing: a chat's preview of the link does not use it up."""
    upload = open_upload(ports, request.token)
    reply = Reply(
        {
            **upload_view(upload),
            "base_url": upload.base_url,
            "tries": TRIES,
            "tries_left": TRIES - upload.tries,
        }
    )
    return PageResponse(reply, form_page(upload, ports.vendors(upload.vendor)))
