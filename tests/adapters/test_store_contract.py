"""The storage contract, over the fake, moto and DynamoDB Local: what the use cases rely on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.adapters.tables.attributes import marshal, to_text
from providers.adapters.tables.data_keys import DynamoDataKeys
from providers.adapters.tables.health import DynamoHealth
from providers.adapters.tables.keys import provider_key, shard_of
from providers.adapters.tables.management_keys import DynamoManagementKeys
from providers.adapters.tables.outbox import DynamoOutbox
from providers.adapters.tables.providers import DynamoProviders
from providers.adapters.tables.routing import DynamoRouting
from providers.adapters.tables.sweep import DynamoProbes
from providers.model.errors import Conflict
from providers.model.events import Event, EventType
from providers.model.health import Health, Sample
from providers.model.management_key import ManagementKey
from providers.model.policy import Limits
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.routing import Attempt, RoutingConfig
from providers.model.sealed import SealedCredential, WrappedKey
from providers.ports import (
    Due,
    HealthStore,
    LimitReached,
    ManagementKeyStore,
    MissingProvider,
    NameTaken,
    Outbox,
    Probed,
    ProbeStore,
    ProviderFilter,
    ProviderStore,
    Refused,
    RoutingStore,
    SideWrites,
    StaleWrite,
)
from providers_contract.vocabulary import HealthState, Outcome, Reason, Scope, Status
from tests.kit.aws import dynamodb_local_tables, moto_tables
from tests.kit.fakes import (
    Database,
    MemoryHealth,
    MemoryManagementKeys,
    MemoryOutbox,
    MemoryProbes,
    MemoryProviders,
    MemoryRouting,
    waiting,
)

NOW = datetime(2026, 4, 14, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Stores:
    providers: ProviderStore
    routing: RoutingStore
    keys: ManagementKeyStore
    probes: ProbeStore
    health: HealthStore
    outbox: Outbox


@pytest.fixture(params=["fake", "moto", "dynamodb-local"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Empty stores of each kind."""
    if request.param == "fake":
        database = Database()
        yield Stores(
            MemoryProviders(database),
            MemoryRouting(database),
            MemoryManagementKeys(),
            MemoryProbes(database),
            MemoryHealth(database),
            MemoryOutbox(database),
        )
        return
    with ExitStack() as opened:
        kind = moto_tables if request.param == "moto" else dynamodb_local_tables
        tables = opened.enter_context(kind())
        yield Stores(
            DynamoProviders(tables.client, tables.main, tables.secrets),
            DynamoRouting(tables.client, tables.main),
            DynamoManagementKeys(tables.client, tables.main),
            DynamoProbes(tables.client, tables.main, tables.secrets),
            DynamoHealth(tables.client, tables.main),
            DynamoOutbox(tables.client, tables.main),
        )


def provider(number: int = 1, **members: object) -> Provider:
    """A provider with an id that ends in `number`."""
    base = Provider(
        org="org_a",
        id=f"prov_{number:026d}",
        vendor="openai",
        name=f"Provider {number}",
        status=Status.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
        versions=(KeyVersion(1, "sk-…0001", NOW, fingerprint="f" * 64),),
        verification=Verification(Outcome.VALID, None, NOW),
    )
    return replace(base, **members)  # type: ignore[arg-type]


def sealed(of: Provider, version: int = 1) -> SealedCredential:
    """A row for `of`; the store does not look inside."""
    return SealedCredential(of.org, of.id, version, "00000001", b"n" * 12, b"\x00\xff" * 8, NOW)


def rotated(before: Provider, retires_at: datetime | None) -> Provider:
    """`before` with one version more; the replaced one is dropped where `retires_at` is None."""
    number = before.active.number + 1
    new = KeyVersion(number, f"sk-…{number:04d}", NOW, fingerprint=f"{number:064d}")
    old = () if retires_at is None else (replace(before.active, retires_at=retires_at),)
    return replace(
        before,
        versions=(*before.versions[:-1], *old, new),
        revision=before.revision + 1,
    )


def config(slug: str, *provider_ids: str, revision: int = 1) -> RoutingConfig:
    """A routing config that names the given providers."""
    attempts = tuple(Attempt(each, "model") for each in provider_ids)
    return RoutingConfig("org_a", slug, "fallback", attempts, NOW, NOW, revision)


