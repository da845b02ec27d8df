"""A stand-in for LiteLLM's database, so that its API for stored credentials works.

LiteLLM keeps them in Postgres through Prisma, whose engine is no package of a registry. The proxy loads this module as
a callback; its own code handles the API, encrypts what it stores and looks credentials up for each request.
"""

from __future__ import annotations

import json
from typing import Any

from litellm.integrations.custom_logger import CustomLogger


class Table:
    """Rows by credential name; every table but that of credentials stays empty."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    async def find_many(self, **_: Any) -> list[Any]:
        """Return nothing: a proxy reads all rows only when it starts."""
        return []

    async def find_unique(self, where: dict[str, Any], **_: Any) -> dict[str, Any] | None:
        """Return a row."""
        return self.rows.get(where.get("credential_name", ""))

    async def create(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add a row."""
        return await self.update({"credential_name": data.get("credential_name", "")}, data)

    async def update(self, where: dict[str, Any], data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Write a row. Fields of Postgres's type for JSON are written as text and read as objects."""
        objects = {name: json.loads(data[name]) for name in ("credential_values", "credential_info") if name in data}
        row = self.rows.setdefault(where.get("credential_name", ""), {})
        row.update(data | objects)
        return row

    async def delete_many(self, **_: Any) -> int:
        """Delete nothing."""
        return 0


class Database:
    """What LiteLLM's code expects of a Prisma client."""

    def __init__(self) -> None:
        self.db = self.writer_db = self
        self.tables: dict[str, Table] = {}

    async def disconnect(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Table:
        if not name.startswith("litellm_"):
            raise AttributeError(name)
        return self.tables.setdefault(name, Table())


class Connect(CustomLogger):  # type: ignore[misc]  # in an environment without LiteLLM it is Any
    """Connects the stand-in with the first request, after the proxy has started without a database."""

    async def async_pre_call_hook(self, *_: Any, **__: Any) -> None:
        """Connect it."""
        from litellm.proxy import proxy_server

        if proxy_server.prisma_client is None:
            proxy_server.prisma_client = Database()


callback = Connect()
