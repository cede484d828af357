"""The two codecs, with orjson and without: the same values go out and come in, and the same are refused."""

import dataclasses
import datetime as dt
import enum
import json
import math
import os
import subprocess
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

import attrs
import pytest

from refold_async.codec import json_codec
from support.cases import each_case

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]
REFUSALS: Final = (TypeError, ValueError, RecursionError)


@pytest.fixture(params=["json", "orjson"])
def codec(request: pytest.FixtureRequest) -> tuple[Encode, Decode]:
    """Each of the codecs; the one with orjson only where orjson is installed."""
    if request.param == "json":
        return json_codec.encode_with_json, json_codec.decode_with_json
    pytest.importorskip("orjson")
    return json_codec.encode_with_orjson, json_codec.decode_with_orjson


class Colour(enum.Enum):
    """Enum members of every kind of value."""

    RED = "red"
    PAIR = (1, 2)
    HUGE = 2**70
    NOTHING = None
    ID = UUID(int=1)
    NOT_A_NUMBER = math.nan
    NO_JSON = object()


class Level(enum.IntEnum):
    """Enum members that are numbers."""

    LOW = 1


class Mood(enum.StrEnum):
    """Enum members that are strings."""

    GOOD = "good"


class Text(str):
    """A str of the caller's own."""

    __slots__ = ()


class Number(float):
    """A float of the caller's own."""

    __slots__ = ()


class Whole(int):
    """An int of the caller's own."""

    __slots__ = ()


class Mapped(dict[str, int]):
    """A dict of the caller's own."""


class Pair(NamedTuple):
    """A tuple with names."""

    a: int
    b: int


@dataclasses.dataclass
class Data:
    """A dataclass, which is no JSON."""

    a: int = 1


@attrs.frozen
class Attributes:
    """An attrs class, which is no JSON."""

    a: int = 1


