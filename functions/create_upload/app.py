"""POST /manage/v1/uploads."""

from collections.abc import Mapping
from typing import Any

from providers.edge.commands import upload
from providers.edge.http import Reply, Request, own_url
from providers.edge.views import upload_view
from providers.entrypoints import endpoint
from providers.model.upload import Upload
from providers.ports import Ports
from providers.usecases.uploads import Wanted, create_upload, upload_token
from providers_contract import operations


def _url(event: Mapping[str, Any], ports: Ports, data: Mapping[str, Any]) -> dict[str, str]:
    path = f"{operations.CREATE_UPLOAD.path}/{upload_token(ports, data['id'])}"
    return {"url": own_url(event, path, local=ports.policy.local)}


def _reply(created: Upload) -> Reply:
    return Reply(upload_view(created), status=201)


@endpoint(operations.CREATE_UPLOAD, body=upload, reply=_reply, unstored=_url)
def handler(request: Request[Wanted], ports: Ports) -> Upload:
    """Create a one-time link at which a person enters a credential."""
    return create_upload(ports, request.org, request.key_id, request.body, request.mutation)
