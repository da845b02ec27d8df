"""The fields that `--json=FIELD,…` selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from providers_client.errors import ConfigurationError

if TYPE_CHECKING:
    from providers_contract.responses import Response

Shown: TypeAlias = str | tuple[str, ...]
"""What a command prints: the name of a model of the contract, or the names of the fields."""


def chosen(text: str, shown: Shown) -> tuple[str, ...]:
    """Return the fields in `text`. Raises ConfigurationError, which lists the known ones and does not echo `text`."""
    known, wanted = known_fields(shown), tuple(each for each in text.split(",") if each)
    if not wanted or not set(wanted) <= set(known):
        what = "--json takes no fields here" if not known else f"--json has an unknown field; known: {', '.join(known)}"
        raise ConfigurationError(what)
    return wanted


def known_fields(shown: Shown) -> list[str]:
    """Return the names of the fields, those of nested models too: `health`, `health.state`."""
    if isinstance(shown, tuple):
        return [*shown]
    from providers_contract import responses  # late: the models take long to import

    return _fields_of(getattr(responses, shown))


def _fields_of(model: type[Response]) -> list[str]:
    from providers_contract.responses import Response

    found: list[str] = []
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        found.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Response):
            found += [f"{name}.{each}" for each in _fields_of(field.annotation)]
    return found


def selected(found: Any, fields: tuple[str, ...]) -> Any:
    """Return the fields of an object, or of each in a list; a field that it does not have is null."""
    if isinstance(found, list):
        return [selected(each, fields) for each in found]
    made: dict[str, Any] = {}
    for each in fields:
        name, _, inner = each.partition(".")
        value = found.get(name)
        if inner and isinstance(value, dict):
            value = {**made.get(name, {}), **selected(value, (inner,))}
        made[name] = value
    return made
