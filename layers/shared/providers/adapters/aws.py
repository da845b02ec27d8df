"""One place that turns botocore's errors into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from providers.adapters.quiet import quiet
from providers.model.errors import Unavailable

quiet("botocore", "boto3", "urllib3")  # else LogLevel=DEBUG would write decrypted data keys into the log

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=64,
    parameter_validation=False,  # DynamoDB checks what it is sent; checking it here too costs a tenth of a call's CPU
    user_agent=f"providers-api Botocore/{botocore.__version__}",  # else put together anew for each call: a fifth of it
)
"""Two tries of three seconds at most: a caller hears of an outage within about five seconds."""


@contextmanager
def available(service: str) -> Iterator[None]:
    """Turn every botocore error inside into `Unavailable`, with nothing of its text."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise unavailable(service, error) from None


def unavailable(service: str, error: Exception) -> Unavailable:
    """503 for `service`; the error's code is kept for the log, its text is not."""
    failure = Unavailable(
        "dependency_unavailable", f"{service} did not do its work; try again in a moment", retry_after_s=1
    )
    failure.add_note(f"{type(error).__name__}: {error_code(error)}")
    return failure


def error_code(error: Exception) -> str:
    """The service's error code, or an empty string."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
