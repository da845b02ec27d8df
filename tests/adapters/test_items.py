"""Heads as DynamoDB holds them."""

from __future__ import annotations

from dataclasses import replace

from providers.adapters import items
from providers.model.health import Health
from providers_contract.vocabulary import HealthState, Reason
from tests.kit.fakes import FakePorts
from tests.kit.requests import added


def test_a_reason_of_a_later_release_is_read() -> None:
    """A stack that goes back to this release still answers for its providers."""
    provider = added(FakePorts())
    provider = replace(provider, health=Health(HealthState.UNHEALTHY, Reason.TIMEOUT, provider.created_at, 1))
    head = items.provider_key(provider.org, provider.id) | items.provider_members(provider)
    head = items.unmarshal(items.marshal(head | items.health_members(provider)))
    assert items.provider_from(head) == provider
    head["health_reason"] = head["verification"]["reason"] = "something_new"
    found = items.provider_from(head)
    assert (found.health.reason, found.verification.reason) == (Reason.UNEXPECTED_ANSWER, Reason.UNEXPECTED_ANSWER)
