"""Provider items as DynamoDB stores them."""

from __future__ import annotations

from dataclasses import replace

from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.provider_items import health_members, provider_from, provider_members
from providers.model.health import Health
from providers_contract.vocabulary import HealthState, Reason
from providers_data_plane.stored import provider_key, unmarshal
from tests.kit.fakes import FakePorts
from tests.kit.requests import added


def test_a_reason_of_a_later_release_is_read() -> None:
    """After a rollback of the stack, provider items that a later release wrote are still readable."""
    provider = added(FakePorts())
    provider = replace(provider, health=Health(HealthState.UNHEALTHY, Reason.TIMEOUT, provider.created_at, 1))
    item = provider_key(provider.org, provider.id) | provider_members(provider)
    item = unmarshal(marshal(item | health_members(provider)))
    assert provider_from(item) == provider
    item["health_reason"] = item["verification"]["reason"] = "something_new"
    found = provider_from(item)
    assert (found.health.reason, found.verification.reason) == (Reason.UNEXPECTED_ANSWER, Reason.UNEXPECTED_ANSWER)
