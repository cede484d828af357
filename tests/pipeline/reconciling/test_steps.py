"""What follows from what looks found."""

import math

import pytest

from refold_async.journal.send_fence import SEND_WITHIN
from refold_async.pipeline.reconciling.steps import End, Found, Look, LookFrom, cannot_leave_after, next_step

DONE, NOT_DONE, CANNOT_TELL = Found.DONE, Found.NOT_DONE, Found.CANNOT_TELL


def step(*looks: tuple[float, Found], sends: int = 1, settle: float = 10.0) -> LookFrom | End:
    """Return the next step after looks that took a second each, if the write could not leave after 100."""
    made = [Look(began, began + 1, found) for began, found in looks]
    return next_step(made, settle=settle, sends=sends, over_at=100.0)


def test_the_first_look_is_at_once() -> None:
    """It may find the write, which is all that most lost responses need."""
    assert step() == LookFrom(-math.inf)


@pytest.mark.parametrize("sends", [1, 2])
def test_done_counts_at_once(sends: int) -> None:
    """Whenever the look began."""
    assert step((100, DONE), sends=sends) is End.DONE
    assert step((100, NOT_DONE), (110, DONE), sends=sends) is End.DONE


@pytest.mark.parametrize("looks", [[], [(100, NOT_DONE)], [(100, NOT_DONE), (110, NOT_DONE)]])
def test_a_look_that_cannot_tell_is_the_last(looks: list[tuple[float, Found]]) -> None:
    """What was not found before does not count either."""
    assert step(*looks, (120, CANNOT_TELL)) is End.UNKNOWN


def test_not_done_counts_after_a_while_and_twice() -> None:
    """Looks that begin too early do not count, however late they end, and the second comes later than the first."""
    assert step((100, NOT_DONE)) == LookFrom(110)
    assert step((100, NOT_DONE), (109.9, NOT_DONE)) == LookFrom(110)
    assert step((100, NOT_DONE), (110, NOT_DONE)) == LookFrom(112)
    assert step((110, NOT_DONE), (111, NOT_DONE)) == LookFrom(112)
    assert step((100, NOT_DONE), (110, NOT_DONE), (112, NOT_DONE)) is End.SEND_AGAIN
    assert step((130, NOT_DONE), (132, NOT_DONE)) is End.SEND_AGAIN


@pytest.mark.parametrize("sends", [2, 3])
def test_it_is_sent_twice_at_most(sends: int) -> None:
    """After the second time one look that counts is enough, because nothing follows from it."""
    assert step((100, NOT_DONE), sends=sends) == LookFrom(110)
    assert step((100, NOT_DONE), (110, NOT_DONE), sends=sends) is End.UNKNOWN


def test_a_write_that_never_settles_is_never_sent_again() -> None:
    """No look counts."""
    assert step((100, NOT_DONE), settle=math.inf) == LookFrom(math.inf)


def test_nothing_needs_to_settle() -> None:
    """Two looks are still needed."""
    assert step((100, NOT_DONE), settle=0) == LookFrom(101)
    assert step((100, NOT_DONE), (101, NOT_DONE), settle=0) is End.SEND_AGAIN


def test_what_an_earlier_run_sent_cannot_leave_any_more() -> None:
    """That is certain when this run begins. Clocks that are set may only show that it was long ago."""
    assert cannot_leave_after(opened_at=50, sent_ago=None, now=60) == 50
    assert cannot_leave_after(opened_at=50, sent_ago=10, now=60) == 50
    assert cannot_leave_after(opened_at=50, sent_ago=-1000, now=60) == 50
    assert cannot_leave_after(opened_at=50, sent_ago=1000, now=60) == 60 - 1000 + SEND_WITHIN + 60
