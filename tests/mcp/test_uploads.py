"""Upload links, from the tools to the API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.vendors.keys import fake_key
from providers_contract.vocabulary import Scope
from tests.mcp.connecting import REVISIONS, Person, call, fail, mode, over_http, over_stdio, stdio_environment


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_key_can_be_requested_by_link(person: Person, revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new provider or a new key can be requested by link, and nothing is stored until a person enters it."""

    async def work() -> None:
        async with over_http(person.stack.url, person.key(), mode(revision, monkeypatch)) as client:
            new = await call(client, "add_provider", vendor="openai", name="New")
            assert (new["status"], new["vendor"], new["name"]) == ("upload_link", "openai", "New")
            assert new["provider_id"] is None
            assert new["url"].startswith("http")
            assert datetime.fromisoformat(new["expires_at"]) > datetime.now(UTC)
            assert (await call(client, "list_providers"))["data"] == []

            added = await call(client, "add_provider", vendor="openai", name="P", api_key=fake_key("openai"))
            provider = added["provider"]["id"]
            link = await call(client, "update_provider", provider_id=provider, upload_link=True)
            assert (link["status"], link["provider_id"], link["name"]) == ("upload_link", provider, "P")
            assert link["url"] != new["url"]
            assert (await call(client, "get_provider", provider_id=provider))["key_version"] == 1

            taken = await fail(client, "add_provider", vendor="azure", name="Azure")
            assert taken["code"] == "base_url_required"
            unknown = await fail(client, "update_provider", provider_id="prov_" + "0" * 26, upload_link=True)
            assert unknown["code"] == "provider_not_found"

    asyncio.run(work())


def test_links_work_over_stdio(person: Person, tmp_path: Path) -> None:
    """Upload links work over stdio, too."""

    async def work() -> None:
        environment = stdio_environment(person.stack.url, person.key())
        async with over_stdio(person.stdio(), environment, "auto", tmp_path / "stderr") as client:
            assert (await call(client, "add_provider", vendor="groq", name="G"))["status"] == "upload_link"

    asyncio.run(work())
    assert (tmp_path / "stderr").read_text() == ""


def test_a_read_only_key_cannot_create_a_link(person: Person) -> None:
    """A read-only key cannot create a link."""

    async def work() -> None:
        async with over_http(person.stack.url, person.key(Scope.PROVIDERS_READ), "auto") as client:
            assert (await fail(client, "add_provider", vendor="groq", name="G"))["code"] == "insufficient_scope"

    asyncio.run(work())
