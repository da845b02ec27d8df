"""Management keys, minted, listed and revoked with the operator's own rights, past the API.

The one place of the client that stands on the layer's use cases. The local stack serves the same functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

import httpx2

from providers.bootstrap import Dependencies, Settings
from providers.model.errors import Conflict as Refused
from providers.model.errors import Unavailable
from providers.model.management_key import ManagementKey
from providers.ports import Ports, StaleWrite
from providers.usecases.management_keys import mint_management_key, revoke_management_key
from providers_client.errors import (
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    NotFound,
    UnexpectedAnswer,
    from_failure,
)
from providers_client.sending import is_loopback
from providers_contract.vocabulary import Scope

T = TypeVar("T")

LOCAL_PATH: Final = "/_local/keys"
_ORG: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY_ID: Final = re.compile(r"[0-9a-z]{1,64}")
_LIFE: Final = re.compile(r"([1-9]\d{0,4})([dhm])")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


class Keys(Protocol):
    """Where management keys are kept. Every method raises ConfigurationError and ProvidersAPIError."""

    def create(self, org: str, name: str, scopes: Sequence[str], expires_in: str | None) -> dict[str, Any]:
        """A new key, with its `token`, which is told this once."""
        ...

    def list(self, org: str | None) -> Sequence[dict[str, Any]]:
        """The keys of an organization, or of all, oldest first."""
        ...

    def revoke(self, key_id: str) -> dict[str, Any]:
        """Revoke a key from now on; one that was revoked before stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class StackKeys:
    """The keys of a stack whose tables and KMS key can be reached."""

    ports: Ports

    def create(self, org: str, name: str, scopes: Sequence[str], expires_in: str | None) -> dict[str, Any]:
        """A new key; without scopes it has all. Raises Conflict (`limit_exceeded`)."""
        if not _ORG.fullmatch(org):
            raise ConfigurationError("an organization has letters, digits, _ and - only, 64 at most")
        if not 1 <= len(name) <= 80 or not name.isprintable():
            raise ConfigurationError("a key's name has 1 to 80 printable characters")
        unknown = set(scopes) - set(Scope)
        if unknown:
            raise ConfigurationError(f"a scope is one of {', '.join(Scope)}")
        expires_at = None if expires_in is None else self.ports.clock.now() + _life(expires_in)
        granted = [Scope(each) for each in scopes or Scope]
        try:
            key, token = mint_management_key(self.ports, org, name, granted, expires_at=expires_at)
        except Refused as error:
            raise _too_many(error.message) from None
        return _view(key) | {"token": token.reveal()}

    def list(self, org: str | None) -> Sequence[dict[str, Any]]:
        """Reads the whole table."""
        return [_view(key) for key in self.ports.management_keys.list(org)]

    def revoke(self, key_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        if _KEY_ID.fullmatch(key_id):
            with suppress(StaleWrite):
                return _view(revoke_management_key(self.ports, key_id))
        raise _no_such_key()


@dataclass(frozen=True, slots=True)
class DeployedKeys:
    """The keys of a CloudFormation stack, with the AWS credentials that boto3 finds."""

    stack: str

    def create(self, org: str, name: str, scopes: Sequence[str], expires_in: str | None) -> dict[str, Any]:
        """Makes the stack's digest key where this is its first management key."""
        return self._with(lambda keys: keys.create(org, name, scopes, expires_in), first=True)

    def list(self, org: str | None) -> Sequence[dict[str, Any]]:
        """Needs dynamodb:Scan on the main table."""
        return self._with(lambda keys: keys.list(org))

    def revoke(self, key_id: str) -> dict[str, Any]:
        """From the next request on."""
        return self._with(lambda keys: keys.revoke(key_id))

    def _with(self, work: Callable[[StackKeys], T], *, first: bool = False) -> T:
        with deployed(self.stack) as ports:
            if first:
                ports.digests.create()
            return work(StackKeys(ports))


@contextmanager
def deployed(stack: str) -> Iterator[Dependencies]:
    """The ports of a CloudFormation stack. Raises UnexpectedAnswer, and ConnectionFailed for what AWS fails at."""
    import boto3  # late: the other commands do without it
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        outputs = _outputs(boto3.client("cloudformation"), stack)
        yield Dependencies(Settings.from_environment(outputs))
    except KeyError as missing:
        told = f"what --stack names is not a stack of the Providers API: it has no output {missing}"
        raise UnexpectedAnswer(told, code="no_such_stack") from None
    except (ClientError, BotoCoreError, Unavailable) as error:
        raise ConnectionFailed(str(error).replace(stack, "(--stack)"), code="aws_failed") from None


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """The keys of the stack that `make run` serves on this machine."""

    base_url: str

    def create(self, org: str, name: str, scopes: Sequence[str], expires_in: str | None) -> dict[str, Any]:
        """The stack checks what is given."""
        body = {"org": org, "name": name, "scopes": list(scopes), "expires_in": expires_in}
        return ask_local(self.base_url, LOCAL_PATH, "POST", body)  # type: ignore[no-any-return]

    def list(self, org: str | None) -> Sequence[dict[str, Any]]:
        """The stack gives those of all organizations."""
        return [key for key in ask_local(self.base_url, LOCAL_PATH, "GET") if org in (None, key["org"])]

    def revoke(self, key_id: str) -> dict[str, Any]:
        """From the next request on."""
        return ask_local(self.base_url, LOCAL_PATH, "DELETE", {"id": key_id})  # type: ignore[no-any-return]


def ask_local(base_url: str, path: str, method: str, body: Mapping[str, Any] | None = None) -> Any:
    """What the stack that `make run` serves answers on one of its own paths.

    Raises ConfigurationError for what it refuses, Conflict, NotFound, UnexpectedAnswer, ConnectionFailed.
    """
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if not is_loopback(url):
        raise ConfigurationError("--local is for a stack on this machine, such as --url http://127.0.0.1:8787")
    try:
        with httpx2.Client(trust_env=False, timeout=30) as http:
            answer = http.request(method, url.copy_with(path=path), json=body)
        found = answer.json()
    except httpx2.HTTPError as error:
        raise from_failure(error, url) from None
    except ValueError:
        found = {}
    data = found.get("data") if isinstance(found, dict) else None
    if data is None:
        raise UnexpectedAnswer("what --url names is not a stack that `make run` serves", code="no_such_stack")
    if "refused" in data:
        raise ConfigurationError(data["refused"])
    if "limit" in data:
        raise _too_many(data["limit"])
    if "missing" in data:
        raise _no_such_key()
    return data


def serve(ports: Ports, method: str, body: Mapping[str, Any]) -> Any:
    """What the local stack answers on LOCAL_PATH; `refused`, `limit` or `missing` where it cannot be done."""
    keys = StackKeys(ports)
    try:
        match method:
            case "GET":
                return keys.list(None)
            case "POST":
                given = (str(body.get("org", "")), str(body.get("name", "")), body.get("scopes") or ())
                return keys.create(*given, body.get("expires_in"))
            case _:
                return keys.revoke(str(body.get("id", "")))
    except ConfigurationError as error:
        return {"refused": str(error)}
    except Conflict as error:
        return {"limit": error.message}
    except NotFound as error:
        return {"missing": error.code}


def _no_such_key() -> NotFound:
    return NotFound(
        "there is no management key of this id; `providers keys list` shows them",
        code="management_key_not_found",
        type="not_found",
    )


def _too_many(message: str) -> Conflict:
    return Conflict(message, code="limit_exceeded")


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The environment that the stack's outputs describe, with the one limit that only an operator can meet.

    Raises KeyError where it is another one, botocore's errors.
    """
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {str(each.get("OutputKey")): str(each.get("OutputValue")) for each in found.get("Outputs", [])}
    names = {"MAIN_TABLE": "MainTableName", "SECRETS_TABLE": "SecretsTableName", "KMS_KEY_ID": "KmsKeyId"}
    given = {str(each.get("ParameterKey")): str(each.get("ParameterValue")) for each in found.get("Parameters", [])}
    limit = {"LIMIT_MANAGEMENT_KEYS": given.get("MaxManagementKeys", "")}
    return {variable: outputs[name] for variable, name in names.items()} | limit


def _life(text: str) -> timedelta:
    found = _LIFE.fullmatch(text)
    if found is None:
        raise ConfigurationError("--expires-in is a number of days, hours or minutes, such as 90d, 12h or 30m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _view(key: ManagementKey) -> dict[str, Any]:
    def time(at: Any) -> str | None:
        return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "id": key.id,
        "org": key.org,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": time(key.created_at),
        "last_used_at": time(key.last_used_at),
        "expires_at": time(key.expires_at),
        "revoked_at": time(key.revoked_at),
    }
