"""Programs that make a class for each call and pass it to `into=`: what the library keeps of them is bounded."""

import gc
import linecache
from collections.abc import Callable
from dataclasses import make_dataclass
from typing import Any, Final, TypedDict
from weakref import WeakSet

import attrs
import pytest

from refold_async.codec.structuring.converters import MOST_TYPES, converters, structure
from refold_async.codec.structuring.into_types import check_target
from refold_async.codec.structuring.misfits import MisfitError

FIELDS: Final = {"id": str, "visits": int}


def make_attrs_class(number: int) -> type:
    """Return a new attrs class."""
    return attrs.make_class(f"Contact{number}", {name: attrs.field(type=kind) for name, kind in FIELDS.items()})


def make_a_dataclass(number: int) -> type:
    """Return a new dataclass."""
    return make_dataclass(f"Contact{number}", FIELDS.items())


def make_typed_dict(number: int) -> Any:
    """Return a new TypedDict."""
    make: Any = TypedDict
    return make(f"Contact{number}", FIELDS)


def generated_by_cattrs() -> int:
    """Return how many pieces of code cattrs made Python keep."""
    return sum(name.startswith("<cattrs generated") for name in linecache.cache)


@pytest.mark.parametrize("make", [make_attrs_class, make_a_dataclass, make_typed_dict])
def test_classes_made_for_each_call_are_not_kept(make: Callable[[int], Any]) -> None:
    """Of any number of such classes, no more than a few hundred stay in memory."""
    alive: WeakSet[Any] = WeakSet()
    generated = generated_by_cattrs()
    for number in range(3 * MOST_TYPES):
        contact: Any = make(number)
        alive.add(contact)
        into: Any = list[contact]
        check_target(into)
        [built] = structure([{"id": "1", "visits": number}], into, "data")
        assert (built["visits"] if isinstance(built, dict) else built.visits) == number
        with pytest.raises(MisfitError, match=r"@ data\[0\]\.visits"):
            structure([{"id": "1", "visits": None}], into, "data")
    gc.collect()
    assert len(alive) <= 2 * MOST_TYPES
    assert generated_by_cattrs() == generated


def test_types_in_use_are_prepared_once() -> None:
    """A program with many types of its own, in any order, prepares each of them once."""
    types = [make_attrs_class(number) for number in range(MOST_TYPES // 2)]
    for into in types:
        check_target(into)
    before = converters.fast
    for _ in range(10):
        for into in reversed(types):
            check_target(into)
    assert converters.fast is before
