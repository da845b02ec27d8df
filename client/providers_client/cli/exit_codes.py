"""The exit codes of the command line."""

from __future__ import annotations

from typing import Final

USAGE: Final = 2
EXITS: Final = {
    0: "done",
    1: "the API refused or failed, or not all keys of an import were added",
    USAGE: "the command or its configuration is wrong: a malformed management key, for example",
    3: "not found",
    4: "conflict: name taken, provider in use, changed meanwhile",
    5: "the vendor refused the credential, or it does not have the vendor's format",
    6: "the vendor, the API or AWS is unavailable, or a rate limit was reached: try again later",
    7: "the management key is unknown, revoked or expired, or lacks a scope",
}
"""The meaning of each code. `providers_contract.errors` has the code of each error."""
