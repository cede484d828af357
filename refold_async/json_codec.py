"""Values to JSON bytes and back, the same with and without orjson.

orjson is used where it is installed (extra `speed`) and agrees with the standard library. Where it would not, as
with NaN, which it turns into null, or integers beyond 64 bits, which it turns into floats, the standard library
does the work. (They still differ on members of an Enum that are strings or integers and have another value than that.)
"""

# pyright: reportPossiblyUnboundVariable=false
# (orjson is bound wherever the functions that need it are used)

import json
import uuid
from enum import Enum
from typing import Any, Final

try:
    import orjson
except ImportError:
    _has_orjson = False
else:
    _has_orjson = True
    _AS_THE_STANDARD_LIBRARY: Final = (
        orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

__all__ = ["decode", "encode"]


def _encode_other(value: Any) -> Any:
    """Encode what orjson knows by itself and the standard library does not."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON type")


_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_other).encode


def encode_with_json(value: Any) -> bytes:
    """Return `value` as JSON; raises TypeError, ValueError or RecursionError where it has none."""
    return _to_json(value).encode()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


_from_json = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def decode_with_json(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8; raises ValueError or RecursionError where it is none."""
    text = body.decode().strip(" \t\r\n")
    value, end = _from_json(text)
    if end != len(text):
        raise ValueError(f"Extra data: char {end}")
    return value


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
    # The shortest integer beyond 64 bits has 19 digits. What does not begin like JSON is a page of HTML, say, of which
    # orjson would put more copies into its error than there may be memory for.
    if body and body[0] in _JSON_BEGINS_WITH and body.translate(_DIGITS).find(_LONG_INTEGER) < 0:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # unless the standard library reads it, its error is the one to tell
    return decode_with_json(body)


encode: Final = encode_with_orjson if _has_orjson else encode_with_json
"""Return a value as JSON bytes; raises TypeError, ValueError or RecursionError where it has none."""

decode: Final = decode_with_orjson if _has_orjson else decode_with_json
"""Return the value of a JSON text in UTF-8; raises ValueError or RecursionError where it is none."""
