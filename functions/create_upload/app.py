"""POST /manage/v1/uploads."""

from collections.abc import Mapping
from typing import Any

from providers.edge.http import Reply, Request, own_url
from providers.edge.schemas import upload
from providers.edge.views import upload_view
from providers.entrypoints import endpoint
from providers.model.upload import Upload
from providers.ports import Ports
from providers.usecases.uploads import Wanted, create_upload, upload_token
from providers_contract.vocabulary import Scope


def _link(event: Mapping[str, Any], ports: Ports, data: Mapping[str, Any]) -> dict[str, str]:
    path = f"/manage/v1/uploads/{upload_token(ports, data['id'])}"
    return {"url": own_url(event, path, local=ports.policy.local)}


@endpoint(Scope.PROVIDERS_WRITE, body=upload, unrecorded=_link)
def handler(request: Request[Wanted], ports: Ports) -> Reply:
    """Make a link at which a person enters a credential: once, within ten minutes, for this provider only."""
    return _reply(create_upload(ports, request.org, request.key_id, request.body, request.mutation(_reply)))


def _reply(made: Upload) -> Reply:
    return Reply(upload_view(made), status=201)
