"""Decides what to do next about a write that may have run, from what looks for it found. Without I/O, without a clock.

All times are in seconds by one clock that never goes back.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from refold_async.journal.send_fence import SEND_WITHIN

__all__ = ["MOST_SENDS", "End", "Found", "Look", "LookFrom", "cannot_leave_after", "next_step"]

MOST_SENDS: Final = 2
"""How often a write is sent in total: a third time would rely on a second look that was wrong."""
_APART: Final = 0.1
"""How long after the first look that counts the second begins, as a share of `settle`."""
_CLOCKS_DIFFER: Final = 60.0
"""By how many seconds the clocks of two machines may differ, or one of them may have been set back."""


class Found(Enum):
    """What a look found."""

    DONE = "done"
    NOT_DONE = "not done"
    CANNOT_TELL = "not clear"


class Look(NamedTuple):
    """A look for a write."""

    began: float
    ended: float
    found: Found


class LookFrom(NamedTuple):
    """The next step is a look that begins at this time or later."""

    time: float


class End(Enum):
    """The last step."""

    DONE = "it ran"
    SEND_AGAIN = "it did not run, so it is sent once more"
    UNKNOWN = "it remains unknown"


def next_step(looks: Sequence[Look], *, settle: float, sends: int, over_at: float) -> LookFrom | End:
    """Return what to do next about a write that may have run.

    A look that finds the write counts at any time. One that does not find it may have come too early. So it counts only
    if it began `settle` seconds after the write could no longer leave, and if another look a little later finds the
    same: a single answer may come from a copy of the app's data that lags behind.

    Args:
        looks: The looks since the write was last sent, in their order.
        settle: Seconds after which a write that has left is certain to be found, or never runs.
        sends: How often it may have been sent, over all runs.
        over_at: The time after which what was last sent can no longer leave.
    """
    if not looks:
        return LookFrom(-float("inf"))
    if looks[-1].found is not Found.NOT_DONE:
        return End.DONE if looks[-1].found is Found.DONE else End.UNKNOWN
    may_resend = sends < MOST_SENDS
    agreeing, counts_from = 0, over_at + settle
    for look in looks:
        if look.began >= counts_from:
            agreeing += 1
            counts_from = look.ended + settle * _APART
    if agreeing < (2 if may_resend else 1):
        return LookFrom(counts_from)
    return End.SEND_AGAIN if may_resend else End.UNKNOWN


def cannot_leave_after(*, opened_at: float, sent_ago: float | None, now: float) -> float:
    """Return the time after which a request that an earlier run recorded can no longer leave.

    No run begins before all requests of earlier runs have left, or never will: a store promises that. A request that
    was recorded long enough ago has left too, which matters if runs are shorter than writes need to settle.

    Args:
        opened_at: When this run began.
        sent_ago: How many seconds ago the request was recorded, by clocks that may be set; None if that is not known.
        now: The time.
    """
    if sent_ago is None:
        return opened_at
    return min(opened_at, now - sent_ago + SEND_WITHIN + _CLOCKS_DIFFER)
