"""`into=`: the types that JSON can be structured into, how strictly, and how a misfit is named."""

import copy
import datetime as dt
import enum
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pytest

import postponed_annotations as postponed
from refold_async import Action, ConfigurationError
from refold_async.responses import read_action_result, read_value
from refold_async.structuring import MisfitError, structure

T = TypeVar("T")
ContactId = NewType("ContactId", str)


class Colour(enum.Enum):
    """An enum of strings."""

    RED = "red"
    BLUE = "blue"


class Size(enum.Enum):
    """An enum of numbers."""

    ONE = 1


class Level(enum.IntEnum):
    """An enum whose members are numbers."""

    LOW = 1


class Mood(enum.StrEnum):
    """An enum whose members are strings."""

    GOOD = "good"


@attrs.frozen
class Point:
    """A small attrs class."""

    x: int
    y: int = 0


@attrs.define
class Document:
    """An attrs class with a field named as a database names it, one that holds another, and one with a rule."""

    _id: str
    point: Point | None = None
    share: float = attrs.field(default=0.5, validator=attrs.validators.le(1))


@attrs.frozen
class Node:
    """An attrs class that holds itself."""

    value: int
    next: Optional["Node"] = None


@dataclass
class Tree:
    """A dataclass that holds itself."""

    name: str
    trees: list["Tree"] = field(default_factory=list["Tree"])


class Contact(TypedDict):
    """A TypedDict with a key that may be missing."""

    email: str
    age: NotRequired[int]


class Folder(TypedDict):
    """A TypedDict that holds itself."""

    name: str
    folders: NotRequired[list["Folder"]]


class Options(TypedDict, total=False):
    """A TypedDict whose keys may all be missing."""

    limit: int


@attrs.frozen
class Page(Generic[T]):
    """A generic attrs class."""

    docs: list[T]
    first: T | None = None


@dataclass
class Box(Generic[T]):
    """A generic dataclass."""

    content: T


@attrs.frozen
class Cat:
    """One kind of animal."""

    kind: Literal["cat"]
    lives: int


@attrs.frozen
class Dog:
    """Another kind of animal."""

    kind: Literal["dog"]
    tricks: list[str]


class Pair(NamedTuple):
    """A tuple with names."""

    a: int
    b: str