def test_a_provider_is_read_as_it_was_written(stores: Stores) -> None:
    """Every member of a provider item survives the store, set or not."""
    full = provider(
        1,
        status=Status.PENDING,
        verification=Verification(Outcome.INDETERMINATE, Reason.TIMEOUT, NOW),
        name="Größe ß 数",
        versions=(
            KeyVersion(1, "sk-…0001", NOW, NOW + timedelta(hours=1), None, "e" * 64, None, None),
            KeyVersion(2, "0002", NOW, None, "https://proxy.example.com/v1", "f" * 64, NOW + timedelta(days=1), "acme"),
        ),
    )
    stores.providers.create(full, sealed(full))
    bare = provider(2)
    stores.providers.create(bare, sealed(bare))
    assert stores.providers.get("org_a", full.id) == full
    assert stores.providers.get("org_a", bare.id) == bare
    assert stores.providers.sealed("org_a", full.id, 1) == sealed(full)


def test_another_organization_sees_nothing(stores: Stores) -> None:
    """Reads and lists of one organization never show another's."""
    stores.providers.create(provider(), sealed(provider()))
    assert stores.providers.get("org_b", provider().id) is None
    assert stores.providers.list("org_b", ProviderFilter(), 10, None) == ([], None)
    assert stores.providers.sealed("org_b", provider().id, 1) is None


def test_a_name_is_taken_once_without_regard_to_case(stores: Stores) -> None:
    """A second provider of the same name is refused, and nothing of it is written."""
    stores.providers.create(provider(1, name="Prod"), sealed(provider(1)))
    second = provider(2, name="pROD")
    with pytest.raises(NameTaken):
        stores.providers.create(second, sealed(second))
    assert stores.providers.get("org_a", second.id) is None
    assert stores.providers.sealed("org_a", second.id, 1) is None


def test_who_has_a_name_is_found_without_regard_to_case(stores: Stores) -> None:
    """The provider of the organization that has claimed it, until it gives it up."""
    one = provider(1, name="Straße")
    stores.providers.create(one, sealed(one))
    assert stores.providers.named("org_a", "STRASSE") == one.id
    assert (stores.providers.named("org_b", "Straße"), stores.providers.named("org_a", "Other")) == (None, None)
    stores.providers.delete(one)
    assert stores.providers.named("org_a", "Straße") is None


def test_the_same_name_in_another_organization_is_free(stores: Stores) -> None:
    """Names are unique in an organization, not in the stack."""
    stores.providers.create(provider(1, name="Prod"), sealed(provider(1)))
    other = provider(2, name="Prod", org="org_b")
    stores.providers.create(other, sealed(other))
    assert stores.providers.get("org_b", other.id) == other


def test_a_list_is_newest_first_and_continues_where_it_ended(stores: Stores) -> None:
    """Pages neither repeat nor miss."""
    for number in range(1, 8):
        stores.providers.create(provider(number), sealed(provider(number)))
    first, position = stores.providers.list("org_a", ProviderFilter(), 3, None)
    assert position == first[-1].id
    rest, end = stores.providers.list("org_a", ProviderFilter(), 10, position)
    assert end is None
    assert [int(each.id[-2:]) for each in (*first, *rest)] == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ProviderFilter(vendor="groq"), [3, 1]),
        (ProviderFilter(status=Status.PENDING), [2]),
        (ProviderFilter(vendor="groq", status=Status.PENDING), []),
        (ProviderFilter(health=HealthState.UNKNOWN), [3, 2, 1]),
        (ProviderFilter(health=HealthState.HEALTHY), []),
    ],
)
def test_a_list_is_filtered(stores: Stores, wanted: ProviderFilter, expected: list[int]) -> None:
    """Filters combine, and a filtered page is as full as it can be."""
    for number, vendor, status in [
        (1, "groq", Status.ACTIVE),
        (2, "openai", Status.PENDING),
        (3, "groq", Status.ACTIVE),
    ]:
        one = provider(number, vendor=vendor, status=status)
        stores.providers.create(one, sealed(one))
    assert [int(each.id[-2:]) for each in stores.providers.list("org_a", wanted, 10, None)[0]] == expected


def test_a_rotation_keeps_the_old_version_and_dates_its_end(stores: Stores) -> None:
    """After a rotation both rows are there, the old one with its expiry."""
    before = provider()
    stores.providers.create(before, sealed(before))
    end = NOW + timedelta(hours=1)
    after = rotated(before, end)
    stores.providers.change(before, after, sealed(after, 2))
    assert stores.providers.get("org_a", before.id) == after
    old = stores.providers.sealed("org_a", before.id, 1)
    assert old is not None
    assert old.expires_at == end
    assert stores.providers.sealed("org_a", before.id, 2) == sealed(after, 2)


