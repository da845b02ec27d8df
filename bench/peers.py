"""Store, read and rotate a credential, compared with credstash and Secrets Manager, on the same embedded AWS.

`python -m bench.peers SIDE VENDORS` runs one side: it reads lines `COUNT OPERATION` from standard input, and prints the
seconds that these took. `… serve DYNAMODB` serves AWS. credstash has an environment without the project's packages, so
this module imports none by itself.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
CREDSTASH_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
OPERATIONS: Final = ("store", "read", "read again", "rotate")
COUNT: Final = 20
ROUNDS: Final = 5
TARGETS: Final = {"credstash": 0.25, "Secrets Manager": 0.5}
"""The most that an operation may take, as a multiple of the peer's time."""

_REGION: Final = "us-east-1"
_TABLES: Final = {"MAIN_TABLE": f"Main-{os.getppid()}", "SECRETS_TABLE": f"Secrets-{os.getppid()}"}
"""Shared by the processes of one run: DynamoDB Local may hold others."""
_KEY: Final = "alias/providers-credentials"

Side = dict[str, Callable[[int], object]]
Times = dict[str, dict[str, float]]
"""Milliseconds by side and operation."""


def _key(number: int, version: int) -> str:
    return f"sk-proj-FAKE-valid-EXAMPLE-{10_000 * version + number:06d}"


def _ours(vendors: str) -> Side:
    """Return the functions behind the API, in this process, with a vendor that verifies; and the package that reads."""
    import json

    from functions.add_provider.app import handler as add
    from functions.update_provider.app import handler as update
    from providers import bootstrap
    from providers_data_plane import Credentials
    from tests.kit.lambdas import ALL_SCOPES, event

    limits = dict.fromkeys(("VERIFICATIONS_PER_MINUTE", "VERIFICATIONS_PER_MINUTE_PER_ORG"), "100000")
    os.environ |= _TABLES | limits | {"KMS_KEY_ID": _KEY, "GRACE_SECONDS": "3600", "LOCAL_VENDORS_URL": vendors}
    ports = bootstrap.Dependencies(bootstrap.Settings.from_environment(os.environ, local=True))
    ports.digests.create()
    bootstrap.install(ports)
    credentials = Credentials.from_environment(org="org_bench")
    given: dict[str, Any] = {"org": "org_bench", "scopes": ALL_SCOPES}
    ids: dict[int, str] = {}

    def store(number: int) -> None:
        body = {"vendor": "openai", "name": f"Provider {number}", "api_key": _key(number, 1)}
        response = add(event(body=body, **given) | {"httpMethod": "POST"}, None)
        assert response["statusCode"] == 201, response["body"]
        ids[number] = json.loads(response["body"])["data"]["id"]

    def read(number: int) -> None:
        with credentials.use(ids[number]) as credential:
            assert credential.api_key == _key(number, 1)

    def rotate(number: int) -> None:
        body = {"api_key": _key(number, 2)}
        changed = event(path={"provider_id": ids[number]}, body=body, **given)
        response = update(changed | {"httpMethod": "PATCH"}, None)
        assert response["statusCode"] == 200, response["body"]

    return {"store": store, "read": read, "read again": read, "rotate": rotate}


def _secrets_manager(_: str) -> Side:
    """Return Secrets Manager's API through boto3, one client for all calls."""
    import boto3

    client = boto3.client("secretsmanager")

    def read(number: int) -> None:
        assert client.get_secret_value(SecretId=f"provider-{number}")["SecretString"] == _key(number, 1)

    return {
        "store": lambda n: client.create_secret(Name=f"provider-{n}", SecretString=_key(n, 1), KmsKeyId=_KEY),
        "read": read,
        "read again": read,
        "rotate": lambda n: client.put_secret_value(SecretId=f"provider-{n}", SecretString=_key(n, 2)),
    }


def _credstash(_: str) -> Side:
    """Return credstash's functions, as its README calls them."""
    import credstash  # type: ignore[import-not-found]

    with contextlib.redirect_stdout(sys.stderr):  # it says what it does
        credstash.createDdbTable(region=_REGION)
    where = {"region": _REGION, "kms_key": _KEY}

    def read(number: int) -> None:
        assert credstash.getSecret(f"provider-{number}", region=_REGION) == _key(number, 1)

    return {
        "store": lambda n: credstash.putSecret(f"provider-{n}", _key(n, 1), 1, **where),
        "read": read,
        "read again": read,
        "rotate": lambda n: credstash.putSecret(f"provider-{n}", _key(n, 2), 2, **where),
    }


_SIDES: Final[dict[str, Callable[[str], Side]]] = {
    "ours": _ours,
    "Secrets Manager": _secrets_manager,
    "credstash": _credstash,
}


def _serve_aws(dynamodb: str) -> None:
    """Serve moto with the tables and the KMS key until standard input ends; tables are in `dynamodb` if it is given."""
    import threading

    import boto3

    from local.aws import create_resources
    from local.aws_port import serving_aws
    from local.template import Template

    with serving_aws("127.0.0.1", 0, threading.Lock()) as url:
        urls = {"dynamodb": dynamodb or url}
        names = {"MainTable": _TABLES["MAIN_TABLE"], "SecretsTable": _TABLES["SECRETS_TABLE"]}
        create_resources(
            Template(),
            lambda service: boto3.client(service, endpoint_url=urls.get(service, url)),  # type: ignore[call-overload]
            _KEY,
            names,
        )
        print(url, flush=True)
        sys.stdin.read()


@contextmanager
def _started(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start this module; it ends when its standard input does."""
    python = str(CREDSTASH_PYTHON) if arguments[0] == "credstash" else sys.executable
    command, pipe = [python, "-m", "bench.peers", *arguments], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()


def _repeat(side: subprocess.Popen[str], operation: str) -> float:
    """Return the milliseconds that an operation takes on one side."""
    assert side.stdin is not None
    assert side.stdout is not None
    print(COUNT, operation, file=side.stdin, flush=True)
    return float(side.stdout.readline()) * 1000 / COUNT


def compare(vendors: str, dynamodb: str | None) -> Times:
    """Return the milliseconds of each operation on each side: medians of rounds in which the sides take turns.

    Args:
        vendors: the address of the vendors' emulator.
        dynamodb: the address of DynamoDB Local, or None for moto's tables.
    """
    found: dict[str, dict[str, list[float]]] = {side: {each: [] for each in OPERATIONS} for side in _SIDES}
    keys = {"AWS_DEFAULT_REGION": _REGION, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with ExitStack() as closing:
        aws = closing.enter_context(_started(os.environ | keys, "serve", dynamodb or ""))
        assert aws.stdout is not None
        url = aws.stdout.readline().strip()
        where = os.environ | keys | {"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb or url}
        sides = {side: closing.enter_context(_started(where, side, vendors)) for side in _SIDES}
        for number in range(ROUNDS + 1):
            for operation in OPERATIONS:
                for side, process in sides.items():
                    took = _repeat(process, operation)
                    if number:  # the first round opens connections
                        found[side][operation].append(took)
    return {side: {each: statistics.median(times) for each, times in taken.items()} for side, taken in found.items()}


def _serve(side: Side) -> None:
    done = dict.fromkeys(OPERATIONS, 0)
    for line in sys.stdin:
        count, _, operation = line.strip().partition(" ")
        first = done[operation]
        done[operation] += int(count)
        began = time.perf_counter()
        for number in range(first, done[operation]):
            side[operation](number)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve_aws(sys.argv[2])
    else:
        _serve(_SIDES[sys.argv[1]](sys.argv[2]))
