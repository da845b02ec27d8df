"""The function `resolve_credential`: its responses, its errors, whom it serves, and its log."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from functions.resolve_credential.app import handler
from providers.model.policy import Policy
from providers.usecases.commands import Change
from providers.usecases.update import update_provider
from providers_contract.vocabulary import Status
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import Invocation
from tests.kit.requests import ORG, added, key, rotate

ARN = "arn:aws:lambda:us-east-1:123456789012:function:resolve"


@dataclass(frozen=True)
class Invoked(Invocation):
    """An invocation by a function's or an alias's ARN."""

    invoked_function_arn: str = ARN


def resolved(provider: object, *, arn: str = ARN, **given: Any) -> Any:
    """Return the function's response."""
    return handler({"org": ORG, "provider": provider} | given, Invoked(invoked_function_arn=arn))


def test_a_credential_is_found_by_id_and_by_name(ports: FakePorts, log: io.StringIO) -> None:
    """The response has everything that a request to the vendor needs; the log has no part of the credential."""
    provider = added(ports, base_url="https://proxy.example.com/v1")
    expected = {
        "vendor": "openai",
        "base_url": "https://proxy.example.com/v1",
        "version": 1,
        "secret": key().reveal(),
        "max_age": 30,
    }
    for reference in (provider.id, "PROVIDER one"):
        assert resolved(reference) == {"data": expected}
    assert '"version":1' in log.getvalue()
    assert "sk-fake" not in log.getvalue()


def test_max_age_ends_with_the_grace_window(ports: FakePorts) -> None:
    """A credential may be kept for no longer than its version can be read."""
    ports.policy = Policy(grace=timedelta(seconds=20))
    provider = rotate(ports, added(ports), "two")
    assert resolved(provider.id)["data"]["max_age"] == 15
    ports.clock.pass_time(seconds=15)
    retired = resolved(provider.id, version=1)["data"]
    assert (retired["secret"], retired["max_age"]) == (key().reveal(), 5)
    ports.clock.pass_time(seconds=5)
    assert resolved(provider.id, version=1)["error"]["code"] == "version_not_found"


def test_an_alias_serves_its_organization_only(ports: FakePorts) -> None:
    """Invoked by an alias, the function reads the credentials of the organization of that name, and no others."""
    provider = added(ports)
    assert resolved(provider.id, arn=f"{ARN}:{ORG}")["data"]["version"] == 1
    assert handler({"provider": provider.id}, Invoked(invoked_function_arn=f"{ARN}:{ORG}"))["data"]["version"] == 1
    refused = resolved(provider.id, arn=f"{ARN}:org_b")["error"]
    assert (refused["code"], refused["param"]) == ("validation_failed", "org")
    assert resolved(provider.id, arn=f"{ARN}:$LATEST")["data"]["version"] == 1


def test_a_disabled_provider_is_refused(ports: FakePorts) -> None:
    """The errors are the API's."""
    provider = added(ports)
    update_provider(ports, ORG, provider.id, Change(status=Status.DISABLED))
    assert resolved(provider.id)["error"]["code"] == "provider_disabled"
    assert resolved("Provider two")["error"]["code"] == "provider_not_found"


@pytest.mark.parametrize(
    "event",
    [None, [], {}, {"org": ORG}, {"org": 1, "provider": "x"}, {"org": ORG, "provider": ["sk-fake-EXAMPLE"]}]
    + [{"org": ORG, "provider": "sk-proj-FAKE-valid-EXAMPLE-200001"}]
    + [{"org": ORG, "provider": "x", "version": each} for each in (0, -1, "1", 1.0, True)],
    ids=str,
)
def test_malformed_payloads_are_refused(ports: FakePorts, event: Any) -> None:
    """A malformed invocation returns an API error, without repeating it."""
    error = handler(event, Invoked())["error"]
    assert error["code"] == "validation_failed"
    assert "EXAMPLE" not in error["message"]
