"""How readers find a credential in the tables: the keys of the four items that a read needs, and their contents.

The API's stores write the same items through the same functions (`providers/adapters/tables`).
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from providers_contract.frozen import dataclass
from providers_data_plane.encoding import time_text
from providers_data_plane.sealed import USED_EVERY, SealedCredential, WrappedKey

Item = dict[str, Any]


def org_key(org: str) -> str:
    """Return the partition of an organization's items."""
    return f"ORG#{org}"


def provider_key(org: str, provider_id: str) -> Item:
    """Return the key of a provider item."""
    return {"PK": org_key(org), "SK": f"PROV#{provider_id}"}


def name_key(org: str, claim: str) -> Item:
    """Return the key of a claim on a provider's name."""
    return {"PK": org_key(org), "SK": f"NAME#{claim}"}


def secret_key(org: str, provider_id: str, version: int) -> Item:
    """Return the key of a sealed credential's row."""
    return {"PK": f"ORG#{org}#PROV#{provider_id}", "SK": f"V#{version:08d}"}


def data_key_key(owner: str, key_id: str) -> Item:
    """Return the key of a wrapped data key of `owner` (`ORG#…` or `STACK`)."""
    return {"PK": owner, "SK": f"KEY#{key_id}"}


def unmarshal(item: Mapping[str, Any]) -> Item:
    """Return DynamoDB's typed form as Python values; bytes may be Base64 text, as in a response's JSON.

    Own code, because boto3's is several times slower.
    """
    return {name: _plain(value) for name, value in item.items()}


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "B":
            return a2b_base64(value) if isinstance(value, str) else value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [_plain(each) for each in value]
        case "M":
            return unmarshal(value)
        case "SS":
            return set(value)
    raise ValueError(f"unexpected attribute type: {kind}")


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The part of a key version that a reader needs."""

    number: int
    base_url: str | None
    retires_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredProvider:
    """The part of a provider item that a reader needs. The active version comes last."""

    id: str
    name: str
    vendor: str
    status: str
    versions: tuple[StoredVersion, ...]

    @property
    def active(self) -> StoredVersion:
        """The version that new requests use."""
        return self.versions[-1]


def stored_provider(item: Item) -> StoredProvider:
    """Return the provider in an item."""
    versions = (StoredVersion(each["number"], each["base_url"], _time(each["retires_at"])) for each in item["versions"])
    return StoredProvider(
        item["SK"].removeprefix("PROV#"), item["name"], item["vendor"], item["status"], tuple(versions)
    )


def sealed_from(item: Item) -> SealedCredential:
    """Return the sealed credential in `item`. Its identity comes from the item's key, so a copied row does not open."""
    org, _, provider_id = item["PK"].removeprefix("ORG#").rpartition("#PROV#")
    return SealedCredential(
        org=org,
        provider_id=provider_id,
        version=int(item["SK"].removeprefix("V#")),
        data_key_id=item["data_key_id"],
        nonce=item["nonce"],
        ciphertext=item["ciphertext"],
        created_at=datetime.fromisoformat(item["created_at"]),
        expires_at=_time(item.get("expires_at")),
        last_used_at=_time(item.get("last_used_at")),
    )


def wrapped_from(item: Item) -> WrappedKey:
    """Return the wrapped data key in an item."""
    return WrappedKey(item["SK"].removeprefix("KEY#"), item["ciphertext"], datetime.fromisoformat(item["created_at"]))


NOT_RECORDED: Final = ("ConditionalCheckFailedException", "TransactionConflictException")
"""Error codes of `use_update` that are no failure: the use was recorded, or the row is gone or being written."""


def use_update(table: str, org: str, provider_id: str, version: int, at: datetime) -> dict[str, Any]:
    """Return the arguments of the UpdateItem that records a version's use, at most once a minute."""
    key = secret_key(org, provider_id, version)
    return {
        "TableName": table,
        "Key": {name: {"S": value} for name, value in key.items()},
        "UpdateExpression": "SET last_used_at = :at",
        "ConditionExpression": (
            "attribute_exists(PK) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)"
        ),
        "ExpressionAttributeValues": {":at": {"S": time_text(at)}, ":before": {"S": time_text(at - USED_EVERY)}},
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
