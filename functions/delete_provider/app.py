"""DELETE /manage/v1/providers/{provider_id}."""

from providers.edge.http import Reply, Request
from providers.entrypoints import endpoint
from providers.ports import Ports
from providers.usecases.delete import delete_provider
from providers_contract.vocabulary import Scope


@endpoint(Scope.PROVIDERS_WRITE, query=("dry_run",))
def handler(request: Request[None], ports: Ports) -> Reply:
    """Delete a provider that no routing config names; `?dry_run=true` answers the same and deletes nothing."""
    provider_id = request.provider_id()
    dry_run = request.choice("dry_run", ("true", "false")) == "true"
    reply = Reply({"id": provider_id, "deleted": not dry_run} | ({"dry_run": True} if dry_run else {}))
    delete_provider(
        ports,
        request.org,
        provider_id,
        dry_run=dry_run,
        if_match=request.headers.get("if-match"),
        mutation=request.mutation(lambda _: reply),
    )
    return reply
