"""Types for `into=` in a module whose annotations are strings, as many modules of users are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, NotRequired, Required, TypedDict

import attrs


@attrs.frozen
class Person:
    """An attrs class that names one defined below."""

    name: str
    address: Address | None = None
    tags: list[str] = attrs.field(factory=list[str])


@attrs.frozen
class Address:
    """An attrs class that is named before it is defined."""

    city: str


@dataclass
class Folder:
    """A dataclass that names itself."""

    name: str
    folders: list[Folder] = field(default_factory=list["Folder"])


class Row(TypedDict):
    """A TypedDict that names another class."""

    person: Person
    size: int | None


class Options(TypedDict):
    """A TypedDict with a key that may be missing, which Python cannot tell of postponed annotations."""

    must: int
    may: NotRequired[int]


class MoreOptions(Options, total=False):
    """A TypedDict with a key that must be there among keys that need not."""

    own: Required[int]
    other: int


class Chain(NamedTuple):
    """A NamedTuple that holds itself."""

    value: int
    next: Chain | None


class Paint(Enum):
    """An enum with a value that another one has too."""

    RED = "red"
