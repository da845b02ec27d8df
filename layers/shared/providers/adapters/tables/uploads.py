"""Upload links: the change that uses a link deletes it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from providers.adapters.tables.attributes import Item, epoch, to_text
from providers.adapters.tables.commit import commit
from providers.adapters.tables.counters import counting, limit_reached
from providers.adapters.tables.keys import links_key, upload_key
from providers.adapters.tables.transactions import ConditionFailed, delete, get, put, update, write
from providers.model.policy import LIMITS, Limits
from providers.model.upload import LIFETIME, Upload
from providers.ports import NO_SIDE_WRITES, SideWrites, StaleWrite, UploadUsed
from providers_data_plane.stored import unmarshal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoUploads:
    """Upload links."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def put(self, upload: Upload, side_writes: SideWrites = NO_SIDE_WRITES, limits: Limits = LIMITS) -> None:
        """Store a new link, and count it in its window of ten minutes."""
        window = int(upload.created_at.timestamp() // LIFETIME.total_seconds())
        key = links_key(upload.org, window)
        counted = counting(self._main, key, "upload_links", limits, ttl=epoch(upload.created_at + 2 * LIFETIME))
        new = put(self._main, upload_item(upload), "attribute_not_exists(PK)")
        try:
            commit(self._client, self._main, [new, counted], side_writes)
        except ConditionFailed as error:
            if 1 in error.failed:
                raise limit_reached(error, 1, "upload_links") from None
            raise StaleWrite from None

    def get(self, upload_id: str) -> Upload | None:
        """Return the current link."""
        found = get(self._client, self._main, upload_key(upload_id))
        return None if found is None else upload_from(found)

    def use(self, upload_id: str) -> None:
        """Delete the link."""
        gone = delete(self._main, upload_key(upload_id), "attribute_exists(PK)")
        try:
            write(self._client, "delete_item", gone["Delete"])
        except StaleWrite:
            raise UploadUsed from None

    def count_attempt(self, upload_id: str) -> int:
        """Count a try."""
        counting = update(self._main, upload_key(upload_id), "ADD tries :one", "attribute_exists(PK)", one=1)
        try:
            response = write(self._client, "update_item", counting["Update"] | {"ReturnValues": "UPDATED_NEW"})
        except StaleWrite:
            raise UploadUsed from None
        return int(unmarshal(response["Attributes"])["tries"])


def upload_item(upload: Upload) -> Item:
    """Return the item of an upload link."""
    return upload_key(upload.id) | {
        "org": upload.org,
        "key_id": upload.key_id,
        "vendor": upload.vendor,
        "name": upload.name,
        "base_url": upload.base_url,
        "provider_id": upload.provider_id,
        "created_at": to_text(upload.created_at),
        "expires_at": to_text(upload.expires_at),
        "tries": upload.tries,
        "mac": upload.mac,
        "ttl": epoch(upload.expires_at),
    }


def upload_from(item: Item) -> Upload:
    """Return the upload link in an item."""
    return Upload(
        id=item["PK"].removeprefix("UPLOAD#"),
        org=item["org"],
        key_id=item["key_id"],
        vendor=item["vendor"],
        name=item["name"],
        base_url=item.get("base_url"),
        provider_id=item.get("provider_id"),
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=datetime.fromisoformat(item["expires_at"]),
        tries=item["tries"],
        mac=item.get("mac", ""),
    )
