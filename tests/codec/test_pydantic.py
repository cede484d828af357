"""Pydantic models in `into=` and as parameters: strict, by JSON's rules, and named by their paths where they misfit."""

import datetime as dt
import enum
import json
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypedDict, TypeVar
from uuid import UUID

import attrs
import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    AsyncRefold,
    ConfigurationError,
    Journal,
    ParameterError,
    errors,
)
from refold_async.codec.structuring.converters import structure
from refold_async.codec.structuring.into_types import check_target
from refold_async.codec.structuring.misfits import MisfitError
from refold_async.testing import MockRefold

pytest.importorskip("pydantic")

from pydantic import BaseModel, Field, RootModel, SecretStr, field_serializer, field_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass

T = TypeVar("T")


class Colour(enum.Enum):
    """An enum of strings."""

    RED = "red"


class Contact(BaseModel):
    """A model with what JSON spells as strings."""

    id: UUID
    email: str
    created_at: dt.datetime = Field(alias="createdAt")
    amount: Decimal
    colour: Colour
    score: float
    tags: frozenset[str] = frozenset()


class Contacts(BaseModel):
    """Models in a model."""

    results: list[Contact]


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    name: str


class Numbers(RootModel[list[int]]):
    """A list."""


class Flag(RootModel[bool]):
    """A plain value."""


class Box(BaseModel, Generic[T]):
    """A generic model."""

    content: T


class Tree(BaseModel):
    """A model that holds itself."""

    branches: "list[Tree]" = []


@pydantic_dataclass
class Point:
    """A dataclass of pydantic's, which would coerce by itself."""

    x: int
    when: dt.date | None = None


@dataclass
class DerivedPoint(Point):
    """A plain dataclass made of one of pydantic's, whose validator it inherits."""

    y: int = 0


@attrs.frozen
class InAttrs:
    """An attrs class that holds models."""

    contacts: list[Contact]
    first: Contact | None = None


@dataclass
class InDataclass:
    """A dataclass that holds models."""

    by_name: dict[str, Contact]


class InTypedDict(TypedDict):
    """A TypedDict that holds models."""

    pet: Cat | Dog


