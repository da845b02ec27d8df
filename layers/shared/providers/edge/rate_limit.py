"""The rate limit of a management key: the 429, and the headers with the remaining requests.

The authorizer counts the requests (`usecases/management_keys.py`); only a function can respond with these headers.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.edge.caller import Authorized
from providers.model.errors import RateLimited


def limit_headers(caller: Authorized) -> Mapping[str, str]:
    """Return the headers for the response to a request of `caller`."""
    return {
        "RateLimit-Limit": str(caller.limit),
        "RateLimit-Remaining": str(caller.remaining),
        "RateLimit-Reset": str(caller.reset_s),
    }


def refuse_over_limit(caller: Authorized) -> None:
    """Raise RateLimited (`rate_limited`) if the management key has used up its requests for this minute."""
    if caller.limited:
        raise RateLimited(
            "rate_limited",
            f"this management key has used up its requests for this minute; try again in {caller.reset_s} s",
            retry_after_s=caller.reset_s,
        )
