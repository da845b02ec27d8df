"""Validation shared by request bodies and MCP arguments: field types, and errors that never echo input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def one_of(values: Sequence[str]) -> tuple[Any, Any]:
    """Return the metadata of a string that must be one of `values`: a validator and a JSON schema.

    Use it as `Annotated[str, *one_of(…)]`: a type checker does not accept a `Literal` of values known at run time.
    """
    *most, last = values
    expected: Final = f"{', '.join(most)} or {last}" if most else last

    def check(value: str) -> str:
        if value not in values:
            raise PydanticCustomError("literal_error", "must be {expected}", {"expected": expected})
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": [*map(str, values)]})