NOTHING: dict[str, Any] = {}
JANE: dict[str, Any] = {
    "id": "00000000-0000-0000-0000-000000000005",
    "email": "jane@example.com",
    "createdAt": "2026-06-01T09:30:00Z",
    "amount": "1.50",
    "colour": "red",
    "score": 1,
    "tags": ["a", "a"],
    "unknown": None,
}
CONTACT = Contact(
    id=UUID(int=5),
    email="jane@example.com",
    createdAt=dt.datetime(2026, 6, 1, 9, 30, tzinfo=dt.UTC),
    amount=Decimal("1.50"),
    colour=Colour.RED,
    score=1.0,
    tags=frozenset({"a"}),
)


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (JANE, Contact, CONTACT),
        ({"results": [JANE]}, Contacts, Contacts(results=[CONTACT])),
        ([JANE], list[Contact], [CONTACT]),
        ({"a": JANE}, dict[str, Contact], {"a": CONTACT}),
        (None, Contact | None, None),
        ([JANE], Contact | list[Contact] | str, [CONTACT]),
        ({"contacts": [JANE]}, InAttrs, InAttrs([CONTACT])),
        ({"contacts": [], "first": JANE}, InAttrs, InAttrs([], CONTACT)),
        ({"by_name": {"jane": JANE}}, InDataclass, InDataclass({"jane": CONTACT})),
        ({"pet": {"kind": "dog", "name": "Rex"}}, InTypedDict, {"pet": Dog(kind="dog", name="Rex")}),
        ([{"kind": "cat", "lives": 9}, None], list[Cat | Dog | None], [Cat(kind="cat", lives=9), None]),
        ({"kind": "cat", "lives": 9}, Annotated[Cat | Dog, Field(discriminator="kind")], Cat(kind="cat", lives=9)),
        ([1, 2**70], Numbers | None, Numbers([1, 2**70])),
        ([True, 1], list[Flag | int], [Flag(True), 1]),
        ({"content": 5}, Box[int], Box[int](content=5)),
        ({"branches": [NOTHING]}, Tree, Tree(branches=[Tree()])),
        ({"x": 1, "when": "2026-06-01"}, Point, Point(1, dt.date(2026, 6, 1))),
        ({"x": 1, "y": 5}, DerivedPoint, DerivedPoint(1, y=5)),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_fits(value: Any, target: Any, expected: Any) -> None:
    """A model alone, or in anything that `into=` takes; texts give what only texts can spell in JSON."""
    check_target(target)
    made = structure(value, target, "data")
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "target", "misfits"),
    [
        ({**JANE, "email": 5}, Contact, ["a valid string @ data.email"]),
        ({**JANE, "createdAt": 5}, Contact, ["a valid datetime @ data.createdAt"]),
        ({**JANE, "score": "1"}, Contact, ["a valid number @ data.score"]),
        ({**JANE, "colour": "blue"}, Contact, ["'red' @ data.colour"]),
        ([], Contact, ["an object @ data"]),
        (None, Contact, ["an object @ data"]),
        ({"results": [JANE, {**JANE, "email": None}]}, Contacts, ["a valid string @ data.results[1].email"]),
        ({"contacts": [JANE, {**JANE, "score": "1"}]}, InAttrs, ["a valid number @ data.contacts[1].score"]),
        (
            {"contacts": 5, "first": {**JANE, "email": 1}},
            InAttrs,
            ["expected a list, got a whole number @ data.contacts", "a valid string @ data.first.email"],
        ),
        ({"by_name": {"x": {**JANE, "email": 5}}}, InDataclass, ["a valid string @ data.by_name['x'].email"]),
        ([1, "x", None], Numbers, ["a valid integer @ data[1]", "a valid integer @ data[2]"]),
        ([{"kind": "cat", "lives": "9"}], list[Cat | None], ["a valid integer @ data[0].lives"]),
        ({"content": "5"}, Box[int], ["a valid integer @ data.content"]),
        ({"branches": [{"branches": [5]}]}, Tree, ["an object @ data.branches[0].branches[0]"]),
        ({"x": "1"}, Point, ["a valid integer @ data.x"]),
        (1.0, RootModel[int], ["a valid integer @ data"]),
        ({"content": "\ud83d"}, Box[Any], ["a text contains half a surrogate pair @ data"]),
        (
            [{"content": json.loads("[" * 250 + "]" * 250)}],
            list[Box[Any]],
            ["surrogate pair @ data[0]"],
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_does_not_fit(value: Any, target: Any, misfits: list[str]) -> None:
    """Nothing is coerced, and each misfit has its place."""
    with pytest.raises(MisfitError) as caught:
        structure(value, target, "data")
    told = str(caught.value).split("; ")
    assert len(told) == len(misfits)
    for one, expected in zip(told, misfits, strict=True):
        assert one.endswith(expected), one
    assert caught.value.__cause__ is caught.value.__context__ is None  # pydantic's error holds the whole value


def test_the_first_five_misfits() -> None:
    """As of other types, five at most are told, in whatever they are."""
    values: list[tuple[Any, Any]] = [
        ({"results": [NOTHING] * 1000}, Contacts),
        ([{"results": [NOTHING]}] * 1000, list[Contacts]),
        ({"contacts": [NOTHING, NOTHING], "first": NOTHING}, InAttrs),
    ]
    for value, target in values:
        with pytest.raises(MisfitError) as caught:
            structure(value, target, "data")
        told = str(caught.value).split("; ")
        assert (len(told), told[-1]) == (6, "and more")
        assert all("Field required @ data" in one for one in told[:-1])


def test_misfits_without_number() -> None:
    """Of very many, only the first few become objects: else a large answer would take seconds and much memory."""
    tracemalloc.start()
    try:
        with pytest.raises(MisfitError, match="and more"):
            structure({"results": [{"id": 1}] * 3_000}, Contacts, "data")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 9_000_000  # in objects these are 18,000 misfits of a kilobyte each


class Validated(BaseModel):
    """A model with a validator of the caller's own."""

    name: str

    @field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        """Refuse some names."""
        if name == "odd":
            raise OSError("the disk is full")
        if len(name) > 1:
            raise ValueError("too long" + "!" * 1000)
        return name


@pytest.mark.parametrize(("name", "told"), [("odd", "the disk is full @ data"), ("no", "Value error, too long!!!!")])
def test_validators_of_the_callers_own(name: str, told: str) -> None:
    """What they say is told, not endlessly; whatever they raise is a misfit."""
    with pytest.raises(MisfitError) as caught:
        structure({"name": name}, Validated, "data")
    assert str(caught.value).startswith(told)
    assert len(str(caught.value)) < 600


class Incomplete(BaseModel):
    """A model that names what is not there."""

    x: "Nowhere"  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable, reportUnknownVariableType]  # noqa: F821


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Incomplete, "not fully defined"),
        (list[Incomplete], "not fully defined"),
        (BaseModel, "cannot be instantiated"),
        (Cat | InAttrs, "cannot be distinguished"),
    ],
)
def test_models_that_nothing_can_fit(target: Any, told: str) -> None:
    """What cannot work is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=told):
        check_target(target)


def test_a_model_that_is_completed_later() -> None:
    """A model that was refused is taken once what it names is there."""

    class Owner(BaseModel):
        pet: "Pet"  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable, reportUnknownVariableType]  # noqa: F821

    with pytest.raises(ConfigurationError, match="not fully defined"):
        check_target(Owner)
    Owner.model_rebuild(_types_namespace={"Pet": Cat})
    check_target(Owner)
    owner = structure({"pet": {"kind": "cat", "lives": 9}}, Owner, "data")
    assert owner.model_dump() == {"pet": {"kind": "cat", "lives": 9}}


@pytest.mark.filterwarnings("ignore:Core Pydantic V1")  # from Python 3.14 on
async def test_models_of_version_1(account: AccountScope, mock: MockRefold) -> None:
    """They are told apart from those of version 2, wherever they are used."""
    version_1 = pytest.importorskip("pydantic.v1")
    old = type("Old", (version_1.BaseModel,), {"__annotations__": {"x": int}})
    for target in (old, list[old], old | None, dict[str, old]):  # type: ignore[valid-type]
        with pytest.raises(ConfigurationError, match="Old is a model of pydantic 1"):
            check_target(target)
    for parameters in (old(x=1), {"x": [old(x=1)]}):
        with pytest.raises(ParameterError, match=r"Old is a model of pydantic 1, .* \.dict\(by_alias=True\)"):
            await account.execute_action("hubspot", "create_contact", parameters)
    assert not mock.requests


async def test_a_call(account: AccountScope, mock: MockRefold) -> None:
    """Through a whole call: the model comes back as the data, and a misfit keeps the result."""

    class Created(BaseModel):
        id: str

    class Wrong(BaseModel):
        total: int

    model = Created(id="x")
    created = await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, into=Created)
    assert type(created.data) is type(model)
    with pytest.raises(APIResponseValidationError, match=r"Field required @ data\.total") as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, into=Wrong)
    assert caught.value.effect == "done"
    assert caught.value.result is not None
    assert caught.value.result.data["id"] == "1510722"


class Address(BaseModel):
    """Part of the parameters."""

    city: str = "Berlin"
    zip: str | None = None


class NewContact(BaseModel):
    """Parameters."""

    email: str
    first_name: str | None = Field(default=None, alias="firstname")
    phone: str | None = None
    lifecycle: Literal["lead"] = "lead"
    since: dt.date | None = None
    address: Address = Address()
    others: list[Address] = []


class Login(BaseModel):
    """A model with a secret."""

    name: str
    password: SecretStr


class SentLogin(Login):
    """One that says how it is sent."""

    @field_serializer("password", when_used="json")
    def reveal(self, password: SecretStr) -> str:
        """Send what it is."""
        return password.get_secret_value()


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        (
            NewContact(email="a@b.c"),
            {"email": "a@b.c", "lifecycle": "lead", "address": {"city": "Berlin"}, "others": []},
        ),
        (
            NewContact(
                email="a@b.c",
                firstname=None,
                since=dt.date(2026, 6, 1),
                address=Address(zip=None),
                others=[Address(), Address(city="Rome", zip="1")],
            ),
            {
                "email": "a@b.c",
                "firstname": None,
                "lifecycle": "lead",
                "since": "2026-06-01",
                "address": {"city": "Berlin", "zip": None},
                "others": [{"city": "Berlin"}, {"city": "Rome", "zip": "1"}],
            },
        ),
        (
            {"email": "a@b.c", "home": Address(), "all": [Address(zip="1")]},
            {"email": "a@b.c", "home": {"city": "Berlin"}, "all": [{"city": "Berlin", "zip": "1"}]},
        ),
        (Box[dict[str, Any]](content={"null": None}), {"content": {"null": None}}),
        (RootModel[dict[str, Address | None]]({"a": Address(), "b": None}), {"a": {"city": "Berlin"}, "b": None}),
        (SentLogin(name="*" * 10, password=SecretStr("hunter2")), {"name": "*" * 10, "password": "hunter2"}),
        (Box[str](content="*" * 10), {"content": "*" * 10}),
        pytest.param(Box[Any](content={"a": {*"hgfedcba"}}), {"content": {"a": [*"abcdefgh"]}}, id="set"),
        pytest.param(
            Box[frozenset[UUID]](content=frozenset({UUID(int=2), UUID(int=1)})),
            {"content": [f"{0:08}-0000-0000-0000-{n:012}" for n in (1, 2)]},
            id="frozenset",
        ),
        (
            Box[dict[int, Address]](content={1: Address(), 2: Address(zip=None)}),
            {"content": {"1": {"city": "Berlin"}, "2": {"city": "Berlin", "zip": None}}},
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_parameters(account: AccountScope, mock: MockRefold, parameters: Any, sent: dict[str, Any]) -> None:
    """By aliases, in JSON's forms, with defaults; None only where it was meant, for it may clear a field."""
    mock.catalogue.action("hubspot", "echo")(echo)
    result = await account.execute_action("hubspot", "echo", parameters)
    assert result.data == sent
    assert mock.requests[0].json == sent


