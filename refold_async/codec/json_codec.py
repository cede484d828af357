"""Values to JSON bytes and back, with the same result whether orjson is installed or not.

orjson is used if it is installed (extra `speed`) and gives the same result as the standard library. Where the two
differ, the standard library does the work: orjson turns NaN into null, and integers beyond 64 bits into floats. (One
difference remains: members of an Enum that are strings or integers, but have another value.)

JSON that is nested deeper than 320 levels is refused. So everything that was read can be copied, pickled and encoded,
even deep within the calls of a program: Python does all of these by recursion.
"""

# pyright: reportPossiblyUnboundVariable=false
# (orjson is bound wherever the functions that need it are used)

import codecs
import json
import re
import uuid
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, cast

try:
    import orjson
except ImportError:
    _has_orjson = False
else:
    _has_orjson = True
    _AS_THE_STANDARD_LIBRARY: Final = (
        orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

from refold_async.codec.json_pieces import decode_in_pieces

__all__ = ["decode", "encode", "encode_as_read", "unlike_when_read"]

_MOST_LEVELS: Final = 320
_LARGE: Final = 1024 * 1024
"""The size in bytes from which a JSON text is decoded in pieces, so that other threads can run in between."""
_CONTAINERS: Final = frozenset({dict, list})
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def _encode_other(value: Any) -> Any:
    """Encode values that orjson knows and the standard library does not, and pydantic models, which neither knows."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    from refold_async.codec.pydantic_models import dumped, is_pydantic_model, not_json  # most values do not need it

    if is_pydantic_model(value):
        return dumped(value)
    raise TypeError(not_json(value))


_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_other).encode


def encode_with_json(value: Any) -> bytes:
    """Return `value` as JSON; raises TypeError, ValueError or RecursionError if it cannot be written as JSON."""
    return _to_json(value).encode()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _openings(body: bytes, levels: int) -> int:
    """Return how many lists and objects a JSON text may have; 0 if it is too short for more than `levels` levels."""
    # Reading it twice, once for each sign, takes twice as long.
    return len(body) - len(body.translate(None, b"[{")) if len(body) > 2 * levels else 0


def _not_too_deep(value: Any, openings: int, levels: int) -> Any:
    """Return the value of a JSON text; raises ValueError if it is nested deeper than `levels`."""
    unseen = openings
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    # Stop as soon as the remaining containers are too few to exceed the levels, which is usual after the first level.
    for depth in range(1, levels + 1):
        unseen -= len(level)
        if depth + unseen <= levels:
            return value
        level = [
            member
            for container in level
            for member in cast("Iterable[Any]", container.values() if type(container) is dict else container)
            if type(member) in _CONTAINERS
        ]
    if level:
        raise ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")
    return value


_BYTE_ORDER_MARK: Final = codecs.BOM_UTF8
_from_json = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def decode_with_json(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8; raises ValueError or RecursionError if it is not JSON.

    A byte order mark at its start is skipped.
    """
    if len(body) > _LARGE:
        return decode_in_pieces(body, decode_at_once_with_json, _MOST_LEVELS)
    return decode_at_once_with_json(body, _MOST_LEVELS)


def decode_at_once_with_json(body: bytes, levels: int) -> Any:
    """Return the value of a JSON text of any size; raises ValueError if it is nested deeper than `levels`."""
    text = body.removeprefix(_BYTE_ORDER_MARK).decode().strip(" \t\r\n")
    value, end = _from_json(text)
    if end != len(text):
        raise ValueError(f"Extra data: char {end}")
    openings = _openings(body, levels)
    return _not_too_deep(value, openings, levels) if openings > levels else value


_MOST_LEVELS_WRITTEN_BY_ORJSON: Final = 254
_DIGITS: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_INTEGER: Final = b"0" * 19
_JSON_BEGINS_WITH: Final = b'{["tfn-0123456789'


def encode_with_orjson(value: Any) -> bytes:
    """Return `value` as `encode_with_json` would, by orjson if its result is known to be the same."""
    try:
        body = orjson.dumps(value, option=_AS_THE_STANDARD_LIBRARY)
    except TypeError:
        return encode_with_json(value)
    # A null may have been a NaN. (`in` costs twice as much, because it first checks whether the bytes are a number.)
    return encode_with_json(value) if body.find(b"null") >= 0 else body


def decode_with_orjson(body: bytes) -> Any:
    """Return the same as `decode_with_json`, by orjson if its result is the same."""
    if len(body) > _LARGE:
        return decode_in_pieces(body, decode_at_once_with_orjson, _MOST_LEVELS)
    return decode_at_once_with_orjson(body, _MOST_LEVELS)


def decode_at_once_with_orjson(body: bytes, levels: int) -> Any:
    """Return the same as `decode_at_once_with_json`, by orjson if its result is the same."""
    # The shortest integer beyond 64 bits has 19 digits. A text that does not begin like JSON may be an HTML page:
    # orjson would copy it into its error more often than there may be memory for.
    text = body.removeprefix(_BYTE_ORDER_MARK)
    if text and text[0] in _JSON_BEGINS_WITH and text.translate(_DIGITS).find(_LONG_INTEGER) < 0:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # if the standard library cannot read it either, its error is the one to raise
        else:
            openings = _openings(body, levels)
            return _not_too_deep_for_orjson(value, openings, levels) if openings > levels else value
    return decode_at_once_with_json(body, levels)


def _not_too_deep_for_orjson(value: Any, openings: int, levels: int) -> Any:
    if levels < _MOST_LEVELS_WRITTEN_BY_ORJSON:
        return _not_too_deep(value, openings, levels)
    try:
        orjson.dumps(value)  # counting the levels takes three times as long
    except TypeError:
        return _not_too_deep(value, openings, levels)
    return value


encode: Final = encode_with_orjson if _has_orjson else encode_with_json
"""Return a value as JSON bytes; raises TypeError, ValueError or RecursionError if it cannot be written as JSON."""

decode: Final = decode_with_orjson if _has_orjson else decode_with_json
"""Return the value of a JSON text in UTF-8; raises ValueError or RecursionError if it is not JSON."""


_to_ascii = json.JSONEncoder(separators=(",", ":"), default=_encode_other).encode
_STRING_OR_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)Infinity|NaN')


