"""One-time links at which a person enters a credential (docs/decisions/0013-upload-links.md).

A link's token is the upload's id and a keyed digest of the id: anyone with the link can use it, and no one can create
one from the stored data.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from providers.model.audit import Actor
from providers.model.errors import Conflict, NotFound, upload_not_found
from providers.model.management_key import ManagementKey
from providers.model.upload import LIFETIME, TRIES, Upload
from providers.ports import LimitReached, Ports, StaleWrite, UploadUsed
from providers.usecases.add import add_provider, name_taken
from providers.usecases.authenticity import is_authentic, with_mac
from providers.usecases.base_url import check_base_url
from providers.usecases.commands import Change, NewProvider
from providers.usecases.management_keys import is_usable
from providers.usecases.mutation import BY_SYSTEM, Mutation, limit_exceeded, write_contention
from providers.usecases.read import get_provider
from providers.usecases.update import update_provider
from providers.usecases.verification import Changed
from providers_contract.frozen import dataclass
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope

PURPOSE: Final = "upload-link"

_PREFIX: Final = "upl_"
_TOKEN: Final = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})_[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ToAdd:
    """A link that adds a provider."""

    vendor: str
    name: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class ToRotate:
    """A link that rotates the credential of an existing provider."""

    provider_id: str


Wanted = ToAdd | ToRotate


def create_upload(
    ports: Ports, org: str, key_id: str, wanted: Wanted, mutation: Mutation[Upload] = BY_SYSTEM
) -> Upload:
    """Create a link, which can do no more than the management key `key_id`; `upload_token` returns its token.

    Known blockers are reported immediately: raises NotFound, Conflict (name_taken, limit_exceeded), Unprocessable
    (base_url_…), Unavailable.
    """
    vendor, name, base_url, provider_id = _planned(ports, org, wanted)
    now = ports.clock.now()
    upload = Upload(
        id=f"{_PREFIX}{ports.clock.new_id()}",
        org=org,
        key_id=key_id,
        vendor=vendor,
        name=name,
        base_url=base_url,
        provider_id=provider_id,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    upload = with_mac(ports, upload)
    try:
        side_writes = mutation.with_entry(mutation.upload_entry(ports, upload), upload)
        ports.uploads.put(upload, side_writes, ports.policy.limits)
    except LimitReached as error:
        raise limit_exceeded(ports, error) from None
    except StaleWrite:
        raise write_contention() from None
    return upload


def upload_token(ports: Ports, upload_id: str) -> str:
    """Return the last part of a link's URL, which is enough to use it. Computed each time, never stored."""
    return f"{upload_id.removeprefix(_PREFIX)}_{ports.digests.digest(PURPOSE, upload_id)}"


def open_upload(ports: Ports, token: str) -> Upload:
    """Return the upload of `token`, with the current names of its provider and key. Changes nothing.

    Raises NotFound (`upload_not_found`), the same for an unknown token, an upload that was used, has expired or was
    tried too often, a management key that may no longer make this change, and a provider that is deleted or has moved
    to another host: a credential is sent only to the host that the link showed. Raises Unavailable.
    """
    form = _TOKEN.fullmatch(token)
    upload_id = f"{_PREFIX}{form[1]}" if form else ""
    if not form or not hmac.compare_digest(upload_token(ports, upload_id), token):
        raise upload_not_found()
    now = ports.clock.now()
    upload = ports.uploads.get(upload_id)
    if upload is None or not is_authentic(ports, upload):
        raise upload_not_found()
    if now >= upload.expires_at or upload.tries >= TRIES:
        raise upload_not_found()
    key = _allowed_key(ports, upload, now)
    if key is None:
        raise upload_not_found()
    upload = replace(upload, key_name=key.name)
    if upload.provider_id is None:
        return upload
    provider = ports.providers.get(upload.org, upload.provider_id)
    if provider is None or provider.base_url != upload.base_url:
        raise upload_not_found()
    return replace(upload, name=provider.name)


def use_upload(ports: Ports, token: str, api_key: Secret, request_id: str | None = None) -> Changed:
    """Add or rotate a provider with `api_key`; return it with warnings. The change uses up the link.

    A credential that is refused, or cannot be verified now, counts as a try and leaves the link usable; after the last
    try the link is dead. Raises the exceptions of `open_upload`, `add_provider` and `update_provider`; in each case,
    nothing was changed.
    """
    upload = open_upload(ports, token)
    try:
        return _use(ports, upload, api_key, request_id)
    except (UploadUsed, NotFound):
        raise upload_not_found() from None
    except Conflict:
        if ports.uploads.get(upload.id) is None:  # the conflict is with another use of this link
            raise upload_not_found() from None
        raise


def _use(ports: Ports, upload: Upload, api_key: Secret, request_id: str | None) -> Changed:
    if upload.provider_id is None:
        _check_name(ports, upload.org, upload.name)
    if (
        ports.uploads.count_attempt(upload.id) > TRIES
    ):  # counted before the vendor is called, for any number of concurrent uses
        raise upload_not_found()
    mutation: Mutation[Changed] = Mutation(Actor("upload", upload.key_id), request_id, link=upload)
    if upload.provider_id is None:
        new = NewProvider(upload.vendor, upload.name, api_key, upload.base_url)
        return add_provider(ports, upload.org, new, mutation)
    change = Change(api_key=api_key, base_url=upload.base_url)
    return update_provider(ports, upload.org, upload.provider_id, change, mutation=mutation)


def _planned(ports: Ports, org: str, wanted: Wanted) -> tuple[str, str, str | None, str | None]:
    """Return the vendor, name, base_url and provider id of the requested link, validated."""
    if isinstance(wanted, ToAdd):
        base_url = check_base_url(ports.vendors(wanted.vendor), wanted.base_url, ports.policy)
        _check_name(ports, org, wanted.name)
        return wanted.vendor, wanted.name, base_url, None
    provider = get_provider(ports, org, wanted.provider_id)
    check_base_url(ports.vendors(provider.vendor), provider.base_url, ports.policy)
    return provider.vendor, provider.name, provider.base_url, provider.id


def _check_name(ports: Ports, org: str, name: str) -> None:
    """Raise Conflict (`name_taken`) if the name is taken. A later conflict is found when the provider is written."""
    if ports.providers.named(org, name) is not None:
        raise name_taken()


def _allowed_key(ports: Ports, upload: Upload, now: datetime) -> ManagementKey | None:
    """Return the management key that created the link; None if it may no longer make this change itself."""
    key = ports.management_keys.get(upload.key_id)
    if key is None or key.org != upload.org or Scope.PROVIDERS_WRITE not in key.scopes:
        return None
    return key if is_usable(ports, key, now) else None
