"""The six tools that every server has: names, descriptions and annotations, and the client's method that each calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from providers_client.errors import Unprocessable
from providers_client.mcp import arguments
from providers_client.mcp.key_variables import read_key
from providers_client.mcp.results import Stored, UploadLink
from providers_client.mcp.tool import READS, Caller, Tool, hints
from providers_contract.responses import Deleted, FieldError, Health, Page, Provider
from providers_contract.secret import trimmed

INSTRUCTIONS: Final = (
    "Manage an organization's credentials with LLM vendors. Never ask anyone to type a key into this conversation: "
    "call add_provider without a key, or update_provider with upload_link, and hand the person the one-time link; or, "
    "if this server runs on their machine, name an environment variable with api_key_env. No result contains a key."
)


def list_providers(caller: Caller, given: arguments.ListProviders) -> Page[Provider]:
    """Return one page of providers."""
    return caller.client.list_providers_page(
        given.vendor,
        given.status,
        given.health,
        name=given.name,
        tag=given.tag,
        limit=given.limit,
        cursor=given.cursor,
    )


def get_provider(caller: Caller, given: arguments.GetProvider) -> Provider:
    """Return a provider."""
    return caller.client.get_provider(given.provider_id)


def add_provider(caller: Caller, given: arguments.AddProvider) -> Stored | UploadLink:
    """Verify and store a key, or create a link for it."""
    _refuse_both(given.api_key, given.api_key_env)
    fields = _fields(given, "api_key", "api_key_env")
    if given.api_key is not None:
        fields["api_key"] = trimmed(given.api_key.get_secret_value())
    elif given.api_key_env is not None:
        fields["api_key"] = read_key(_environment(caller), given.api_key_env, given.vendor, given.base_url)
    else:
        with_key = sorted(fields.keys() & {"key_expires_at", "on_unavailable", "tags"})
        if with_key:
            raise _invalid(with_key, "can only be given with a key", "key_required")
        created = caller.client.create_upload(**fields)
        return UploadLink(**created.model_dump())
    added = caller.client.add_provider(**fields)
    return Stored(provider=added.data, warnings=added.warnings)


def update_provider(caller: Caller, given: arguments.UpdateProvider) -> Stored | UploadLink:
    """Change the given fields, or create a link at which the key is replaced."""
    _refuse_both(given.api_key, given.api_key_env)
    fields = _fields(given, "provider_id", "upload_link", "api_key", "api_key_env")
    keys = given.model_fields_set & {"api_key", "api_key_env"}
    if given.upload_link:
        others = sorted(fields.keys() | keys)
        if others:
            raise _invalid(others, "cannot be combined with upload_link", "exclusive")
        return UploadLink(**caller.client.create_upload(given.provider_id).model_dump())
    if not fields and not keys:
        raise arguments.invalid(
            FieldError(param=None, message="the arguments contain nothing to change", code="missing")
        )
    if given.api_key is not None:
        fields["api_key"] = trimmed(given.api_key.get_secret_value())
    elif given.api_key_env is not None:
        environment = _environment(caller)
        # The key goes to the host in this revision of the provider: if it changes meanwhile, nothing is sent.
        found, fields["if_match"] = caller.client.get_provider_with_etag(given.provider_id)
        destination = fields.get("base_url", found.base_url)
        fields["api_key"] = read_key(environment, given.api_key_env, found.vendor, destination)
    changed = caller.client.update_provider(given.provider_id, **fields)
    return Stored(provider=changed.data, warnings=changed.warnings)


def delete_provider(caller: Caller, given: arguments.DeleteProvider) -> Deleted:
    """Delete a provider, or check whether it could be deleted."""
    return caller.client.delete_provider(given.provider_id, dry_run=given.dry_run)


def get_provider_health(caller: Caller, given: arguments.GetProviderHealth) -> Health:
    """Return a provider's health."""
    return caller.client.get_provider_health(given.provider_id, given.history)


