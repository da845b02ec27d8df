"""Decides which of the server's environment variables `api_key_env` may name, and which hosts may get their values.

A model chooses the name, and a web page or a document can make it choose any. So nothing is sent unless the server's
configuration, the variable's name, its value and the destination all agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from providers_client.errors import Unprocessable
from providers_client.mcp.arguments import invalid
from providers_client.variables import KEY_VARIABLE, vendor_named
from providers_contract import vendors
from providers_contract.ids import MANAGEMENT_KEY_PREFIX
from providers_contract.responses import FieldError
from providers_contract.secret import trimmed

ALLOWED_VARIABLE: Final = "PROVIDERS_MCP_KEY_VARIABLES"
"""Names and patterns (`*`) of the variables that may be read. Default: names that contain the vendor's word."""


def read_key(environment: Mapping[str, str], name: str, vendor: str, base_url: str | None) -> str:
    """Return the key of `vendor` in the variable `name`, to be sent to `base_url` (None: the vendor's own host).

    Raises Unprocessable (`validation_failed`, `variable_not_set`), which never repeats the name: it can be a key.
    """
    named = vendor_named(name)
    if not _may_read(environment, name):
        raise _refused(
            "variable_not_allowed",
            f"names a variable that this server may not read; by default the name contains the vendor's word, such as "
            f"OPENAI_API_KEY, and {ALLOWED_VARIABLE} in the server's configuration lists others",
        )
    if named is not None and named != vendor:
        raise _refused(
            "variable_of_another_vendor", f"names a variable for {named}, but the provider's vendor is {vendor}"
        )
    if not _is_own_host(vendor, base_url):
        raise _refused(
            "host_not_allowed",
            f"cannot be used with a base_url that is not one of {vendor}'s own hosts; use a one-time link instead",
        )
    key = trimmed(environment.get(name, ""))
    if not key:
        raise Unprocessable(
            "api_key_env names a variable that is not set in the environment of the MCP server: set it where the "
            "server is configured, and restart the server",
            code="variable_not_set",
            type="invalid_request_error",
            param="api_key_env",
        )
    _check_value(vendor, key)
    return key


def _may_read(environment: Mapping[str, str], name: str) -> bool:
    if name.upper() == KEY_VARIABLE:
        return False
    listed = environment.get(ALLOWED_VARIABLE)
    if listed is None:
        return vendor_named(name) is not None
    return any(fnmatchcase(name, pattern) for pattern in listed.replace(",", " ").split())


def _is_own_host(vendor: str, base_url: str | None) -> bool:
    try:
        return vendors.facts(vendor).owns(base_url)
    except (KeyError, ValueError):  # a vendor that this version does not know; a base_url that is no URL
        return False


def _check_value(vendor: str, key: str) -> None:
    if MANAGEMENT_KEY_PREFIX in key.lower():
        raise _refused("wrong_kind_of_key", "names a variable that contains a management key, not a vendor's")
    if vendors.facts(vendor).issues(key):
        return
    other = vendors.recognize(key)
    what = f"a key of {other}" if other else f"something that does not look like a key of {vendor}"
    raise _refused("wrong_kind_of_key", f"names a variable that contains {what}")


def _refused(code: str, message: str) -> Unprocessable:
    return invalid(FieldError(param="api_key_env", message=message, code=code))
