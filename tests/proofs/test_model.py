"""Model-based proof: for any sequence of requests, the API responds as `tests/proofs/reference.py` does.

Seen to fail by breaking the code: see docs/reliability.md, Model.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar, Final, TypeVar

import boto3
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from functions.reap_versions import app as reap_versions
from functions.run_probes import app as run_probes
from providers import bootstrap
from providers.bootstrap import Dependencies, Settings
from providers.model.errors import Conflict, NotFound
from providers.model.health import floor_minute
from providers.model.policy import Limits
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import SideWrites
from providers.usecases.probe_batch import Batch
from providers.usecases.resolve import resolve
from providers_contract.vocabulary import Reason
from tests.kit.aws import REGION, moto_tables
from tests.kit.fakes import PROXIES, FakeClock, FakePorts, FakeVerifier
from tests.kit.figures import SOAK, Figure
from tests.kit.lambdas import Invocation, Response, call
from tests.proofs.reference import (
    CONFIGS,
    CONFIGS_PER_PROVIDER,
    PROVIDERS,
    Data,
    Died,
    Expected,
    Model,
    Provider,
    Sent,
    Weather,
    text,
)

T = TypeVar("T")
OWNERS: Final = ("org_a", "org_b")
NOBODY: Final = "prov_01HXY00000000000000000000N"
NAMES: Final = ("Production", "PRODUCTION", "Straße", "STRASSE", "Batch", "Test", "Spare")
TAGS: Final = ("batch", "team:search")
LABELS: Final[tuple[list[str] | None, ...]] = (None, [], ["batch"], ["team:search", "batch"])
LIMITS: Final = Limits(providers=PROVIDERS, routing_configs=CONFIGS, configs_per_provider=CONFIGS_PER_PROVIDER)
HOSTS: Final = (None, None, "https://proxy.example.com/v1", "https://other.example.com/v1")
VERDICTS: Final = {
    "valid": None,
    "limited": Reason.RATE_LIMITED,
    "rejected": Reason.CREDENTIAL_REJECTED,
    "down": Reason.HTTP_5XX,
    "slow": Reason.TIMEOUT,
}
OFTEN: Final = 8
"""The weight of the usual choice; every other has weight 1."""
LIFE: Final = 60
"""Number of steps in one life."""


def secret_of(vendor: str, mark: int) -> str:
    """An obviously fake credential of the vendor's form."""
    return f"sk-FAKE-EXAMPLE-{mark:024}" if vendor == "openai" else f"gsk_FAKEEXAMPLE{mark:041}"


class Killed(BaseException):
    """Ends the process: no exception handler may catch it."""


@dataclass
class Outside(FakeVerifier):
    """The vendors, as the weather is."""

    weather: Weather = field(default_factory=Weather)
    received: tuple[str, str, str | None] | None = None

    def __call__(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        self.received = (vendor.name, credential.secret.reveal(), base_url)
        if self.weather.dies == "before":
            raise Killed
        reason = VERDICTS[self.weather.verdict]
        accepted = self.weather.verdict in ("valid", "limited")
        return Verdict(reason, account=self.weather.account if accepted else None)


def deadly(store: Any, outside: Outside) -> Any:
    """Return the store of providers, in which the process can die right after a commit with an event."""

    def dying(write: Callable[..., None]) -> Callable[..., None]:
        def commit(*given: Any, **named: Any) -> None:
            write(*given, **named)
            side_writes = [each for each in (*given, *named.values()) if isinstance(each, SideWrites)]
            if outside.weather.dies == "after" and any(each.events for each in side_writes):
                raise Killed

        return commit

    for name in ("create", "change", "delete"):
        setattr(store, name, dying(getattr(store, name)))
    return store


class OverMoto(Dependencies):
    """The real stores over moto, with the outside faked."""

    def __init__(self, main: str, secrets: str, key_id: str, outside: Outside) -> None:
        settings = Settings(main, secrets, key_id, limits=LIMITS, allowed_base_url_hosts=PROXIES)
        super().__init__(replace(settings, verifications_per_org=10**6, verifications=10**6))
        self.outside = outside
        self.clock = FakeClock()
        self.providers = deadly(self.providers, outside)

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        return self.outside(vendor, credential, base_url)

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        return self.outside(vendor, credential, base_url)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)