def test_a_version_that_leaves_the_head_leaves_the_secrets(stores: Stores) -> None:
    """A version that is dropped leaves no ciphertext."""
    before = provider()
    stores.providers.create(before, sealed(before))
    after = rotated(before, None)
    stores.providers.change(before, after, sealed(after, 2))
    assert stores.providers.sealed("org_a", before.id, 1) is None


def test_a_change_of_what_has_changed_writes_nothing(stores: Stores) -> None:
    """Of two changes of the same revision one is refused whole."""
    before = provider()
    stores.providers.create(before, sealed(before))
    first = rotated(before, NOW)
    stores.providers.change(before, first, sealed(first, 2))
    late = replace(rotated(before, NOW), name="Late")
    with pytest.raises(StaleWrite):
        stores.providers.change(before, late, sealed(late, 2))
    assert stores.providers.get("org_a", before.id) == first


def test_a_change_of_nothing_creates_nothing(stores: Stores) -> None:
    """An update of a provider that is gone does not bring half of it back."""
    ghost = provider()
    with pytest.raises(StaleWrite):
        stores.providers.change(ghost, replace(ghost, name="X", revision=2))
    assert stores.providers.get("org_a", ghost.id) is None


def test_renaming_moves_the_claim(stores: Stores) -> None:
    """The old name is free again, the new one taken, and a change of case alone is no conflict."""
    before = provider(1, name="Old")
    stores.providers.create(before, sealed(before))
    middle = replace(before, name="New", revision=2)
    stores.providers.change(before, middle)
    stores.providers.change(middle, replace(middle, name="NEW", revision=3))
    second = provider(2, name="old")
    stores.providers.create(second, sealed(second))
    with pytest.raises(NameTaken):
        stores.providers.change(second, replace(second, name="new", revision=2))


def test_a_change_leaves_refs_alone(stores: Stores) -> None:
    """An owner's change made from an older read does not undo an attach that came between."""
    before = provider()
    stores.providers.create(before, sealed(before))
    stores.routing.put(None, config("@a", before.id))
    stores.providers.change(before, replace(before, name="New", revision=2))
    found = stores.providers.get("org_a", before.id)
    assert found is not None
    assert found.refs == {"@a"}


def test_members_that_become_none_are_gone(stores: Stores) -> None:
    """A base_url that is taken away does not stay behind."""
    version = KeyVersion(1, "0001", NOW, None, "https://proxy.example.com", "f" * 64, NOW, "acme")
    before = provider(versions=(version,))
    stores.providers.create(before, sealed(before))
    after = replace(before, versions=(KeyVersion(1, "0001", NOW, fingerprint="f" * 64),), revision=2)
    stores.providers.change(before, after)
    assert stores.providers.get("org_a", before.id) == after


def test_deleting_leaves_nothing(stores: Stores) -> None:
    """Provider item, name, fingerprint and every version go together."""
    before = provider(name="Prod")
    stores.providers.create(before, sealed(before))
    after = rotated(before, NOW + timedelta(hours=1))
    stores.providers.change(before, after, sealed(after, 2))
    stores.providers.delete(after)
    assert stores.providers.get("org_a", before.id) is None
    assert [stores.providers.sealed("org_a", before.id, number) for number in (1, 2)] == [None, None]
    assert list(stores.providers.with_fingerprint("org_a", after.active.fingerprint)) == []
    again = provider(2, name="Prod")
    stores.providers.create(again, sealed(again))


def test_a_referenced_provider_is_not_deleted(stores: Stores) -> None:
    """The store itself refuses, whatever the caller has read."""
    before = provider()
    stores.providers.create(before, sealed(before))
    stores.routing.put(None, config("@a", before.id))
    with pytest.raises(StaleWrite):
        stores.providers.delete(before)
    assert stores.providers.sealed("org_a", before.id, 1) is not None


def test_fingerprints_follow_the_active_version(stores: Stores) -> None:
    """Who shares a credential is known, and forgotten when it is rotated away."""
    one, two = provider(1), provider(2)
    stores.providers.create(one, sealed(one))
    stores.providers.create(two, sealed(two))
    assert sorted(stores.providers.with_fingerprint("org_a", "f" * 64)) == [one.id, two.id]
    after = rotated(one, NOW)
    stores.providers.change(one, after, sealed(after, 2))
    assert list(stores.providers.with_fingerprint("org_a", "f" * 64)) == [two.id]
    assert list(stores.providers.with_fingerprint("org_b", "f" * 64)) == []


