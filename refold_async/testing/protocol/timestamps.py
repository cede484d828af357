"""The times that the mock reports: the same in every run, so that tests can compare whole responses."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

__all__ = ["http_date", "timestamp"]

_START: Final = datetime(2026, 6, 21, 10, 4, 11, tzinfo=UTC)


def http_date() -> str:
    """Return the mock's fixed start time in the format of HTTP: `Sun, 21 Jun 2026 10:04:11 GMT`."""
    return format_datetime(_START, usegmt=True)


def timestamp(seconds: float = 0) -> str:
    """Return the time `seconds` after the mock's fixed start time, in ISO 8601 format with milliseconds, in UTC."""
    moment = _START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
