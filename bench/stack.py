"""The real ports over canned AWS, with providers that have been healthy for a long time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from botocore.session import get_session
from ulid import ULID

from bench.aws import Canned, measure
from local.template import Template
from local.vendors.keys import fake_key
from providers import bootstrap, vendors
from providers.adapters.aws import build_client
from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.keys import hour_of
from providers.adapters.tables.provider_items import health_members, provider_members, sealed_item
from providers.adapters.tables.samples import expiry_of, minute_bucket, pack
from providers.bootstrap import Dependencies, Settings
from providers.model.health import MINUTE, Health
from providers.model.provider import KeyVersion, Provider, Verification
from providers.model.samples import Sample
from providers_contract.secret import Secret
from providers_contract.vocabulary import HealthState, Outcome, Status
from providers_data_plane.stored import provider_key

REGION: Final = "us-east-1"
ORG_SIZE: Final = 5
"""Providers in one organization, which has its own data key."""

BEGAN: Final = datetime(2026, 4, 1, tzinfo=UTC)
NOW: Final = datetime(2026, 4, 14, 12, 30, tzinfo=UTC)
"""The first minute to sweep: half past, when an hour's item has its average size."""

_BASE_URLS: Final = {"azure": "https://fake-resource.openai.azure.com"}


class SetClock:
    """A clock that is set by hand, so that the bench does not wait for the next minute bucket."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self.at

    def new_id(self) -> str:
        """Return a new ULID."""
        return str(ULID())


class BenchDependencies(Dependencies):
    """The real ports. KMS and SQS are canned; DynamoDB too, unless `dynamodb_url` names DynamoDB Local."""

    def __init__(self, settings: Settings, canned: Canned, dynamodb_url: str | None) -> None:
        super().__init__(settings)
        self.canned: Final = canned
        self.meter: Final = canned.meter
        self.set_clock = self.clock = SetClock()
        self._dynamodb_url = dynamodb_url

    @property
    def real_dynamodb(self) -> bool:
        """Return whether the tables are in DynamoDB Local."""
        return self._dynamodb_url is not None

    def forget_data_keys(self) -> None:
        """Clear the cache of data keys, as in a new worker."""
        self.__dict__.pop("cipher", None)

    def client(self, service: str) -> Any:
        """Return a client that never leaves the machine."""
        return self.attached(build_client(service, self._dynamodb_url if service == "dynamodb" else None))

    def plain_dynamodb(self) -> Any:
        """Return the client that a program without this project has: botocore's own settings and parser."""
        return self.attached(get_session().create_client("dynamodb", endpoint_url=self._dynamodb_url))

    def attached(self, client: Any) -> Any:
        """Return `client`, whose calls are counted, and responded to here unless they go to DynamoDB Local."""
        if self._dynamodb_url is not None and client.meta.service_model.service_name == "dynamodb":
            measure(client, self.meter)
        else:
            self.canned.attach(client)
        return client


@contextmanager
def bench_ports(vendors_url: str = "", dynamodb_url: str | None = None) -> Iterator[BenchDependencies]:
    """Install the ports, over empty tables, for the functions of this process."""
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    suffix = f"-{uuid.uuid4().hex[:8]}"
    settings = Settings(
        main_table=f"Main{suffix}",
        secrets_table=f"Secrets{suffix}",
        kms_key_id="alias/bench",
        queue_url=f"https://sqs.{REGION}.amazonaws.com/123456789012/ProbeQueue",
        vendors_url=vendors_url or None,
        local=True,
    )
    ports = BenchDependencies(settings, Canned(), dynamodb_url)
    names = {"MainTable": settings.main_table, "SecretsTable": settings.secrets_table}
    if dynamodb_url:
        for logical_id, table in Template().tables.items():
            ports.dynamodb.create_table(**(table | {"TableName": names[logical_id]}))
    bootstrap.install(ports)
    try:
        yield ports
    finally:
        bootstrap.install(None)
        ports.close()
        if dynamodb_url:
            for name in names.values():
                ports.dynamodb.delete_table(TableName=name)


