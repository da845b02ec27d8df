"""Errors about limits per organization contain the limit and the count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.model.policy import Limits
from tests.kit.fakes import FakePorts
from tests.kit.lambdas import call
from tests.kit.requests import added, key

FEW = Limits(providers=1, routing_configs=2, configs_per_provider=1, upload_links=1)


@pytest.fixture
def ports(ports: FakePorts) -> FakePorts:
    """Ports of a stack with very low limits."""
    ports.policy = replace(ports.policy, limits=FEW)
    return ports


def route(*provider_ids: str) -> dict[str, object]:
    attempts = [{"provider_id": each, "model": "m"} for each in provider_ids]
    return {"strategy": "fallback", "attempts": attempts}


def test_one_resource_over_the_limit_is_refused(ports: FakePorts) -> None:
    """A resource over the limit returns 409 with `limit`, `count` and a message that names it; nothing changes."""
    provider = added(ports)
    call("put_routing_config", path={"slug": "a"}, body=route(provider.id))
    call("create_upload", body={"vendor": "openai", "name": "By link"})
    before = (dict(ports.db.providers), dict(ports.db.routes), dict(ports.db.uploads), list(ports.db.trail))
    new = {"vendor": "openai", "name": "Two", "api_key": key("two").reveal()}
    for response, of in (
        (call("add_provider", body=new), "1 providers"),
        (
            call("put_routing_config", path={"slug": "b"}, body=route(provider.id)),
            f"provider {provider.id} is used by 1 routing configs",
        ),
        (call("create_upload", body={"vendor": "openai", "name": "Again"}), "1 upload links"),
    ):
        assert (response.status, response.error["code"]) == (409, "limit_exceeded")
        assert (response.error["limit"], response.error["count"]) == (1, 1)
        assert of in response.error["message"]
    assert (ports.db.providers, ports.db.routes, ports.db.uploads, ports.db.trail) == before


def test_links_are_counted_in_ten_minutes(ports: FakePorts) -> None:
    """Expired links make room for new ones."""
    call("create_upload", body={"vendor": "openai", "name": "By link"})
    assert call("create_upload", body={"vendor": "openai", "name": "Again"}).status == 409
    ports.clock.pass_time(minutes=10)
    assert call("create_upload", body={"vendor": "openai", "name": "Again"}).status == 201


def test_another_organization_is_not_affected(ports: FakePorts) -> None:
    """Each organization has its own count."""
    added(ports)
    new = {"vendor": "openai", "name": "Two", "api_key": key("two").reveal()}
    assert call("add_provider", org="org_b", body=new).status == 201


@pytest.mark.parametrize("name", ["resource_id", "key_id"])
def test_a_filter_that_no_id_can_match_is_refused(ports: FakePorts, name: str) -> None:
    """A filter longer than any id is refused, because DynamoDB would fail on it."""
    response = call("list_audit", query={name: "x" * 129})
    assert (response.status, response.error["code"], response.error["param"]) == (400, "invalid_parameter", name)