Mark = st.integers(0, 11)
Pick = st.integers(0, 15)
GONE, FOREIGN = 6, 11
Key = st.sampled_from((None, None, "new", "new", "new", "old"))
Host = st.sampled_from(HOSTS)
Skies = st.builds(
    Weather,
    verdict=st.sampled_from((*["valid"] * OFTEN, "limited", "rejected", "down", "slow")),
    account=st.sampled_from(("account-1", "account-1", "account-2")),
    dies=st.sampled_from((*[None] * OFTEN, "before", "after")),
)


class Life(RuleBasedStateMachine):
    """Everything that can be done, done to the API and to the model; `found` counts the steps and the responses."""

    found: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.outside = Outside()
        self.ports = self.make_ports()
        bootstrap.install(self.ports)
        self.clock: FakeClock = self.ports.clock
        self.model = Model(self.clock.now())
        self.gone: list[Provider] = []
        self.sent: list[tuple[Sent, str]] = []
        self.numbers = count(1)
        self.began = False
        # The comparison after each step must not count as use of a credential.
        self.look = copy.copy(self.ports)
        self.look.providers = copy.copy(self.ports.providers)
        self.look.providers.record_use = lambda *_: None

    def make_ports(self) -> Any:
        """Return the functions' ports."""
        raise NotImplementedError

    def teardown(self) -> None:
        bootstrap.install(None)

    # Doing

    def whose(self, pick: int) -> tuple[str, str]:
        """An organization and the id of a provider: its own, a deleted one, or another organization's."""
        living = list(self.model.providers.values())
        if not living or pick == GONE:
            return (self.gone[-1].org, self.gone[-1].id) if self.gone else (OWNERS[0], NOBODY)
        picked = living[pick % len(living)]
        return OWNERS[1 - OWNERS.index(picked.org)] if pick == FOREIGN else picked.org, picked.id

    def send(self, sent: Sent, key: str | None, weather: Weather | None = None) -> None:
        """Send a request that changes something, and compare its response with the model's."""
        key = self._key(sent, key)
        self.outside.weather, self.outside.received = weather or Weather(), None
        known, before = set(self.model.providers), dict(self.model.providers)
        remembered = None if key is None else self.model.remembered.get((sent.org, key))
        self.found["keys that are free again"] += remembered is not None and remembered.expires <= self.clock.now()
        response: Response | None = None
        try:
            response = self._call(sent, key)
        except Killed:
            self.found["killed"] += 1
        self.outside.weather = Weather()
        new = next((each["id"] for each in self._get("list_providers", sent.org) if each["id"] not in known), None)
        try:
            expected = self.model.send(sent, key, weather or Weather(), new)
        except Died:
            assert response is None, "it should have died while the vendor was asked"
        else:
            if response is None:
                assert expected.reported, "it died where nothing had been committed"
            else:
                self._compare(sent, response, expected, key)
        assert self.outside.received == self.model.verified, "another credential or host than the owner's was tried"
        self.gone += [each for each in before.values() if each.id not in self.model.providers]

    def _key(self, sent: Sent, key: str | None) -> str | None:
        """The Idempotency-Key to send; remembers what was sent with it."""
        if key == "old":
            olds = [old for earlier, old in self.sent if earlier.org == sent.org]
            key = olds[-1] if olds else "new"
        if key == "new":
            key = f"key-{next(self.numbers)}"
        if key is not None:
            self.sent.append((sent, key))
        return key

    def _call(self, sent: Sent, key: str | None) -> Response:
        headers = {"Idempotency-Key": key} if key else {}
        if sent.if_match is not None:
            headers["If-Match"] = sent.if_match
        given: Data = {"body": sent.body, "path": sent.path, "query": sent.query, "headers": headers}
        return call(sent.function, org=sent.org, key_id=f"01{sent.org}", **given)

    def _compare(self, sent: Sent, response: Response, expected: Expected, key: str | None) -> None:
        self.found[f"{sent.function} {response.status} {expected.code or ''}".strip()] += 1
        self.found[expected.code or "successes"] += 1
        assert response.status == expected.status, response.text
        assert ("Idempotency-Replayed" in response.headers) == expected.replayed
        if expected.code is not None:
            assert response.error["code"] == expected.code
            if expected.references is not None:
                assert tuple(each["id"] for each in response.error["references"]) == expected.references
            return
        assert response.data == expected.data
        for each in expected.warnings:
            self.found[f"warning {each['code']}"] += 1
        warnings = [
            {name: each[name] for name in each if name != "message"} for each in response.body.get("warnings", [])
        ]
        assert warnings == list(expected.warnings)
        assert response.headers.get("ETag") == expected.etag
        if key is not None:
            remembered = self.model.remembered[sent.org, key]
            if expected.replayed:
                self.found["replayed"] += 1
                assert response.text == (remembered.body or response.text)
            remembered.body = response.text

    def _get(self, function: str, org: str, path: Data | None = None, **query: str) -> Any:
        response = call(function, org=org, path=path, query=query)
        assert response.status == 200, response.text
        return response.data

    # Rules

    @initialize(marks=st.lists(Mark, min_size=5, max_size=5), host=Host, picks=st.lists(Pick, min_size=1, max_size=2))
    def begin(self, marks: list[int], host: str | None, picks: list[int]) -> None:
        """A few providers, one of them pending, and a routing config, so that there is something to change."""
        beginnings = (("org_a", "openai", "Production"), ("org_a", "openai", "Batch"), ("org_a", "groq", "Test"))
        others = (("org_b", "openai", "Production"), ("org_b", "groq", "Batch"))
        for mark, (owner, vendor, name) in zip(marks, (*beginnings, *others), strict=True):
            body = {"vendor": vendor, "name": name, "api_key": secret_of(vendor, mark), "base_url": host}
            self.send(Sent("add_provider", owner, body=body), None)
        self.route("org_a", "@production", picks, "new")
        body = {"vendor": "openai", "name": "Spare", "api_key": secret_of("openai", marks[0]), "base_url": host}
        for pending in ({}, {"on_unavailable": "store_pending"}):
            self.send(Sent("add_provider", "org_b", body=body | pending), None, Weather("down"))

    @rule(owner=st.sampled_from(OWNERS), vendor=st.sampled_from(("openai", "openai", "groq")), mark=Mark, key=Key,
          name=st.sampled_from(NAMES), host=Host, pending=st.booleans(), expires=st.booleans(), weather=Skies
          )  # fmt: skip
    def add(
        self,
        owner: str,
        vendor: str,
        mark: int,
        key: str | None,
        name: str,
        host: str | None,
        pending: bool,
        expires: bool,
        weather: Weather,
    ) -> None:
        body = {"vendor": vendor, "name": name, "api_key": secret_of(vendor, mark), "base_url": host}
        body |= {"on_unavailable": "store_pending"} if pending else {}
        self.send(Sent("add_provider", owner, body=body | self._expiry(expires)), key, weather)

    def _expiry(self, expires: bool) -> Data:
        return {"key_expires_at": text(self.clock.now() + timedelta(hours=12))} if expires else {}

    def _patch(self, pick: int, body: Data, key: str | None, if_match: str | None, weather: Weather) -> None:
        org, provider_id = self.whose(pick)
        tag = self._tag(provider_id, if_match)
        self.send(Sent("update_provider", org, {"provider_id": provider_id}, body, if_match=tag), key, weather)

    def _tag(self, provider_id: str, if_match: str | None) -> str | None:
        found = self.model.providers.get(provider_id)
        return f'"{found.revision}"' if if_match == "current" and found else if_match

    matches = st.sampled_from((None, None, None, "current", "*", '"0"'))

    @rule(pick=Pick, mark=Mark, key=Key, if_match=matches, weather=Skies, expires=st.booleans())
    def rotate(
        self, pick: int, mark: int, key: str | None, if_match: str | None, weather: Weather, expires: bool
    ) -> None:
        body = self._credential(pick, mark) | self._expiry(expires)
        self._patch(pick, body, key, if_match, weather)

    @rule(pick=Pick, marks=st.lists(Mark, min_size=3, max_size=6, unique=True))
    def rotate_in_a_row(self, pick: int, marks: list[int]) -> None:
        """Rotate several times in a row, as in an emergency or by a runaway pipeline."""
        for mark in marks:
            self._patch(pick, self._credential(pick, mark), None, None, Weather(account="account-1"))
        self.look_at_one(pick)

    def _credential(self, pick: int, mark: int) -> Data:
        found = self.model.providers.get(self.whose(pick)[1])
        return {"api_key": secret_of(found.vendor if found else "openai", mark)}

    @rule(pick=Pick, mark=Mark, key=Key, weather=Skies, host=Host, name=st.sampled_from(NAMES),
          status=st.sampled_from(("active", "disabled")))  # fmt: skip
    def change_all_at_once(
        self, pick: int, mark: int, key: str | None, weather: Weather, host: str | None, name: str, status: str
    ) -> None:
        body = self._credential(pick, mark) | {"base_url": host, "name": name, "status": status}
        self._patch(pick, body, key, None, weather)

    @rule(pick=Pick, name=st.sampled_from(NAMES), key=Key, if_match=matches, tags=st.sampled_from(LABELS))
    def rename(self, pick: int, name: str, key: str | None, if_match: str | None, tags: list[str] | None) -> None:
        body = {"name": name} if tags is None else {"name": name, "tags": tags}
        self._patch(pick, body, key, if_match, Weather())

    @rule(pick=Pick, status=st.sampled_from(("active", "disabled")), key=Key)
    def switch(self, pick: int, status: str, key: str | None) -> None:
        self._patch(pick, {"status": status}, key, None, Weather())

    @rule(pick=Pick, host=Host, key=Key)
    def send_elsewhere(self, pick: int, host: str | None, key: str | None) -> None:
        self._patch(pick, {"base_url": host}, key, None, Weather())

    @rule(
        pick=Pick, back=st.sampled_from((None, None, None, 1, 1, 2, 3, 0, -1)), key=Key, if_match=matches, weather=Skies
    )
    def roll_back(self, pick: int, back: int | None, key: str | None, if_match: str | None, weather: Weather) -> None:
        org, provider_id = self.whose(pick)
        found = self.model.providers.get(provider_id)
        number = max(1, (found.active.number if found else 1) - (back or 0))
        body = {} if back is None else {"version": number}
        sent = Sent("rollback_provider", org, {"provider_id": provider_id}, body, {}, self._tag(provider_id, if_match))
        self.send(sent, key, weather)

    @rule(pick=Pick, back=st.sampled_from((0, 1, 1, 1, 2, 3, 5)), key=Key, if_match=matches, weather=Skies)
    def destroy(self, pick: int, back: int, key: str | None, if_match: str | None, weather: Weather) -> None:
        org, provider_id = self.whose(pick)
        found = self.model.providers.get(provider_id)
        path = {"provider_id": provider_id, "number": str(max(1, (found.active.number if found else 1) - back))}
        self.send(Sent("destroy_version", org, path, None, {}, self._tag(provider_id, if_match)), key, weather)

    @rule(pick=Pick, key=Key, if_match=matches, known=st.booleans())
    def expect_an_end(self, pick: int, key: str | None, if_match: str | None, known: bool) -> None:
        self._patch(pick, self._expiry(True) if known else {"key_expires_at": None}, key, if_match, Weather())

    @rule(pick=Pick, dry=st.booleans(), key=Key, if_match=matches, weather=Skies)
    def delete(self, pick: int, dry: bool, key: str | None, if_match: str | None, weather: Weather) -> None:
        org, provider_id = self.whose(pick)
        query = {"dry_run": "true"} if dry else {}
        tag = self._tag(provider_id, if_match)
        self.send(Sent("delete_provider", org, {"provider_id": provider_id}, None, query, tag), key, weather)

    slugs = st.sampled_from(("@production", "@test", "plain"))

    @rule(owner=st.sampled_from(OWNERS), slug=slugs, picks=st.lists(Pick, min_size=1, max_size=3), key=Key)
    def route(self, owner: str, slug: str, picks: list[int], key: str | None) -> None:
        own = [each.id for each in self.model.providers.values() if each.org == owner]
        ids = [own[pick % len(own)] if own and pick not in (GONE, FOREIGN) else self.whose(pick)[1] for pick in picks]
        attempts = [{"provider_id": each, "model": "gpt-5"} for each in ids]
        body = {"strategy": "single" if len(ids) == 1 else "fallback", "attempts": attempts}
        self.send(Sent("put_routing_config", owner, {"slug": slug}, body), key)

    @precondition(lambda self: self.model.routes)
    @rule(owner=st.sampled_from(OWNERS), slug=slugs, key=Key)
    def unroute(self, owner: str, slug: str, key: str | None) -> None:
        self.send(Sent("delete_routing_config", owner, {"slug": slug}), key)

    @rule(nth=st.integers(0, 7), weather=Skies)
    def repeat(self, nth: int, weather: Weather) -> None:
        """Send one of the last requests again, under its key."""
        if self.sent:
            sent, key = self.sent[-1 - nth % len(self.sent)]
            self.send(sent, key, weather)
            self.sent.pop()  # it is stored already

    @rule(pick=Pick, mark=Mark)
    def die_and_repeat(self, pick: int, mark: int) -> None:
        """Rotate in a process that dies, and send the request again at once, as a client does."""
        self._patch(pick, self._credential(pick, mark), "new", None, Weather(dies="before"))
        sent, key = self.sent.pop()
        self.send(sent, key)

    @rule(nth=st.integers(0, 7), name=st.sampled_from(NAMES))
    def reuse_a_key(self, nth: int, name: str) -> None:
        """Send another request under the key of an earlier one."""
        if self.sent:
            sent, key = self.sent[-1 - nth % len(self.sent)]
            self.send(Sent("update_provider", sent.org, {"provider_id": NOBODY}, {"name": name}), key)
            self.sent.pop()

    @rule(seconds=st.sampled_from((1, 29, 30, 60, 60, 600, 600, 660, 900, 1800, 3540, 3599, 3600, 86_399, 86_400)))
    def pass_time(self, seconds: int) -> None:
        self.clock.pass_time(seconds=seconds)
        self.model.now = self.clock.now()

    @precondition(lambda self: any(each.status == "pending" for each in self.model.providers.values()))
    @rule(pick=Pick, hours=st.sampled_from((1, 23, 24)), verdict=st.sampled_from(("rejected", "down", "slow")))
    def sweep(self, pick: int, hours: int, verdict: str) -> None:
        """A pending provider is checked, and its vendor does not accept it; twice, as messages can come twice."""
        pending = [each for each in self.model.providers.values() if each.status == "pending"]
        provider = pending[pick % len(pending)]
        self.pass_time(hours * 3600)
        body = Batch(floor_minute(self.clock.now()), ((provider.org, provider.id),)).to_json()
        self.outside.weather = Weather(verdict)
        for _ in range(2):
            response = run_probes.handler({"Records": [{"messageId": "1", "body": body}]}, Invocation())
            assert response == {"batchItemFailures": []}
        self.outside.weather = Weather()
        self.model.sweep(provider, verdict)
        self.found[f"pending, checked and {provider.status}"] += 1

    @rule()
    def reap(self) -> None:
        """Delete versions that can no longer be read, and check that they are gone."""
        reap_versions.handler({"time": self.clock.now().isoformat()}, Invocation())
        for provider in [*self.model.providers.values(), *self.gone]:
            for number, version in provider.versions.items():
                kept = provider not in self.gone and version.live(self.clock.now())
                stored = self.ports.providers.sealed(provider.org, provider.id, number)
                assert (stored is not None) == kept
                self.found["reaped" if stored is None else "spared"] += 1

    @rule(pick=Pick, back=st.none() | st.integers(0, 4))
    def use(self, pick: int, back: int | None) -> None:
        """Read the active credential as a data plane does, or the version that an earlier request read."""
        org, provider_id = self.whose(pick)
        found = self.model.providers.get(provider_id)
        if found is None or found.org != org:
            with pytest.raises(NotFound):
                resolve(self.ports, org, provider_id)
            return
        if found.status == "disabled":
            with pytest.raises(Conflict, match="provider_disabled"):
                resolve(self.ports, org, provider_id)
            return
        version = found.active if back is None else found.versions[max(1, found.active.number - back)]
        if version.live(self.clock.now()):
            number = None if back is None else version.number
            assert resolve(self.ports, org, provider_id, number).secret.reveal() == version.secret
            self.model.use(version)

    @rule(pick=Pick)
    def look_at_one(self, pick: int) -> None:
        """Compare a provider and its versions."""
        org, provider_id = self.whose(pick)
        path = {"provider_id": provider_id}
        found = self.model.providers.get(provider_id)
        if found is None or found.org != org:
            for function in ("get_provider", "list_versions"):
                assert call(function, org=org, path=path).error["code"] == "provider_not_found"
            return
        response = call("get_provider", org=org, path=path)
        assert response.data == found.view(self.clock.now())
        assert response.headers["ETag"].startswith(f'"{found.revision}-')
        versions = self._get("list_versions", org, path)
        assert versions == self.model.versions(found)
        self.found["versions that are safe to revoke"] += sum(each["safe_to_revoke"] for each in versions)
        self.found[f"versions that live: {len(versions)}"] += 1

    @rule(owner=st.sampled_from(OWNERS), limit=st.integers(1, 3), vendor=st.sampled_from((None, "openai", "groq")),
          status=st.sampled_from((None, "active", "disabled", "pending")),
          health=st.sampled_from((None, "unknown", "healthy")), part=st.sampled_from((None, None, "sS", "prod")),
          tag=st.sampled_from((None, None, *TAGS)))  # fmt: skip
    def page(
        self,
        owner: str,
        limit: int,
        vendor: str | None,
        status: str | None,
        health: str | None,
        part: str | None,
        tag: str | None,
    ) -> None:
        """Compare the list, with filters, page by page."""
        given = {"vendor": vendor, "status": status, "health": health, "name": part, "tag": tag}
        wanted = {name: value for name, value in given.items() if value is not None}
        expected = (
            [] if health == "healthy" else self.model.listed(owner, vendor=vendor, status=status, part=part, tag=tag)
        )
        assert self._pages("list_providers", owner, limit, wanted) == expected
        assert self._pages("list_routing_configs", owner, limit, {}) == self.model.routed(owner)

    @rule(owner=st.sampled_from(OWNERS), pick=Pick, limit=st.integers(2, 9), narrow=st.booleans())
    def audit(self, owner: str, pick: int, limit: int, narrow: bool) -> None:
        """The whole trail, or what happened to one provider."""
        wanted = {"resource_id": self.whose(pick)[1]} if narrow else {}
        trail = self.model.trail(owner)
        expected = [each for each in trail if not narrow or each["resource"]["id"] == wanted["resource_id"]]
        assert without_ids(self._pages("list_audit", owner, limit, wanted)) == expected

    def _pages(self, function: str, org: str, limit: int, wanted: dict[str, str]) -> list[Data]:
        """All of a list; a cursor is refused with another filter, and to another organization."""
        query: dict[str, str | list[str]] = {**wanted, "limit": str(limit)}
        found: list[Data] = []
        while True:
            response = call(function, org=org, query=query)
            assert len(response.data) <= limit
            found += response.data
            cursor = response.body["next_cursor"]
            if cursor is None:
                return found
            self.found["cursors"] += 1
            query["cursor"] = cursor
            stranger = OWNERS[1 - OWNERS.index(org)]
            assert call(function, org=stranger, query=query).error["code"] == "invalid_cursor"

    # What holds after every step

    @invariant()
    def agree(self) -> None:
        """The API shows what the model holds, and a reader gets what the model says."""
        type(self).found["steps"] += self.began
        self.began = True
        for org in OWNERS:
            shown = self._get("list_providers", org, limit="100")
            assert shown == self.model.listed(org)
            assert len({each["name"].casefold() for each in shown}) == len(shown)
            assert self._get("list_routing_configs", org) == self.model.routed(org)
            assert without_ids(self._get("list_audit", org, limit="3")) == self.model.trail(org)[:3]
        for provider in self.model.providers.values():
            assert self._readable(provider) == {each.number for each in provider.live(self.clock.now())}
        for provider in self.gone[-2:]:
            assert self._readable(provider) == set()

    def _readable(self, provider: Provider) -> set[int]:
        """The versions that can be read, each of which must be the one that the model has; five at most."""
        last = provider.active.number
        readable: set[int] = set()
        if provider.status == "disabled" and provider.id in self.model.providers:
            with pytest.raises(Conflict, match="provider_disabled"):
                resolve(self.look, provider.org, provider.id)
            return {version.number for version in provider.live(self.clock.now())}
        for number in (None, *range(max(1, last - 6), last + 2)):
            try:
                found = resolve(self.look, provider.org, provider.id, number)
            except NotFound:
                continue
            version = provider.versions[number or last]
            assert (found.secret.reveal(), found.base_url) == (version.secret, version.base_url)
            assert (found.vendor, found.version) == (provider.vendor, version.number)
            readable.add(version.number)
        assert len(readable) <= 5
        return readable


