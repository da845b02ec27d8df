"""The facts about a vendor that the emulator needs besides its cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.vendors.cases.base import Case
from local.vendors.cases.fakes import FakeKeys
from local.vendors.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Sent:
    """A request to a vendor, as the emulator received it. `headers` have lower-case names."""

    key: str
    url: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulated:
    """How the emulator plays a vendor.

    The path and the header of a key are those that the vendor's own module uses; the rest is given here.

    Args:
        cases: all known responses. `valid`, `invalid`, `missing-key` and `wrong-path` at least.
        keys: the fake keys that name them.
        base_path: what a base_url ends in, if the vendor's SDKs expect it.
        routes: more paths on the vendor's own host, and the route that each leads to (`Case.elsewhere`); `?name=`
            behind a path requires that query parameter.
        key_headers: more headers in which a key can be sent; `authorization` stands for a bearer token.
        key_in: finds the key, if it is not simply the value of a header.
        objection: the slug of the case to play instead, because of how a fake key was sent; or None.
        unknown_key: the slug of the case to play for a key that is not a fake one, given the headers.
        generates: the paths of the vendor's generation calls, as patterns, and the format of each.
    """

    cases: tuple[Case, ...]
    keys: FakeKeys
    base_path: str = ""
    routes: Mapping[str, str] = field(default_factory=dict)
    key_headers: tuple[str, ...] = ()
    key_in: Callable[[Mapping[str, str]], str] | None = None
    objection: Callable[[Sent], str | None] = lambda _: None
    unknown_key: Callable[[Mapping[str, str]], str] = lambda _: "invalid"
    generates: Mapping[str, Dialect] = field(default_factory=dict)


def bearer_in(headers: Mapping[str, str]) -> str:
    """Return the bearer token in `headers`, or nothing."""
    authorization = headers.get("authorization", "")
    return authorization[7:] if authorization[:7].lower() == "bearer " else ""
