"""Health samples: an item per hour, an attribute per minute. `samples.py` has the bytes of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from providers.adapters.aws import available
from providers.adapters.tables.attributes import marshal
from providers.adapters.tables.keys import HEALTH, health_key, health_partition, hour_of
from providers.adapters.tables.samples import expiry_of, minute_bucket, pack, samples_in
from providers.adapters.tables.transactions import get_many, write
from providers.ports import StaleWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from providers.model.samples import Sample, Samples


class DynamoHealth:
    """Samples: an item per hour, an attribute per minute. A probe costs one write unit."""

    def __init__(self, client: DynamoDBClient, main: str) -> None:
        self._client = client
        self._main = main

    def record(self, provider_id: str, sample: Sample) -> bool:
        """Set the minute bucket if it is free."""
        try:
            write(
                self._client,
                "update_item",
                {
                    "TableName": self._main,
                    "Key": marshal(health_key(provider_id, sample.at)),
                    "UpdateExpression": "SET #bucket = :sample, #ttl = :ttl",
                    "ConditionExpression": "attribute_not_exists(#bucket)",
                    "ExpressionAttributeNames": {"#bucket": minute_bucket(sample.at), "#ttl": "ttl"},
                    "ExpressionAttributeValues": {
                        ":sample": {"B": pack(sample)},
                        ":ttl": {"N": str(expiry_of(sample.at))},
                    },
                },
            )
        except StaleWrite:
            return False
        return True

    def read(self, provider_id: str, since: datetime, until: datetime) -> Samples:
        """Return the samples by one Query over the hours, eventually consistent."""
        arguments: dict[str, Any] = {
            "TableName": self._main,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": health_partition(provider_id)},
                ":first": {"S": hour_of(since)},
                ":last": {"S": hour_of(until)},
            },
        }
        with available("DynamoDB"):
            hours = self._client.query(**arguments)["Items"]  # 8 days of hours are 80 KB, far below a page
        return samples_in(hours).between(since, until)

    def recent(self, provider_ids: Sequence[str], now: datetime) -> dict[str, Samples]:
        """Return the samples of this hour and the previous one, by BatchGetItem."""
        hours = (now - timedelta(hours=1), now)
        keys = [marshal(health_key(provider_id, hour)) for provider_id in provider_ids for hour in hours]
        found: dict[str, list[dict[str, Any]]] = {provider_id: [] for provider_id in provider_ids}
        for item in sorted(
            get_many(self._client, self._main, keys, consistent=False), key=lambda each: each["SK"]["S"]
        ):
            found[item["PK"]["S"].removeprefix(HEALTH)].append(item)
        return {provider_id: samples_in(items) for provider_id, items in found.items()}
