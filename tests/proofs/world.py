"""A small world for proofs: two tables, KMS, a bus, and processes that can be stopped at every call.

The tables are moto's or DynamoDB Local's; KMS is moto's; the bus writes down what is published. Clocks and ids are
deterministic, so that the same requests in the same order end in the same state.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

import boto3
from moto import mock_aws
from ulid import ULID

from providers import bootstrap
from providers.adapters.tables.keys import idempotency_key
from providers.adapters.tables.transactions import get
from providers.bootstrap import Dependencies, Settings
from providers.model.idempotency import LEASE
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import Clock, Ports
from providers.usecases.events import drain_outbox
from providers.usecases.idempotency import KEY
from providers_data_plane.clients import CLIENT_CONFIG
from tests.kit.aws import REGION, Tables, dynamodb_local_tables, moto_tables
from tests.kit.lambdas import Response, event, invoke

T = TypeVar("T")
ORG: Final = "org_a"
BEGAN: Final = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
LEASE_OVER: Final = LEASE + timedelta(seconds=1)
Items = dict[tuple[str, str, str], dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """A call that a process is about to make: to DynamoDB, KMS, EventBridge or a vendor."""

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def writes(self) -> bool:
        """Return whether it changes anything outside the process."""
        return self.operation in (
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "TransactWriteItems",
            "BatchWriteItem",
            "PutEvents",
        )


Gate = Callable[[Call, Callable[[], Any]], Any]
"""Stands between a process and the world: makes the call it is given, sooner or later, or does not."""


def at_once(_: Call, make: Callable[[], T]) -> T:
    """Make the call immediately: the gate of an undisturbed process."""
    return make()


class Gated:
    """An AWS client whose calls go through a gate."""

    def __init__(self, client: Any, service: str, gate: Gate) -> None:
        self._client = client
        self._service = service
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        operation = self._client.meta.method_to_api_mapping.get(name)
        if operation is None:
            return found
        return lambda **given: self._gate(Call(self._service, operation, given), lambda: found(**given))


POISON: Final = "Poison"
"""The name in an event that EventBridge refuses."""


class Bus:
    """A fake EventBridge that records published events."""

    def __init__(self, gate: Gate, published: list[dict[str, Any]]) -> None:
        self._gate = gate
        self._published = published

    def put_events(self, **given: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._gate(Call("events", "PutEvents", given), lambda: self._put(**given)))

    def _put(self, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        responses = []
        for entry in Entries:
            entry_event = {"type": entry["DetailType"], **json.loads(entry["Detail"])}
            poison = entry_event.get("name") == POISON
            responses.append({"ErrorCode": "MalformedDetail"} if poison else {})
            if not poison:
                self._published.append(entry_event)
        return {"Entries": responses}


class ProcessClock:
    """A clock that stands still, and ids that tell which process made them."""

    def __init__(self, process: int, at: datetime) -> None:
        self.process = process
        self.at = at
        self._ids = 0

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        self._ids += 1
        number = int(self.at.timestamp() * 1000) << 80 | self.process << 40 | self._ids
        return str(ULID.from_bytes(number.to_bytes(16, "big")))


class Process(Dependencies):
    """One Lambda sandbox: the real ports, whose calls to AWS and to vendors go through `gate`.

    `mood` is what a vendor makes of a credential in a health check.
    """

    def __init__(self, settings: Settings, clients: Mapping[str, Any], clock: Clock, gate: Gate) -> None:
        super().__init__(settings)
        self.clock = clock
        self.gate = gate
        self.mood: Callable[[Credential], Verdict] = lambda _: Verdict()
        self._clients = clients

    def _through(self, call: Call, make: Callable[[], Any]) -> Any:
        return self.gate(call, make)

    def client(self, service: str) -> Any:
        if service == "events":
            return Bus(self._through, self._clients["published"])
        return Gated(self._clients[service], service, self._through)

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Accept every credential, for every vendor."""
        return cast("Verdict", self.gate(Call("vendor", "verify"), Verdict))

    async def probe(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        return cast("Verdict", self.gate(Call("vendor", "probe"), lambda: self.mood(credential)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def knows_keys_of(self, other: Process) -> Process:
        """Copy the cached data keys of `other`, as after earlier requests; return this process."""
        mine, others = cast("Any", self), cast("Any", other)
        mine.digests._key = others.digests._key
        for mine_of, known in (
            (mine.cipher._current, others.cipher._current),
            (mine.cipher._opened._keys, others.cipher._opened._keys),
        ):
            mine_of.update({place: (math.inf, kept) for place, (_, kept) in known.items()})
        return self


@dataclass(frozen=True)
class Sent:
    """A request to a function. In `path` and `body`, `<Name>` stands for the id of the provider of that name.

    `id` is the request's id, by which the audit trail names it; `key` its Idempotency-Key; `late` how long after the
    beginning it is sent.
    """

    id: str
    function: str
    path: Mapping[str, str] | None = None
    body: Any = None
    query: Mapping[str, str | list[str]] | None = None
    key: str | None = None
    late: timedelta = timedelta()

    def event(self, ids: Mapping[str, str]) -> dict[str, Any]:
        """Return API Gateway's event for the request."""
        headers = {"Idempotency-Key": self.key} if self.key else {}
        made = event(body=self.body, path=self.path, query=self.query, headers=headers, org=ORG)
        made["requestContext"]["requestId"] = self.id
        for name, value in ids.items():
            made = json.loads(json.dumps(made).replace(f"<{name}>", value))
        return made


class _Here:
    """The ports of the process that the calling thread plays."""

    def __init__(self) -> None:
        self.thread = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.thread.ports, name)


class World:
    """Tables with initial items, and a way to restore them."""

    def __init__(self, tables: Tables, kms: Any, dynamodb: Any = None) -> None:
        self.tables = tables
        self.published: list[dict[str, Any]] = []
        self.ids: dict[str, str] = {}
        self._clients = {"dynamodb": dynamodb or tables.client, "kms": kms, "published": self.published}
        self._direct = self._clients | {"dynamodb": tables.client}
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        self._settings = Settings(tables.main, tables.secrets, key_id, verifications_per_org=10**6, verifications=10**6)
        self._processes = 0
        self._begin: Items = {}
        self._seen: Items | None = None
        self._here = _Here()
        bootstrap.install(cast("Ports", self._here))
        self.auditor = self._observer()
        self.auditor.digests.create()

    def process(self, gate: Gate = at_once, *, clock: Clock | None = None, cold: bool = False) -> Process:
        """Return a new process, with cached data keys unless `cold`; it has its own clock if none is given."""
        made = Process(self._settings, self._clients, clock or self.clock(), gate)
        return made if cold else made.knows_keys_of(self.auditor)

    def clock(self, late: timedelta = timedelta(), process: int | None = None) -> ProcessClock:
        """Return a clock that is `late`, for the process of this number or for one with unique ids."""
        self._processes += 1
        return ProcessClock(self._processes if process is None else process, BEGAN + late)

    def _observer(self, late: timedelta = timedelta()) -> Process:
        """Return an undisturbed process, with a direct connection to DynamoDB."""
        return Process(self._settings, self._direct, self.clock(late), at_once)

    def send(self, request: Sent, process: Process) -> Response:
        """Send `request` to `process`, and return the response."""
        self._here.thread.ports = process
        self._seen = None
        try:
            return invoke(request.function, request.event(self.ids))
        finally:
            del self._here.thread.ports

    def act(self, work: Callable[[Ports, str], T], process: Process) -> T:
        """Return the result of `work` in `process`, without a function, as for an operator."""
        self._seen = None
        return work(process, ORG)

    def begin_with(self, setup: Sequence[Sent]) -> None:
        """Empty the world, send the requests of `setup`, publish their events, and record the state for `reset`."""
        self.ids = {}
        self._begin = {place: item for place, item in self.items().items() if item["PK"]["S"] == "STACK"}
        self.reset()
        self.auditor = self._observer()
        for request in setup:
            response = self.send(request, self.auditor)
            assert response.status < 300, response.text
            if request.function == "add_provider":
                self.ids[response.data["name"]] = response.data["id"]
        self.sweep()
        self.keep()

    def keep(self) -> None:
        """Record the current items for `reset`."""
        self._begin = self.items()
        self.published.clear()

    def items(self) -> Items:
        """Return every item of both tables, by table and key; no request may be running."""
        self._seen = {
            (table, item["PK"]["S"], item["SK"]["S"]): item
            for table in (self.tables.main, self.tables.secrets)
            for item in self.tables.everything(table)
        }
        return self._seen

    def reset(self) -> None:
        """Restore the tables' recorded items."""
        found = self.items() if self._seen is None else self._seen
        self.published.clear()
        if not self.ids:  # then there is no organization's data key yet, and each time another one is made
            self.auditor = self._observer()
        wanted: dict[str, list[dict[str, Any]]] = {}
        for place, item in self._begin.items():
            if found.get(place) != item:
                wanted.setdefault(place[0], []).append({"PutRequest": {"Item": item}})
        for table, pk, sk in found.keys() - self._begin.keys():
            wanted.setdefault(table, []).append({"DeleteRequest": {"Key": {"PK": {"S": pk}, "SK": {"S": sk}}}})
        for table, requests in wanted.items():
            for start in range(0, len(requests), 25):
                response = self.tables.client.batch_write_item(RequestItems={table: requests[start : start + 25]})
                assert not response["UnprocessedItems"]
        self._seen = dict(self._begin)

    def record(self, key: str) -> dict[str, Any] | None:
        """Return the record of an Idempotency-Key."""
        place = idempotency_key(ORG, self.auditor.digests.digest(KEY, ORG, key))
        return get(self.tables.client, self.tables.main, place)

    def sweep(self) -> None:
        """Publish pending events, as the next minute's sweep does."""
        self._seen = None
        observer = self._observer(timedelta(hours=12))
        drain_outbox(observer, observer.clock.now() + timedelta(minutes=1))


@contextmanager
def moto_world() -> Iterator[World]:
    """Yield a world in this process."""
    with moto_tables() as tables:
        yield from _world(tables, None)


@contextmanager
def dynamodb_local_world(through: Callable[[str], Any] | None = None) -> Iterator[World]:
    """Yield a world over DynamoDB Local, or skip the test. `through` makes the processes' DynamoDB client."""
    with dynamodb_local_tables() as tables, mock_aws():
        yield from _world(tables, through(tables.client.meta.endpoint_url) if through else None)


def _world(tables: Tables, dynamodb: Any) -> Iterator[World]:
    with ExitStack() as ending:
        ending.callback(bootstrap.install, None)
        kms = boto3.client("kms", region_name=REGION, config=CLIENT_CONFIG)
        ending.callback(kms.close)
        yield World(tables, kms, dynamodb)


WORLDS: Final = {"moto": moto_world, "dynamodb-local": dynamodb_local_world}


def add(name: str, mark: str = "one", **members: Any) -> Sent:
    """POST a provider."""
    body = {"vendor": "openai", "name": name, "api_key": fake_key(f"{name}-{mark}"), **members}
    return Sent(f"add-{name}-{mark}", "add_provider", body=body)


def rotate(name: str, mark: str) -> Sent:
    """PATCH a provider's key."""
    body = {"api_key": fake_key(f"{name}-{mark}")}
    return Sent(f"rotate-{name}-{mark}", "update_provider", {"provider_id": f"<{name}>"}, body)


def rename(name: str, to: str) -> Sent:
    """PATCH a provider's name."""
    return Sent(f"rename-{name}-{to}", "update_provider", {"provider_id": f"<{name}>"}, {"name": to})


def rollback(name: str) -> Sent:
    """POST a rollback."""
    return Sent(f"rollback-{name}", "rollback_provider", {"provider_id": f"<{name}>"}, {})


def delete(name: str) -> Sent:
    """DELETE a provider."""
    return Sent(f"delete-{name}", "delete_provider", {"provider_id": f"<{name}>"})


def attach(slug: str, *names: str) -> Sent:
    """PUT a routing config that names providers."""
    attempts = [{"provider_id": f"<{name}>", "model": "gpt-5"} for name in names]
    body = {"strategy": "fallback", "attempts": attempts}
    return Sent(f"attach-{slug}-{'-'.join(names)}", "put_routing_config", {"slug": slug}, body)


def detach(slug: str) -> Sent:
    """DELETE a routing config."""
    return Sent(f"detach-{slug}", "delete_routing_config", {"slug": slug})


def fake_key(mark: str) -> str:
    """Return an obviously fake credential, different for each `mark`."""
    return f"sk-FAKE-{mark}-".ljust(48, "0")
