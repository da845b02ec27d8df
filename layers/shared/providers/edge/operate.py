"""Operators' actions on management keys, data keys and webhooks. IAM decides who may invoke them: there is no route."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from providers.edge.http import error_response
from providers.edge.logs import log_context, logger, to_client_error
from providers.edge.metrics import metrics_written
from providers.edge.views import at
from providers.model.errors import Conflict, NotFound, Unavailable, Unprocessable, validation_failed
from providers.model.events import webhook_test_event
from providers.model.management_key import ManagementKey
from providers.ports import Ports, StaleWrite
from providers.usecases.data_keys import (
    DataKeyInUse,
    Resealed,
    UnknownDataKey,
    destroy_data_key,
    list_data_keys,
    reseal,
    rotate_data_key,
)
from providers.usecases.management_keys import mint_management_key, revoke_management_key
from providers.usecases.mutation import write_contention
from providers_contract.frozen import dataclass
from providers_contract.ids import PROVIDER_ID
from providers_contract.vocabulary import Scope

A = TypeVar("A", bound=BaseModel)

MARGIN: Final = timedelta(seconds=10)
"""No further provider is resealed this long before the function's timeout."""

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


def _checked(form: str, message: str) -> AfterValidator:
    """Return a validator for strings of this form. Its error is a whole sentence that never echoes the value."""

    def check(value: str) -> str:
        if not re.fullmatch(form, value) or not value.isprintable():
            raise PydanticCustomError("operator_argument", message)
        return value

    return AfterValidator(check)


Org = Annotated[str, _checked(r"[A-Za-z0-9_-]{1,64}", "an organization has at most 64 letters, digits, _ and -")]
Name = Annotated[str, _checked(r".{1,80}", "a key's name has 1 to 80 printable characters")]
GrantedScope = Annotated[str, _checked("|".join(Scope), f"a scope is one of {', '.join(Scope)}")]
Life = Annotated[
    str,
    _checked(r"[1-9][0-9]{0,4}[dhm]", "--expires-in is a number of days, hours or minutes, such as 90d, 12h or 30m"),
]
Id = Annotated[str, Field(max_length=64)]


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class CreateKey(_Arguments):
    """A new management key; by default it has all scopes."""

    org: Org
    name: Name
    scopes: list[GrantedScope] = []
    expires_in: Life | None = None


class ListKeys(_Arguments):
    """The management keys of an organization, or of all."""

    org: Org | None = None


class RevokeKey(_Arguments):
    """A management key to revoke."""

    id: Id


class Organization(_Arguments):
    """An organization."""

    org: Org


class Reseal(Organization):
    """An organization, and where the previous pass stopped."""

    before: Annotated[str, Field(pattern=f"^(?:{PROVIDER_ID.pattern})$")] | None = None


class DestroyDataKey(Organization):
    """A data key to destroy."""

    id: Id


class Nothing(_Arguments):
    """No arguments."""


class Invocation(BaseModel):
    """The payload of the function."""

    model_config = ConfigDict(strict=True, extra="forbid")

    action: Literal[
        "keys.create",
        "keys.list",
        "keys.revoke",
        "data_keys.list",
        "data_keys.rotate",
        "data_keys.reseal",
        "data_keys.destroy",
        "webhook.test",
    ]
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The ports, and the time when the function must stop."""

    ports: Ports
    end: datetime


def operator(ports: Callable[[], Ports]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the function's handler, which responds with `{"data": …}` or the API's `{"error": …}`.

    Only the action and the outcome are logged: a new key is only in the response.
    """

    def handler(event: Any, context: Any) -> dict[str, Any]:
        request_id = str(getattr(context, "aws_request_id", ""))
        action, code = None, None
        response: dict[str, Any]
        with log_context(context):
            try:
                invocation = _parsed(Invocation, event)
                action = invocation.action
                model, work = _ACTIONS[action]
                arguments = _parsed(model, invocation.arguments)
                left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - MARGIN
                with metrics_written(ports):
                    response = {"data": work(Run(ports(), ports().clock.now() + left), arguments)}
            except Exception as error:  # noqa: BLE001 - every error becomes a response in the API's format
                failure = to_client_error(error)
                code, response = failure.code, json.loads(error_response(failure, request_id).body)
            logger.info("responded", action=action, code=code)
        return response

    return handler


