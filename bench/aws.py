"""DynamoDB, KMS and SQS for the sweep, simulated inside botocore.

botocore's `before-send` hook returns the responses, so botocore's own work (validation, serialization, signing,
parsing) is done and counted, and no server competes for the machine's two cores. A response takes about as long as the
real service's. urllib3, sockets and TLS are not counted; the rows over DynamoDB Local include the first two.
"""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from botocore.awsrequest import AWSResponse

LATENCY_S: Final = {"dynamodb": 0.004, "kms": 0.008, "sqs": 0.008}
"""Seconds before a response: roughly the services' latency within a region."""

READ_UNIT: Final = 4096
WRITE_UNIT: Final = 1024


@dataclass
class Meter:
    """Calls by service and operation (`dynamodb.UpdateItem`), and the units that DynamoDB charges for them."""

    calls: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str, *, read: float = 0.0, write: float = 0.0) -> None:
        """Count one call."""
        with self._lock:
            self.calls[operation] += 1
            self.read_units += read
            self.write_units += write

    def reset(self) -> None:
        """Reset all counts."""
        with self._lock:
            self.calls.clear()
            self.read_units = self.write_units = 0.0

    def total(self, service: str) -> int:
        """Return the number of calls to one service."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}."))


def item_size(item: Mapping[str, Any]) -> int:
    """Return the size that DynamoDB counts for a typed item (DynamoDB developer guide, "Item sizes and formats")."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(b64decode(content) if isinstance(content, str) else content)
        case "N":
            return (len(content.strip("-0.")) + 1) // 2 + 1
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "M":
            return 3 + len(content) + item_size(content)
        case "L":
            return 3 + len(content) + sum(map(_value_size, content))
        case "BOOL" | "NULL":
            return 1
    raise NotImplementedError(kind)


