"""JSON schemas of the bodies, from pydantic's models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from providers_contract.errors import ERRORS, EXIT_CODES
from providers_contract.operations import Row
from providers_contract.responses import Error

_REF: Final = "#/components/schemas/"


class _Plain(GenerateJsonSchema):
    """Without a title for each member, which would say its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def schemas(rows: Iterable[Row]) -> dict[str, Any]:
    """Every model that `rows` speak of and those within them, by name; that of a failure too.

    The answers' models say what there is, not what must never be: members can be added.
    """
    models: dict[str, type[BaseModel]] = {Error.__name__: Error}
    for row in rows:
        given = [row.body, *(success.model for success in row.successes.values())]
        models |= {model.__name__: model for model in given if model is not None}
    wanted: list[tuple[type[BaseModel], Literal["validation"]]] = [(model, "validation") for model in models.values()]
    places, found = models_json_schema(wanted, ref_template=_REF + "{model}", schema_generator=_Plain)
    # pydantic calls a generic model Page_Provider_, whatever its own name is.
    names = {place["$ref"].removeprefix(_REF): model.__name__ for (model, _), place in places.items()}
    named: dict[str, Any] = {names.get(name, name): _tidy(schema, names) for name, schema in found["$defs"].items()}
    named["ErrorBody"]["properties"]["code"]["enum"] = [*ERRORS]
    named["ErrorBody"]["properties"]["type"]["enum"] = [*EXIT_CODES]
    return dict(sorted(named.items()))


def _tidy(schema: Any, names: Mapping[str, str]) -> Any:
    """With `names` in references, and without defaults that only say "not given" (None, an update's empty name)."""
    if isinstance(schema, list):
        return [_tidy(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {
        key: _tidy(value, names) for key, value in schema.items() if not (key == "default" and value in (None, ""))
    }
    if "$ref" in tidied:
        name = tidied["$ref"].removeprefix(_REF)
        tidied["$ref"] = _REF + names.get(name, name)
    return tidied
