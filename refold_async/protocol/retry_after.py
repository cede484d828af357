"""The `Retry-After` header of a response: how long to wait before the next request. Loaded by the first failure."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["read_retry_after"]

_LONGEST: Final = 1e10
"""Seconds, some three centuries: what asks for more is not meant."""


def read_retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds a `Retry-After` header asks to wait: digits, with a fraction at most, or a date.

    A date in the past asks for none. What is neither, or so far away that nobody can have meant it, is None.
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
    """Return when a response was made, by the server's own clock where it tells the time."""
    try:
        return _parse_date(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return now()


def _parse_date(value: str) -> float:
    # Years of four digits that begin with 0 would be taken for years of two.
    if not value.isascii() or re.search(r"\s0\d\d\d\b", value):
        raise ValueError(value)
    date = parsedate_to_datetime(value)
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()  # HTTP's dates are in GMT
