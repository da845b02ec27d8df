"""The stores over DynamoDB's two tables. Every change is one transaction, conditioned on what was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters import items, ledger_items
from providers.adapters.alongside import commit
from providers.adapters.aws import available, error_code, unavailable
from providers.adapters.counts import counting, discounting, limit_reached
from providers.adapters.ledger import count
from providers.adapters.transactions import (
    ConditionFailed,
    delete,
    get,
    put,
    query,
    query_page,
    replace_members,
    scan,
    telling,
    transact,
    update,
    write,
)
from providers.model.management_key import ManagementKey
from providers.model.policy import LIMITS, Limits
from providers.model.provider import Provider
from providers.model.routing import RoutingConfig
from providers.model.sealed import USED_EVERY, SealedCredential, WrappedKey
from providers.ports import (
    NOTHING,
    Alongside,
    Expired,
    LimitReached,
    MissingProvider,
    NameTaken,
    ProviderFilter,
    StaleWrite,
)
from providers_contract.names import name_claim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ABSENT: Final = "attribute_not_exists(PK)"
_COUNTER_KEPT_S: Final = 300


class DynamoProviders:
    """Providers and their sealed credentials."""

    def __init__(self, client: DynamoDBClient, main: str, secrets: str) -> None:
        self._client = client
        self._main = main
        self._secrets = secrets

    def get(self, org: str, provider_id: str) -> Provider | None:
        """The head as it is now."""
        found = get(self._client, self._main, items.provider_key(org, provider_id))
        return None if found is None else items.provider_from(found)

    def named(self, org: str, name: str) -> str | None:
        """The id of the provider that has claimed the name."""
        found = get(self._client, self._main, items.name_key(org, name_claim(name)))
        return None if found is None else str(found["provider_id"])

    def list(
        self, org: str, wanted: ProviderFilter, limit: int, before: str | None
    ) -> tuple[Sequence[Provider], str | None]:
        """Up to `limit` heads, newest first, by one Query."""
        found, last = query_page(
            self._client,
            self._main,
            items.org_key(org),
            "PROV#",
            limit=limit,
            start=None if before is None else items.provider_key(org, before),
            equals={"vendor": wanted.vendor, "status": wanted.status, "health_state": wanted.health},
        )
        return [items.provider_from(item) for item in found], None if last is None else last.removeprefix("PROV#")

    def create(
        self,
        provider: Provider,
        sealed: SealedCredential,
        alongside: Alongside = NOTHING,
        limits: Limits = LIMITS,
    ) -> None:
        """Write head, name claim, fingerprint, first version and count."""
        members = items.provider_members(provider) | items.health_members(provider)
        actions = [
            put(self._main, items.provider_key(provider.org, provider.id) | members, _ABSENT),
            self._claim(provider),
            self._mark(provider),
            put(self._secrets, items.sealed_item(sealed), _ABSENT),
            counting(self._main, items.count_key(provider.org), "providers", limits),
        ]
        try:
            commit(self._client, self._main, actions, alongside)
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
        alongside: Alongside = NOTHING,
    ) -> None:
        """Turn `before` into `after`, with the claims and versions that differ."""
        org, provider_id = before.org, before.id
        members = items.provider_members(after)
        if after.active.number != before.active.number:
            members |= items.health_members(after)
        actions = [
            replace_members(
                self._main,
                items.provider_key(org, provider_id),
                members,
                "revision = :revision AND active = :active",
                revision=before.revision,
                active=before.active.number,
            )
        ]
        renamed = after.name_claim != before.name_claim
        if renamed:
            actions.append(self._claim(after))
            actions.append(delete(self._main, items.name_key(org, before.name_claim)))
        if after.active.fingerprint != before.active.fingerprint:
            actions.append(delete(self._main, items.fingerprint_key(org, before.active.fingerprint, provider_id)))
            actions.append(self._mark(after))
        if sealed is not None:
            actions.append(put(self._secrets, items.sealed_item(sealed), _ABSENT))
        remaining = {version.number: version for version in after.versions}
        for version in before.versions:
            key = items.secret_key(org, provider_id, version.number)
            kept = remaining.get(version.number)
            if kept is None:
                actions.append(delete(self._secrets, key))
            elif kept.retires_at is not None and kept.retires_at != version.retires_at:
                retiring = {"expires_at": items.to_text(kept.retires_at), "ttl": items.epoch(kept.retires_at)}
                actions.append(replace_members(self._secrets, key, retiring, "attribute_exists(PK)"))
                expired = Expired(kept.retires_at, org, provider_id, version.number)
                actions.append(put(self._main, ledger_items.expired_key(expired)))
        try:
            commit(self._client, self._main, actions, alongside)
        except ConditionFailed as error:
            raise StaleWrite if 0 in error.failed or not (renamed and 1 in error.failed) else NameTaken from None

    def delete(self, provider: Provider, alongside: Alongside = NOTHING) -> None:
        """Delete head, claims and every version."""
        org, provider_id = provider.org, provider.id
        actions = [
            delete(
                self._main,
                items.provider_key(org, provider_id),
                "revision = :revision AND active = :active AND attribute_not_exists(refs)",
                revision=provider.revision,
                active=provider.active.number,
            ),
            delete(self._main, items.name_key(org, provider.name_claim)),
            delete(self._main, items.fingerprint_key(org, provider.active.fingerprint, provider_id)),
            discounting(self._main, items.count_key(org), "providers"),
            *(
                delete(self._secrets, items.secret_key(org, provider_id, version.number))
                for version in provider.versions
            ),
        ]
        try:
            commit(self._client, self._main, actions, alongside)
        except ConditionFailed:
            raise StaleWrite from None

    def sealed(self, org: str, provider_id: str, version: int) -> SealedCredential | None:
        """One version's row."""
        found = get(self._client, self._secrets, items.secret_key(org, provider_id, version))
        return None if found is None else items.sealed_from(found)

    def reseal(self, before: SealedCredential, after: SealedCredential) -> None:
        """Replace what the data key has to do with; expiry and last use are others' to write."""
        members = {"data_key_id": after.data_key_id, "nonce": after.nonce, "ciphertext": after.ciphertext}
        key = items.secret_key(before.org, before.provider_id, before.version)
        unchanged = "data_key_id = :old_key AND nonce = :old_nonce"
        values = {"old_key": before.data_key_id, "old_nonce": before.nonce}
        action = replace_members(self._secrets, key, members, unchanged, **values)
        write(self._client, "update_item", action["Update"])

    def used(self, sealed: SealedCredential, at: datetime) -> None:
        """Record the read on the version's row, if that is there and nobody is writing to it at this moment."""
        key = items.secret_key(sealed.org, sealed.provider_id, sealed.version)
        action = update(
            self._secrets,
            key,
            "SET last_used_at = :at",
            "attribute_exists(PK) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)",
            at=items.to_text(at),
            before=items.to_text(at - USED_EVERY),
        )["Update"]
        try:
            self._client.update_item(**action)
        except (ClientError, BotoCoreError) as error:
            if error_code(error) not in ("ConditionalCheckFailedException", "TransactionConflictException"):
                raise unavailable("DynamoDB", error) from None

    def last_used(self, org: str, provider_id: str) -> dict[int, datetime]:
        """One Query of two attributes; a role can be kept from all others."""
        with available("DynamoDB"):
            found = self._client.query(
                TableName=self._secrets,
                KeyConditionExpression="PK = :pk",
                ExpressionAttributeValues=items.marshal({":pk": items.secret_key(org, provider_id, 0)["PK"]}),
                ProjectionExpression="SK, last_used_at",
                Select="SPECIFIC_ATTRIBUTES",
                ConsistentRead=True,
            )["Items"]
        rows = [items.unmarshal(item) for item in found]
        return {
            int(row["SK"].removeprefix("V#")): datetime.fromisoformat(row["last_used_at"])
            for row in rows
            if "last_used_at" in row
        }

    def with_fingerprint(self, org: str, fingerprint: str) -> Sequence[str]:
        """Ids of the providers whose active credential has this fingerprint; the first hundred."""
        prefix = items.fingerprint_key(org, fingerprint)["SK"]
        found = query(self._client, self._main, items.org_key(org), prefix, limit=100)
        return [item["SK"].removeprefix(prefix) for item in found]

    def _claim(self, provider: Provider) -> dict[str, Any]:
        key = items.name_key(provider.org, provider.name_claim)
        return put(self._main, key | {"provider_id": provider.id}, _ABSENT)

    def _mark(self, provider: Provider) -> dict[str, Any]:
        return put(self._main, items.fingerprint_key(provider.org, provider.active.fingerprint, provider.id))


