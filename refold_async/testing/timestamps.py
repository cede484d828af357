"""Times the mock reports: the same in every run, so that tests can compare whole answers."""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["timestamp"]

_START: Final = datetime(2026, 6, 21, 10, 4, 11, tzinfo=UTC)


def timestamp(seconds: float = 0) -> str:
    """Return the ISO 8601 time that lies `seconds` after the mock's fixed start, in milliseconds and UTC."""
    moment = _START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
