"""Models of the tools' results: the API's own types, the upload link, and failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from providers_client.errors import ConfigurationError, ProvidersAPIError
from providers_contract import responses
from providers_contract.bodies import Body
from providers_contract.responses import FieldError, Provider, Reference, Response, Upload

LINK_MESSAGE: Final = (
    "Nothing is stored yet. Give this link to a person who has the key: it opens a page at which they enter it, once, "
    "before the link expires. Do not ask for the key here."
)


class Stored(Response):
    """The provider was added or changed."""

    status: Literal["stored"] = "stored"
    provider: Provider
    warnings: Annotated[list[responses.Warning], Field(default_factory=list)]


class UploadLink(Upload):
    """Nothing was changed yet: a person enters the key at the link."""

    status: Literal["upload_link"] = "upload_link"
    message: Annotated[str, Field(description="What to do with the link.")] = LINK_MESSAGE


class ToolError(Response):
    """The error; codes and fields are the API's."""

    code: str
    message: Annotated[str, Field(description="One sentence that a person can act on.")]
    request_id: Annotated[str | None, Field(description="To quote in a report; null if nothing was sent.")] = None
    param: Annotated[str | None, Field(description="The invalid argument.")] = None
    resource: str | None = None
    id: str | None = None
    errors: Annotated[list[FieldError] | None, Field(description="All field errors, with validation_failed.")] = None
    references: Annotated[
        list[Reference] | None,
        Field(
            description="With provider_in_use, the routing configs that use it; with name_taken, the providers that "
            "already have the new key."
        ),
    ] = None
    reason: Annotated[str | None, Field(description="Why a verification failed.")] = None
    retryable: Annotated[bool, Field(description="Whether the same call may succeed later.")] = False
    retry_after: Annotated[float | None, Field(description="Seconds to wait before that.")] = None


class Failure(Response):
    """The call failed."""

    error: ToolError


def failure(error: ProvidersAPIError | ConfigurationError) -> Failure:
    """Return the result for an error."""
    if isinstance(error, ConfigurationError):
        return Failure(error=ToolError(code="configuration_error", message=str(error)))
    return Failure(
        error=ToolError(
            code=error.code,
            message=error.message,
            request_id=error.request_id,
            param=error.param,
            resource=error.resource,
            id=error.id,
            errors=error.errors or None,
            references=error.references or None,
            reason=error.reason,
            retryable=error.retryable,
            retry_after=error.retry_after,
        )
    )


def sentences(error: ToolError) -> str:
    """Return a failure as text, for models and people that do not see structured content."""
    lines = [f"{error.code}: {error.message}"]
    lines += [f"- {each.param or 'arguments'}: {each.message}" for each in error.errors or ()]
    if error.references:
        what = "the key is already stored, as" if error.code == "name_taken" else "in use by"
        lines.append(f"{what}: " + ", ".join(f"{each.type} {each.id}" for each in error.references))
    if error.reason:
        lines.append(f"reason: {error.reason}")
    if error.retryable:
        wait = "" if error.retry_after is None else f", after {error.retry_after:.0f} s"
        lines.append(f"the same call may succeed later{wait}")
    if error.request_id:
        lines.append(f"request_id: {error.request_id}")
    return "\n".join(lines)


def input_schema(takes: type[Body]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, without null, which means the same as leaving an argument out.

    Defaults that mean "not given" are left out, too: the tags of an update, say, are kept, not emptied.
    """
    found: dict[str, Any] = _plain(takes.model_json_schema())
    del found["description"]
    for member in found["properties"].values():
        if member.get("default", ...) in (None, "", []):
            del member["default"]
        if "anyOf" in member:
            member.update(member.pop("anyOf")[0])
    return found


def output_schema(results: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """Return the JSON schema of a tool's structured content: one of `results`, or a failure.

    It has the fields of each, their JSON types and which are required, and nothing below: every model that lists the
    tools reads it. Failures are included because some clients validate every structured content against it, errors
    included. Protocol versions up to 2025-11-25 require an object at the root.
    """
    models: Sequence[type[BaseModel]] = (*results, Failure)
    return {"type": "object", "anyOf": [_outline(model) for model in models]}


def _outline(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="serialization")
    fields = {name: _json_type(each, schema.get("$defs", {})) for name, each in schema["properties"].items()}
    return {"properties": fields, "required": schema["required"]}


def _json_type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON type of a field, of a list's elements, too, and the value of a constant."""
    if "$ref" in schema:
        return _json_type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return {"type": [_json_type(each, definitions)["type"] for each in schema["anyOf"]]}
    found = {name: schema[name] for name in ("type", "const") if name in schema}
    return found | ({"items": _json_type(schema["items"], definitions)} if "items" in schema else {})


def _plain(node: Any) -> Any:
    """Return a schema without pydantic's titles, which repeat the names."""
    if isinstance(node, dict):
        kept = {name: value for name, value in node.items() if not (name == "title" and isinstance(value, str))}
        return {name: _plain(value) for name, value in kept.items()}
    return [_plain(each) for each in node] if isinstance(node, list) else node
