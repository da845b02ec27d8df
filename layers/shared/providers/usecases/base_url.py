"""Decides which base_url a provider may have."""

from __future__ import annotations

from providers.model.errors import Unprocessable
from providers.model.policy import Policy
from providers.model.vendor import Vendor
from providers_contract.secret import trimmed
from providers_data_plane.destinations import problem_with


def check_base_url(vendor: Vendor, base_url: str | None, policy: Policy) -> str | None:
    """Return `base_url` as it will be stored (see `tidied`), or None for the vendor's own.

    Raises `Unprocessable`: `base_url_required` if the vendor has no host of its own; `base_url_not_allowed` if it is
    not https on port 443 or 8443, has a user name, query or fragment, or names a host that is neither the vendor's own
    nor allowed by `policy`. Call it when a base_url is set and before every use: an operator may have withdrawn a host
    since.
    """
    if base_url is None:
        if vendor.base_url_required:
            raise Unprocessable(
                "base_url_required",
                f"{vendor.name} has no shared host: set base_url to your resource's endpoint",
                param="base_url",
            )
        return None
    base_url = tidied(vendor, base_url)
    problem = problem_with(base_url, vendor.name, vendor.hosts, policy.allowed_base_url_hosts, local=policy.local)
    if problem is not None:
        raise Unprocessable("base_url_not_allowed", problem, param="base_url")
    return base_url


def tidied(vendor: Vendor, base_url: str) -> str:
    """Return `base_url` without invisible characters and without the path of an endpoint, which people often copy."""
    return vendor.tidy_base_url(trimmed(base_url))
