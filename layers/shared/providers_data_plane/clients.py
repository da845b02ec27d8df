"""botocore clients that time out early and refuse garbled responses."""

from __future__ import annotations

import json
from typing import Any, Final

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from providers_data_plane.quiet import quiet

quiet("botocore", "boto3", "urllib3")  # at LogLevel=DEBUG they would log decrypted data keys

CLIENT_CONFIG: Final = Config(
    connect_timeout=0.75,
    read_timeout=1.25,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=64,
    parameter_validation=False,  # DynamoDB validates its input; validating it here too costs a tenth of a call's CPU
    user_agent=f"providers-api Botocore/{botocore.__version__}",  # built per call otherwise: a fifth of its time
)
"""Two tries of two seconds at most, and a second between them: a caller hears of an outage within five seconds."""

EMULATOR_CONFIG: Final = CLIENT_CONFIG.merge(Config(read_timeout=10))
"""For an emulated AWS on one machine, which handles one request at a time."""


class GarbledResponse(BotoCoreError):
    """A success whose body is not JSON; botocore would read it as a response without fields."""

    fmt = "the response is not a JSON object"


def refuse_garbled(client: Any) -> None:
    """Make `client` raise GarbledResponse instead of reading a garbled response as a missing item."""
    client.meta.events.register("before-parse", _check, unique_id="providers-garbled")


def _check(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    shape = operation_model.output_shape
    if response_dict["status_code"] < 300 and shape is not None and shape.members:
        json_object(response_dict["body"])


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raises GarbledResponse."""
    try:
        found = json.loads(body)
    except ValueError:
        raise GarbledResponse from None
    if not isinstance(found, dict):
        raise GarbledResponse
    return found


def build_client(service: str) -> Any:
    """Return a client of `service`, without boto3."""
    from botocore.session import get_session  # late: programs import this package long before they need it

    client = get_session().create_client(service, config=CLIENT_CONFIG)
    refuse_garbled(client)
    return client