def test_routing_configs_hold_and_release_references(stores: Stores) -> None:
    """Refs follow each put and delete, and an emptied set is as good as none."""
    one, two = provider(1), provider(2)
    for each in (one, two):
        stores.providers.create(each, sealed(each))

    def refs() -> list[set[str]]:
        providers = [stores.providers.get("org_a", each.id) for each in (one, two)]
        return [set(stored.refs) for stored in providers if stored]

    first = config("@a", one.id, one.id)
    stores.routing.put(None, first)
    assert refs() == [{"@a"}, set()]
    second = config("@a", two.id, revision=2)
    stores.routing.put(first, second)
    assert refs() == [set(), {"@a"}]
    assert stores.routing.get("org_a", "@a") == second
    stores.routing.delete(second)
    assert refs() == [set(), set()]
    assert stores.routing.get("org_a", "@a") is None
    stores.providers.delete(one)


def test_a_config_that_names_a_missing_provider_is_not_written(stores: Stores) -> None:
    """The missing ones are named, and the ones that exist get no reference."""
    one = provider(1)
    stores.providers.create(one, sealed(one))
    with pytest.raises(MissingProvider) as caught:
        stores.routing.put(None, config("@a", one.id, provider(9).id))
    assert caught.value.provider_ids == {provider(9).id}
    assert stores.routing.get("org_a", "@a") is None
    found = stores.providers.get("org_a", one.id)
    assert found is not None
    assert found.refs == frozenset()


def test_a_config_written_from_an_old_read_is_refused(stores: Stores) -> None:
    """Replacing or deleting what has changed since writes nothing."""
    one = provider(1)
    stores.providers.create(one, sealed(one))
    first = config("@a", one.id)
    stores.routing.put(None, first)
    stores.routing.put(first, config("@a", one.id, revision=2))
    with pytest.raises(StaleWrite):
        stores.routing.put(first, config("@a", revision=2))
    with pytest.raises(StaleWrite):
        stores.routing.put(None, config("@a"))
    with pytest.raises(StaleWrite):
        stores.routing.delete(first)


def test_routing_configs_are_listed_by_slug(stores: Stores) -> None:
    """Pages neither repeat nor miss."""
    for slug in ("b", "@c", "a"):
        stores.routing.put(None, config(slug))
    assert [each.slug for each in stores.routing.list("org_a", 2, None)] == ["@c", "a"]
    assert [each.slug for each in stores.routing.list("org_a", 2, "a")] == ["b"]


def test_a_row_is_sealed_again_only_as_it_was_read(stores: Stores) -> None:
    """What it is sealed with changes; its expiry and last use, which others may have written since, stay."""
    one = provider()
    stores.providers.create(one, sealed(one))
    again = replace(sealed(one), data_key_id="00000002", nonce=b"m" * 12, ciphertext=b"other")
    stores.providers.record_use(sealed(one), NOW)
    stores.providers.reseal(sealed(one), replace(again, expires_at=NOW))
    assert stores.providers.sealed("org_a", one.id, 1) == replace(again, last_used_at=NOW)
    for stale in (sealed(one), replace(again, version=2), replace(again, org="org_b")):
        with pytest.raises(StaleWrite):
            stores.providers.reseal(stale, again)
    assert stores.providers.sealed("org_a", one.id, 2) is None


def test_management_keys_are_kept_counted_and_revoked(stores: Stores) -> None:
    """A key is read as written; counts are per minute; the first revocation stands."""
    key = ManagementKey("01abc", "d" * 64, "org_a", "CI", frozenset(Scope), NOW, expires_at=NOW + timedelta(days=1))
    stores.keys.put(key)
    assert stores.keys.get("01abc") == key
    with pytest.raises(StaleWrite):
        stores.keys.put(replace(key, org="org_b"))
    assert [stores.keys.count("01abc", 7), stores.keys.count("01abc", 7), stores.keys.count("01abc", 8)] == [1, 2, 1]
    stores.keys.record_use("01abc", NOW)
    revoked = replace(key, revoked_at=NOW, mac="of the revoked key")
    stores.keys.revoke(revoked)
    for late in (replace(revoked, revoked_at=NOW + timedelta(days=1)), replace(revoked, id="nobody")):
        with pytest.raises(StaleWrite):
            stores.keys.revoke(late)
    assert stores.keys.get("01abc") == replace(revoked, last_used_at=NOW)
    stores.keys.record_use("nobody", NOW)
    assert stores.keys.get("nobody") is None


