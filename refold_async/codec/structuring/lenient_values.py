"""Values in Refold's own responses, parsed leniently: an optional one that is none is taken for missing."""

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from refold_async.codec.structuring.plain_values import Hook, wrong_type

__all__ = ["LENIENT", "identifier"]


def identifier(value: Any, _: Any) -> str:
    """Parse an id, which may have come as a number."""
    text = _text(value, _)
    if text is None:
        raise wrong_type(str, value)
    return text


def _text(value: Any, _: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 10**18 else None


def _count(value: Any, _: Any) -> int | None:
    if type(value) is int:
        return value
    number = _measure(value, _)
    return int(number) if number is not None and number.is_integer() else None


def _measure(value: Any, _: Any) -> float | None:
    """Parse a number, which may have come as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        if math.isfinite(number := float(value)):
            return number
    return None


def _moment(value: Any, _: Any) -> datetime | None:
    """Parse a point in time, as ISO 8601 or as HTTP writes it."""
    if not isinstance(value, str):
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            moment = parse(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None


LENIENT: Final[Mapping[Any, Hook]] = {
    str | None: _text,
    int | None: _count,
    float | None: _measure,
    datetime | None: _moment,
}
"""How optional fields are parsed, by their type."""
