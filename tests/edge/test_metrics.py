"""Every kind of function writes its metrics once when it ends, even after an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.authorize.app import handler as authorize
from functions.operate.app import handler as operate
from functions.reap_versions.app import handler as reap
from functions.run_probes.app import handler as probe
from providers.model.errors import Unavailable
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation, call

WITHOUT_KEY = {"methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/live/GET/test", "headers": {}}
CALLS: dict[str, Callable[[], Any]] = {
    "an endpoint": lambda: call("list_providers"),
    "a refused request": lambda: call("get_provider", path={"provider_id": "prov_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
    "a page": lambda: call("show_upload", path={"token": "up_none"}),
    "the authorizer": lambda: authorize(WITHOUT_KEY, Invocation()),
    "an operator's command": lambda: operate({"action": "keys.list", "arguments": {}}, Invocation()),
    "a schedule": lambda: reap({}, Invocation()),
    "a queue worker": lambda: probe({"Records": [{"messageId": "1", "body": "{"}]}, Invocation()),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_invocation_writes_its_metrics_once(ports: FakePorts, name: str) -> None:
    """An invocation writes its metrics once, also after an error."""
    CALLS[name]()
    assert ports.metrics.flushed == 1


def test_a_schedule_that_fails_writes_its_metrics(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule's error is raised again for a retry, after the metrics are written."""

    def unavailable(*_: Any) -> Any:
        raise Unavailable("dependency_unavailable", "broken for a test")

    monkeypatch.setattr(ports.expired, "list_due", unavailable)
    with pytest.raises(Unavailable):
        reap({}, Invocation())
    assert ports.metrics.flushed == 1
