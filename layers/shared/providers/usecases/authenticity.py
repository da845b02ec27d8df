"""Items that decide who may do what carry a MAC, so that a write to the table grants nothing.

The key is the stack's digest key, which KMS wraps: whoever can write to the table cannot make a MAC without it. A whole
earlier item that somebody has kept can be put back; docs/decisions/0004-the-stack-digest-key.md says what follows.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TypeVar

from providers.model.management_key import ManagementKey
from providers.model.upload import Upload
from providers.ports import Ports

T = TypeVar("T", ManagementKey, Upload)


def with_mac(ports: Ports, item: T) -> T:
    """`item` with the MAC over what it says now. Raises Unavailable."""
    return replace(item, mac=_mac(ports, item))


def is_authentic(ports: Ports, item: ManagementKey | Upload) -> bool:
    """Whether the item says what it said when its MAC was made. Raises Unavailable."""
    return hmac.compare_digest(item.mac.encode(), _mac(ports, item).encode())


def _mac(ports: Ports, item: ManagementKey | Upload) -> str:
    return ports.digests.digest(f"{type(item).__name__} item", *item.authenticated)
