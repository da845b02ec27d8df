"""What an operator sets for a whole stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

VERIFICATION_DEADLINE_S: Final = 10.0
"""Seconds that one verification may take in all, its retries included; a health probe has `PROBE_DEADLINE_S`."""

PROBE_DEADLINE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that use cases depend on.

    Args:
        grace: how long a replaced key version stays readable (api.md: one hour by default).
        rate_limit: requests a minute for each management key.
        any_base_url: whether a vendor's own rule for the hosts of a base_url is lifted.
        local: whether this is a stack on one machine, where http and loopback addresses are allowed.
    """

    grace: timedelta = timedelta(hours=1)
    rate_limit: int = 60
    any_base_url: bool = False
    local: bool = False
