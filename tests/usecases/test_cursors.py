"""Malformed cursors are refused, and a forged one stays within the caller's own list."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from providers.adapters.tables.audit import DynamoAudit
from providers.adapters.tables.providers import DynamoProviders
from providers.adapters.tables.routing import DynamoRouting
from providers.model.audit import SYSTEM, Entry
from providers.model.errors import InvalidRequest
from providers.model.policy import LIMITS
from providers.model.routing import Attempt, RoutingConfig
from providers.ports import AuditFilter, ProviderFilter, SideWrites
from providers.usecases.audit import list_audit
from providers.usecases.cursors import make_cursor
from providers.usecases.read import list_providers
from providers.usecases.routing import list_routing_configs
from providers_contract.vocabulary import Action
from providers_data_plane.sealed import SealedCredential
from tests.kit.aws import moto_tables
from tests.kit.fakes import FakePorts
from tests.kit.requests import added

OURS, THEIRS = "org_a", "org_b"
GREATEST, LEAST = "Z" * 26, "0" * 26


@dataclass(frozen=True)
class Listing:
    """One list of the API.

    Args:
        scope: what its cursors are bound to.
        read: gives the organizations of a page's entries, and the next cursor.
        positions: well-formed ones: before everything, after everything, and of something that does not exist.
        malformed: positions that no entry of this list can have.
    """

    scope: tuple[str, ...]
    read: Callable[[FakePorts, str, str | None], tuple[list[str], str | None]]
    positions: tuple[str, str, str]
    malformed: tuple[str, ...]


def _providers(ports: FakePorts, org: str, cursor: str | None) -> tuple[list[str], str | None]:
    page, following = list_providers(ports, org, ProviderFilter(), 100, cursor)
    return [each.org for each in page], following


def _audit(ports: FakePorts, org: str, cursor: str | None) -> tuple[list[str], str | None]:
    page, following = list_audit(ports, org, AuditFilter(), 100, cursor)
    return [each.org for each in page], following


def _routing(ports: FakePorts, org: str, cursor: str | None) -> tuple[list[str], str | None]:
    page, following = list_routing_configs(ports, org, 100, cursor)
    return [each.org for each in page], following


EVIL = ("", "PROV#", "NAME#x", "FP#x", "ROUTE#@a", "ORG#org_b", "x" * 300, "../x", "a\n", "\x00")

LISTS = {
    "providers": Listing(
        ("providers", OURS, "", "", "", "", ""),
        _providers,
        (f"prov_{GREATEST}", f"prov_{LEAST}", f"prov_{'5' * 26}"),
        (*EVIL, "prov_", LEAST, "prov_x", f"prov_{LEAST}\n", f"PROV#prov_{LEAST}", f"prov_{'l' * 26}", "@a"),
    ),
    "audit": Listing(
        ("audit", OURS, "", "", ""),
        _audit,
        (GREATEST, LEAST, "5" * 26),
        (*EVIL, f"prov_{LEAST}", f"{LEAST}\n", f"{LEAST}0", "@a"),
    ),
    "routing configs": Listing(
        ("routing-configs", OURS),
        _routing,
        ("0", "z" * 63, "@nothing"),
        (*EVIL, LEAST.replace("0", "A"), "@", "@A", "a#b", "@a\n", "z" * 64),
    ),
}


@pytest.fixture(params=["fake", "moto"])
def ports(request: pytest.FixtureRequest) -> Iterator[FakePorts]:
    """Two organizations, each with a provider, a routing config and an audit entry."""
    ports = FakePorts()
    if request.param == "fake":
        _fill(ports)
        yield ports
        return
    with moto_tables() as tables:
        ports.providers = DynamoProviders(tables.client, tables.main, tables.secrets)  # type: ignore[assignment]
        ports.routing = DynamoRouting(tables.client, tables.main)  # type: ignore[assignment]
        ports.audit = DynamoAudit(tables.client, tables.main)  # type: ignore[assignment]
        _fill(ports)
        yield ports


def _fill(ports: FakePorts) -> None:
    template = added(FakePorts())
    for org in (OURS, THEIRS):
        at, number = ports.clock.now(), ports.clock.new_id()
        provider = replace(template, org=org, id=f"prov_{number}")
        sealed = SealedCredential(org, provider.id, 1, "key-1", b"nonce", b"sealed", at)
        entry = Entry(ports.clock.new_id(), at, org, SYSTEM, Action.CREATED, "provider", provider.id)
        ports.providers.create(provider, sealed, SideWrites(entry=entry), LIMITS)
        config = RoutingConfig(org, "@a", "fallback", (Attempt(provider.id, "gpt-4o"),), at, at, 1)
        ports.routing.put(None, config)


def refused(listing: Listing, ports: FakePorts, cursor: str) -> None:
    """Check that `cursor` is refused without being repeated."""
    with pytest.raises(InvalidRequest) as caught:
        listing.read(ports, OURS, cursor)
    assert (caught.value.code, caught.value.param) == ("invalid_cursor", "cursor")
    assert cursor not in caught.value.message or not cursor


@pytest.mark.parametrize("listing", LISTS.values(), ids=LISTS)
def test_a_position_of_another_form_is_refused(ports: FakePorts, listing: Listing) -> None:
    """A cursor whose position is not a sort key of its list is refused, even with the right digest."""
    for position in listing.malformed:
        refused(listing, ports, make_cursor(position, *listing.scope))


@pytest.mark.parametrize("listing", LISTS.values(), ids=LISTS)
def test_a_cursor_has_only_one_spelling(ports: FakePorts, listing: Listing) -> None:
    """A cursor with other padding, alphabet, spaces, length or list digest is refused."""
    position = listing.positions[0]
    good = make_cursor(position, *listing.scope)
    listing.read(ports, OURS, good)
    others = [make_cursor(position, "other"), *(make_cursor(position, *each.scope, "x") for each in LISTS.values())]
    cut = [good[:length] for length in range(len(good))]
    longer = [good + "=", good + "==", good + "A", good + "\n", " " + good, good + "%3D"]
    raw = [base64.urlsafe_b64encode(each).decode() for each in (b"[1, 2]", b"[" * 5000, b"\xff" * 60, b"a" * 32)]
    foreign = make_cursor(position, listing.scope[0], THEIRS, *listing.scope[2:])
    upper = base64.urlsafe_b64encode(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)).upper()).decode()
    for cursor in (*others, *cut, *longer, *raw, foreign, upper.rstrip("="), "é", "\ud800", "+/+/"):
        refused(listing, ports, cursor)


@pytest.mark.parametrize("listing", LISTS.values(), ids=LISTS)
def test_a_forged_cursor_moves_within_the_callers_own_list_only(ports: FakePorts, listing: Listing) -> None:
    """A forged cursor, even with another organization's position, returns only the caller's own entries."""
    first, last, nothing = listing.positions
    theirs = _position(ports, listing, THEIRS)
    assert listing.read(ports, OURS, make_cursor(first, *listing.scope)) == ([OURS], None)
    assert listing.read(ports, OURS, make_cursor(last, *listing.scope)) == ([], None)
    for position in (nothing, theirs):
        page, following = listing.read(ports, OURS, make_cursor(position, *listing.scope))
        assert (set(page) <= {OURS}, following) == (True, None)


def _position(ports: FakePorts, listing: Listing, org: str) -> Any:
    if listing is LISTS["providers"]:
        return list_providers(ports, org, ProviderFilter(), 1, None)[0][0].id
    if listing is LISTS["audit"]:
        return list_audit(ports, org, AuditFilter(), 1, None)[0][0].id
    return list_routing_configs(ports, org, 1, None)[0][0].slug
