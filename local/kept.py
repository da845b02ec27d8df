"""Keeps a local stack between runs: its tables, its KMS key and its management key, in one file of `DATA=folder`.

Not kept: messages in queues, and the cases that the vendor emulator was told to play. The file contains the KMS key
that wraps all others, so it opens the stored credentials: only its owner can read it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key, kms_backends

from local.aws import REGION, LocalDependencies
from providers_contract.secret import Secret

SAVE_SECONDS: Final = 5
"""How much of the newest changes is lost if the process is killed; Ctrl-C loses none."""
_BYTES: Final = "base64"
_MEMBERS: Final = {"management_key", "clock_ahead_s", "kms", "tables"}


class Kept:
    """The file of a stack. Raises OSError if it cannot be read or written, ValueError if it is not such a file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / "stack.json"
        self._text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        self._stored: dict[str, Any] = json.loads(self._text, object_hook=_decoded) if self._text else {}

        if self._stored and self._stored.keys() != _MEMBERS:
            raise ValueError(f"{self._file} is from another version: remove it")

    @property
    def management_key(self) -> Secret | None:
        """Return the management key of the run that wrote the file; None if there was none."""
        return Secret(self._stored["management_key"]) if self._stored else None

    def restore(self, ports: LocalDependencies, key_alias: str) -> None:
        """Fill a new stack with what the file has. Raises ValueError if it does not fit the stack."""
        if not self._stored:
            return
        ports.local_clock.ahead = timedelta(seconds=self._stored["clock_ahead_s"])  # no time is in the future
        dynamodb = ports.client("dynamodb")
        if not set(self._stored["tables"]) <= set(dynamodb.list_tables()["TableNames"]):
            raise ValueError(f"{self._file} is from another version: remove it")
        key, keys = _key(), kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys
        del keys[key.id]
        key.arn = key.arn.replace(key.id, self._stored["kms"]["id"])
        key.id, key.key_material = self._stored["kms"]["id"], self._stored["kms"]["material"]
        keys[key.id] = key
        ports.client("kms").update_alias(AliasName=key_alias, TargetKeyId=key.id)
        for table, items in self._stored["tables"].items():
            for item in items:
                dynamodb.put_item(TableName=table, Item=item)

    def save(self, ports: LocalDependencies, management_key: Secret) -> None:
        """Write the file, in one step, if something has changed."""
        with ports.turn:  # between two calls: every transaction is in the file as a whole, or not at all
            dynamodb, key = ports.client("dynamodb"), _key()
            tables = {name: [*_items(dynamodb, name)] for name in dynamodb.list_tables()["TableNames"]}
        kms = {"id": key.id, "material": key.key_material}
        stored = {
            "management_key": management_key.reveal(),
            "clock_ahead_s": ports.local_clock.ahead.total_seconds(),
            "kms": kms,
            "tables": tables,
        }
        text = json.dumps(stored, default=_encoded, indent=1)
        if text == self._text:
            return
        handle, name = tempfile.mkstemp(dir=self._file.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._text = text

    async def keep_saving(self, ports: LocalDependencies, management_key: Secret) -> None:
        """Save every few seconds until cancelled."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await asyncio.to_thread(self.save, ports, management_key)


def _key() -> Key:
    (key,) = kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys.values()  # KMS has no call that returns a key's material
    return key


def _items(dynamodb: Any, table: str) -> Iterable[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def _encoded(value: bytes) -> dict[str, str]:
    return {_BYTES: base64.b64encode(value).decode()}


def _decoded(found: dict[str, Any]) -> Any:
    return base64.b64decode(found[_BYTES]) if [*found] == [_BYTES] else found