def test_management_keys_are_listed_for_an_organization(stores: Stores) -> None:
    """Oldest first, revoked ones too, over as many pages as the table has; nothing else that the table holds."""
    assert stores.keys.list("org_a") == []
    padding = "x" * 6000  # so that a table of 200 keys is more than the megabyte that one Scan reads
    keys = [
        ManagementKey(f"{n:04}", "d" * 64, f"org_{'ab'[n % 2]}", padding, frozenset(Scope), NOW + timedelta(seconds=n))
        for n in range(200)
    ]
    for key in reversed(keys):
        stores.keys.put(key)
    stores.keys.count("0000", 7)
    stores.keys.revoke(replace(keys[0], revoked_at=NOW))
    stores.providers.create(provider(), sealed(provider()))
    assert stores.keys.list("org_a") == [replace(keys[0], revoked_at=NOW), *keys[2::2]]
    assert [key.id for key in stores.keys.list(None)] == [key.id for key in keys]
    assert stores.keys.list("org_c") == []


# the sweep


def event(number: int, kind: EventType = EventType.CREATED) -> Event:
    """An event whose id ends in `number`."""
    return Event(f"{number:026d}", kind, NOW, "org_a", provider().id, {"name": "Prod", "key_version": 1})


def test_events_are_committed_with_the_change_they_tell_of(stores: Stores) -> None:
    """Created, changed and deleted providers leave their events in the outbox, oldest first, until forgotten."""
    one = provider()
    stores.providers.create(one, sealed(one), SideWrites([event(1)]))
    two = replace(one, name="New", revision=2)
    stores.providers.change(one, two, side_writes=SideWrites([event(2, EventType.ROTATED)]))
    stores.providers.delete(two, SideWrites([event(3, EventType.DELETED)]))
    assert waiting(stores.outbox) == [event(1), event(2, EventType.ROTATED), event(3, EventType.DELETED)]
    stores.outbox.forget([event(1), event(3)])
    stores.outbox.forget([event(1)])
    assert [each.id for each in waiting(stores.outbox)] == [event(2).id]


def test_a_shard_is_read_in_order_and_from_where_one_was(stores: Stores) -> None:
    """Page by page; every event is in one shard, and forgotten in batches, of those that are gone, too."""
    many = [event(number) for number in range(1, 121)]
    for start in range(0, len(many), 20):
        one = provider(start + 1, name=f"Provider {start}")
        stores.providers.create(one, sealed(one), SideWrites(many[start : start + 20]))
    assert waiting(stores.outbox) == many
    shard = list(stores.outbox.pending(3, 100))
    assert shard == sorted(shard, key=lambda each: each.id)
    assert list(stores.outbox.pending(3, 2)) == shard[:2]
    assert list(stores.outbox.pending(3, 100, shard[1])) == shard[2:]
    stores.outbox.forget(many[:100])
    stores.outbox.forget([*many[90:110], event(999)])
    assert waiting(stores.outbox) == many[110:]
    stores.outbox.forget([])


def test_a_quarantined_event_is_in_the_outbox_no_more(stores: Stores) -> None:
    """However often it is moved there."""
    one = provider()
    stores.providers.create(one, sealed(one), SideWrites([event(1), event(2)]))
    for _ in range(2):
        stores.outbox.quarantine([Refused(event(1), "MalformedDetail", True)], NOW)
    assert waiting(stores.outbox) == [event(2)]


def test_a_quarantined_event_can_be_read_and_put_back() -> None:
    """As docs/events.md says: the item under another key."""
    with moto_tables() as tables:
        outbox = DynamoOutbox(tables.client, tables.main)
        outbox.quarantine([Refused(event(1), "MalformedDetail", True)], NOW)
        (item,) = tables.everything(tables.main)
        assert (item["PK"]["S"], item["error_code"]["S"]) == ("QUARANTINE", "MalformedDetail")
        assert to_text(NOW) == item["quarantined_at"]["S"]
        tables.client.put_item(TableName=tables.main, Item=item | {"PK": {"S": "OUTBOX#00"}})
        assert list(outbox.pending(0, 10)) == [event(1)]