def long_healthy(ports: BenchDependencies, count: int, org_size: int = ORG_SIZE) -> list[Provider]:
    """Store `count` providers of all vendors in turn, and an hour and a half of samples for each."""
    providers = [_provider(number, f"org_{number // org_size:05d}") for number in range(count)]
    first = NOW - timedelta(minutes=NOW.minute, hours=1)
    hours = hours_of(first, int((NOW - first) / MINUTE))
    ports.canned.history(hours)
    writes: dict[str, list[dict[str, Any]]] = {ports.settings.main_table: [], ports.settings.secrets_table: []}
    for number, provider in enumerate(providers):
        secret = Secret(fake_key(provider.vendor, serial=1 + number // len(vendors.NAMES)))
        sealed = ports.cipher.seal(provider.org, provider.id, 1, provider.destination(provider.active), secret)
        item = provider_key(provider.org, provider.id)
        item |= provider_members(provider) | health_members(provider)
        writes[ports.settings.main_table].append(marshal(item))
        writes[ports.settings.secrets_table].append(marshal(sealed_item(sealed)))
    if not ports.real_dynamodb:
        for table, stored in writes.items():
            for item in stored:
                ports.canned.add(table, item)
        return providers
    for provider in providers:
        writes[ports.settings.main_table] += [_hour_item(provider.id, *hour) for hour in hours.items()]
    for table, stored in writes.items():
        for start in range(0, len(stored), 25):
            puts = [{"PutRequest": {"Item": item}} for item in stored[start : start + 25]]
            ports.dynamodb.batch_write_item(RequestItems={table: puts})  # type: ignore[dict-item]
    return providers


def hours_of(first: datetime, minutes: int, seed: int = 7) -> dict[str, dict[str, bytes]]:
    """Return samples for `minutes` minutes from `first` on: all valid, with lognormal latencies."""
    random = Random(seed)
    hours: dict[str, dict[str, bytes]] = {}
    for number in range(minutes):
        sample = Sample(first + number * MINUTE, 1, None, round(random.lognormvariate(5.7, 0.4)))
        hours.setdefault(hour_of(sample.at), {})[minute_bucket(sample.at)] = pack(sample)
    return hours


def _hour_item(provider_id: str, hour: str, held: dict[str, bytes]) -> dict[str, Any]:
    keys = {"PK": {"S": f"HEALTH#{provider_id}"}, "SK": {"S": hour}, "ttl": {"N": str(expiry_of(NOW))}}
    return keys | {bucket: {"B": packed} for bucket, packed in held.items()}


def store_hours(ports: BenchDependencies, provider: Provider, hours: dict[str, dict[str, bytes]]) -> None:
    """Store these samples, and no others, for `provider`."""
    ports.canned.history(hours)
    if ports.real_dynamodb:
        for hour in hours.items():
            ports.dynamodb.put_item(TableName=ports.settings.main_table, Item=_hour_item(provider.id, *hour))


def _provider(number: int, org: str) -> Provider:
    vendor = vendors.NAMES[number % len(vendors.NAMES)]
    return Provider(
        org=org,
        id=f"prov_{ULID()}",
        vendor=vendor,
        name=f"Provider {number} of the bench",
        status=Status.ACTIVE,
        created_at=BEGAN,
        updated_at=BEGAN,
        versions=(KeyVersion(1, "sk-…EXMP", BEGAN, base_url=_BASE_URLS.get(vendor), fingerprint=f"{number:064x}"),),
        verification=Verification(Outcome.VALID, None, BEGAN),
        health=Health(HealthState.HEALTHY, None, BEGAN, 1),
    )


def recorded(ports: BenchDependencies, providers: Sequence[Provider], minute: datetime) -> list[Sample]:
    """Return the samples of one minute."""
    found = ports.health.recent([provider.id for provider in providers], minute)
    return [sample for samples in found.values() for sample in samples if sample.at == minute]
