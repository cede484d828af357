"""`into=`: the types that JSON can be structured into, how strictly, and how a misfit is named."""

import copy
import datetime as dt
import enum
import pickle
import typing
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    Set,
)
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
    Required,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pytest
import typing_extensions

from refold_async import Action, ConfigurationError
from refold_async.codec.structuring.converters import structure
from refold_async.codec.structuring.misfits import MisfitError
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.parsers import parse_value
from support import postponed_annotations as postponed
from support.cases import each_case

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


class Email(str):
    """A text of the caller's own."""

    __slots__ = ()


class Required1(TypedDict, total=False):
    """A TypedDict with a key that must be there among keys that need not."""

    must: Required[int]
    may: int


class Required2(Required1):
    """A TypedDict whose own keys must be there, and not all that it inherits."""

    own: str


class Items(TypedDict, Generic[T]):
    """A generic TypedDict."""

    item: T
    others: NotRequired[list[T]]


class IntItems(Items[int]):
    """A TypedDict made of a generic one."""

    name: str


class ListItems(Items[list[T]], Generic[T]):
    """A generic TypedDict made of a generic one with the same type variable."""

    first: T


Dashed = TypedDict("Dashed", {"content-type": str, "length": NotRequired[int]})


class Extended(typing_extensions.TypedDict, total=False):
    """A TypedDict of typing_extensions."""

    must: typing_extensions.Required[typing_extensions.ReadOnly[int]]
    noted: Annotated[typing_extensions.Required[int], "a note"]
    may: typing_extensions.ReadOnly[int]


class Closed(typing_extensions.TypedDict, closed=True):
    """A TypedDict without other keys."""

    a: int


class Open(typing_extensions.TypedDict, extra_items=int):  # type: ignore[call-arg]
    """A TypedDict whose other keys have a type."""

    name: str


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
    (deque, [1], deque([1])),
    (deque[int], [1], deque([1])),
    (typing.Deque[int], [1], deque([1])),  # noqa: UP006 - as users write it
    (Iterable[int], [1], [1]),
    (Collection[int], [1], [1]),
    (MutableSequence[int], [1], [1]),
    (Set[int], [1], frozenset({1})),
    (MutableSet[int], [1], {1}),
    (MutableMapping[str, int], {"a": 1}, {"a": 1}),
    (OrderedDict[str, int], {"a": 1}, OrderedDict(a=1)),
    (defaultdict[str, int], {"a": 1}, defaultdict(int, a=1)),
    (defaultdict[str, list[int]], {"a": [1]}, defaultdict(list[int], a=[1])),
    (defaultdict[str, Any], {"a": 1}, defaultdict(None, a=1)),
    (Counter[str], {"a": 1}, Counter(a=1)),
    (list[deque[Point]], [[{"x": 1}]], [deque([Point(1)])]),
    (Email, "a@b", Email("a@b")),
    (Literal[Colour.RED], "red", Colour.RED),
    (Colour | str, "red", Colour.RED),
    (Colour | str, "green", "green"),
    (Colour | Mood, "good", Mood.GOOD),
    (Literal[True] | int, 1, 1),
    (float | list[int], 2, 2.0),
    (dict[str, int] | list[int] | None, {"a": 1}, {"a": 1}),
    (dict[str, int] | list[int] | None, [1], [1]),
    (Contact | list[int], {"email": "a"}, {"email": "a"}),
    (Optional[Annotated[Cat | Dog, "an animal"]], {"kind": "cat", "lives": 9}, Cat("cat", 9)),  # noqa: UP045
    (Required1, {"must": 1}, {"must": 1}),
    (Required2, {"must": 1, "own": "a"}, {"must": 1, "own": "a"}),
    (Items[int], {"item": 1, "others": [2]}, {"item": 1, "others": [2]}),
    (Items[Point], {"item": {"x": 1}}, {"item": Point(1)}),
    (IntItems, {"item": 1, "name": "a"}, {"item": 1, "name": "a"}),
    (ListItems[int], {"item": [1], "first": 1}, {"item": [1], "first": 1}),
    (Dashed, {"content-type": "a"}, {"content-type": "a"}),
    (Extended, {"must": 1, "noted": 1}, {"must": 1, "noted": 1}),
    (Closed, {"a": 1}, {"a": 1}),
    (Open, {"name": "a", "b": 1}, {"name": "a", "b": 1}),
    (postponed.Options, {"must": 1}, {"must": 1}),
    (postponed.MoreOptions, {"must": 1, "own": 1}, {"must": 1, "own": 1}),
    (postponed.Chain, [1, [2, None]], postponed.Chain(1, postponed.Chain(2, None))),
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