def test_a_change_that_is_refused_leaves_no_event(stores: Stores) -> None:
    """Neither a taken name nor a stale revision is told to anybody."""
    one = provider()
    stores.providers.create(one, sealed(one))
    with pytest.raises(NameTaken):
        stores.providers.create(replace(provider(2), name=one.name), sealed(provider(2)), SideWrites([event(1)]))
    with pytest.raises(StaleWrite):
        stores.providers.change(replace(one, revision=7), replace(one, revision=8), side_writes=SideWrites([event(2)]))
    with pytest.raises(StaleWrite):
        stores.providers.delete(replace(one, revision=7), SideWrites([event(3)]))
    assert waiting(stores.outbox) == []


def test_who_is_due_stands_in_its_shard(stores: Stores) -> None:
    """Active and pending ones; a disabled one leaves the index, and comes back when it is enabled."""
    one = provider()
    stores.providers.create(one, sealed(one))
    shard = shard_of(one.id)
    assert list(stores.probes.list_due(shard)) == [Due("org_a", one.id, None)]
    assert list(stores.probes.list_due((shard + 1) % 60)) == []
    two = replace(one, status=Status.DISABLED, revision=2)
    stores.providers.change(one, two)
    assert list(stores.probes.list_due(shard)) == []
    three = replace(two, status=Status.PENDING, revision=3)
    stores.providers.change(two, three)
    after = replace(three, probe_after=NOW, throttled=1)
    stores.probes.set_health(three, after)
    assert list(stores.probes.list_due(shard)) == [Due("org_a", one.id, NOW)]


def test_probes_are_loaded_with_their_active_row(stores: Stores) -> None:
    """Many at once, more than a batch of DynamoDB's holds, without those that are gone."""
    many = [provider(number) for number in range(1, 121)]
    for each in many:
        stores.providers.create(each, sealed(each))
    after = rotated(many[0], NOW)
    stores.providers.change(many[0], after, sealed(after, 2))
    places = [("org_a", each.id) for each in many] + [("org_a", provider(999).id), ("org_b", many[0].id)]
    found = {each.provider.id: each for each in stores.probes.load(places)}
    assert set(found) == {each.id for each in many}
    assert found[many[0].id] == Probed(after, sealed(after, 2))
    assert found[many[1].id] == Probed(many[1], sealed(many[1]))


def test_health_is_written_where_nothing_has_come_between(stores: Stores) -> None:
    """With its event; not over another state, another version, or nothing; and an owner's change leaves it alone."""
    one = provider()
    stores.providers.create(one, sealed(one))
    healthy = replace(one, health=Health(HealthState.HEALTHY, None, NOW, 1))
    stores.probes.set_health(one, healthy, [event(1, EventType.HEALTH_CHANGED)])
    assert stores.providers.get("org_a", one.id) == healthy
    assert [each.id for each in waiting(stores.outbox)] == [event(1).id]
    bad = replace(one, health=Health(HealthState.UNHEALTHY, Reason.TIMEOUT, NOW, 1), throttled=2, probe_after=NOW)
    for refused in (one, provider(9)):
        with pytest.raises(StaleWrite):
            stores.probes.set_health(refused, bad, [event(2)])
        with pytest.raises(StaleWrite):
            stores.probes.set_health(refused, bad)
    assert len(waiting(stores.outbox)) == 1
    stores.probes.set_health(healthy, bad)
    renamed = replace(bad, name="New", revision=2)
    stores.providers.change(bad, renamed)
    assert stores.providers.get("org_a", one.id) == renamed
    fresh = replace(rotated(renamed, NOW), health=Health(version=2), throttled=0, probe_after=None)
    stores.providers.change(renamed, fresh, sealed(fresh, 2))
    assert stores.providers.get("org_a", one.id) == fresh
    with pytest.raises(StaleWrite):
        stores.probes.set_health(replace(renamed, health=fresh.health), healthy)


def test_a_minute_bucket_is_set_once(stores: Stores) -> None:
    """The first sample of a minute stays."""
    sample = Sample(NOW.replace(second=0, microsecond=0), 3, Reason.TIMEOUT, 812)
    assert stores.health.record("prov_1", sample)
    assert not stores.health.record("prov_1", replace(sample, reason=None))
    assert list(stores.health.read("prov_1", sample.at, sample.at)) == [sample]
    assert list(stores.health.read("prov_2", sample.at, sample.at)) == []


