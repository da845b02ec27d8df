"""`dataclass(frozen=True, slots=True)`, without the code that the standard library compiles for every class.

The standard library compiles the source of six methods for each class on import: 1.5 ms of CPU, an eighth of a cold
start, which makes forty classes. Here the methods are closures over the fields, and a class takes 0.2 ms. The fields
are still the standard library's, so `field`, `fields` and `replace` work as they do there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]

if TYPE_CHECKING:  # type checkers know the standard library's, whose contract this keeps
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """Return a decorator that makes a class a dataclass. Both `frozen` and `slots` must be true."""
        if not (frozen and slots):
            raise TypeError("for other dataclasses there is the standard library's decorator")
        return lambda cls: _with_methods(
            dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        )


def _with_methods(cls: type) -> type:
    """Add to `cls` the methods that it does not define itself."""
    fields = dataclasses.fields(cls)
    puts = {each.name: getattr(cls, each.name).__set__ for each in fields}  # past __setattr__, which refuses
    methods = {
        "__init__": _init(cls, fields, puts),
        "__repr__": _repr(tuple(each.name for each in fields if each.repr)),
        **_comparing(tuple(each.name for each in fields if each.compare)),
        **_copying(puts),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _init(
    cls: type, fields: tuple[dataclasses.Field[Any], ...], puts: dict[str, Callable[[Any, Any], None]]
) -> Callable[..., None]:
    positional = tuple(each.name for each in fields if not each.kw_only)
    defaults = {each.name: each.default for each in fields if each.default is not dataclasses.MISSING}
    factories = {each.name: make for each in fields if callable(make := each.default_factory)}
    names, setters = tuple(puts), tuple(puts.values())

    def completed(args: tuple[Any, ...], given: dict[str, Any]) -> list[Any]:
        values = {**defaults, **dict(zip(positional, args, strict=False)), **given}
        for name, make in factories.items():
            if name not in values:
                values[name] = make()
        repeated = args and given and not given.keys().isdisjoint(positional[: len(args)])
        if repeated or len(args) > len(positional) or values.keys() != puts.keys():
            raise TypeError(f"{cls.__qualname__} takes {', '.join(names)}: an argument is missing, repeated or unknown")
        return [values[name] for name in names]

    def __init__(self: Any, *args: Any, **given: Any) -> None:  # noqa: N807
        values = args if len(args) == len(names) == len(positional) and not given else completed(args, given)
        for put, value in zip(setters, values, strict=True):
            put(self, value)

    return __init__


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: N807
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _comparing(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    compared = attrgetter(*names)

    def __eq__(self: Any, other: Any) -> Any:  # noqa: N807
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(compared(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _copying(puts: dict[str, Callable[[Any, Any], None]]) -> dict[str, Callable[..., Any]]:
    """Return what `copy` and `pickle` use: by default they would assign to the fields."""

    def __getstate__(self: Any) -> list[Any]:  # noqa: N807
        return [getattr(self, name) for name in puts]

    def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: N807
        for put, value in zip(puts.values(), state, strict=True):
            put(self, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _refuse(self: Any, name: str, value: Any = None) -> NoReturn:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")
