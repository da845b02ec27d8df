"""Build AWS clients, and map botocore's errors to the API's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from providers.model.errors import Unavailable, Unresponsive
from providers.model.metrics import DYNAMODB_FAILURES, DYNAMODB_THROTTLES, KMS_FAILURES, KMS_THROTTLES
from providers_data_plane.clients import CLIENT_CONFIG, json_object, refuse_garbled

if TYPE_CHECKING:
    from botocore.session import Session

    from providers.ports import Metrics

STORE: Final = "DynamoDB"

THROTTLED: Final = frozenset(
    {
        "ThrottlingException",
        "ThrottlingError",
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
    }
)
"""Error codes of DynamoDB and KMS. In a transaction's cancellation reasons they lack the word Exception."""

LOST_RACES: Final = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionInProgressException"}
)
"""Error codes of DynamoDB that a condition or another writer causes: nothing has failed."""

_METRICS: Final = {"dynamodb": (DYNAMODB_THROTTLES, DYNAMODB_FAILURES), "kms": (KMS_THROTTLES, KMS_FAILURES)}


def build_client(
    service: str, endpoint_url: str | None = None, config: Config = CLIENT_CONFIG, session: Session | None = None
) -> Any:
    """Return a client of `service` that refuses garbled responses and, for DynamoDB, parses items quickly."""
    from botocore.session import get_session  # late: what only maps errors needs no client

    client = (session or get_session()).create_client(service, endpoint_url=endpoint_url, config=config)
    refuse_garbled(client)
    if service == "dynamodb":
        parse_items_quickly(client)
    return client


def count_failures(client: Any, service: str, metrics: Metrics) -> None:
    """Count the throttles and failures of each attempt of `client` if it calls DynamoDB or KMS."""
    if service not in _METRICS:
        return
    throttles, failures = _METRICS[service]

    def received(parsed_response: dict[str, Any] | None, **_: Any) -> None:
        if parsed_response is None:
            metrics.count(failures)  # no response
        elif is_throttled(parsed_response):
            metrics.count(throttles)
        elif parsed_response.get("Error", {}).get("Code", "") not in {"", *LOST_RACES}:
            metrics.count(failures)

    client.meta.events.register(f"response-received.{service}", received, unique_id="providers-failures")


def is_throttled(response: dict[str, Any]) -> bool:
    """Return whether the service throttled a call, an action of a transaction or a part of a batch."""
    codes = {each.get("Code") for each in response.get("CancellationReasons", ())}
    codes.add(response.get("Error", {}).get("Code"))
    return not THROTTLED.isdisjoint(codes) or bool(response.get("UnprocessedKeys") or response.get("UnprocessedItems"))


@contextmanager
def available(service: str) -> Iterator[None]:
    """Turn every botocore error raised inside into `Unavailable`, without its text."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise unavailable(service, error) from None


def unavailable(service: str, error: Exception) -> Unavailable:
    """Return the 503 for `service`; it keeps the error's code for the log, but not its text."""
    silent = service == STORE and isinstance(error, ConnectTimeoutError | ReadTimeoutError)
    failure = (Unresponsive if silent else Unavailable)(
        "dependency_unavailable", f"{service} is temporarily unavailable; try again in a moment", retry_after_s=1
    )
    failure.add_note(f"{type(error).__name__}: {error_code(error)}")
    return failure


def unconfirmed(error: Exception) -> Unavailable:
    """Return the 503 for a write that may have been applied although no response arrived."""
    failure = unavailable(STORE, error)
    if not _was_refused(error):
        failure.message = (
            "the change may have been applied: read the resource before you retry, or retry with the same "
            "Idempotency-Key"
        )
    return failure


def _was_refused(error: Exception) -> bool:
    """Return whether the service refused the only attempt, so that the write was certainly not applied."""
    if not isinstance(error, ClientError) or error_code(error) == "TransactionInProgressException":
        return False
    metadata = error.response.get("ResponseMetadata", {})
    return metadata.get("RetryAttempts", 0) == 0 and 400 <= metadata.get("HTTPStatusCode", 500) < 500


def error_code(error: Exception) -> str:
    """Return the service's error code, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def parse_items_quickly(client: Any) -> None:
    """Make `client` take the items of Query and BatchGetItem as they are in the response, in a tenth of the time.

    botocore's parser looks for each of the ten kinds of value in every attribute: 0.1 s for a week of samples, and half
    of what a worker spent on loading a batch. Only bytes differ from its result: they are still Base64 text, which
    `unmarshal` decodes. botocore still parses the rest (errors, `UnprocessedKeys`).
    """
    for operation in ("Query", "BatchGetItem"):
        client.meta.events.register(
            f"before-parse.dynamodb.{operation}", _take_items, unique_id=f"providers-items-{operation}"
        )


def _take_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] != 200:
        return
    body = json_object(response_dict["body"])
    for member in ("Items", "Responses"):
        if member in body:
            customized_response_dict[member] = body.pop(member)
    response_dict["body"] = json.dumps(body).encode()
