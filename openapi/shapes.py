"""The JSON schemas of bodies and responses, from the contract's models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from providers_contract import bodies, responses
from providers_contract.errors import ERRORS, EXIT_CODES
from providers_contract.operations import Operation
from providers_contract.responses import ErrorResponse

_REF: Final = "#/components/schemas/"


class _Plain(GenerateJsonSchema):
    """JSON schemas without a title for each field, which would repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def model(name: str) -> type[BaseModel]:
    """Return the model with the name in an operation: `AddProviderBody`, `ProviderPage`, `VersionsSingle`.

    Raises AttributeError if neither module has the name.
    """
    wrappers: list[Any] = [responses.Page, responses.Single, responses.Changed]
    found: type[BaseModel]
    for wrapper in wrappers:
        inner = name.removesuffix(wrapper.__name__)
        if inner != name:
            many = inner.removesuffix("s")
            found = wrapper[getattr(responses, inner) if hasattr(responses, inner) else list[getattr(responses, many)]]  # type: ignore[misc]
            return found
    found = getattr(bodies if hasattr(bodies, name) else responses, name)
    return found


def schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the schemas of the models of `operations`, of the models in them, and of an error, by name.

    Response schemas are open: the API may add fields.
    """
    names = {ErrorResponse.__name__}
    for each in operations:
        names |= {name for name in (each.body, *(success.model for success in each.successes.values())) if name}
    models = {name: model(name) for name in sorted(names)}
    wanted: list[tuple[type[BaseModel], Literal["validation"]]] = [(each, "validation") for each in models.values()]
    references, found = models_json_schema(wanted, ref_template=_REF + "{model}", schema_generator=_Plain)
    # pydantic calls a generic model Page_Provider_, not by its own name.
    titles = {each["$ref"].removeprefix(_REF): named.__name__ for (named, _), each in references.items()}
    named: dict[str, Any] = {titles.get(name, name): _tidy(schema, titles) for name, schema in found["$defs"].items()}
    named["ErrorBody"]["properties"]["code"]["enum"] = [*ERRORS]
    named["ErrorBody"]["properties"]["type"]["enum"] = [*EXIT_CODES]
    return dict(sorted(named.items()))


def _tidy(schema: Any, names: Mapping[str, str]) -> Any:
    """Return `schema` with `names` in references and without defaults: some generators require those fields."""
    if isinstance(schema, list):
        return [_tidy(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidy(value, names) for key, value in schema.items() if key != "default"}
    if "$ref" in tidied:
        name = tidied["$ref"].removeprefix(_REF)
        tidied["$ref"] = _REF + names.get(name, name)
    return tidied
