"""Reads the `Retry-After` header: how long to wait before the next request. Imported at the first failure."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["read_retry_after"]

_LONGEST: Final = 1e10
"""The longest wait in seconds, about three centuries. Anything longer cannot be meant."""


def read_retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait: a number, perhaps with a fraction, or a date.

    A date in the past means 0. Anything else, and any wait that is too long to be meant, gives None.
    """
    value = headers.get("Retry-After", "").strip(" \t")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        seconds = float(value)
    else:
        try:
            seconds = _parse_date(value) - _time_of(headers, now)
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if abs(seconds) <= _LONGEST else None


def _time_of(headers: Mapping[str, str], now: Callable[[], float]) -> float:
    """Return when a response was made: by the server's clock if the response says so, else by `now`."""
    try:
        return _parse_date(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return now()


def _parse_date(value: str) -> float:
    # Four-digit years that begin with 0 would be read as two-digit years.
    if not value.isascii() or re.search(r"\s0\d\d\d\b", value):
        raise ValueError(value)
    date = parsedate_to_datetime(value)
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()  # dates in HTTP are in GMT