async def echo(context: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Answer what was sent."""
    return parameters


async def test_models_wherever_json_goes(refold: AsyncRefold, account: AccountScope, mock: MockRefold) -> None:
    """In payloads, and from a function that makes an item's parameters."""
    await account.execute_workflow("welcome_contact", slug="hubspot", payload=NewContact(email="a@b.c"))
    assert mock.requests[0].json["payload"]["email"] == "a@b.c"
    items = ["user_1", "user_2"]
    job = refold.fan_out_action(items, "hubspot", "create_contact", lambda item: NewContact(email=f"{item}@b.c"))
    assert (await job.collect()).counts["ok"] == 2
    assert sorted(request.json["email"] for request in mock.requests[1:]) == ["user_1@b.c", "user_2@b.c"]
    parameters = await account.get_action_parameters("hubspot", "create_contact")
    with pytest.raises(ParameterError, match="'lifecycle' is unknown"):
        parameters.validate(NewContact(email="a@b.c"))


class Unserializable(BaseModel):
    """A model whose serializer raises."""

    x: int

    @field_serializer("x")
    def serialize(self, x: int) -> int:
        """Fail."""
        raise OSError("no disk")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (Numbers([1]), "Numbers is not a JSON object"),
        (Unserializable(x=1), "no disk"),
        (Box[float](content=float("nan")), "parameters.content cannot be sent as JSON"),
        (Box[Any](content=float("nan")), "cannot be sent as JSON: nan is not a JSON value"),
        (Box[Any](content={"x": [float("inf")]}), "cannot be sent as JSON: inf is not a JSON value"),
        (NewContact, "not ModelMetaclass"),
        ({"x": Unserializable(x=1)}, "no disk"),
        (Login(name="x", password=SecretStr("hunter2")), "JSON: it has a secret, .* field_serializer"),
        ({"x": [Login(name="x", password=SecretStr("hunter2"))]}, r"parameters\.x\[0\] .* it has a secret"),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_parameters_that_cannot_be_sent(
    account: AccountScope, mock: MockRefold, parameters: Any, told: str
) -> None:
    """What is no object of JSON is refused by name, and nothing is sent."""
    with pytest.raises(ParameterError, match=told):
        await account.execute_action("hubspot", "create_contact", parameters)
    assert not mock.requests


class Created(BaseModel):
    """What `create_contact` gives."""

    id: str
    createdAt: dt.datetime  # noqa: N815 - as the app has it


async def test_a_journal(
    refold: AsyncRefold, mock: MockRefold, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What `into=` made comes back as the same model; a model that a call returned as the dict that it is in JSON."""
    journal = Journal(tmp_path / "june.sqlite", job="june", results=True)
    parameters = NewContact(email="a@b.c")

    async def run() -> Any:
        job = refold.fan_out_action(["u"], "hubspot", "create_contact", parameters, into=Created, journal=journal)
        (outcome,) = (await job.collect()).ok
        return outcome.recorded, outcome.value.data

    (recorded, first), (restored, second) = await run(), await run()
    assert (recorded, restored, len(mock.requests)) == (False, True, 1)
    assert first == second
    assert type(second) is Created
    assert not caplog.records

    own = Journal(tmp_path / "own.sqlite", job="own", results=True)

    async def call(scope: AccountScope, item: str) -> Any:
        return [Address(city="Rome")]

    await refold.fan_out(["u"], call, journal=own).collect()
    assert "contains a Address" in caplog.text
    (outcome,) = (await refold.fan_out(["u"], call, journal=own).collect()).ok
    assert outcome.value == [{"city": "Rome"}]


def test_pydantic_is_not_loaded() -> None:
    """Who has pydantic installed and does not use it does not pay for it, nor who has no such thing at all."""
    program = """
import sys
import attrs
if "without" in sys.argv:
    sys.modules["pydantic"] = sys.modules["pydantic_core"] = None
from refold_async import ParameterError
from refold_async.codec.structuring.converters import structure
from refold_async.codec.structuring.into_types import check_target
from refold_async.protocol import requests
@attrs.frozen
class Contact:
    id: str
check_target(list[Contact | None])
print(structure([{"id": "1"}], list[Contact | None], "data"))
for parameters in (5, {"x": object()}):
    try:
        requests.execute_action("hubspot", "x", parameters)
    except ParameterError as error:
        print(error)
print(sys.modules.get("pydantic"))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-P", "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(errors.__file__).parent.parent,
        ).stdout
        for arguments in ([], ["without"])
    }
    (output,) = outputs
    assert output.splitlines() == [
        "[Contact(id='1')]",
        "parameters must be a mapping of names to values, or a pydantic model, not int.",
        "parameters.x cannot be sent as JSON: object is not a JSON type.",
        "None",
    ]