class DynamoRouting:
    """Routing configs, and with them the `refs` of the providers they name."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def get(self, org: str, slug: str) -> RoutingConfig | None:
        """The config as it is now."""
        found = get(self._client, self._main, items.route_key(org, slug))
        return None if found is None else items.route_from(found)

    def list(self, org: str, limit: int, after: str | None) -> Sequence[RoutingConfig]:
        """Up to `limit` configs in the order of their slugs."""
        start = None if after is None else items.route_key(org, after)
        found = query(self._client, self._main, items.org_key(org), "ROUTE#", limit=limit, start=start)
        return [items.route_from(item) for item in found]

    def put(
        self,
        before: RoutingConfig | None,
        after: RoutingConfig,
        alongside: Alongside = NOTHING,
        limits: Limits = LIMITS,
    ) -> None:
        """Create or replace, attaching and detaching providers in the same transaction."""
        item = items.route_item(after)
        config = (
            put(self._main, item, _ABSENT)
            if before is None
            else put(self._main, item, "revision = :revision", revision=before.revision)
        )
        old = before.provider_ids if before else frozenset()
        attached = sorted(after.provider_ids - old)
        detached = sorted(old - after.provider_ids)
        actions = [
            config,
            *(self._refs("ADD", after, provider_id, limits.configs_per_provider) for provider_id in attached),
            *(self._refs("DELETE", after, provider_id) for provider_id in detached),
        ]
        if before is None:
            actions.append(counting(self._main, items.count_key(after.org), "routing_configs", limits))
        try:
            commit(self._client, self._main, actions, alongside)
        except ConditionFailed as error:
            if 0 in error.failed:
                raise StaleWrite from None
            refused = [i for i in error.failed if 1 <= i <= len(attached)]
            missing = frozenset(attached[i - 1] for i in refused if i not in error.found)
            if missing:
                raise MissingProvider(missing) from None
            if refused:
                named, fullest = max((len(error.found[i]["refs"]), i) for i in refused)
                raise LimitReached("configs_per_provider", named, attached[fullest - 1]) from None
            raise limit_reached(error, len(actions) - 1, "routing_configs") from None

    def delete(self, config: RoutingConfig, alongside: Alongside = NOTHING) -> None:
        """Delete the config and detach its providers."""
        key = items.route_key(config.org, config.slug)
        actions = [
            delete(self._main, key, "revision = :revision", revision=config.revision),
            *(self._refs("DELETE", config, provider_id) for provider_id in sorted(config.provider_ids)),
            discounting(self._main, items.count_key(config.org), "routing_configs"),
        ]
        try:
            commit(self._client, self._main, actions, alongside)
        except ConditionFailed:
            raise StaleWrite from None

    def _refs(self, verb: str, config: RoutingConfig, provider_id: str, most: int | None = None) -> dict[str, Any]:
        key = items.provider_key(config.org, provider_id)
        condition = "attribute_exists(PK)"
        if most is not None:
            condition += " AND (attribute_not_exists(refs) OR size(refs) < :most)"
        return telling(update(self._main, key, f"{verb} refs :slug", condition, slug={config.slug}, most=most))


class DynamoManagementKeys:
    """Management keys and their counters."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def get(self, key_id: str) -> ManagementKey | None:
        """The key as it is now."""
        found = get(self._client, self._main, items.management_key_key(key_id))
        return None if found is None else items.management_key_from(found)

    def put(self, key: ManagementKey, limits: Limits = LIMITS) -> None:
        """Store a new key and count it."""
        counted = counting(self._main, items.count_key(key.org), "management_keys", limits)
        try:
            transact(self._client, [put(self._main, items.management_key_item(key), _ABSENT), counted])
        except ConditionFailed as error:
            if 0 in error.failed:
                raise StaleWrite from None
            raise limit_reached(error, 1, "management_keys") from None

    def revoke(self, revoked: ManagementKey) -> None:
        """Mark it revoked and count one less; of two revocations at once the first one's stays."""
        marked = update(
            self._main,
            items.management_key_key(revoked.id),
            "SET revoked_at = :at, mac = :mac",
            "attribute_exists(PK) AND attribute_not_exists(revoked_at)",
            at=items.to_text(revoked.revoked_at),
            mac=revoked.mac,
        )
        try:
            transact(self._client, [marked, discounting(self._main, items.count_key(revoked.org), "management_keys")])
        except ConditionFailed:
            raise StaleWrite from None

    def list(self, org: str | None) -> Sequence[ManagementKey]:
        """Every key, or those of `org`, oldest first: a Scan of the whole table, with the operator's own rights."""
        found = scan(self._client, self._main, prefix=items.MANAGEMENT_KEY_PREFIX, equals={"org": org})
        return sorted(map(items.management_key_from, found), key=lambda key: (key.created_at, key.id))

    def count(self, key_id: str, minute: int) -> int:
        """Count one request."""
        return count(self._client, self._main, items.rate_key(key_id, minute), minute * 60 + _COUNTER_KEPT_S)

    def used(self, key_id: str, at: datetime) -> None:
        """Record `last_used_at`; a key that has gone meanwhile stays gone."""
        expression = "SET last_used_at = :at"
        try:
            self._update(items.management_key_key(key_id), expression, "attribute_exists(PK)", at=items.to_text(at))
        except StaleWrite:
            return

    def _update(self, key: items.Item, expression: str, condition: str, **values: Any) -> None:
        write(self._client, "update_item", update(self._main, key, expression, condition, **values)["Update"])


class DynamoDataKeys:
    """Wrapped data keys in one table, the owners' names behind `prefix`."""

    def __init__(self, client: DynamoDBClient, table: str, prefix: str = "") -> None:
        self._client = client
        self._table = table
        self._prefix = prefix

    def get(self, owner: str, key_id: str) -> WrappedKey | None:
        """The wrapped key."""
        found = get(self._client, self._table, items.data_key_key(self._prefix + owner, key_id))
        return None if found is None else items.wrapped_from(found)

    def list(self, owner: str, limit: int) -> Sequence[WrappedKey]:
        """Up to `limit` wrapped keys, the newest first."""
        found = query(self._client, self._table, self._prefix + owner, "KEY#", limit=limit, newest_first=True)
        return [items.wrapped_from(item) for item in found]

    def delete(self, owner: str, key_id: str) -> None:
        """Delete a wrapped key."""
        gone = delete(self._table, items.data_key_key(self._prefix + owner, key_id))
        write(self._client, "delete_item", gone["Delete"])

    def put(self, owner: str, key: WrappedKey) -> None:
        """Store a new key."""
        item = items.wrapped_item(self._prefix + owner, key)
        write(self._client, "put_item", put(self._table, item, _ABSENT)["Put"])
