"""The quick dataclasses behave as the standard library's frozen, slotted ones."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from pathlib import Path
from typing import Any

import pytest

from providers_contract import frozen


def _classes(decorator: Any) -> tuple[Any, Any]:
    @decorator(frozen=True, slots=True)
    class Base:
        """A class with each kind of field."""

        number: int
        text: str = "text"
        many: list[int] = field(default_factory=list)
        hidden: str = field(default="hidden", repr=False)
        ignored: int = field(default=0, compare=False)

    @decorator(frozen=True, slots=True, kw_only=True)
    class Derived(Base):
        """A class with a base and a field without a default."""

        more: int

    return Base, Derived


STANDARD, STANDARD_DERIVED = _classes(dataclasses.dataclass)
QUICK, QUICK_DERIVED = _classes(frozen.dataclass)


@frozen.dataclass(frozen=True, slots=True)
class Point:
    """A class that pickle finds by its name."""

    x: int
    y: tuple[int, ...] = ()


def _outcome(call: Any) -> Any:
    """Return what `call` returns, without the classes' names, or the type of its error."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - any error is the outcome
        return type(error)


BEHAVIORS: dict[str, Callable[[Any, Any], Any]] = {
    "positional": lambda base, _: repr(base(1, "a", [2])),
    "by name": lambda base, _: repr(base(text="a", number=1)),
    "keyword-only": lambda _, derived: repr(derived(1, more=2)),
    "keyword-only by position": lambda _, derived: derived(1, "a", [], "b", 0, 2),
    "missing": lambda base, _: base(),
    "missing keyword": lambda _, derived: derived(1),
    "too many": lambda base, _: base(1, "a", [], "b", 0, 6),
    "repeated": lambda base, _: base(1, number=1),
    "unknown": lambda base, _: base(1, unknown=1),
    "own defaults": lambda base, _: base(1).many is not base(1).many,
    "equal": lambda base, _: base(1) == base(1),
    "equal but for what is ignored": lambda base, _: base(1) == base(1, ignored=2),
    "different": lambda base, _: base(1) == base(2),
    "of another class": lambda base, derived: base(1) == derived(1, more=1),
    "hash": lambda base, _: hash(base(1, many=())) == hash(base(1, many=(), ignored=3)),
    "hash of what has none": lambda base, _: hash(base(1)),
    "replaced": lambda base, _: repr(replace(base(1), text="b")),
    "set": lambda base, _: setattr(base(1), "number", 2),
    "deleted": lambda base, _: delattr(base(1), "number"),
    "copied": lambda base, _: copy.copy(base(1)) == base(1),
    "copied deeply": lambda _, derived: copy.deepcopy(derived(1, more=2)) == derived(1, more=2),
    "no dictionary": lambda base, _: hasattr(base(1), "__dict__"),
    "fields": lambda _, derived: [each.name for each in dataclasses.fields(derived)],
    "matched": lambda base, _: base.__match_args__,
}


@pytest.mark.parametrize("name", BEHAVIORS)
def test_both_do_the_same(name: str) -> None:
    """A class of either kind gives the same result, or raises the same type of error."""
    behavior = BEHAVIORS[name]
    assert _outcome(lambda: behavior(QUICK, QUICK_DERIVED)) == _outcome(lambda: behavior(STANDARD, STANDARD_DERIVED))


def test_pickle_restores_the_fields() -> None:
    """A pickled object is equal to the original, and still frozen."""
    restored: Any = pickle.loads(pickle.dumps(Point(1, (2,))))
    assert restored == Point(1, (2,))
    with pytest.raises(FrozenInstanceError):
        restored.x = 3


def test_what_is_no_field_cannot_be_set() -> None:
    """An attribute that is no field is refused as well: the standard library's slotted classes raise a TypeError."""
    with pytest.raises(FrozenInstanceError):
        Point(1).z = 3  # type: ignore[attr-defined]


def test_a_method_of_the_class_stays() -> None:
    """A method that the class defines is not replaced."""

    @frozen.dataclass(frozen=True, slots=True)
    class Quiet:
        """A class with a repr of its own."""

        secret: str

        def __repr__(self) -> str:
            return "…"

    assert repr(Quiet("a")) == "…"


@pytest.mark.parametrize("options", [{"frozen": True, "slots": False}, {"frozen": False, "slots": True}])
def test_only_frozen_slotted_classes(options: dict[str, bool]) -> None:
    """Other dataclasses are refused."""
    with pytest.raises(TypeError):
        frozen.dataclass(**options)(object)


def test_the_layer_uses_it() -> None:
    """No frozen class of the layer is the standard library's, which would take longer to import."""
    root = Path(frozen.__file__).parent.parent
    sources = {path: path.read_text(encoding="utf-8") for path in root.glob("providers*/**/*.py")}
    standard = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    slow = [path.name for path, text in sources.items() if path.name != "frozen.py" and standard.search(text)]
    assert slow == ["cache.py"]  # its class changes
