"""API Gateway's requests and responses."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar
from urllib.parse import parse_qsl, unquote

from providers.model.errors import InvalidRequest, NotFound, ProvidersError, validation_failed, version_not_found
from providers.model.idempotency import StoredResponse
from providers_contract.errors import ERRORS, error_body
from providers_contract.frozen import dataclass
from providers_contract.ids import PROVIDER_ID, SLUG, VERSION_NUMBER
from providers_contract.limits import DEFAULT_PAGE, MAX_BODY_BYTES, MAX_PAGE

if TYPE_CHECKING:
    from providers.edge.caller import Authorized
    from providers.model.idempotency import Lease
    from providers.usecases.mutation import Mutation

MAX_FIELDS: Final = 10

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Reply:
    """The response of an endpoint; `members` are added to the body next to `data` (`next_cursor`, `warnings`)."""

    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> Mapping[str, Any]:
        """The response's body."""
        return {"data": self.data, **self.members}


@dataclass(frozen=True, slots=True)
class Request(Generic[B]):
    """One authenticated request.

    Args:
        id: API Gateway's request id.
        caller: the management key's holder; `org` and `key_id` are its.
        path, query: the parameters. `headers`: with lower-case names.
        body: the result of the endpoint's `body`.
        reply: renders the use case's result.
        lease: the lease on the request's Idempotency-Key, if it has one.
    """

    id: str
    caller: Authorized
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: B
    reply: Callable[[Any], Reply]
    lease: Lease | None = None

    @property
    def org(self) -> str:
        """The organization of the management key."""
        return self.caller.org

    @property
    def key_id(self) -> str:
        """The management key's id."""
        return self.caller.key_id

    @property
    def mutation(self) -> Mutation[Any]:
        """The request as a mutation: the rendered response is stored with the change."""
        from providers.model.audit import Actor  # late: most functions only read
        from providers.usecases.mutation import Mutation

        actor = Actor("management_key", self.key_id)
        return Mutation(actor, self.id, self.lease, lambda result: render(self.reply(result)))

    @property
    def if_match(self) -> str | None:
        """The `If-Match` header."""
        return self.headers.get("if-match")

    @property
    def cursor(self) -> str | None:
        """`?cursor`."""
        return self.query.get("cursor")

    def provider_id(self) -> str:
        """The provider id in the path. Raises NotFound, without echoing it, if it is malformed."""
        found = unquote(self.path["provider_id"])
        if not PROVIDER_ID.fullmatch(found):
            raise NotFound("provider_not_found", "provider not found: this is not a provider's id", resource="provider")
        return found

    def version(self) -> int:
        """The version number in the path. Raises NotFound, without echoing it, if it is malformed."""
        found = unquote(self.path["number"])
        if not VERSION_NUMBER.fullmatch(found):
            raise version_not_found(None)
        return int(found)

    def slug(self) -> str:
        """The routing config's slug in the path. Raises NotFound, without echoing it, if it is malformed."""
        found = unquote(self.path["slug"])
        if not SLUG.fullmatch(found):
            raise NotFound(
                "routing_config_not_found",
                "routing config not found: this is not a slug (lower-case letters, digits, - and _, @ in front)",
                resource="routing_config",
            )
        return found

    def has_already(self, tag: str) -> bool:
        """Return whether `If-None-Match` names `tag`, weak or strong."""
        known = [each.strip().removeprefix("W/") for each in self.headers.get("if-none-match", "").split(",")]
        return tag in known or "*" in known

    def limit(self, default: int = DEFAULT_PAGE, most: int = MAX_PAGE) -> int:
        """Return `?limit`. Raises InvalidRequest (`invalid_parameter`)."""
        text = self.query.get("limit", str(default))
        if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
            raise invalid_parameter("limit", f"limit must be a whole number from 1 to {most}")
        return int(text)

    def text(self, name: str, most: int = 128) -> str | None:
        """Return `?name`, 1 to `most` characters, or None. Raises InvalidRequest (`invalid_parameter`)."""
        value = self.query.get(name)
        if value is not None and not 1 <= len(value) <= most:
            raise invalid_parameter(name, f"{name} must have 1 to {most} characters")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """Return `?name`, one of `choices`, or None. Raises InvalidRequest (`invalid_parameter`)."""
        value = self.query.get(name)
        if value is not None and value not in choices:
            raise invalid_parameter(name, f"{name} must be one of {', '.join(choices)}")
        return value