@each_case(("into", "value", "expected"), FITTING, ids=name_of_case)
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
    (deque[int], "12", "data"),
    (deque[int], ["1"], "data[0]"),
    (Iterable[int], "12", "data"),
    (Set[int], "12", "data"),
    (OrderedDict[str, int], [], "data"),
    (defaultdict[str, int], [], "data"),
    (Counter[str], {"a": "1"}, "data['a']"),
    (Email, 5, "data"),
    (Literal[Colour.RED], "blue", "data"),
    (Literal[1] | str, True, "data"),
    (Colour | None, "green", "data"),
    (dict[str, int] | list[int], "a", "data"),
    (dict[str, int] | list[int], ["a"], "data[0]"),
    (Required1, {"may": 1}, "data.must"),
    (Required2, {"own": "a"}, "data.must"),
    (Required2, {"must": 1}, "data.own"),
    (Required2, {"must": 1, "own": "a", "may": None}, "data.may"),
    (Items[int], [], "data"),
    (Items[int], {"item": "1"}, "data.item"),
    (IntItems, {"item": "1", "name": "a"}, "data.item"),
    (IntItems, {"item": 1, "name": "a", "others": ["1"]}, "data.others[0]"),
    (ListItems[int], {"item": 1, "first": 1}, "data.item"),
    (Dashed, {"length": 1}, "data.content-type"),
    (Extended, {"noted": 1}, "data.must"),
    (Extended, {"must": 1}, "data.noted"),
    (Extended, {"must": 1, "noted": 1, "may": "1"}, "data.may"),
    (Extended, [], "data"),
    (Closed, {"a": 1, "b": 1}, "data.b"),
    (Open, {"name": "a", "b": "1"}, "data.b"),
    (postponed.Options, {}, "data.must"),
    (postponed.Options, {"must": 1, "may": "1"}, "data.may"),
    (postponed.MoreOptions, {"must": 1}, "data.own"),
    (postponed.Chain, [1, [2, 5]], "data[1][1]"),
]


@each_case(("into", "value", "place"), MISFITS, ids=name_of_case)
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
    assert str(caught.value).endswith("@ data[4].x; and more")
    with pytest.raises(MisfitError) as caught:
        structure([{"x": "1"}] * 5, list[Point], "data")
    assert str(caught.value).endswith("@ data[4].x")


def nested_lists(depth: int, leaf: Any) -> Any:
    """Return lists of three in lists of three."""
    return leaf if depth == 0 else [nested_lists(depth - 1, leaf) for _ in range(3)]


def nested_trees(depth: int, name: Any) -> Any:
    """Return a tree of trees, all of whose names are `name`."""
    return {"name": name, "trees": [nested_trees(depth - 1, name) for _ in range(2 if depth else 0)]}


@attrs.frozen
class Counted:
    """A class that counts how many were made, and refuses all."""

    made: typing.ClassVar[list[int]] = []
    number: int

    def __attrs_post_init__(self) -> None:
        """Refuse."""
        self.made.append(self.number)
        raise ValueError("never")


MANY: Final = [{"number": number} for number in range(1000)]


@pytest.mark.parametrize(
    ("into", "value"),
    [
        (list[Counted], MANY),
        (deque[Counted], MANY),
        (tuple[Counted, ...], MANY),
        (set[Counted], MANY),
        (list[Counted | Point], MANY),
        (list[list[Counted]], [[one] for one in MANY]),
        (dict[str, Counted], {str(one["number"]): one for one in MANY}),
        (dict[str, list[Counted]], {"a": MANY, "b": MANY}),
        (Items[Counted], {"item": MANY[0], "others": MANY}),
        (Page[Counted], {"docs": MANY, "first": MANY[0]}),
    ],
    ids=name_of_case,
)
def test_no_more_misfits_are_looked_for_than_are_told(into: Any, value: Any) -> None:
    """However many members are bad, a few are looked into."""
    Counted.made.clear()
    with pytest.raises(MisfitError) as caught:
        structure(value, into, "data")
    assert str(caught.value).endswith("; and more")
    assert str(caught.value).count("; ") == 5
    assert len(Counted.made) <= 8


@attrs.frozen
class Row:
    """A class that counts how many were made."""

    made: typing.ClassVar[Counter[int]] = Counter()
    number: int
    even: bool

    def __attrs_post_init__(self) -> None:
        """Count."""
        self.made[self.number] += 1


def rows(*wrong: int) -> list[Any]:
    """Return a long list in which some rows do not fit."""
    return [{"number": number, "even": "?" if number in wrong else number % 2 == 0} for number in range(5_000)]


def as_they_are(rows: list[Any]) -> Any:
    """Return the rows."""
    return rows


def by_number(rows: list[Any]) -> Any:
    """Return an object with the rows."""
    return {str(number): row for number, row in enumerate(rows)}


def in_a_list(rows: list[Any]) -> Any:
    """Return a list with the list of rows."""
    return [rows]


def as_a_page(rows: list[Any]) -> Any:
    """Return a page with the rows."""
    return {"docs": rows, "first": {"number": -1, "even": True}}


