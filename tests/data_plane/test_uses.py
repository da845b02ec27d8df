"""What a data plane writes in the background: when versions were used, and probes after a refused key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from providers.usecases.probe_batch import Batch
from providers_data_plane import Credentials
from providers_data_plane.uses import status_of
from tests.kit.data_plane import Deployment
from tests.kit.requests import ORG, key


def written(credentials: Credentials) -> None:
    """Wait until everything is written."""
    credentials._uses._pool.submit(str).result()


def last_used(deployed: Deployment, provider_id: str) -> dict[int, datetime]:
    """Return when each version was last used, as the API shows it."""
    return deployed.stack.providers.last_used(ORG, provider_id)


def test_uses_are_recorded_once_a_minute_for_each_version(deployed: Deployment) -> None:
    """A version in constant use costs one write a minute, and its last use is exact to the minute."""
    made = deployed.add()
    credentials = deployed.credentials()
    began = deployed.clock.now()
    times = []
    for _ in range(13):
        with credentials.use(made.id):
            written(credentials)
        times.append((last_used(deployed, made.id)[1] - began).total_seconds())
        deployed.clock.pass_time(10)
    assert times == [0, 0, 0, 0, 0, 0, 60, 60, 60, 60, 60, 60, 120]
    assert deployed.calls.count("UpdateItem") == 3


def test_processes_share_the_minute(deployed: Deployment) -> None:
    """A process that reads a version which another has just recorded does not write."""
    made = deployed.add()
    for _ in range(3):
        credentials = deployed.credentials()
        with credentials.use(made.id):
            written(credentials)
        deployed.clock.pass_time(15)
    assert deployed.calls.count("UpdateItem") == 1


def test_a_stream_counts_as_use_until_it_ends(deployed: Deployment) -> None:
    """While a request lasts, its version is recorded each minute, also after a rotation, and at its end."""
    made = deployed.add()
    credentials = deployed.credentials()
    began = deployed.clock.now()
    with credentials.use(made.id):
        deployed.rotate(made, "two")
        deployed.clock.pass_time(600)
        credentials._uses.record_open()
        written(credentials)
        assert (last_used(deployed, made.id)[1] - began).total_seconds() == 600
        deployed.clock.pass_time(90)
    written(credentials)
    assert (last_used(deployed, made.id)[1] - began).total_seconds() == 690
    deployed.clock.pass_time(90)
    credentials._uses.record_open()
    written(credentials)
    assert (last_used(deployed, made.id)[1] - began).total_seconds() == 690


def test_a_use_that_cannot_be_recorded_is_recorded_later(deployed: Deployment) -> None:
    """If the write fails, the request succeeds, and a later use writes again."""
    made = deployed.add()
    credentials = deployed.credentials()

    def fail(call: str) -> None:
        deployed.broken = call == "UpdateItem"

    deployed.before = fail
    with credentials.use(made.id) as found:
        assert found.api_key == key("one").reveal()
        written(credentials)
    assert last_used(deployed, made.id) == {}
    deployed.before, deployed.broken = str, False
    deployed.clock.pass_time(5)
    with credentials.use(made.id):
        written(credentials)
    assert last_used(deployed, made.id) == {1: deployed.clock.now()}


def test_a_refused_key_has_its_provider_probed_once_a_minute(deployed: Deployment) -> None:
    """A report queues one message with the provider's ids, which the probe workers understand."""
    made = deployed.add()
    credentials = deployed.credentials()
    with credentials.use(made.id) as found:
        assert [found.report(status) for status in (200, 429, 500)] == [False] * 3
        assert [found.report(status) for status in (401, 403)] == [True] * 2
        written(credentials)
        (message,) = deployed.messages()
        assert Batch.from_json(message) == Batch(datetime.fromisoformat("2026-04-14T12:01:00+00:00"), ((ORG, made.id),))
        assert json.loads(message).keys() == {"minute", "providers"}
        deployed.clock.pass_time(59)
        found.report(401)
        written(credentials)
        assert deployed.messages() == []
        deployed.clock.pass_time(1)
        found.report(401)
        written(credentials)
        assert len(deployed.messages()) == 1


def test_without_a_queue_nothing_is_sent(deployed: Deployment) -> None:
    """A data plane that has no queue still checks whether a refused key was replaced."""
    made = deployed.add()
    credentials = deployed.credentials(queue_url="")
    with credentials.use(made.id) as found:
        deployed.clock.pass_time(2)
        assert found.report(401)
    written(credentials)
    assert deployed.calls.count("SendMessage") == 0


class Refused(Exception):
    """An SDK's exception."""

    status_code = 401


def refused_version(credentials: Credentials, provider: str) -> int:
    """Make a request that the vendor refuses; return the version that it used."""
    version = 0
    with contextlib.suppress(Refused), credentials.use(provider) as found:
        version = found.version
        raise Refused
    return version


def test_an_exception_that_leaves_the_block_is_reported(deployed: Deployment) -> None:
    """After an SDK's 401, the provider is probed, and the next request gets the key that replaced the refused one."""
    made = deployed.add()
    credentials = deployed.credentials()
    with credentials.use(made.id):
        deployed.clock.pass_time(2)
    deployed.rotate(made, "two")
    assert refused_version(credentials, made.id) == 1
    with credentials.use(made.id) as found:
        assert found.version == 2
    written(credentials)
    assert len(deployed.messages()) == 1


def client_error(status: int) -> ClientError:
    """Return botocore's exception for a response with this status."""
    return ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "Converse")  # type: ignore[typeddict-item]


OUTCOMES: dict[str, tuple[Callable[[], Any], int | None]] = {
    "a status": (lambda: 403, 403),
    "an exception with a status_code (openai, anthropic)": (Refused, 401),
    "an exception with a response (httpx, requests)": (
        lambda: SimpleNamespace(response=SimpleNamespace(status_code=401)),
        401,
    ),
    "an exception of botocore": (lambda: client_error(403), 403),
    "an exception with a status (aiohttp)": (lambda: SimpleNamespace(status=401), 401),
    "an exception with a code (google-genai)": (lambda: SimpleNamespace(code=400, status="INVALID_ARGUMENT"), 400),
    "a timeout": (TimeoutError, None),
    "an exception with a code that is a word": (lambda: SimpleNamespace(code="invalid_api_key"), None),
}


@pytest.mark.parametrize(("make", "status"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_status_is_found_in_what_sdks_raise(make: Callable[[], Any], status: int | None) -> None:
    """`report` understands statuses, and the exceptions of SDKs and HTTP libraries."""
    assert status_of(make()) == status
