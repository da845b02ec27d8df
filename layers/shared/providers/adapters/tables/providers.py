"""Providers and their sealed credentials. Every change is one transaction, conditioned on the state that was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters.aws import available, error_code, unavailable
from providers.adapters.tables.attributes import epoch, marshal, to_text
from providers.adapters.tables.commit import commit
from providers.adapters.tables.counters import counting, discounting, limit_reached
from providers.adapters.tables.keys import count_key, expired_key, fingerprint_key
from providers.adapters.tables.provider_items import health_members, provider_from, provider_members, sealed_item
from providers.adapters.tables.transactions import (
    ABSENT,
    ConditionFailed,
    delete,
    get,
    put,
    query,
    query_page,
    replace_members,
    write,
)
from providers.model.policy import LIMITS, Limits
from providers.model.provider import Provider
from providers.ports import NO_SIDE_WRITES, Expired, NameTaken, ProviderFilter, SideWrites, StaleWrite
from providers_contract.names import name_claim
from providers_data_plane.sealed import SealedCredential
from providers_data_plane.stored import (
    NOT_RECORDED,
    name_key,
    org_key,
    provider_key,
    sealed_from,
    secret_key,
    unmarshal,
    use_update,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoProviders:
    """Providers and their sealed credentials."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets

    def get(self, org: str, provider_id: str) -> Provider | None:
        """Return the current provider item."""
        found = get(self._client, self._main, provider_key(org, provider_id))
        return None if found is None else provider_from(found)

    def named(self, org: str, name: str) -> str | None:
        """Return the id of the provider that has claimed the name."""
        found = get(self._client, self._main, name_key(org, name_claim(name)))
        return None if found is None else str(found["provider_id"])

    def list(
        self, org: str, wanted: ProviderFilter, limit: int, before: str | None
    ) -> tuple[Sequence[Provider], str | None]:
        """Return up to `limit` provider items, newest first, by one Query."""
        part = wanted.name
        found, last = query_page(
            self._client,
            self._main,
            org_key(org),
            "PROV#",
            limit=limit,
            start=None if before is None else provider_key(org, before),
            equals={"vendor": wanted.vendor, "status": wanted.status, "health_state": wanted.health},
            contains={"tags": wanted.tag},
            keep=None if part is None else lambda item: part in name_claim(item["name"]),
        )
        return [provider_from(item) for item in found], None if last is None else last.removeprefix("PROV#")

    def create(
        self,
        provider: Provider,
        sealed: SealedCredential,
        side_writes: SideWrites = NO_SIDE_WRITES,
        limits: Limits = LIMITS,
    ) -> None:
        """Write provider item, name claim, fingerprint, first version and count."""
        members = provider_members(provider) | health_members(provider)
        actions = [
            put(self._main, provider_key(provider.org, provider.id) | members, ABSENT),
            self._claim(provider),
            self._mark(provider),
            put(self._secrets, sealed_item(sealed), ABSENT),
            counting(self._main, count_key(provider.org), "providers", limits),
        ]
        try:
            commit(self._client, self._main, actions, side_writes)
        except ConditionFailed as error:
            if 1 in error.failed:
                raise NameTaken from None
            if len(actions) - 1 in error.failed:
                raise limit_reached(error, len(actions) - 1, "providers") from None
            raise StaleWrite from None

    def change(
        self,
        before: Provider,
        after: Provider,
        sealed: SealedCredential | None = None,
        side_writes: SideWrites = NO_SIDE_WRITES,
    ) -> None:
        """Turn `before` into `after`, and update the claims and versions that differ."""
        org, provider_id = before.org, before.id
        members = provider_members(after)
        if after.active.number != before.active.number:
            members |= health_members(after)
        actions = [
            replace_members(
                self._main,
                provider_key(org, provider_id),
                members,
                "revision = :revision AND active = :active",
                revision=before.revision,
                active=before.active.number,
            )
        ]
        renamed = after.name_claim != before.name_claim
        if renamed:
            actions.append(self._claim(after))
            actions.append(delete(self._main, name_key(org, before.name_claim)))
        if after.active.fingerprint != before.active.fingerprint:
            actions.append(delete(self._main, fingerprint_key(org, before.active.fingerprint, provider_id)))
            actions.append(self._mark(after))
        if sealed is not None:
            actions.append(put(self._secrets, sealed_item(sealed), ABSENT))
        remaining = {version.number: version for version in after.versions}
        for version in before.versions:
            key = secret_key(org, provider_id, version.number)
            kept = remaining.get(version.number)
            if kept is None:
                actions.append(delete(self._secrets, key))
            elif kept.retires_at is not None and kept.retires_at != version.retires_at:
                retiring = {"expires_at": to_text(kept.retires_at), "ttl": epoch(kept.retires_at)}
                actions.append(replace_members(self._secrets, key, retiring, "attribute_exists(PK)"))
                expired = Expired(kept.retires_at, org, provider_id, version.number)
                actions.append(put(self._main, expired_key(expired) | {"fingerprint": version.fingerprint}))
        try:
            commit(self._client, self._main, actions, side_writes)
        except ConditionFailed as error:
            raise StaleWrite if 0 in error.failed or not (renamed and 1 in error.failed) else NameTaken from None

    def delete(self, provider: Provider, side_writes: SideWrites = NO_SIDE_WRITES) -> None:
        """Delete provider item, claims and every version."""
        org, provider_id = provider.org, provider.id
        actions = [
            delete(
                self._main,
                provider_key(org, provider_id),
                "revision = :revision AND active = :active AND attribute_not_exists(refs)",
                revision=provider.revision,
                active=provider.active.number,
            ),
            delete(self._main, name_key(org, provider.name_claim)),
            delete(self._main, fingerprint_key(org, provider.active.fingerprint, provider_id)),
            discounting(self._main, count_key(org), "providers"),
            *(delete(self._secrets, secret_key(org, provider_id, version.number)) for version in provider.versions),
        ]
        try:
            commit(self._client, self._main, actions, side_writes)
        except ConditionFailed:
            raise StaleWrite from None

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        """Return one version's row."""
        found = get(self._client, self._secrets, secret_key(org, provider_id, version))
        return None if found is None else sealed_from(found)

    def reseal(self, before: SealedCredential, after: SealedCredential) -> None:
        """Replace the attributes that depend on the data key; expiry and last use have other writers."""
        members = {"data_key_id": after.data_key_id, "nonce": after.nonce, "ciphertext": after.ciphertext}
        key = secret_key(before.org, before.provider_id, before.version)
        unchanged = "data_key_id = :old_key AND nonce = :old_nonce"
        values = {"old_key": before.data_key_id, "old_nonce": before.nonce}
        action = replace_members(self._secrets, key, members, unchanged, **values)
        write(self._client, "update_item", action["Update"])

    def record_use(self, sealed: SealedCredential, at: datetime) -> None:
        """Record the read on the version's row, unless the row is gone or being written."""
        action = use_update(self._secrets, sealed.org, sealed.provider_id, sealed.version, at)
        try:
            self._client.update_item(**action)
        except (ClientError, BotoCoreError) as error:
            if error_code(error) not in NOT_RECORDED:
                raise unavailable("DynamoDB", error) from None

    def last_used(self, org: str, provider_id: str) -> dict[int, datetime]:
        """Return when each version was last read, by one Query of two attributes: IAM can forbid the others."""
        with available("DynamoDB"):
            found = self._client.query(
                TableName=self._secrets,
                KeyConditionExpression="PK = :pk",
                ExpressionAttributeValues=marshal({":pk": secret_key(org, provider_id, 0)["PK"]}),
                ProjectionExpression="SK, last_used_at",
                Select="SPECIFIC_ATTRIBUTES",
                ConsistentRead=True,
            )["Items"]
        rows = [unmarshal(item) for item in found]
        return {
            int(row["SK"].removeprefix("V#")): datetime.fromisoformat(row["last_used_at"])
            for row in rows
            if "last_used_at" in row
        }

    def with_fingerprint(self, org: str, fingerprint: str) -> Sequence[str]:
        """Return the ids of the first hundred providers whose active credential has this fingerprint."""
        prefix = fingerprint_key(org, fingerprint)["SK"]
        found = query(self._client, self._main, org_key(org), prefix, limit=100)
        return [item["SK"].removeprefix(prefix) for item in found]

    def _claim(self, provider: Provider) -> dict[str, Any]:
        key = name_key(provider.org, provider.name_claim)
        return put(self._main, key | {"provider_id": provider.id}, ABSENT)

    def _mark(self, provider: Provider) -> dict[str, Any]:
        return put(self._main, fingerprint_key(provider.org, provider.active.fingerprint, provider.id))