def nested(depth: int) -> list[Any]:
    """Return lists in lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic_list() -> list[Any]:
    """Return a list that is part of itself."""
    value: list[Any] = [1]
    value.append({"again": value})
    return value


# The value, and what a server reads.
SENDABLE: Final[dict[str, tuple[Any, Any]]] = {
    "null": (None, None),
    "true": (True, True),
    "false": (False, False),
    "zero": (0, 0),
    "negative zero": (-0.0, -0.0),
    "beyond a float's whole numbers": (2**53 + 1, 2**53 + 1),
    "least of 64 bits": (-(2**63), -(2**63)),
    "below 64 bits": (-(2**63) - 1, -(2**63) - 1),
    "most of 64 bits": (2**64 - 1, 2**64 - 1),
    "beyond 64 bits": (2**64, 2**64),
    "beyond 64 bits, within": ({"a": [1, 10**30]}, {"a": [1, 10**30]}),
    "fraction": (0.1 + 0.2, 0.30000000000000004),
    "large float": (1e16, 1e16),
    "small float": (1e-7, 1e-7),
    "largest float": (sys.float_info.max, sys.float_info.max),
    "smallest float": (5e-324, 5e-324),
    "whole float": (1.0, 1.0),
    "empty string": ("", ""),
    "letters": ("Zoë 客户 🦊", "Zoë 客户 🦊"),
    "control characters": ('\x00\x1f\x7f\x85\u2028\n\t"\\/', '\x00\x1f\x7f\x85\u2028\n\t"\\/'),
    "the word null": ({"null": "null"}, {"null": "null"}),
    "null within": ([None, {"a": None}], [None, {"a": None}]),
    "empty list": ([], []),
    "empty object": ({}, {}),
    "tuple": ((1, (2, [3])), [1, [2, [3]]]),
    "named tuple": (Pair(1, 2), [1, 2]),
    "enum": (
        [Colour.RED, Colour.PAIR, Colour.HUGE, Colour.NOTHING, Colour.ID],
        ["red", [1, 2], 2**70, None, str(UUID(int=1))],
    ),
    "int enum": ([Level.LOW, HTTPStatus.OK], [1, 200]),
    "str enum": ({"mood": Mood.GOOD}, {"mood": "good"}),
    "UUID": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "str subclass": (Text("x"), "x"),
    "int subclass": (Whole(7), 7),
    "float subclass": (Number(0.5), 0.5),
    "dict subclass": (Mapped(a=1), {"a": 1}),
    "ordered": (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "counter": (Counter("aab"), {"a": 2, "b": 1}),
    "int key": ({1: "a"}, {"1": "a"}),
    "float key": ({0.5: "a"}, {"0.5": "a"}),
    "true key": ({True: "a"}, {"true": "a"}),
    "null key": ({None: "a"}, {"null": "a"}),
    "str subclass key": ({Text("x"): 1}, {"x": 1}),
    "str enum key": ({Mood.GOOD: 1}, {"good": 1}),
    "int enum key": ({Level.LOW: 1}, {"1": 1}),
    "empty key": ({"": 1}, {"": 1}),
    "deep": (nested(300), nested(300)),
}
NOT_SENDABLE: Final[dict[str, Any]] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "NaN within": {"a": [1, {"b": math.nan}]},
    "NaN beside null": [None, "null", math.nan],
    "NaN of a subclass": Number("nan"),
    "NaN of an enum": Colour.NOT_A_NUMBER,
    "NaN as a key": {math.nan: 1},
    "enum of no JSON": Colour.NO_JSON,
    "lone surrogate": "\ud800",
    "lone surrogate within": ["a", {"b": "x\udfff"}],
    "lone surrogate as a key": {"\ud800": 1},
    "bytes": b"x",
    "bytearray": bytearray(b"x"),
    "set": {1},
    "frozenset": frozenset({1}),
    "range": range(3),
    "deque": deque([1]),
    "iterator": iter([1]),
    "mapping": MappingProxyType({"a": 1}),
    "mapping within": [MappingProxyType({"a": 1})],
    "datetime": dt.datetime(2026, 10, 21, tzinfo=dt.UTC),
    "date": dt.date(2026, 10, 21),
    "time": dt.time(12),
    "timedelta": dt.timedelta(1),
    "Decimal": Decimal(1),
    "complex": 1j,
    "dataclass": Data(),
    "attrs class": Attributes(),
    "path": PurePosixPath("a"),
    "class": int,
    "function": len,
    "object": object(),
    "ellipsis": ...,
    "tuple key": {(1, 2): 3},
    "bytes key": {b"a": 1},
    "UUID key": {UUID(int=1): 1},
    "enum key": {Colour.RED: 1},
    "cycle": cyclic_list(),
    "bottomless": nested(100_000),
}


def as_text(value: Any) -> str:
    """Return a text that tells apart what `==` does not: 1, 1.0 and True, 0.0 and -0.0."""
    return repr(value)


@each_case(("value", "read"), SENDABLE.values())
def test_what_is_sent(codec: tuple[Encode, Decode], value: Any, read: Any) -> None:
    """A value is sent as JSON in UTF-8 from which a server reads the same value."""
    body = codec[0](value)
    assert as_text(json.loads(body.decode())) == as_text(read)
    assert as_text(codec[1](body)) == as_text(read)


@each_case("value", NOT_SENDABLE.values())
def test_what_is_not_sent(codec: tuple[Encode, Decode], value: Any) -> None:
    """What is no JSON is refused, rather than sent as something like it."""
    with pytest.raises(REFUSALS):
        codec[0](value)


def test_compact(codec: tuple[Encode, Decode]) -> None:
    """The same bytes go out, without spaces, letters as they are, keys in the caller's order."""
    assert codec[0]({"b": [1, 2.5, None], "a": "é/"}) == '{"b":[1,2.5,null],"a":"é/"}'.encode()