def _fields(given: BaseModel, *excluded: str) -> dict[str, Any]:
    """Return the arguments that were given, as the client's method takes them."""
    return {name: getattr(given, name) for name in given.model_fields_set - {*excluded}}


def _refuse_both(api_key: SecretStr | None, variable: str | None) -> None:
    if api_key is not None and variable is not None:
        raise _invalid(["api_key_env"], "cannot be combined with api_key", "exclusive")


def _invalid(params: Sequence[str], message: str, code: str) -> Unprocessable:
    return arguments.invalid(*(FieldError(param=param, message=message, code=code) for param in params))


def _environment(caller: Caller) -> Mapping[str, str]:
    """Return the caller's environment. Raises Unprocessable over HTTP, where the server's is not the caller's."""
    if caller.environment is None:
        message = (
            "names a variable on the caller's machine, which a server over HTTP cannot read; create a link instead"
        )
        raise arguments.invalid(FieldError(param="api_key_env", message=message, code="stdio_only"))
    return caller.environment


TOOLS: Final[dict[str, Tool[Any]]] = {
    each.name: each
    for each in (
        Tool(
            "list_providers",
            "List providers",
            "List the organization's provider credentials, newest first, with status, health and the key's hint; "
            "never the key. One page: pass next_cursor as cursor for the next, null means it was the last.",
            arguments.ListProviders,
            (Page[Provider],),
            hints("List providers", **READS),
            list_providers,
        ),
        Tool(
            "get_provider",
            "Get a provider",
            "Show one provider credential: vendor, status, health summary, the key's hint and version, and how "
            "the vendor responded when the key was last verified. Never the key.",
            arguments.GetProvider,
            (Provider,),
            hints("Get a provider", **READS),
            get_provider,
        ),
        Tool(
            "add_provider",
            "Add a provider",
            "Add a provider credential. Prefer calling it WITHOUT a key: the result is then a one-time link "
            '(status "upload_link") to hand to a person, who enters the key there; nothing is stored until then. Or, '
            "if this server runs on the user's machine, name a variable with api_key_env. Use api_key only as a last "
            "resort: the key stays in this conversation. A key is verified with the vendor first; one that the vendor "
            "refuses is never stored.",
            arguments.AddProvider,
            (Stored, UploadLink),
            hints(
                "Add a provider", reads=False, destroys=True, idempotent=False, calls_vendor=True
            ),  # can read a variable
            add_provider,
        ),
        Tool(
            "update_provider",
            "Update a provider or rotate its key",
            "Change a provider's name, status (active, disabled), base_url or expiry, or replace its key. To replace "
            "the key, prefer upload_link: true, which returns a one-time link to hand to a person; or, if this server "
            "runs on the user's machine, name a variable with api_key_env. Use api_key only as a last resort: the key "
            "stays in this conversation. A new key is verified first; if the vendor refuses it or is unavailable, the "
            "old one stays active.",
            arguments.UpdateProvider,
            (Stored, UploadLink),
            hints(
                "Update a provider or rotate its key", reads=False, destroys=True, idempotent=False, calls_vendor=True
            ),
            update_provider,
        ),
        Tool(
            "delete_provider",
            "Delete a provider",
            "Delete a provider credential permanently. Refused (provider_in_use, with the list) while routing configs "
            "use it. With dry_run: true nothing is deleted, and the result says whether it could be.",
            arguments.DeleteProvider,
            (Deleted,),
            hints("Delete a provider", reads=False, destroys=True, idempotent=True, calls_vendor=False),
            delete_provider,
        ),
        Tool(
            "get_provider_health",
            "Get a provider's health",
            "Success rate, latency percentiles and errors of a provider's checks over the last 5 minutes, hour, 24 "
            "hours and 7 days, its state (unknown, healthy, degraded, unhealthy) and the reason for it. Reads stored "
            "measurements; does not call the vendor.",
            arguments.GetProviderHealth,
            (Health,),
            hints("Get a provider's health", **READS),
            get_provider_health,
        ),
    )
}
"""The tools by name, in the order of the list."""
