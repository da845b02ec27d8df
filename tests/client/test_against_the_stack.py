"""The client against the whole local stack, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

import providers_client as api
from local.stack import Stack
from local.vendors.keys import fake_key
from providers.usecases.management_keys import revoke_management_key
from providers.usecases.resolve import resolve
from providers_client import AsyncClient, Client
from tests.client.conftest import Commands


@pytest.fixture
def client(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client for a new organization."""
    org = "org_" + request.node.name.partition("[")[0][-40:]
    with Client(stack.url, stack.mint(org).reveal()) as made:
        yield made


def test_the_life_of_a_provider(client: Client) -> None:
    """A provider can be added, read, rotated, disabled, probed, used by a config, detached and deleted."""
    assert "providers:write" in client.get_management_key().scopes
    provider = client.add_provider("openai", "OpenAI Production", fake_key("openai")).data
    assert client.get_provider(provider.id) == provider
    rotated = client.update_provider(provider.id, api_key=fake_key("openai", serial=2)).data
    assert rotated.key_version == 2
    assert client.update_provider(provider.id, status="disabled", name="Other").data.status == "disabled"
    health = client.get_provider_health(provider.id, "1h")
    assert (health.state, health.windows.hour.checks, len(health.history) > 0) == ("unknown", 0, True)
    config = client.put_routing_config("@prod", "single", [{"provider_id": provider.id, "model": "gpt-5"}])
    assert [client.get_routing_config("@prod"), *client.list_routing_configs()] == [config, config]
    with pytest.raises(api.Conflict) as caught:
        client.delete_provider(provider.id)
    assert [each.id for each in caught.value.references] == ["@prod"]
    assert client.delete_routing_config("@prod").deleted
    assert client.delete_provider(provider.id, dry_run=True).dry_run
    assert client.delete_provider(provider.id).deleted
    with pytest.raises(api.NotFound, match="provider_not_found"):
        client.get_provider(provider.id)


def test_a_list_over_several_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are newest first over several pages of the API, and filters apply."""
    monkeypatch.setattr("providers_client.calls.MAX_PAGE", 2)
    added = [client.add_provider("openai", f"P{n}", fake_key("openai", serial=n)).data.id for n in range(5)]
    client.add_provider("bedrock", "B", fake_key("bedrock"))
    assert [each.id for each in client.list_providers(vendor="openai")] == added[::-1]
    assert [each.name for each in client.list_providers(limit=3)] == ["B", "P4", "P3"]
    assert list(client.list_providers(health="healthy")) == []


def test_an_entity_tag_guards_a_change(client: Client) -> None:
    """An ETag is valid for one change."""
    provider = client.add_provider("openai", "A", fake_key("openai")).data
    read, tag = client.get_provider_with_etag(provider.id)
    assert read == provider
    assert client.update_provider(provider.id, name="B", if_match=tag).data.name == "B"
    with pytest.raises(api.PreconditionFailed):
        client.update_provider(provider.id, name="C", if_match=tag)


def test_a_refused_credential(client: Client) -> None:
    """A refused credential raises an error with the reason, without a retry."""
    with pytest.raises(api.Unprocessable) as caught:
        client.add_provider("openai", "A", fake_key("openai", "invalid"))
    assert (caught.value.code, caught.value.reason, caught.value.param) == (
        "credential_rejected",
        "credential_rejected",
        "api_key",
    )


def test_warnings_come_with_a_change(client: Client) -> None:
    """Adding the same credential twice returns a warning with the other provider's id."""
    first = client.add_provider("openai", "A", fake_key("openai")).data
    (warning,) = client.add_provider("openai", "B", fake_key("openai")).warnings
    assert warning.code == "duplicate_credential"
    assert first.id in repr(warning)


def test_a_revoked_key(stack: Stack) -> None:
    """A revoked key is reported as an authentication failure."""
    token = stack.mint("org_revoked").reveal()
    revoke_management_key(stack.ports, token.split("_")[2])
    with Client(stack.url, token) as client, pytest.raises(api.AuthenticationFailed, match="invalid_api_key"):
        next(client.list_providers())


def test_the_asynchronous_client(stack: Stack) -> None:
    """The asynchronous client sends ten requests concurrently."""

    async def work() -> list[str]:
        async with AsyncClient(stack.url, stack.mint("org_async").reveal()) as client:
            adding = [client.add_provider("openai", f"P{n}", fake_key("openai", serial=n)) for n in range(10)]
            added = await asyncio.gather(*adding)
            found = [each.id async for each in client.list_providers()]
            assert sorted(found) == sorted(each.data.id for each in added)
            return found

    assert len(asyncio.run(work())) == 10


def test_the_local_stack_replaces_a_data_key(stack: Stack) -> None:
    """A new data key seals every stored version, and the old one is destroyed when it is no longer needed."""
    local = Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_FORCE_TTY": "200"})
    token = local.ok("keys", "create", "--local", "--org", "org_data_keys").out.strip()
    own = Commands(
        {"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": token, "PROVIDERS_FORCE_TTY": "200", "KEY": ""}
    )
    secret = fake_key("openai", "valid", 7001)
    added = own.ok("add", "openai", "Prod", "--key-env", "KEY", "--json", KEY=secret).data["id"]
    options = ("--local", "--org", "org_data_keys")
    done = local.ok("data-keys", "rotate", *options)
    assert "Sealed 1 versions again under data key 00000002" in done.out
    assert "10 more minutes" in done.err
    listed = local.ok("data-keys", "list", *options, "--json").data
    assert [(each["id"], each["versions"], each["current"]) for each in listed] == [
        ("00000002", 1, True),
        ("00000001", 0, False),
    ]
    refused = local("data-keys", "destroy", "00000001", *options, "--yes")
    assert (refused.code, "try again in 10 min" in refused.err) == (4, True)
    with pytest.MonkeyPatch.context() as patch:
        clock = stack.ports.local_clock
        patch.setattr(clock, "ahead", clock.ahead + timedelta(minutes=10))
        assert local.ok("data-keys", "reseal", *options, "--json").data["settled_in_s"] == 0
        assert local("data-keys", "destroy", "00000001", *options, answers="n\n").code == 1
        assert "Destroyed" in local.ok("data-keys", "destroy", "00000001", *options, answers="y\n").out
        assert resolve(stack.ports, "org_data_keys", added).secret.reveal() == secret
    assert "seals new versions" in local.ok("data-keys", "list", *options).out