FITTING: Final[list[tuple[Any, Any, Any]]] = [
    # type, JSON value, what it becomes
    (str, "", ""),
    (int, 5, 5),
    (int, 2**70, 2**70),
    (float, 0.5, 0.5),
    (float, 2, 2.0),
    (bool, True, True),
    (list[None], [None], [None]),
    (Any, {"a": [1]}, {"a": [1]}),
    (object, {"a": [1]}, {"a": [1]}),
    (list, [1, "a"], [1, "a"]),
    (list[int], [], []),
    (list[list[int]], [[1], [2, 3]], [[1], [2, 3]]),
    (Sequence[int], [1], [1]),
    (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
    (tuple[str, ...], [], ()),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple, [1, "a"], (1, "a")),
    (set[int], [1, 2, 1], {1, 2}),
    (frozenset[str], ["a"], frozenset({"a"})),
    (dict, {"a": 1, "b": "c"}, {"a": 1, "b": "c"}),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (dict[str, Any], {"a": [None]}, {"a": [None]}),
    (dict[str, list[Point]], {"a": [{"x": 1}]}, {"a": [Point(1)]}),
    (dict[Colour, int], {"red": 1}, {Colour.RED: 1}),
    (Mapping[str, int], {"a": 1}, {"a": 1}),
    (int | None, None, None),
    (int | None, 5, 5),
    (Optional[Point], None, None),  # noqa: UP045 - as users write it
    (Optional[Point], {"x": 1}, Point(1)),  # noqa: UP045 - as users write it
    (list[int] | None, [1], [1]),
    (int | str, 5, 5),
    (int | str, "5", "5"),
    (Union[int, str], "5", "5"),  # noqa: UP007 - as users write it
    (int | bool, True, True),
    (int | float, 1, 1),
    (int | float, 1.5, 1.5),
    (str | list[int], [1], [1]),
    (str | list[int], "a", "a"),
    (str | Point, {"x": 1}, Point(1)),
    (Cat | Dog, {"kind": "dog", "tricks": ["roll"]}, Dog("dog", ["roll"])),
    (list[Cat | Dog], [{"kind": "cat", "lives": 9}], [Cat("cat", 9)]),
    (Cat | Dog | None, None, None),
    (Point | Document, {"_id": "d"}, Document("d")),
    (Literal["a", "b"], "b", "b"),
    (Literal[1, None], None, None),
    (Literal["a"] | None, None, None),
    (Colour, "red", Colour.RED),
    (Colour | None, None, None),
    (list[Colour], ["red", "blue"], [Colour.RED, Colour.BLUE]),
    (Size, 1, Size.ONE),
    (Level, 1, Level.LOW),
    (Mood, "good", Mood.GOOD),
    (dt.datetime, "2026-10-21T12:00:30Z", dt.datetime(2026, 10, 21, 12, 0, 30, tzinfo=dt.UTC)),
    (
        dt.datetime,
        "2026-10-21T12:00:30+02:00",
        dt.datetime(2026, 10, 21, 12, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    ),
    (dt.datetime | None, None, None),
    (dt.date, "2026-10-21", dt.date(2026, 10, 21)),
    (Annotated[int, "a number"], 5, 5),
    (ContactId, "c1", "c1"),
    (Point, {"x": 1}, Point(1, 0)),
    (Point, {"x": 1, "y": 2, "z": 3}, Point(1, 2)),
    (Document, {"_id": "d", "point": {"x": 1}, "share": 1}, Document("d", Point(1), 1.0)),
    (Node, {"value": 1, "next": {"value": 2, "next": None}}, Node(1, Node(2))),
    (Tree, {"name": "a", "trees": [{"name": "b"}]}, Tree("a", [Tree("b")])),
    (Contact, {"email": "a"}, {"email": "a"}),
    (Contact, {"email": "a", "age": 5}, {"email": "a", "age": 5}),
    (Folder, {"name": "a", "folders": [{"name": "b"}]}, {"name": "a", "folders": [{"name": "b"}]}),
    (Options, {}, {}),
    (Page[int], {"docs": [1]}, Page([1])),
    (Page[Point], {"docs": [{"x": 1}], "first": {"x": 2}}, Page([Point(1)], Point(2))),
    (list[Page[str]], [{"docs": ["a"]}], [Page(["a"])]),
    (Box[list[int]], {"content": [1]}, Box([1])),
    (Pair, [1, "a"], Pair(1, "a")),
    (
        postponed.Person,
        {"name": "Ada", "address": {"city": "London"}, "tags": ["x"]},
        postponed.Person("Ada", postponed.Address("London"), ["x"]),
    ),
    (
        postponed.Folder,
        {"name": "a", "folders": [{"name": "b", "folders": []}]},
        postponed.Folder("a", [postponed.Folder("b")]),
    ),
    (
        postponed.Row,
        {"person": {"name": "Ada"}, "size": None},
        {"person": postponed.Person("Ada"), "size": None},
    ),
]


def name_of_case(value: Any) -> str:
    """Name a parametrized case by its type and value."""
    return getattr(value, "__name__", None) or repr(value).replace("typing.", "")[:60]


@pytest.mark.parametrize(("into", "value", "expected"), FITTING, ids=name_of_case)
def test_what_fits(into: Any, value: Any, expected: Any) -> None:
    """A value that fits becomes what was asked for, and of the same type all through."""
    structured = structure(value, into, "data")
    assert structured == expected
    assert repr(structured) == repr(expected)


MISFITS: Final[list[tuple[Any, Any, str]]] = [
    # type, JSON value, its place in the message
    (str, 5, "data"),
    (str, True, "data"),
    (str, None, "data"),
    (str, ["a"], "data"),
    (int, "5", "data"),
    (int, 5.0, "data"),
    (int, True, "data"),
    (int, None, "data"),
    (float, "0.5", "data"),
    (float, True, "data"),
    (bool, 1, "data"),
    (bool, "true", "data"),
    (bool, None, "data"),
    (list[None], [0], "data[0]"),
    (list, "ab", "data"),
    (list, {"a": 1}, "data"),
    (list[int], None, "data"),
    (list[str], "ab", "data"),
    (list[int], {"a": 1}, "data"),
    (list[int], [1, "2"], "data[1]"),
    (list[list[int]], [[1], [2, None]], "data[1][1]"),
    (Sequence[str], "ab", "data"),
    (tuple, "ab", "data"),
    (tuple[str, ...], "ab", "data"),
    (tuple[str, str], "ab", "data"),
    (tuple[str, str], {"a": 1, "b": 2}, "data"),
    (tuple[int, str], [1], "data"),
    (tuple[int, str], [1, "a", 2], "data"),
    (tuple[int, str], [1, 2], "data[1]"),
    (tuple[int, ...], [1, "2"], "data[1]"),
    (Pair, "ab", "data"),
    (set[str], "ab", "data"),
    (set[str], {"a": 1}, "data"),
    (set[int], [1, "2"], "data[1]"),
    (dict, [["a", 1]], "data"),
    (dict, [], "data"),
    (dict, "", "data"),
    (dict, None, "data"),
    (dict[str, int], [["a", 1]], "data"),
    (dict[str, int], [], "data"),
    (dict[str, int], {"a": 1, "b": "2"}, "data['b']"),
    (dict[int, int], {"1": 1}, "data['1']"),
    (Mapping[str, int], [], "data"),
    (int | None, "5", "data"),
    (int | str, 0.5, "data"),
    (int | str, True, "data"),
    (int | str, None, "data"),
    (str | list[int], ["1"], "data[0]"),
    (Cat | Dog, {"kind": "cow"}, "data"),
    (Cat | Dog, [], "data"),
    (Literal["a", "b"], "c", "data"),
    (Literal["a", "b"], None, "data"),
    (Literal["a"], ["a"], "data"),
    (Literal[1], True, "data"),
    (Literal[1], 1.0, "data"),
    (Literal[True], 1, "data"),
    (Colour, "RED", "data"),
    (Colour, None, "data"),
    (Colour, ["red"], "data"),
    (Size, "1", "data"),
    (Size, True, "data"),
    (Size, 1.0, "data"),
    (Level, True, "data"),
    (Level, "1", "data"),
    (dt.datetime, "yesterday", "data"),
    (dt.datetime, 1_792_584_000, "data"),
    (dt.datetime, None, "data"),
    (dt.date, "2026-13-01", "data"),
    (Annotated[int, "a number"], "5", "data"),
    (ContactId, 5, "data"),
    (Point, None, "data"),
    (Point, [1, 2], "data"),
    (Point, "xy", "data"),
    (Point, {}, "data.x"),
    (Point, {"y": 1}, "data.x"),
    (Point, {"x": None}, "data.x"),
    (Point, {"x": 1, "y": "2"}, "data.y"),
    (Document, {"id": "d"}, "data._id"),
    (Document, {"_id": "d", "point": {"x": "1"}}, "data.point.x"),
    (Document, {"_id": "d", "share": 1.5}, "data"),
    (list[Document], [{"_id": "d"}, {"_id": "e", "point": []}], "data[1].point"),
    (Node, {"value": 1, "next": {"value": 2, "next": {}}}, "data.next.next.value"),
    (Tree, {"name": "a", "trees": [{"name": "b"}, {"name": 5}]}, "data.trees[1].name"),
    (Contact, {}, "data.email"),
    (Contact, {"email": "a", "age": "5"}, "data.age"),
    (Contact, [], "data"),
    (Folder, {"name": "a", "folders": [{"name": "b"}, {}]}, "data.folders[1].name"),
    (Options, {"limit": None}, "data.limit"),
    (Page[int], {"docs": ["1"]}, "data.docs[0]"),
    (Page[Point], {"docs": [], "first": {"x": "1"}}, "data.first.x"),
    (Box[int], {"content": "1"}, "data.content"),
    (dict[str, list[Point]], {"a": [{"x": 1}, {"x": "2"}]}, "data['a'][1].x"),
    (postponed.Person, {"name": "Ada", "address": {"city": 5}}, "data.address.city"),
    (postponed.Folder, {"name": "a", "folders": [{"name": 5}]}, "data.folders[0].name"),
    (postponed.Row, {"person": {"name": "Ada"}, "size": "5"}, "data.size"),
]


@pytest.mark.parametrize(("into", "value", "place"), MISFITS, ids=name_of_case)
def test_what_does_not_fit(into: Any, value: Any, place: str) -> None:
    """Nothing is coerced, and the message names the place."""
    with pytest.raises(MisfitError) as caught:
        structure(value, into, "data")
    assert f"@ {place}" in str(caught.value)
    first = str(caught.value).split("; ")[0]
    assert first.endswith(f"@ {place}")


@pytest.mark.parametrize(
    ("into", "value", "problem"),
    [
        (str, 5, "expected a string, got a whole number @ data"),
        (int, "5", "expected a whole number, got a string @ data"),
        (float, None, "expected a number, got null @ data"),
        (bool, 0.5, "expected true or false, got a number @ data"),
        (list[int], {}, "expected a list, got an object @ data"),
        (Point, [True], "expected an object, got a list @ data"),
        (list[int], [True], "expected a whole number, got true or false @ data[0]"),
    ],
    ids=name_of_case,
)
def test_words_of_a_misfit(into: Any, value: Any, problem: str) -> None:
    """A misfit is told in words of JSON."""
    with pytest.raises(MisfitError) as caught:
        structure(value, into, "data")
    assert str(caught.value) == problem


def test_all_misfits_are_named() -> None:
    """Every bad field is named, until there are too many to read."""
    with pytest.raises(MisfitError) as caught:
        structure({"x": "1", "y": None}, Point, "data")
    assert "@ data.x" in str(caught.value)
    assert "@ data.y" in str(caught.value)
    with pytest.raises(MisfitError) as caught:
        structure([{"x": "1"}] * 500, list[Point], "data")
    assert str(caught.value).count("@ data[") == 5
    assert str(caught.value).endswith("and 495 more")


def test_a_value_is_not_changed() -> None:
    """Structuring leaves the JSON value as it came: it is kept in `.raw`."""
    value = {"docs": [{"x": 1}], "first": {"x": 2}}
    structure(value, Page[Point], "data")
    assert value == {"docs": [{"x": 1}], "first": {"x": 2}}


MISSING: Final = object()
# What JSON may hold for a text, and what is made of it where the text is optional.
OPTIONAL_TEXTS: Final[tuple[tuple[Any, str | None], ...]] = (
    ("text", "text"), ("", ""), (5, "5"), (None, None), (MISSING, None), (True, None), (1.5, None), (["text"], None),
)  # fmt: skip


@pytest.mark.parametrize("action_id", ["get_contact", 5, None, MISSING])
@pytest.mark.parametrize(("given", "name"), OPTIONAL_TEXTS)
@pytest.mark.parametrize("others", [{"description": "d", "tag": "t"}, {"description": None, "tag": 7, "new": []}, {}])
def test_small_models(action_id: Any, given: Any, name: str | None, others: dict[str, Any]) -> None:
    """Whether an object can be taken at a glance or must be looked into: the same model comes out, frozen, with raw."""
    value = {key: one for key, one in {"action_id": action_id, "name": given}.items() if one is not MISSING} | others
    if type(action_id) is not str:
        with pytest.raises(MisfitError, match="action_id"):
            structure([value], list[Action], "data")
        return
    tag = {"t": "t", 7: "7", None: None}[others.get("tag")]
    expected = Action(action_id, name, others.get("description"), tag, raw=value)
    [action] = structure([value], list[Action], "data")
    assert type(action) is Action
    assert (action, repr(action), hash(action)) == (expected, repr(expected), hash(expected))
    assert action.raw is value
    assert pickle.loads(pickle.dumps(action)) == copy.copy(action) == attrs.evolve(action) == expected
    frozen: Any = action
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        frozen.name = "other"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del frozen.name


def test_deep_values() -> None:
    """A value nested beyond all measure is a misfit, not a crash."""
    value: dict[str, Any] = {"value": "innermost"}
    for number in range(20_000):
        value = {"value": number, "next": value}
    with pytest.raises(MisfitError):
        structure(value, Node, "data")


def test_classes_that_raise() -> None:
    """Whatever a caller's class raises, the value did not fit."""

    @attrs.frozen
    class Picky:
        name: str = attrs.field(converter=lambda name: {}[name])  # type: ignore[var-annotated]  # pyright: ignore

    with pytest.raises(MisfitError):
        structure({"name": "Ada"}, Picky, "data")


class Plain:
    """A class that says nothing of its fields."""


@attrs.frozen
class Holder:
    """An attrs class with a field of such a class."""

    name: str
    plain: Plain


@pytest.mark.parametrize("make_reader", [read_action_result, read_value])
@pytest.mark.parametrize("into", [Plain, Holder, list[Plain], dict[str, Plain], range, 42], ids=name_of_case)
def test_types_that_nothing_fits(make_reader: Callable[[Any], Any], into: Any) -> None:
    """A type that JSON cannot be structured into is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^into="):
        make_reader(into)


@pytest.mark.parametrize("make_reader", [read_action_result, read_value])
@pytest.mark.parametrize("into", [into for into, _, _ in FITTING], ids=name_of_case)
def test_types_that_something_fits(make_reader: Callable[[Any], Any], into: Any) -> None:
    """A type that JSON can be structured into is not refused."""
    assert callable(make_reader(into))
