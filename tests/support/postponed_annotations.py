"""Types for `into=` in a module whose annotations are strings, as in many modules of users."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, NotRequired, Required, TypedDict

import attrs


@attrs.frozen
class Person:
    """An attrs class that refers to a class defined below."""

    name: str
    address: Address | None = None
    tags: list[str] = attrs.field(factory=list[str])


@attrs.frozen
class Address:
    """An attrs class that another class refers to before it is defined."""

    city: str


@dataclass
class Folder:
    """A dataclass that refers to itself."""

    name: str
    folders: list[Folder] = field(default_factory=list["Folder"])


class Row(TypedDict):
    """A TypedDict that refers to another class."""

    person: Person
    size: int | None


class Options(TypedDict):
    """A TypedDict with an optional key. With postponed annotations, Python does not see that it is optional."""

    must: int
    may: NotRequired[int]


class MoreOptions(Options, total=False):
    """A TypedDict with one required key among optional ones."""

    own: Required[int]
    other: int


class Chain(NamedTuple):
    """A NamedTuple that contains its own type."""

    value: int
    next: Chain | None


class Paint(Enum):
    """An enum with a value that another enum has too."""

    RED = "red"