def encode_as_read(value: Any) -> str:
    """Return a value as JSON, even with numbers beyond all floats and lone surrogates, which `encode` refuses.

    Raises:
        TypeError: It cannot be written as JSON.
        ValueError: It cannot be written as JSON.
        RecursionError: It is nested too deep.
    """
    try:
        return encode(value).decode()
    except ValueError:
        return _STRING_OR_CONSTANT.sub(_as_json, _to_ascii(value))


def _as_json(found: "re.Match[str]") -> str:
    if found[0] == "NaN":
        raise ValueError("NaN is not a JSON value")
    return found[0] if found[0].startswith('"') else f"{found[1]}1e999"


def unlike_when_read(value: Any) -> str | None:
    """Return what encoding and decoding would change about a value, such as a tuple; None if nothing.

    Raises:
        ValueError: It is nested deeper than what can be read.
    """
    level: list[Any] = [value]
    depth = 1
    while level:
        below: list[Any] = []
        for one in level:
            kind: object = type(one)  # pyright: ignore[reportUnknownVariableType]
            if kind is dict:
                for key in one:
                    if type(key) is not str:
                        return f"has a key of class {type(key).__qualname__}"
                below += one.values()
            elif kind is list:
                below += one
            elif kind not in _SCALARS:
                return f"contains a {type(one).__qualname__}"
        if depth > _MOST_LEVELS and any(type(one) in _CONTAINERS for one in level):
            raise ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")
        level, depth = below, depth + 1
    return None
