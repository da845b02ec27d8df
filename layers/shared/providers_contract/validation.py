"""Validation shared by request bodies and MCP arguments: field types, and errors that never echo input."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

M = TypeVar("M", bound=BaseModel)
Error = dict[str, str | None]
"""One field error: `param`, `message` and `code`."""

_FIELD_NAME: Final = re.compile(r"[a-z_]{1,32}")
"""Field names that an error may repeat: none of them can be a misplaced credential."""


def field_error(code: str, message: str, **context: Any) -> PydanticCustomError:
    """Return the error that a validator raises. `message` is sent to the caller: it must not contain the input."""
    return PydanticCustomError(code, message, {**context, "ours": True})


def one_of(values: Sequence[str], code: str = "literal_error") -> tuple[Any, Any]:
    """Return the metadata of a string that must be one of `values`: a validator and a JSON schema.

    Use it as `Annotated[str, *one_of(…)]`: a type checker does not accept a `Literal` of values known at run time.
    """
    *most, last = map(str, values)
    expected = f"{', '.join(most)} or {last}" if most else last

    def check(value: str) -> str:
        if value not in values:
            raise field_error(code, "must be {expected}", expected=expected)
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": [*map(str, values)]})


def validated(model: type[M], given: Mapping[str, Any], failed: Callable[[list[Error]], Exception]) -> M:
    """Return `given` as `model`.

    Raises the exception that `failed` returns for all errors, unchained: pydantic's exception contains the input.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        errors = [_described(each) for each in error.errors(include_url=False, include_input=False)]
    raise failed(errors)


_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "unknown field",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_pattern_mismatch": "is not a valid id",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "model_type": "must be an object",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}
"""Messages by pydantic's error types; pydantic's own messages can contain the input."""


def _described(error: ErrorDetails) -> Error:
    code, context = error["type"], error.get("ctx", {})
    if context.get("ours"):
        message = error["msg"]
    elif code in _MESSAGES:
        message = _MESSAGES[code].format(**context).replace("'", "")
    else:
        message = "is not valid"
    return {"param": _param(error["loc"]), "message": message, "code": code}


def _param(location: tuple[int | str, ...]) -> str | None:
    """Return the path of a field, `attempts[0].model`, as far as it consists of names that may be repeated."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _FIELD_NAME.fullmatch(step):
            path += f".{step}" if path else step
        else:
            break
    return path or None