def _parsed(model: type[A], given: Any) -> A:
    """Return `given` as a model. Raises Unprocessable (`validation_failed`), which never echoes it."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    ours = [each["msg"] for each in found if each["type"] == "operator_argument"]
    if ours:
        raise Unprocessable("validation_failed", ours[0])
    known = {*model.model_fields}
    params = [next((step for step in each["loc"] if step in known), None) for each in found]
    raise validation_failed([{"param": param, "message": "is not valid", "code": "invalid"} for param in params])


def _create_key(run: Run, given: CreateKey) -> dict[str, Any]:
    run.ports.digests.create()  # the stack's first management key creates the digest key
    expires_at = None
    if given.expires_in is not None:
        number, unit = int(given.expires_in[:-1]), given.expires_in[-1]
        expires_at = run.ports.clock.now() + timedelta(**{_UNITS[unit]: number})
    scopes = [Scope(each) for each in given.scopes or Scope]
    try:
        key, token = mint_management_key(run.ports, given.org, given.name, scopes, expires_at=expires_at)
    except StaleWrite:
        raise write_contention() from None
    return _key_view(key) | {"token": token.reveal()}


def _list_keys(run: Run, given: ListKeys) -> list[dict[str, Any]]:
    return [_key_view(key) for key in run.ports.management_keys.list(given.org)]


def _revoke_key(run: Run, given: RevokeKey) -> dict[str, Any]:
    try:
        if re.fullmatch(r"[0-9a-z]+", given.id):
            return _key_view(revoke_management_key(run.ports, given.id))
    except StaleWrite:
        pass
    message = "no management key has this id; `providers keys list` shows them"
    raise NotFound("management_key_not_found", message, resource="management_key")


def _list_data_keys(run: Run, given: Organization) -> list[dict[str, Any]]:
    return [
        {
            "id": use.key.id,
            "created_at": at(use.key.created_at),
            "versions": use.versions,
            "current": use.current,
        }
        for use in list_data_keys(run.ports, given.org)
    ]


def _rotate(run: Run, given: Organization) -> dict[str, Any]:
    return _resealed(lambda: rotate_data_key(run.ports, given.org, run.end))


def _reseal(run: Run, given: Reseal) -> dict[str, Any]:
    return _resealed(lambda: reseal(run.ports, given.org, run.end, given.before))


def _resealed(work: Callable[[], Resealed]) -> dict[str, Any]:
    try:
        done = work()
    except UnknownDataKey as error:
        raise _no_data_key(error) from None
    return {
        "id": done.key.id,
        "versions": done.versions,
        "broken": list(done.broken),
        "settled_in_s": int(done.settled_in.total_seconds()),
        "before": done.before,
    }


def _destroy(run: Run, given: DestroyDataKey) -> dict[str, Any]:
    try:
        destroy_data_key(run.ports, given.org, given.id)
    except UnknownDataKey as error:
        raise _no_data_key(error) from None
    except DataKeyInUse as error:
        raise Conflict("data_key_in_use", str(error), resource="data_key") from None
    return {"id": given.id, "destroyed": True}


def _no_data_key(error: UnknownDataKey) -> NotFound:
    return NotFound("data_key_not_found", str(error), resource="data_key")


def _test_webhook(run: Run, _: Nothing) -> dict[str, Any]:
    event = webhook_test_event(run.ports.clock.new_id(), run.ports.clock.now())
    if event not in run.ports.publisher.publish([event]).accepted:
        raise Unavailable("dependency_unavailable", "EventBridge rejected the event; try again", retry_after_s=1)
    return {"id": event.id, "type": event.type.value, "sent_at": at(event.at)}


def _key_view(key: ManagementKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "org": key.org,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": at(key.created_at),
        "last_used_at": at(key.last_used_at),
        "expires_at": at(key.expires_at),
        "revoked_at": at(key.revoked_at),
    }


_ACTIONS: Final[Mapping[str, tuple[type[Any], Callable[[Run, Any], Any]]]] = {
    "keys.create": (CreateKey, _create_key),
    "keys.list": (ListKeys, _list_keys),
    "keys.revoke": (RevokeKey, _revoke_key),
    "data_keys.list": (Organization, _list_data_keys),
    "data_keys.rotate": (Organization, _rotate),
    "data_keys.reseal": (Reseal, _reseal),
    "data_keys.destroy": (DestroyDataKey, _destroy),
    "webhook.test": (Nothing, _test_webhook),
}
