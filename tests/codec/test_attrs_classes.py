"""attrs classes in `into=`: what a class does when an object is made happens, however quickly objects are made."""

# pyright: reportUnknownArgumentType=false
# (of the examples)

import abc
import copy
import pickle
import weakref
from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar

import attrs
import pytest
from cattrs import Converter
from cattrs.gen import override

from refold_async.codec.structuring.converters import converters, structure
from refold_async.codec.structuring.misfits import MisfitError, start_looking

T = TypeVar("T")


@attrs.frozen
class Contact:
    """A class that has only fields."""

    id: str
    score: float | None
    tags: list[str] = attrs.field(factory=list[str])
    note: str | None = "none"
    extra: Any = None


@attrs.define
class Named:
    """A class that is not frozen."""

    id: str
    name: str | None = None


@attrs.define
class Settable(Named):
    """One that derives from it."""

    age: int = attrs.field(default=0, kw_only=True)


@attrs.frozen
class Node:
    """A class that contains itself."""

    id: str
    nodes: "list[Node]" = attrs.field(factory=list["Node"])


@attrs.frozen(weakref_slot=False)
class Private:
    """A class with a private field."""

    _id: str


@attrs.frozen(slots=False)
class Unslotted:
    """A class whose objects have a dict."""

    id: str


@attrs.frozen(cache_hash=True)
class Cached:
    """A class with a field of attrs's own."""

    id: str


@attrs.define
class Checked:
    """A class with a check."""

    id: str = attrs.field(validator=attrs.validators.max_len(3))


def _shouted(text: str) -> str:
    return text.upper()


@attrs.frozen
class Converted:
    """A class that converts."""

    id: str = attrs.field(converter=_shouted)


@attrs.frozen
class Computed:
    """A class with a default that depends on another field."""

    id: str
    twice: str = attrs.field(default=attrs.Factory(lambda self: self.double(), takes_self=True))

    def double(self) -> str:
        """Return the id twice."""
        return self.id * 2


@attrs.define
class After:
    """A class with a field that is set at the end."""

    id: str
    length: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.length = len(self.id)


@attrs.frozen
class AfterOnly:
    """A class that refuses objects when they are made."""

    id: str

    def __attrs_post_init__(self) -> None:
        if self.id == "bad":
            raise ValueError("it is bad")


@attrs.define(init=False)
class OwnInit:
    """A class with an `__init__` of its own."""

    id: str

    def __init__(self, id: str) -> None:  # noqa: A002
        self.id = f"<{id}>"


@attrs.define
class OwnNew:
    """A class with a `__new__` of its own."""

    id: str

    def __new__(cls, id: str) -> "OwnNew":  # noqa: A002
        """Refuse an id."""
        if id == "bad":
            raise ValueError("it is bad")
        return super().__new__(cls)


@attrs.define(slots=False)
class OwnSetattr:
    """A class with a `__setattr__` of its own."""

    id: str

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, f"<{value}>")


@attrs.define
class OwnSetattrWithSlots:
    """A class with slots and a `__setattr__` of its own."""

    id: str

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, f"<{value}>")


class Counting(type):
    """A metaclass that does something when an object is made."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object."""
        made = super().__call__(*args, **kwargs)
        object.__setattr__(made, "id", f"<{made.id}>")
        return made


@attrs.frozen
class Counted(metaclass=Counting):
    """A class with such a metaclass."""

    id: str


@attrs.frozen
class Renamed:
    """A class with a field that JSON calls otherwise."""

    name: Annotated[str, override(rename="id")]


def knows_overrides() -> bool:
    """Tell whether cattrs knows overrides in `Annotated`, as its newer versions do."""
    try:
        return Converter().structure({"id": "1"}, Renamed) == Renamed("1")
    except Exception:  # noqa: BLE001 - older ones do not look at them
        return False


KNOWS_OVERRIDES: Final = pytest.mark.skipif(not knows_overrides(), reason="an older cattrs knows no such overrides")


@attrs.frozen
class Box(Generic[T]):
    """A generic class."""

    id: T


@attrs.frozen
class TextBox(Box[str]):
    """A class that derives from a generic one."""