@pytest.mark.parametrize(
    ("into", "shape"),
    [
        (list[Row], as_they_are),
        (tuple[Row, ...], as_they_are),
        (dict[str, Row], by_number),
        (list[Row | None], as_they_are),
        (list[list[Row]], in_a_list),
        (Page[Row], as_a_page),
    ],
    ids=name_of_case,
)
@pytest.mark.parametrize("wrong", [(0,), (4_999,), (17, 2_500), tuple(range(99, 5_000, 100))], ids=len)
def test_a_misfit_costs_what_a_list_costs(into: Any, shape: Callable[[list[Any]], Any], wrong: tuple[int, ...]) -> None:
    """Whether one row does not fit or many, each row is made twice, and those around a misfit once more."""
    Row.made.clear()
    with pytest.raises(MisfitError, match=str(wrong[0])):
        structure(shape(rows(*wrong)), into, "data")
    assert Row.made.total() <= 2 * 5_000 + 200 * min(len(wrong), 6)
    assert max(Row.made.values()) <= 3


make_typed_dict: Any = TypedDict
MANY_KEYS: Final = make_typed_dict("MANY_KEYS", {f"f{number}": int for number in range(50)})


@pytest.mark.parametrize(
    ("into", "value"),
    [
        (list[list[list[list[list[int]]]]], nested_lists(5, "1")),
        (Tree, nested_trees(8, 5)),
        (attrs.make_class("Wide", {f"f{number}": attrs.field(type=int) for number in range(50)}), {}),
        (MANY_KEYS, {}),
    ],
    ids=["lists", "trees", "class", "typed dict"],
)
def test_misfits_of_every_shape_are_a_few(into: Any, value: Any) -> None:
    """Nested and wide values are told by their first few misfits."""
    with pytest.raises(MisfitError) as caught:
        structure(value, into, "data")
    assert str(caught.value).endswith("; and more")
    assert str(caught.value).count(" @ data") == 5


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


@each_case("action_id", ["get_contact", 5, None, MISSING])
@each_case(("given", "name"), OPTIONAL_TEXTS)
@each_case("others", [{"description": "d", "tag": "t"}, {"description": None, "tag": 7, "new": []}, {}])
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


@attrs.frozen
class Leaf:
    """A class that holds nothing but a number."""

    value: int


@attrs.define
class Branch:
    """A class that holds itself, in a union with what nothing tells from another."""

    branches: "list[Branch | None]"
    leaves: "tuple[Branch, Leaf | Twig]"


@attrs.frozen
class Twig:
    """A class with the same field as another."""

    value: int


class Leaves(TypedDict):
    """A TypedDict with such a union."""

    leaves: NotRequired[dict[str, list[Leaf | Twig]]]


@dataclass
class Forest(Generic[T]):
    """A generic class."""

    trees: list[T]


ANY_TYPE: Final[Any] = Box.__parameters__[0]  # type: ignore[attr-defined]  # pyright: ignore


class Unlisted(list[int]):
    """A collection of the caller's own."""


class Binary(enum.Enum):
    """An enum without a value of JSON's."""

    A = b"a"


class Plain:
    """A class that says nothing of its fields."""


@attrs.frozen
class Holder:
    """An attrs class with a field of such a class."""

    name: str
    plain: Plain


REFUSED: Final[list[Any]] = [
    *(Plain, Holder, list[Plain], dict[str, Plain], range, 42, ANY_TYPE, list[ANY_TYPE], Iterator[int], Unlisted),
    *(Leaf | Twig, list[Leaf | Twig], dict[str, Leaf | Twig], Leaf | Twig | None, str | Leaf | Twig, Binary),
    *(tuple[int, Leaf | Twig], deque[Leaf | Twig], Annotated[Leaf | Twig, "a note"], Branch, Leaves),
    *(Forest[Leaf | Twig], Items[Leaf | Twig], Items, ChainMap[str, int], Leaf | dict[str, int]),
    *(list[int] | tuple[int], Contact | Folder, dt.date | dt.datetime, Literal[b"a"], Colour | postponed.Paint),
    *(set[list[int]], set[Document], frozenset[dict[str, int]], dict[int, str], dict[float, str]),
    *(list[bytes], bytes | None, Box[bytes], bytearray),
]


@each_case("make_parser", [parse_action_result, parse_value])
@each_case("into", REFUSED, ids=name_of_case)
def test_types_that_nothing_fits(make_parser: Callable[[Any], Any], into: Any) -> None:
    """A type that JSON cannot be structured into is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^into="):
        make_parser(into)


@each_case("make_parser", [parse_action_result, parse_value])
@each_case("into", [into for into, _, _ in FITTING], ids=name_of_case)
def test_types_that_something_fits(make_parser: Callable[[Any], Any], into: Any) -> None:
    """A type that JSON can be structured into is not refused."""
    assert callable(make_parser(into))