def wire(item: Mapping[str, Any]) -> bytes:
    """Return a typed item as DynamoDB sends it."""
    return json.dumps(item, default=lambda blob: b64encode(blob).decode(), separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class _Socket:
    """The object from which botocore reads a response's body."""

    content: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the body in one block."""
        yield self.content


@dataclass(frozen=True, slots=True)
class _Stored:
    """A serialized item, and its size as DynamoDB counts it."""

    text: bytes
    size: int


class Canned:
    """A store that supports exactly the calls of the sweep and the health reads, and refuses others.

    Health items share the hours set by `history`, which are the same for every provider. Samples recorded later are
    stored per provider.

    Attributes:
        queued: bodies of the messages that were sent.
        meter: the calls and units so far.
    """

    def __init__(self) -> None:
        self.queued: list[str] = []
        self.meter = Meter()
        self._items: dict[tuple[str, str, str], _Stored] = {}
        self._by_partition: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._due: dict[str, list[_Stored]] = defaultdict(list)
        self._history: dict[str, dict[str, str]] = {}
        self._members: dict[str, tuple[str, int]] = {}
        self._recorded: dict[tuple[str, str], dict[str, str]] = {}
        self._data_keys: dict[str, str] = {}

    # contents

    def add(self, table: str, item: Mapping[str, Any]) -> None:
        """Store an item in DynamoDB's typed form."""
        stored = _Stored(wire(item), item_size(item))
        partition, sort = item["PK"]["S"], item["SK"]["S"]
        self._items[table, partition, sort] = stored
        self._by_partition[table, partition].append(sort)
        if "due" in item:
            self._due[item["due"]["S"]].append(stored)

    def history(self, hours: Mapping[str, Mapping[str, bytes]]) -> None:
        """Set the minute buckets of every provider, by hour (the sort key) and attribute."""
        self._history = {
            hour: {bucket: b64encode(packed).decode() for bucket, packed in buckets.items()}
            for hour, buckets in hours.items()
        }
        self._members = {hour: _members(buckets) for hour, buckets in self._history.items()}

    # botocore's hook

    def attach(self, client: Any) -> None:
        """Intercept every request of `client`."""
        service = client.meta.service_model.service_name

        def respond(request: Any, **_: Any) -> AWSResponse:
            operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
            status, content = self._dispatch(service, operation, json.loads(request.body))
            time.sleep(LATENCY_S[service])
            headers: Any = {"content-type": "application/x-amz-json-1.0"}
            return AWSResponse(request.url, status, headers, _Socket(content))

        client.meta.events.register("before-send.*", respond)

    def _dispatch(self, service: str, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
        operations: dict[str, Callable[[dict[str, Any]], tuple[int, bytes]]] = {
            "dynamodb.BatchGetItem": self._batch_get,
            "dynamodb.GetItem": self._get,
            "dynamodb.PutItem": self._put,
            "dynamodb.Query": self._query,
            "dynamodb.UpdateItem": self._set_bucket,
            "kms.Decrypt": self._decrypt,
            "kms.GenerateDataKeyWithoutPlaintext": self._generate,
            "sqs.SendMessageBatch": self._send,
        }
        return operations[f"{service}.{operation}"](body)

    def _batch_get(self, body: dict[str, Any]) -> tuple[int, bytes]:
        ((table, wanted),) = body["RequestItems"].items()
        found = [self._find(table, key["PK"]["S"], key["SK"]["S"]) for key in wanted["Keys"]]
        each = 1.0 if wanted.get("ConsistentRead") else 0.5
        units = sum(each * max(1, ceil(item.size / READ_UNIT)) if item else each for item in found)
        self.meter.count("dynamodb.BatchGetItem", read=units)
        texts = b",".join(item.text for item in found if item)
        return 200, b'{"Responses":{"%s":[%s]},"UnprocessedKeys":{}}' % (table.encode(), texts)

    def _get(self, body: dict[str, Any]) -> tuple[int, bytes]:
        item = self._find(body["TableName"], body["Key"]["PK"]["S"], body["Key"]["SK"]["S"])
        each = 1.0 if body.get("ConsistentRead") else 0.5
        self.meter.count("dynamodb.GetItem", read=each * max(1, ceil(item.size / READ_UNIT)) if item else each)
        return 200, b'{"Item":%s}' % item.text if item else b"{}"

    def _put(self, body: dict[str, Any]) -> tuple[int, bytes]:
        self.add(body["TableName"], body["Item"])
        self.meter.count("dynamodb.PutItem", write=ceil(item_size(body["Item"]) / WRITE_UNIT))
        return 200, b"{}"

    def _query(self, body: dict[str, Any]) -> tuple[int, bytes]:
        found = list(self._matching(body))
        size = sum(item.size for item in found)
        units = max(1, ceil(size / READ_UNIT)) * (1.0 if body.get("ConsistentRead") else 0.5)
        self.meter.count("dynamodb.Query", read=units)
        texts = b",".join(item.text for item in found)
        return 200, b'{"Items":[%s],"Count":%d,"ScannedCount":%d}' % (texts, len(found), len(found))

    def _matching(self, body: dict[str, Any]) -> Iterator[_Stored]:
        table = body["TableName"]
        values = {name: value["S"] for name, value in body["ExpressionAttributeValues"].items()}
        match body["KeyConditionExpression"]:
            case "due = :due":
                yield from self._due[values[":due"]]
            case "PK = :pk AND SK BETWEEN :first AND :last":
                hours = sorted({*self._history, *(hour for pk, hour in self._recorded if pk == values[":pk"])})
                within = [hour for hour in hours if values[":first"] <= hour <= values[":last"]]
                yield from (item for hour in within if (item := self._hour(values[":pk"], hour)))
            case "PK = :pk AND begins_with(SK, :prefix)" | "PK = :pk":
                keys = sorted(self._by_partition[table, values[":pk"]], reverse=body.get("ScanIndexForward") is False)
                wanted = [key for key in keys if key.startswith(values.get(":prefix", ""))][: body["Limit"]]
                yield from (self._items[table, values[":pk"], key] for key in wanted)
            case other:
                raise NotImplementedError(other)

    def _find(self, table: str, partition: str, sort: str) -> _Stored | None:
        if partition.startswith("HEALTH#"):
            return self._hour(partition, sort)
        return self._items.get((table, partition, sort))

    def _hour(self, partition: str, hour: str) -> _Stored | None:
        own = self._recorded.get((partition, hour))
        members, size = self._members.get(hour, ("", 0))
        if own:
            recorded, more = _members(own)
            members, size = ",".join(filter(None, (members, recorded))), size + more
        if not members:
            return None
        text = f'{{"PK":{{"S":"{partition}"}},"SK":{{"S":"{hour}"}},"ttl":{{"N":"1776000000"}},{members}}}'
        return _Stored(text.encode(), _fixed_size(partition, hour) + size)

    def _set_bucket(self, body: dict[str, Any]) -> tuple[int, bytes]:
        partition, hour = body["Key"]["PK"]["S"], body["Key"]["SK"]["S"]
        if not partition.startswith("HEALTH#"):
            raise NotImplementedError("a provider item is written: this is not a steady state")
        bucket, shared = body["ExpressionAttributeNames"]["#bucket"], self._history.get(hour, {})
        own = self._recorded.setdefault((partition, hour), {})
        taken = bucket in shared or bucket in own
        if not taken:
            own[bucket] = body["ExpressionAttributeValues"][":sample"]["B"]
        size = _fixed_size(partition, hour) + self._members.get(hour, ("", 0))[1] + _members(own)[1]
        self.meter.count("dynamodb.UpdateItem", write=ceil(size / WRITE_UNIT))
        if taken:
            return 400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}'
        return 200, b"{}"

    def _generate(self, body: dict[str, Any]) -> tuple[int, bytes]:
        wrapped = b64encode(os.urandom(184)).decode()
        self._data_keys[wrapped] = b64encode(os.urandom(32)).decode()
        self.meter.count("kms.GenerateDataKeyWithoutPlaintext")
        return 200, wire({"CiphertextBlob": wrapped, "KeyId": body["KeyId"]})

    def _decrypt(self, body: dict[str, Any]) -> tuple[int, bytes]:
        self.meter.count("kms.Decrypt")
        return 200, wire({"Plaintext": self._data_keys[body["CiphertextBlob"]], "KeyId": body["KeyId"]})

    def _send(self, body: dict[str, Any]) -> tuple[int, bytes]:
        self.queued += [entry["MessageBody"] for entry in body["Entries"]]
        self.meter.count("sqs.SendMessageBatch")
        sent = [{"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""} for entry in body["Entries"]]
        return 200, wire({"Successful": sent, "Failed": []})


def _fixed_size(partition: str, hour: str) -> int:
    """Return the size of an hour's item without its samples: keys and `ttl`."""
    return len("PK") + len(partition) + len("SK") + len(hour) + len("ttl") + 6


def _members(buckets: Mapping[str, str]) -> tuple[str, int]:
    """Return an hour's samples as JSON members, and their size, each under a one-character name."""
    text = ",".join(f'"{bucket}":{{"B":"{packed}"}}' for bucket, packed in buckets.items())
    return text, sum(1 + len(packed) * 3 // 4 - packed.count("=") for packed in buckets.values())


def measure(client: Any, meter: Meter) -> None:
    """Count the calls of `client` to a real DynamoDB, with the units that it reports."""

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        charged = parsed.get("ConsumedCapacity", [])
        units = sum(each["CapacityUnits"] for each in ([charged] if isinstance(charged, dict) else charged))
        writes = model.name in ("UpdateItem", "PutItem")
        meter.count(f"dynamodb.{model.name}", **{"write" if writes else "read": units})

    for operation in ("BatchGetItem", "GetItem", "Query", "UpdateItem"):
        client.meta.events.register(f"provide-client-params.dynamodb.{operation}", ask)
        client.meta.events.register(f"after-call.dynamodb.{operation}", count)