READABLE: Final[dict[bytes, Any]] = {
    b"\xef\xbb\xbf1": 1,
    b'\xef\xbb\xbf {"a": [12345678901234567890]}\n': {"a": [12345678901234567890]},
    b'\xef\xbb\xbf{"a": "\xef\xbb\xbf"}': {"a": "\ufeff"},
    b"null": None,
    b" \t\r\n true \n": True,
    b"0": 0,
    b"-0": 0,
    b"-0.0": -0.0,
    b"1.0": 1.0,
    b"1E5": 100_000.0,
    b"1e05": 100_000.0,
    b"-1E-05": -0.00001,
    b"9007199254740993": 9007199254740993,
    b"9223372036854775808": 2**63,
    b"18446744073709551615": 2**64 - 1,
    b"18446744073709551616": 2**64,
    b"-9223372036854775808": -(2**63),
    b"-9223372036854775809": -(2**63) - 1,
    b'{"id": 123456789012345678901234567890}': {"id": 123456789012345678901234567890},
    b"[1, 99999999999999999999]": [1, 99999999999999999999],
    b"0.1234567890123456789": 0.12345678901234568,
    b"123456789012345678.9": 123456789012345678.9,
    b"1e23": 1e23,
    b"2.2250738585072011e-308": 2.2250738585072011e-308,
    b"5e-324": 5e-324,
    b"1e-400": 0.0,
    b'""': "",
    b'"\\u00e9\\ud83e\\udd8a\\/\\b\\f\\n\\r\\t\\"\\\\\\u0000"': 'é🦊/\b\f\n\r\t"\\\x00',
    '"Zoë 客户 🦊 \u2028\x7f"'.encode(): "Zoë 客户 🦊 \u2028\x7f",
    b'"\\ud800"': "\ud800",
    b'["99999999999999999999"]': ["99999999999999999999"],
    b"[]": [],
    b"{}": {},
    b'{"": 0}': {"": 0},
    b'{"b": 1, "a": {"c": [null]}}': {"b": 1, "a": {"c": [None]}},
    b'{"a": 1, "a": 2}': {"a": 2},
    b"[" * 300 + b"]" * 300: nested(299),
}
UNREADABLE: Final[list[bytes]] = [
    b"",
    b" ",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"[1, NaN]",
    b"nul",
    b"True",
    b"None",
    b"'a'",
    b"01",
    b"1.",
    b".5",
    b"+1",
    b"-",
    b"0x10",
    b"1_000",
    b"1 2",
    b"null null",
    b"[1 2]",
    b"[1,]",
    b"[1",
    b"]",
    b'{"a"}',
    b'{"a":}',
    b'{"a": 1,}',
    b"{a: 1}",
    b"{1: 2}",
    b'"a',
    b'"\x01"',
    b'"\n"',
    b'"\\x"',
    b'"\\u12"',
    b"/* x */ 1",
    b"1 // x",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf\xef\xbb\xbf1",
    b" \xef\xbb\xbf1",
    b"1\xef\xbb\xbf",
    b"\xfe\xff\x001",
    b"\x0c1",
    b"\xc2\xa01",
    b"\xff",
    b'"\xe9"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b'"\xf4\x90\x80\x80"',
    "[1]".encode("utf-16"),
    "[1]".encode("utf-32"),
    b"1" * 5000,
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b"<html></html>",
]


@each_case(("body", "value"), READABLE.items())
def test_what_is_read(codec: tuple[Encode, Decode], body: bytes, value: Any) -> None:
    """Whole numbers stay whole and exact, however long."""
    assert as_text(codec[1](body)) == as_text(value)


@each_case("body", UNREADABLE)
def test_what_is_not_read(codec: tuple[Encode, Decode], body: bytes) -> None:
    """What is no JSON in UTF-8 is refused, in ways that parsers expect."""
    with pytest.raises((ValueError, RecursionError)):
        codec[1](body)


@pytest.mark.parametrize("body", [b"1e400", b"[-1e400]", b"9" * 400 + b".0"], ids=lambda value: repr(value)[:40])
def test_floats_out_of_range(body: bytes) -> None:
    """Numbers beyond all floats are the same to both codecs."""
    pytest.importorskip("orjson")
    assert json_codec.decode_with_json(body) == json_codec.decode_with_orjson(body)


def test_orjson_is_used_where_it_is_installed() -> None:
    """The library takes the quicker codec by itself."""
    pytest.importorskip("orjson")
    assert json_codec.encode is json_codec.encode_with_orjson
    assert json_codec.decode is json_codec.decode_with_orjson


WITHOUT_ORJSON: Final = """
import sys
sys.modules["orjson"] = None
import refold_async
from refold_async.codec import json_codec
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.responses import Response
assert json_codec.encode is json_codec.encode_with_json
assert json_codec.decode is json_codec.decode_with_json
request = requests.execute_action("hubspot", "create_contact", {"n": 2**70, "name": "Zo\\u00eb"})
assert request.body == '{"n":1180591620717411303424,"name":"Zo\\u00eb"}'.encode(), request.body
try:
    requests.execute_action("hubspot", "create_contact", {"n": float("nan")})
except refold_async.ParameterError as error:
    assert "parameters.n" in error.message
else:
    raise AssertionError("NaN was not refused")
response = Response(200, {}, b'{"node_status": "Success", "data": 99999999999999999999}')
assert parse_action_result(int)(response, request).data == 99999999999999999999
print("works")
"""


def test_without_orjson() -> None:
    """The library works without its optional dependency."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", WITHOUT_ORJSON],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("works\n", "", 0)
