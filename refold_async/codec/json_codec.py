"""Values to JSON bytes and back, the same with and without orjson.

orjson is used where it is installed (extra `speed`) and agrees with the standard library. Where it would not, as
with NaN, which it turns into null, or integers beyond 64 bits, which it turns into floats, the standard library
does the work. (They still differ on members of an Enum that are strings or integers and have another value than that.)

What is nested deeper than 320 levels is not read. What was read can so be copied, pickled and encoded again, all of
which Python does by recursion, also from well within a program's calls.
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
"""From how many bytes on a JSON text is decoded in pieces, so that other threads get their turn meanwhile."""
_CONTAINERS: Final = frozenset({dict, list})
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def _encode_other(value: Any) -> Any:
    """Encode what orjson knows and the standard library does not, and pydantic models, which neither knows."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    from refold_async.codec.pydantic_models import dumped, is_pydantic_model, not_json  # most values need no looking at

    if is_pydantic_model(value):
        return dumped(value)
    raise TypeError(not_json(value))


_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_other).encode


def encode_with_json(value: Any) -> bytes:
    """Return `value` as JSON; raises TypeError, ValueError or RecursionError where it has none."""
    return _to_json(value).encode()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _may_be_too_deep(body: bytes, levels: int) -> bool:
    return len(body) > 2 * levels and body.count(b"[") + body.count(b"{") > levels


def _not_too_deep(value: Any, body: bytes, levels: int) -> Any:
    """Return the value of a JSON text; raises ValueError where it is nested deeper than `levels`."""
    unseen = body.count(b"[") + body.count(b"{")
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    # Until so few containers are left that they could not be too many levels: mostly where only the last are.
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
    """Return the value of a JSON text in UTF-8; raises ValueError or RecursionError where it is none.

    A byte order mark before it is skipped.
    """
    if len(body) > _LARGE:
        return decode_in_pieces(body, decode_at_once_with_json, _MOST_LEVELS)
    return decode_at_once_with_json(body, _MOST_LEVELS)


def decode_at_once_with_json(body: bytes, levels: int) -> Any:
    """Return the value of a JSON text, also where it is large, unless it is nested deeper than `levels`."""
    text = body.removeprefix(_BYTE_ORDER_MARK).decode().strip(" \t\r\n")
    value, end = _from_json(text)
    if end != len(text):
        raise ValueError(f"Extra data: char {end}")
    return _not_too_deep(value, body, levels) if _may_be_too_deep(body, levels) else value


_MOST_LEVELS_WRITTEN_BY_ORJSON: Final = 254
_DIGITS: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG_INTEGER: Final = b"0" * 19
_JSON_BEGINS_WITH: Final = b'{["tfn-0123456789'


def encode_with_orjson(value: Any) -> bytes:
    """Return `value` as `encode_with_json` would, by orjson where that can be told to agree."""
    try:
        body = orjson.dumps(value, option=_AS_THE_STANDARD_LIBRARY)
    except TypeError:
        return encode_with_json(value)
    # A null may have been a NaN. (`in` costs twice as much: it asks first whether the bytes are a number.)
    return encode_with_json(value) if body.find(b"null") >= 0 else body


def decode_with_orjson(body: bytes) -> Any:
    """Return what `decode_with_json` would, by orjson where that agrees."""
    if len(body) > _LARGE:
        return decode_in_pieces(body, decode_at_once_with_orjson, _MOST_LEVELS)
    return decode_at_once_with_orjson(body, _MOST_LEVELS)


def decode_at_once_with_orjson(body: bytes, levels: int) -> Any:
    """Return what `decode_at_once_with_json` would, by orjson where that agrees."""
    # The shortest integer beyond 64 bits has 19 digits. What does not begin like JSON is a page of HTML, say, of which
    # orjson would put more copies into its error than there may be memory for.
    text = body.removeprefix(_BYTE_ORDER_MARK)
    if text and text[0] in _JSON_BEGINS_WITH and text.translate(_DIGITS).find(_LONG_INTEGER) < 0:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # unless the standard library reads it, its error is the one to tell
        else:
            return _not_too_deep_for_orjson(value, body, levels) if _may_be_too_deep(body, levels) else value
    return decode_at_once_with_json(body, levels)


def _not_too_deep_for_orjson(value: Any, body: bytes, levels: int) -> Any:
    if levels < _MOST_LEVELS_WRITTEN_BY_ORJSON:
        return _not_too_deep(value, body, levels)
    try:
        orjson.dumps(value)  # to look takes three times as long
    except TypeError:
        return _not_too_deep(value, body, levels)
    return value


encode: Final = encode_with_orjson if _has_orjson else encode_with_json
"""Return a value as JSON bytes; raises TypeError, ValueError or RecursionError where it has none."""

decode: Final = decode_with_orjson if _has_orjson else decode_with_json
"""Return the value of a JSON text in UTF-8; raises ValueError or RecursionError where it is none."""


_to_ascii = json.JSONEncoder(separators=(",", ":"), default=_encode_other).encode
_STRING_OR_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)Infinity|NaN')


def encode_as_read(value: Any) -> str:
    """Return as JSON what may have been read: numbers beyond all floats and lone surrogates are none by `encode`.

    Raises:
        TypeError: It is no JSON.
        ValueError: It is no JSON.
        RecursionError: It is nested too deep.
    """
    try:
        return encode(value).decode()
    except ValueError:
        return _STRING_OR_CONSTANT.sub(_as_json, _to_ascii(value))


def _as_json(found: "re.Match[str]") -> str:
    if found[0] == "NaN":
        raise ValueError("NaN is no JSON value")
    return found[0] if found[0].startswith('"') else f"{found[1]}1e999"


def unlike_when_read(value: Any) -> str | None:
    """Tell what about a value that has JSON is not the same once it is encoded and decoded, such as a tuple; else None.

    Raises:
        ValueError: It is nested deeper than what is read.
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
                return f"holds a {type(one).__qualname__}"
        if depth > _MOST_LEVELS and any(type(one) in _CONTAINERS for one in level):
            raise ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")
        level, depth = below, depth + 1
    return None