def invalid_parameter(name: str, message: str) -> InvalidRequest:
    """Return the 400 for a query parameter."""
    return InvalidRequest("invalid_parameter", message, param=name)


def lower_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the event's headers with lower-case names."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def read_query(event: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, str]:
    """Return the query parameters. Raises InvalidRequest if one is unknown or repeated."""
    many: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    for name, values in many.items():
        if name not in allowed:
            known = f"; this endpoint takes {', '.join(sorted(allowed))}" if allowed else "; this endpoint takes none"
            raise InvalidRequest("invalid_parameter", f"unknown query parameter{known}")
        if len(values) != 1:
            raise invalid_parameter(name, f"{name} may be given once")
    return {name: values[0] for name, values in many.items()}


def own_url(event: Mapping[str, Any], path: str, *, local: bool = False) -> str:
    """Return the URL of another path of this API, as the caller of `event` reaches it.

    Host and path prefix stay the same: the stage, or the base path of a custom domain. The local stack (`local`) uses
    http.
    """
    context = event["requestContext"]
    depth = context["resourcePath"].strip("/").count("/") + 1
    before = context["path"].rstrip("/").split("/")[:-depth]
    return f"{'http' if local else 'https'}://{context['domainName']}{'/'.join(before)}{path}"


def read_object(event: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object in the body.

    Raises InvalidRequest: unsupported_media_type, body_too_large, malformed_json.
    """
    try:
        raw = _read_body(event, headers, "application/json")
    except ValueError:
        raise _malformed("the body is not UTF-8 text") from None
    try:
        found = json.loads(raw.decode(), parse_constant=_no_constant, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise _malformed("the body is not valid JSON") from None
    if not isinstance(found, dict):
        raise _malformed("the body must be a JSON object")
    return found


def read_form(event: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the form in the body, as a browser sends it.

    Raises InvalidRequest: unsupported_media_type, body_too_large, validation_failed.
    """
    try:
        text = _read_body(event, headers, "application/x-www-form-urlencoded").decode()
        return _distinct(
            parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS)
            if text
            else []
        )
    except ValueError:
        message = f"the body is not a form of up to {MAX_FIELDS} fields, each given once"
        raise validation_failed([{"param": None, "message": message, "code": "malformed_form"}]) from None


def _read_body(event: Mapping[str, Any], headers: Mapping[str, str], media_type: str) -> bytes:
    """Return the body as it was sent. Raises InvalidRequest, and ValueError if it is not valid Base64 or text."""
    if headers.get("content-type", media_type).partition(";")[0].strip().lower() != media_type:
        raise InvalidRequest("unsupported_media_type", f"send the body as Content-Type: {media_type}")
    text = event.get("body") or ""
    raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if len(raw) > MAX_BODY_BYTES:
        raise InvalidRequest("body_too_large", f"the body is larger than {MAX_BODY_BYTES // 1024} KiB")
    return raw


def _malformed(message: str) -> InvalidRequest:
    return InvalidRequest("malformed_json", message)


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found


def as_is(reply: Reply) -> Reply:
    """Return `reply` unchanged, for results that are already rendered."""
    return reply


def render(reply: Reply) -> StoredResponse:
    """Return `reply` as the response to send and to store with the Idempotency-Key."""
    if reply.status == 304:
        return StoredResponse(304, reply.headers, "")
    return StoredResponse(reply.status, {**reply.headers, "Content-Type": "application/json"}, to_json(reply.body))


def error_response(error: ProvidersError, request_id: str) -> StoredResponse:
    """Return the response for `error`."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    fields = {"resource": error.resource, "id": error.id, "param": error.param, **error.details}
    body = error_body(error.code, error.message, request_id, fields)
    return StoredResponse(ERRORS[error.code].status, headers | {"Content-Type": "application/json"}, to_json(body))


def with_fields(response: StoredResponse, fields: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> StoredResponse:
    """Return `response` with additional fields in its `data`, returned by `fields` for the present `data`."""
    body = json.loads(response.body)
    return replace(response, body=to_json(body | {"data": {**body["data"], **fields(body["data"])}}))


def to_json(body: Mapping[str, Any]) -> str:
    """Return a body as JSON text."""
    return (
        json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n"
    )  # with a final newline, so that a terminal's prompt starts on a new line
