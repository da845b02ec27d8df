"""Preconditions on a provider's revision: `If-Match`, entity tags and lost races."""

from __future__ import annotations

import re
from typing import Final

from providers.model.errors import Conflict, PreconditionFailed, provider_not_found
from providers.model.provider import Provider
from providers.ports import Ports

TRIES: Final = 5
"""Maximum number of attempts to apply a change on the new state after a lost race."""


def read_matching(ports: Ports, org: str, provider_id: str, if_match: str | None) -> Provider:
    """Return the provider. Raises NotFound, and PreconditionFailed if `If-Match` names another revision."""
    found = ports.providers.get(org, provider_id)
    if found is None:
        raise provider_not_found(provider_id)
    if if_match is not None and not matches(if_match, found):
        raise PreconditionFailed(
            "etag_mismatch",
            "the provider has changed since the revision in If-Match; read it again",
            resource="provider",
            id=provider_id,
        )
    return found


def etag(provider: Provider) -> str:
    """Return the provider's entity tag: its revision, quoted."""
    return f'"{provider.revision}"'


def matches(if_match: str, provider: Provider) -> bool:
    """Return whether an `If-Match` header names the provider's revision; weak tags never match.

    The ETag of a GET has a digest of the health after the revision (`"7-1f3a"`), which is ignored here: a change of
    health does not conflict with the owner's change.
    """
    tags = [tag.strip() for tag in if_match.split(",")]
    return "*" in tags or any(re.sub(r'-[0-9a-f]+"$', '"', tag) == etag(provider) for tag in tags)


def version_conflict(resource_id: str) -> Conflict:
    """Return the 409 for other changes of the same resource that kept winning the race."""
    return Conflict(
        "version_conflict", "other requests are changing this resource; read it and try again", id=resource_id
    )