def test_samples_are_read_by_minute_and_by_hour(stores: Stores) -> None:
    """Across hours and days, both ends included, oldest first."""
    first = datetime(2026, 4, 14, 22, 58, tzinfo=UTC)
    samples = [Sample(first + timedelta(minutes=minute), 1, None, minute) for minute in range(125)]
    for sample in reversed(samples):
        assert stores.health.record("prov_1", sample)
    assert list(stores.health.read("prov_1", samples[1].at, samples[-2].at)) == samples[1:-1]
    recent = stores.health.recent(["prov_1", "prov_2"], samples[-1].at)
    assert recent == {"prov_1": samples[62:], "prov_2": []}


def test_racing_rotations_on_dynamodb_local_leave_one_winner_a_round() -> None:
    """Twenty threads change the same revision at once: one change is made, and its row is the one stored."""
    with dynamodb_local_tables() as tables:
        store = DynamoProviders(tables.client, tables.main, tables.secrets)
        before = provider()
        store.create(before, sealed(before))
        won: list[str] = []

        def rotate(mark: str) -> None:
            after = replace(rotated(before, NOW), name=mark)
            try:
                store.change(before, after, replace(sealed(after, 2), ciphertext=mark.encode()))
            except StaleWrite:
                return
            won.append(mark)

        threads = [threading.Thread(target=rotate, args=(f"t{number}",)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found, row = store.get("org_a", before.id), store.sealed("org_a", before.id, 2)
        assert found is not None
        assert row is not None
        assert [found.name, row.ciphertext.decode()] == won * 2


@pytest.mark.parametrize("kind", [moto_tables, dynamodb_local_tables], ids=["moto", "dynamodb-local"])
def test_the_first_data_key_stays(kind: type) -> None:
    """A second key under the same id is refused, so that two makers end up with one key."""
    with kind() as tables:
        keys = DynamoDataKeys(tables.client, tables.secrets, prefix="ORG#")
        assert keys.get("org_a", "1") is None
        keys.put("org_a", WrappedKey("1", b"first", NOW))
        with pytest.raises(StaleWrite):
            keys.put("org_a", WrappedKey("1", b"second", NOW))
        assert keys.get("org_a", "1") == WrappedKey("1", b"first", NOW)


@pytest.mark.parametrize("kind", [moto_tables, dynamodb_local_tables], ids=["moto", "dynamodb-local"])
def test_data_keys_are_listed_and_deleted(kind: type) -> None:
    """The newest first, and only the owner's; nothing else that its partition holds."""
    with kind() as tables:
        keys = DynamoDataKeys(tables.client, tables.secrets, prefix="ORG#")
        made = [WrappedKey(f"{number:08d}", b"wrapped", NOW) for number in (1, 2, 10)]
        for each in made:
            keys.put("org_a", each)
        keys.put("org_b", made[0])
        assert keys.list("org_a", 10) == made[::-1]
        assert keys.list("org_a", 1) == made[-1:]
        assert keys.list("org_c", 1) == []
        keys.delete("org_a", made[1].id)
        keys.delete("org_a", made[1].id)
        assert keys.list("org_a", 10) == [made[2], made[0]]


FEW = Limits(providers=2, routing_configs=2, configs_per_provider=1, management_keys=1)


def test_an_organization_has_as_many_providers_as_it_may(stores: Stores) -> None:
    """One more is refused with the count, and is possible again when one is deleted; others are not affected."""
    one, two, three = (provider(number) for number in (1, 2, 3))
    for each in (one, two):
        stores.providers.create(each, sealed(each), limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.providers.create(three, sealed(three), limits=FEW)
    assert (caught.value.what, caught.value.count) == ("providers", 2)
    assert stores.providers.get("org_a", three.id) is None
    other = replace(three, org="org_b")
    stores.providers.create(other, sealed(other), limits=FEW)
    stores.providers.delete(one)
    stores.providers.create(three, sealed(three), limits=FEW)


def test_a_name_that_is_taken_comes_before_the_limit(stores: Stores) -> None:
    """It is what the caller can mend."""
    one = provider(1)
    stores.providers.create(one, sealed(one), limits=FEW)
    two = provider(2)
    stores.providers.create(two, sealed(two), limits=FEW)
    again = replace(provider(3), name=one.name)
    with pytest.raises(NameTaken):
        stores.providers.create(again, sealed(again), limits=FEW)


def test_routing_configs_are_limited_for_an_organization_and_a_provider(stores: Stores) -> None:
    """Replacing one is no further one; a provider that is not there is told as that."""
    one, two = provider(1), provider(2)
    for each in (one, two):
        stores.providers.create(each, sealed(each))
    first = config("a", one.id)
    stores.routing.put(None, first, limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.routing.put(None, config("b", one.id), limits=FEW)
    told = (caught.value.what, caught.value.count, caught.value.provider_id)
    assert told == ("configs_per_provider", 1, one.id)
    with pytest.raises(MissingProvider):
        stores.routing.put(None, config("b", one.id, "prov_" + "9" * 26), limits=FEW)
    stores.routing.put(None, config("b", two.id), limits=FEW)
    with pytest.raises(LimitReached) as caught:
        stores.routing.put(None, config("c"), limits=FEW)
    assert (caught.value.what, caught.value.count) == ("routing_configs", 2)
    stores.routing.put(first, replace(first, strategy="single", revision=2), limits=FEW)
    stores.routing.delete(replace(first, revision=2))
    stores.routing.put(None, config("c", one.id), limits=FEW)


def test_management_keys_are_limited_but_for_the_revoked(stores: Stores) -> None:
    """A revocation makes room."""
    keys = [ManagementKey(f"{n}", "d" * 64, "org_a", "CI", frozenset(Scope), NOW) for n in range(2)]
    stores.keys.put(keys[0], FEW)
    with pytest.raises(LimitReached) as caught:
        stores.keys.put(keys[1], FEW)
    assert (caught.value.what, caught.value.count) == ("management_keys", 1)
    stores.keys.revoke(replace(keys[0], revoked_at=NOW))
    stores.keys.put(keys[1], FEW)


def test_a_filter_reads_a_bounded_number_of_providers(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page can be empty and still have a next one; all pages together have what matches, once each."""
    for module in ("providers.adapters.tables.transactions", "tests.kit.fakes"):
        monkeypatch.setattr(f"{module}.READ_AT_MOST", 3)
    made = [provider(number, vendor="groq" if number in (1, 2, 9) else "openai") for number in range(1, 10)]
    for each in made:
        stores.providers.create(each, sealed(each))
    pages, position = [], None
    while True:
        page, position = stores.providers.list("org_a", ProviderFilter(vendor="groq"), 10, position)
        pages.append([int(each.id[-2:]) for each in page])
        if position is None:
            break
    assert [each for page in pages for each in page] == [9, 2, 1]
    assert [] in pages


@pytest.mark.parametrize("kind", [dynamodb_local_tables], ids=["dynamodb-local"])
def test_an_item_that_would_be_too_large_is_no_outage(kind: type) -> None:
    """DynamoDB refuses it for good: 409, with the limit. Only a real DynamoDB shows it."""
    with kind() as tables:
        routing = DynamoRouting(tables.client, tables.main)
        store = DynamoProviders(tables.client, tables.main, tables.secrets)
        one = provider(1)
        store.create(one, sealed(one))
        slugs = {f"{number:05}-{'x' * 57}" for number in range(6_400)}
        tables.client.update_item(
            TableName=tables.main,
            Key=marshal(provider_key(one.org, one.id)),
            UpdateExpression="SET refs = :refs",
            ExpressionAttributeValues=marshal({":refs": slugs}),
        )
        many = Limits(configs_per_provider=100_000, routing_configs=100_000)
        refused: Conflict | None = None
        for number in range(100):
            try:
                routing.put(None, config(f"{number}-{'y' * 60}", one.id), limits=many)
            except Conflict as error:
                refused = error
                break
        assert refused is not None
        assert (refused.code, refused.details["limit"]) == ("limit_exceeded", 400 * 1024)
        renamed = replace(one, name="x" * 20_000, revision=2)
        with pytest.raises(Conflict, match="limit_exceeded"):
            store.change(one, renamed)


def test_a_verification_is_written_with_health_where_the_owner_changed_nothing(stores: Stores) -> None:
    """One that is the same is not written, so that a check never undoes another change's."""
    one = provider(status=Status.PENDING)
    stores.providers.create(one, sealed(one))
    found = Verification(Outcome.INDETERMINATE, Reason.TIMEOUT, NOW)
    two = replace(one, verification=found, probe_after=NOW, throttled=1)
    stores.probes.set_health(one, two)
    assert stores.providers.get("org_a", one.id) == two
    three = replace(two, status=Status.ACTIVE, verification=one.verification, revision=2)
    stores.providers.change(two, three)
    with pytest.raises(StaleWrite):
        stores.probes.set_health(two, replace(two, verification=replace(found, reason=Reason.DNS_FAILED)))
    stores.probes.set_health(two, replace(two, throttled=2))
    assert stores.providers.get("org_a", one.id) == replace(three, throttled=2)
