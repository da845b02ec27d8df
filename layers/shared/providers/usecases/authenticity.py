"""Items that grant access carry a MAC, so that write access to the table alone grants nothing.

The key is the stack's digest key, which KMS wraps: without it, no one can create a MAC. A complete earlier item can be
written back; docs/decisions/0004-the-stack-digest-key.md has the consequences.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from providers.model.management_key import ManagementKey
    from providers.model.upload import Upload
    from providers.ports import Ports

T = TypeVar("T", "ManagementKey", "Upload")


def with_mac(ports: Ports, item: T) -> T:
    """Return `item` with the MAC over its current fields. Raises Unavailable."""
    return replace(item, mac=_mac(ports, item))


def is_authentic(ports: Ports, item: ManagementKey | Upload) -> bool:
    """Return whether the item is unchanged since its MAC was created. Raises Unavailable."""
    return hmac.compare_digest(item.mac.encode(), _mac(ports, item).encode())


def _mac(ports: Ports, item: ManagementKey | Upload) -> str:
    return ports.digests.digest(f"{type(item).__name__} item", *item.authenticated)
