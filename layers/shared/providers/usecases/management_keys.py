"""Mint, authenticate, rate-limit and revoke management keys."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from providers.model.errors import Unauthenticated
from providers.model.management_key import ManagementKey
from providers.ports import LimitReached, Ports, StaleWrite
from providers.usecases.authenticity import is_authentic, with_mac
from providers_contract.frozen import dataclass
from providers_contract.ids import MANAGEMENT_KEY, MANAGEMENT_KEY_PREFIX
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope

PURPOSE: Final = "management-key"
SECRET_BYTES: Final = 32
"""256 bits, the least that api.md (Authentication) allows."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, and its remaining requests this minute. `reset_s`: seconds until the count restarts."""

    key: ManagementKey
    limit: int
    remaining: int
    reset_s: int
    limited: bool


def mint_management_key(
    ports: Ports,
    org: str,
    name: str,
    scopes: Iterable[Scope],
    *,
    expires_at: datetime | None = None,
    token: Secret | None = None,
) -> tuple[ManagementKey, Secret]:
    """Store a new management key and return it with its token, which is shown only once and never stored.

    `token` replaces the random token; use it only for a stack on one machine.
    Raises ValueError if it does not have the format of a token, StaleWrite if its id exists, Conflict
    (`limit_exceeded`), Unavailable.
    """
    if token is None:
        token = Secret(f"{MANAGEMENT_KEY_PREFIX}{ports.clock.new_id().lower()}_{secrets.token_hex(SECRET_BYTES)}")
    parts = MANAGEMENT_KEY.fullmatch(token.reveal())
    if parts is None:
        raise ValueError("invalid management key: expected mlx_mk_<id>_<secret>, with 43 or more letters and digits")
    key_id, secret = parts.groups()
    key = ManagementKey(
        id=key_id,
        digest=ports.digests.digest(PURPOSE, key_id, secret),
        org=org,
        name=name,
        scopes=frozenset(scopes),
        created_at=ports.clock.now(),
        expires_at=expires_at,
    )
    key = with_mac(ports, key)
    try:
        ports.management_keys.put(key, ports.policy.limits)
    except LimitReached as error:
        from providers.usecases.mutation import limit_exceeded  # late: the authorizer makes no key

        raise limit_exceeded(ports, error) from None
    return key, token


def revoke_management_key(ports: Ports, key_id: str) -> ManagementKey:
    """Revoke a key and return it; a key that was revoked before stays unchanged.

    Raises StaleWrite if there is no such key, Unavailable.
    """
    for last_try in (False, True):
        key = ports.management_keys.get(key_id)
        if key is None:
            break
        if key.revoked_at is not None:
            return key
        revoked = with_mac(ports, replace(key, revoked_at=ports.clock.now()))
        try:
            ports.management_keys.revoke(revoked)
        except StaleWrite:
            if last_try:
                raise
        else:
            return revoked
    raise StaleWrite("no management key has this id")


def authenticate(ports: Ports, authorization: str | None) -> Caller:
    """Return the caller in an `Authorization` header, and count the request against its rate limit.

    Raises Unauthenticated: `missing_api_key` without a bearer token, `invalid_api_key` if the token does not exist, is
    revoked or has expired (the error does not say which). Raises Unavailable.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if not authorization or scheme.lower() != "bearer":
        raise Unauthenticated("missing_api_key", "send a management key as Authorization: Bearer mlx_mk_…")
    now = ports.clock.now()
    parts = MANAGEMENT_KEY.fullmatch(token.strip())
    if parts is None:
        raise _invalid()
    key_id, secret = parts.groups()
    key = ports.management_keys.get(key_id)
    digest = ports.digests.digest(PURPOSE, key_id, secret)
    if key is None or not hmac.compare_digest(key.digest, digest) or not is_usable(ports, key, now):
        raise _invalid()
    seconds = int(now.timestamp())
    count = ports.management_keys.count(key_id, seconds // 60)
    if count == 1:
        ports.management_keys.record_use(key_id, now)
    limit = ports.policy.rate_limit
    return Caller(key, limit, max(0, limit - count), 60 - seconds % 60, count > limit)


def is_usable(ports: Ports, key: ManagementKey, now: datetime) -> bool:
    """Return whether the key is authentic, and neither revoked nor expired. Raises Unavailable."""
    return key.usable(now) and is_authentic(ports, key)


def _invalid() -> Unauthenticated:
    return Unauthenticated("invalid_api_key", "this management key does not exist, was revoked or has expired")