@attrs.frozen
class Abstract(abc.ABC):
    """A class without objects."""

    id: str

    @abc.abstractmethod
    def do(self) -> None:
        """Do something."""


CONTACT: Final = {"id": "1", "score": 1.5, "tags": ["a"], "note": None, "extra": {"a": [1]}, "other": 5}
BARE: Final = {"id": "1", "score": 2}


@pytest.mark.parametrize(
    ("target", "value", "made"),
    [
        (Contact, CONTACT, Contact("1", 1.5, ["a"], None, {"a": [1]})),
        (Contact, BARE, Contact("1", 2.0)),
        (Settable, {"id": "1", "name": "a", "age": 3}, Settable("1", "a", age=3)),
        (Settable, {"id": "1", "name": None}, Settable("1")),
        (Node, {"id": "1", "nodes": [{"id": "2", "nodes": []}]}, Node("1", [Node("2")])),
        (Private, {"_id": "1"}, Private("1")),
        (Unslotted, {"id": "1"}, Unslotted("1")),
        (Cached, {"id": "1"}, Cached("1")),
        (Checked, {"id": "123"}, Checked("123")),
        (Converted, {"id": "a"}, Converted("a")),
        (Computed, {"id": "a"}, Computed("a", "aa")),
        (After, {"id": "abc"}, After("abc")),
        (AfterOnly, {"id": "good"}, AfterOnly("good")),
        (OwnInit, {"id": "1"}, OwnInit("1")),
        (OwnNew, {"id": "1"}, OwnNew("1")),
        (OwnSetattr, {"id": "1"}, OwnSetattr("1")),
        (OwnSetattrWithSlots, {"id": "1"}, OwnSetattrWithSlots("1")),
        (Counted, {"id": "1"}, Counted("1")),
        pytest.param(Renamed, {"id": "1"}, Renamed("1"), marks=KNOWS_OVERRIDES),
        (Box[str], {"id": "1"}, Box("1")),
        (TextBox, {"id": "1"}, TextBox("1")),
    ],
)
def test_objects(target: Any, value: Any, made: Any) -> None:
    """An object is the same as the class itself makes, and so is that of the thorough converter."""
    start_looking()
    for converter in (converters.fast, converters.thorough):
        for _ in range(2):
            found = converter.structure(value, target)
            assert type(found) is type(made)
            assert found == made
            assert repr(found) == repr(made)


@pytest.mark.parametrize(
    ("target", "value", "problem"),
    [
        (Contact, {"score": 1}, "required field missing @ response.id"),
        (Contact, {"id": None, "score": 1}, "expected a string, got null @ response.id"),
        (Contact, {"id": "1", "score": True}, "expected a number or null, got true or false @ response.score"),
        (Contact, {**BARE, "tags": None}, "expected a list, got null @ response.tags"),
        (Settable, {**BARE, "age": True}, "expected a whole number, got true or false @ response.age"),
        (Contact, [], "expected an object, got a list @ response"),
        (Checked, {"id": "1234"}, "Length of 'id' must be <= 3: 4"),
        (AfterOnly, {"id": "bad"}, "it is bad"),
        (OwnNew, {"id": "bad"}, "it is bad"),
        (Abstract, {"id": "1"}, "abstract"),
    ],
)
def test_misfits(target: Any, value: Any, problem: str) -> None:
    """What does not fit is refused, and so is what the class refuses."""
    with pytest.raises(MisfitError) as caught:
        structure([value], list[target], "response")
    assert problem in str(caught.value).replace("[0]", "")


def _pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, _pickled])
def test_nothing_is_special(again: Callable[[Any], Any]) -> None:
    """An object is as complete as one that the class itself makes."""
    contact: Any = structure(CONTACT, Contact, "response")
    assert again(contact) == contact
    assert attrs.evolve(contact, note="a") == Contact("1", 1.5, ["a"], "a", {"a": [1]})
    assert weakref.proxy(contact).id == "1"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        contact.id = "2"
    settable: Any = structure({"id": "1"}, Settable, "response")
    settable.id = "2"
    assert settable.id == "2"


def test_defaults_are_not_shared() -> None:
    """Each object has a list of its own."""
    one, other = structure([BARE, BARE], list[Contact], "response")
    assert one.tags == other.tags == []
    assert one.tags is not other.tags
