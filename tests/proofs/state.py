"""Reads the tables back: finds violations of the invariants, and the facts without ids and times."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from providers.adapters.tables.attributes import Item
from providers.adapters.tables.audit import entry_from
from providers.adapters.tables.expiry import expired_from
from providers.adapters.tables.keys import EXPIRED, IDLE, OUTBOX
from providers.adapters.tables.outbox import event_from
from providers.adapters.tables.provider_items import provider_from
from providers.adapters.tables.routing import route_from
from providers.model.audit import Entry
from providers.model.events import EventType
from providers.model.provider import IN_FLIGHT, Provider
from providers.model.routing import RoutingConfig
from providers.ports import Expired
from providers.usecases.verification import FINGERPRINT
from providers_contract.vocabulary import Action
from providers_data_plane.sealed import SealedCredential
from providers_data_plane.stored import org_key, sealed_from, unmarshal
from tests.kit.lambdas import Response
from tests.proofs.world import ORG, Sent, World

RACED: Final = frozenset({"rotation_conflict", "version_conflict", "idempotency_in_progress"})
"""Answers to a request that lost a race: it changed nothing, and its caller may send it again."""

_EVENTS: Final = {
    Action.CREATED: EventType.CREATED,
    Action.ROTATED: EventType.ROTATED,
    Action.ROLLED_BACK: EventType.ROTATED,
    Action.DELETED: EventType.DELETED,
}


@dataclass
class State:
    """Everything in both tables, and everything published."""

    providers: dict[str, Provider] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    marks: set[tuple[str, str]] = field(default_factory=set)
    routes: dict[str, RoutingConfig] = field(default_factory=dict)
    rows: dict[tuple[str, int], SealedCredential] = field(default_factory=dict)
    trail: list[Entry] = field(default_factory=list)
    trails: list[Entry] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    expiring: set[Expired] = field(default_factory=set)
    idle: set[Expired] = field(default_factory=set)
    records: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[tuple[str, int], str] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)


def read(world: World) -> State:
    """Return the state of the world. Raises AssertionError for an unknown item."""
    state = State(published=list(world.published))
    for (table, pk, sk), stored in world.items().items():
        item = unmarshal(stored)
        kind = sk.partition("#")[0]
        if table == world.tables.secrets:
            if kind == "V":
                row = sealed_from(item)
                state.rows[row.provider_id, row.version] = row
            else:
                assert kind == "KEY", sk
        elif pk == org_key(ORG):
            _of_org(state, kind, sk, item)
        elif pk.startswith("AUDIT#"):
            entry = entry_from(item)
            (state.trail if pk.count("#") == 1 else state.trails).append(entry)
        elif pk.startswith("COUNT#"):
            state.counts = {name: count for name, count in item.items() if name not in ("PK", "SK")}
        elif pk.startswith(OUTBOX):
            state.waiting.append(_event_in(item))
        elif pk == EXPIRED:
            state.expiring.add(expired_from(item))
        elif pk == IDLE:
            state.idle.add(expired_from(item, IN_FLIGHT))
        elif pk.startswith("IDEM#"):
            state.records.append(item)
        else:
            assert pk.startswith("VL#") or pk == "STACK", pk
    for provider in state.providers.values():
        for version in provider.versions:
            sealed = state.rows.get((provider.id, version.number))
            if sealed is not None:
                opened = world.auditor.cipher.open(sealed, provider.destination(version))
                state.keys[provider.id, version.number] = opened.reveal()
    for key in set(state.keys.values()):
        state.fingerprints[key] = world.auditor.digests.digest(FINGERPRINT, ORG, "openai", key)
    return state


def _of_org(state: State, kind: str, sk: str, item: Item) -> None:
    if kind == "PROV":
        provider = provider_from(item)
        state.providers[provider.id] = provider
    elif kind == "NAME":
        state.names[sk.removeprefix("NAME#")] = item["provider_id"]
    elif kind == "FP":
        _, fingerprint, provider_id = sk.split("#")
        state.marks.add((fingerprint, provider_id))
    else:
        assert kind == "ROUTE", sk
        state.routes[sk.removeprefix("ROUTE#")] = route_from(item)


def _event_in(item: Item) -> dict[str, Any]:
    sent_event = event_from(item)
    return {
        "type": sent_event.type.value,
        "id": sent_event.id,
        "org": sent_event.org,
        "provider_id": sent_event.provider_id,
    } | sent_event.detail


def violations(state: State) -> list[str]:
    """Return every violation of the invariants in the tables; an empty list if there is none."""
    found: list[str] = []
    for slug, config in state.routes.items():
        found += [f"{slug} names {each}, which is deleted" for each in config.provider_ids - state.providers.keys()]
    for provider in state.providers.values():
        naming = {slug for slug, config in state.routes.items() if provider.id in config.provider_ids}
        if provider.refs != naming:
            found.append(f"refs of {provider.name} are {sorted(provider.refs)}, and {sorted(naming)} name it")
        found += _versions(state, provider)
    for provider_id, number in state.rows.keys() - {
        (provider.id, version.number) for provider in state.providers.values() for version in provider.versions
    }:
        found.append(f"a sealed credential without a version: {provider_id} {number}")
    if state.names != {provider.name_claim: provider.id for provider in state.providers.values()}:
        found.append(f"name claims {state.names} do not match the providers")
    if state.marks != {(provider.active.fingerprint, provider.id) for provider in state.providers.values()}:
        found.append("fingerprint marks do not match the providers")
    if sorted(state.trail, key=lambda entry: entry.id) != sorted(state.trails, key=lambda entry: entry.id):
        found.append("the audit trail and those of its resources differ")
    for name, things in (("providers", state.providers), ("routing_configs", state.routes)):
        if state.counts.get(name, 0) != len(things):
            found.append(f"{state.counts.get(name)} {name} are counted, and there are {len(things)}")
    return found + _numbers(state) + _events(state)


def _versions(state: State, provider: Provider) -> list[str]:
    found = []
    numbers = [version.number for version in provider.versions]
    if numbers != sorted(set(numbers)):
        found.append(f"versions of {provider.name} are {numbers}")
    for version in provider.versions:
        row = state.rows.get((provider.id, version.number))
        if row is None:
            found.append(f"version {version.number} of {provider.name} has no sealed credential")
            continue
        if row.expires_at != version.retires_at:
            found.append(f"version {version.number} of {provider.name} and its row expire at different times")
        if version.fingerprint != state.fingerprints[state.keys[provider.id, version.number]]:
            found.append(f"version {version.number} of {provider.name} has the fingerprint of another credential")
        retiring = version.retires_at
        if retiring is not None and Expired(retiring, ORG, provider.id, version.number) not in state.expiring:
            found.append(f"no reaper entry for version {version.number} of {provider.name}")
    if [version.number for version in provider.versions if version.retires_at is None] != [provider.active.number]:
        found.append(f"the active version of {provider.name} is not the one that does not retire")
    return found


def _numbers(state: State) -> list[str]:
    """Return violations of unique version numbers; the audit trail lists every number."""
    made = [
        (entry.resource_id, entry.after["key_version"])
        for entry in state.trail
        if entry.after and entry.action in (Action.CREATED, Action.ROTATED, Action.ROLLED_BACK)
    ]
    found = [f"version {number} of {each} was made {n} times" for (each, number), n in Counter(made).items() if n > 1]
    highest = {each: max(number for other, number in made if other == each) for each, _ in made}
    found += [
        f"{provider.name} is at version {provider.active.number}, and the trail at {highest.get(provider.id)}"
        for provider in state.providers.values()
        if highest.get(provider.id) != provider.active.number
    ]
    return found


def _events(state: State) -> list[str]:
    """Return changes with more events than one. After a crash, an event can be both waiting and published."""
    kinds = {each["id"]: (each["type"], each["provider_id"], each["key_version"]) for each in _all_events(state)}
    made = [
        (_EVENTS[entry.action].value, entry.resource_id, (entry.after or entry.before or {})["key_version"])
        for entry in state.trail
        if entry.action in _EVENTS
    ]
    since = Counter(kinds.values())
    return [f"{n} events {each} for one change" for each, n in since.items() if n > made.count(each)]


def _all_events(state: State) -> list[dict[str, Any]]:
    return [*state.published, *state.waiting]


def untrue(state: State, before: State, sent: Sequence[Sent], responses: Mapping[str, Response]) -> list[str]:
    """Return false responses: changes acknowledged but not stored, or stored but not acknowledged."""
    found: list[str] = []
    new = Counter(entry.request_id for entry in state.trail)
    new.subtract(entry.request_id for entry in before.trail)
    made: Counter[tuple[str, int]] = Counter()
    for request in sent:
        response = responses[request.id]
        acknowledged = response.status < 300 and "Idempotency-Replayed" not in response.headers
        if new[request.id] != acknowledged:
            found.append(f"{request.id} got {response.status}, and has {new[request.id]} audit entries")
        wanted = (request.body or {}).get("api_key")
        rolls_back = request.function == "rollback_provider"
        if acknowledged and (wanted or rolls_back):
            provider_id, version = response.data["id"], response.data["key_version"]
            made[provider_id, version] += 1
            if rolls_back:
                wanted = state.keys.get((provider_id, version - 2), wanted)
            held = state.keys.get((provider_id, version))
            if provider_id in state.providers and wanted is not None and held != wanted:
                found.append(f"{request.id} got version {version}, which holds another credential")
    for (provider_id, version), times in made.items():
        if times > 1:
            found.append(f"version {version} of {provider_id} was acknowledged {times} times")
    earlier = Counter(_kinds(before))
    changes = Counter(
        (_EVENTS[entry.action].value, entry.resource_id) for entry in state.trail if entry.action in _EVENTS
    ) - Counter((_EVENTS[entry.action].value, entry.resource_id) for entry in before.trail if entry.action in _EVENTS)
    if Counter(_kinds(state)) - earlier != changes:
        found.append(f"events are {Counter(_kinds(state)) - earlier}, changes {changes}")
    return found


def _kinds(state: State) -> list[tuple[str, str]]:
    """Return type and provider of every event; one that was published twice counts once."""
    return [(each["type"], each["provider_id"]) for each in {each["id"]: each for each in _all_events(state)}.values()]


def facts(state: State) -> dict[str, Any]:
    """Return the facts, without ids and times."""
    ids = names_of(state)
    events = {each["id"]: each for each in _all_events(state)}.values()
    return {
        "providers": {
            provider.name: (
                provider.vendor,
                provider.status,
                provider.revision,
                sorted(provider.refs),
                [
                    (each.number, each.hint, each.retires_at is None, state.keys.get((provider.id, each.number)))
                    for each in provider.versions
                ],
            )
            for provider in state.providers.values()
        },
        "routes": {
            slug: (config.strategy, [ids[each.provider_id] for each in config.attempts], config.revision)
            for slug, config in state.routes.items()
        },
        "trail": sorted(
            plain((entry.action, entry.resource_id, entry.actor.key_id, entry.before, entry.after), ids)
            for entry in state.trail
        ),
        "events": sorted(plain({k: v for k, v in each.items() if k != "id"}, ids) for each in events),
        "records": sorted(plain(item.get("answer", {}).get("body"), ids) for item in state.records),
    }


def names_of(state: State) -> dict[str, str]:
    """Return the names of providers by id, deleted ones included."""
    found: dict[str, str] = {}
    for entry in state.trail:
        facts_of = entry.after if entry.action is Action.CREATED else None
        if facts_of:
            found[entry.resource_id] = facts_of["name"]
    return found


def plain(value: Any, ids: Mapping[str, str]) -> str:
    """Return `value` as text, with names for ids and without times and request ids."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    for provider_id, name in ids.items():
        text = text.replace(provider_id, f"<{name}>")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "a time", text)
    return re.sub(r'"request_id": ?"[^"]*"', '"request_id":"…"', text)


def response_facts(response: Response, ids: Mapping[str, str]) -> tuple[int, str, bool]:
    """Return a response's facts without ids and times, and whether it is a replay."""
    return response.status, plain(response.text, ids), "Idempotency-Replayed" in response.headers


def raced(response: Response) -> bool:
    """Return whether the response reports a lost race."""
    return response.status == 409 and response.error["code"] in RACED