def without_ids(entries: list[Data]) -> list[Data]:
    """Entries of the audit trail, but for what the model cannot know."""
    return [{name: value for name, value in entry.items() if name != "id"} for entry in entries]


class OverFakesLife(Life):
    """Over the fakes of the ports."""

    found: ClassVar[Counter[str]] = Counter()

    def make_ports(self) -> FakePorts:
        ports = FakePorts()
        ports.policy = replace(ports.policy, limits=LIMITS)
        ports.verify = self.outside
        ports.providers = deadly(ports.providers, self.outside)
        return ports


class OverMotoLife(Life):
    """Over the real stores and the real cipher, with moto as AWS."""

    found: ClassVar[Counter[str]] = Counter()

    def make_ports(self) -> OverMoto:
        self.tables = moto_tables()
        tables = self.tables.__enter__()
        kms = boto3.client("kms", region_name=REGION)
        ports = OverMoto(tables.main, tables.secrets, kms.create_key()["KeyMetadata"]["KeyId"], self.outside)
        ports.digests.create()
        assert ports.providers is not None  # built now: the copy that looks on shares it
        assert ports.cipher is not None
        return ports

    def teardown(self) -> None:
        super().teardown()
        self.tables.__exit__(None, None, None)


def run(machine: type[Life], steps: int) -> Counter[str]:
    """Run `machine` for `steps` steps or some more, the same in every run, and give what it has found.

    In batches of ten lives at most: behind the tenth, hypothesis makes new ones out of pieces of the old.
    """
    machine.found.clear()
    lives = settings(
        max_examples=min(9, 1 + steps // LIFE),
        stateful_step_count=LIFE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    for number in count(1):
        if machine.found["steps"] >= steps:
            return machine.found
        run_state_machine_as_test(seed(number)(machine), settings=lives)
    raise AssertionError("there is always another number")


MUST_BE_MET: Final = {
    *(f"add_provider {each}" for each in ("201", "202", "409 name_taken", "422 credential_rejected")),
    *(f"add_provider {each}" for each in ("502 verification_unavailable", "504 verification_timeout")),
    *(f"update_provider {each}" for each in ("200", "404 provider_not_found", "409 name_taken", "412 etag_mismatch")),
    *(f"update_provider {each}" for each in ("422 credential_rejected",)),
    *(f"update_provider {each}" for each in ("422 base_url_not_allowed", "422 idempotency_mismatch")),
    *(f"update_provider {each}" for each in ("502 verification_unavailable", "504 verification_timeout")),
    *(f"rollback_provider {each}" for each in ("200", "404 provider_not_found", "404 version_not_found")),
    *(f"rollback_provider {each}" for each in ("409 version_conflict", "422 validation_failed")),
    *(f"{each} 409 limit_exceeded" for each in ("add_provider", "put_routing_config")),
    *(f"destroy_version {each}" for each in ("200", "404 provider_not_found", "404 version_not_found")),
    *(f"destroy_version {each}" for each in ("409 version_active", "412 etag_mismatch")),
    *(f"warning {each}" for each in ("credential_unchanged", "version_retired_early", "base_url_reset")),
    *(f"delete_provider {each}" for each in ("200", "404 provider_not_found", "409 provider_in_use")),
    *(f"put_routing_config {each}" for each in ("200", "201", "422 validation_failed")),
    *(f"delete_routing_config {each}" for each in ("200", "404 routing_config_not_found")),
    *(f"versions that live: {number}" for number in range(1, 6)),
    *("versions that are safe to revoke", "idempotency_in_progress", "keys that are free again", "replayed"),
    *("killed", "cursors", "reaped", "spared"),
    *("pending, checked and pending", "pending, checked and disabled"),
}
"""Results that a run must include to count as a proof."""


@pytest.mark.prove
def test_over_the_fakes(figure: Figure) -> None:
    """Thousands of steps agree with the model, and include every possible kind of response."""
    found = run(OverFakesLife, 20_000 if SOAK else 2_500)
    assert sorted(each for each in MUST_BE_MET if not found[each]) == []
    figure("Model", "steps of the state machine, over the fakes", found["steps"])


@pytest.mark.prove
def test_over_the_real_stores(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps also agree over DynamoDB's items, transactions and conditions, with sealed credentials."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    found = run(OverMotoLife, 1_000 if SOAK else 100)
    assert found["successes"] > 0
    figure("Model", "steps of the state machine, over moto", found["steps"])
