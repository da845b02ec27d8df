"""The key versions that can still be read, and which of them the vendor may be told to revoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from providers.model.provider import USED_EVERY, KeyVersion, Provider
from providers.ports import Ports
from providers.usecases.read import get_provider

IN_FLIGHT: Final = timedelta(minutes=10)
"""How long a request may go on with a credential after it has read it: the time-out that OpenAI's and Anthropic's SDKs
set by default."""


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A version that can be read, and whether anybody could miss it."""

    version: KeyVersion
    active: bool
    last_used_at: datetime | None
    safe_to_revoke: bool


def list_versions(ports: Ports, org: str, provider_id: str) -> Sequence[LiveVersion]:
    """Every live version, newest first. Raises NotFound, Unavailable.

    One is safe to revoke where nobody can be using its credential any more: another has replaced it, no request that
    read it can still be under way, and neither a later version nor another provider holds the same credential.
    """
    provider = get_provider(ports, org, provider_id)
    used = ports.providers.last_used(org, provider_id)
    now = ports.clock.now()
    return [
        LiveVersion(
            version,
            active=version.number == provider.active.number,
            last_used_at=used.get(version.number),
            safe_to_revoke=_is_idle(provider, version, used, now) and not _is_held(ports, provider, version, used, now),
        )
        for version in reversed(provider.live_versions(now))
    ]


def _is_idle(provider: Provider, version: KeyVersion, used: dict[int, datetime], now: datetime) -> bool:
    later = [each for each in provider.versions if each.number > version.number]
    if not later:
        return False  # the active one
    last = max(later[0].created_at, used.get(version.number, later[0].created_at) + USED_EVERY)
    return last + IN_FLIGHT <= now


def _is_held(ports: Ports, provider: Provider, version: KeyVersion, used: dict[int, datetime], now: datetime) -> bool:
    same = [each for each in provider.live_versions(now) if each.fingerprint == version.fingerprint]
    if any(not _is_idle(provider, each, used, now) for each in same):
        return True
    others = ports.providers.with_fingerprint(provider.org, version.fingerprint)
    return any(other != provider.id for other in others)
