"""Pauses after refusals: how long, who looks whether they are over, and what ends them."""

import math

import pytest

from refold_async.limits.pauses import Pause


def paused(asked: float | None = None, *, first: float = 0.5, longest: float = 60.0) -> Pause:
    """Return a pause that one refusal began, at second 100."""
    pause = Pause(longest)
    pause.refused(99.9, asked, first, 100.0)
    return pause


@pytest.mark.parametrize(
    ("asked", "first", "longest", "length"),
    [
        (None, 0.5, 60.0, 0.5),
        (0.0, 0.5, 60.0, 0.5),
        (7.0, 0.5, 60.0, 7.0),
        (7.0, 0.0, 60.0, 7.0),
        (86_400.0, 0.5, 60.0, 60.0),
        (86_400.0, 0.5, math.inf, 86_400.0),
        (None, 0.5, 0.2, 0.2),
    ],
)
def test_length(asked: float | None, first: float, longest: float, length: float) -> None:
    """What the response asks for and the first pause, the longer of the two; never more than is allowed."""
    pause = paused(asked, first=first, longest=longest)
    assert pause.lasts
    assert pause.wait(100.0) == pytest.approx(length)
    assert pause.wait(100.0 + length) == 0


def test_doubles_with_each_refusal_in_a_row() -> None:
    """Up to ten seconds; what left before the present pause is no news; an accepted one lets it begin anew."""
    pause, now, lengths = Pause(60.0), 0.0, list[float]()
    for _ in range(7):
        left, now = now, now + 0.1
        pause.refused(left, None, 0.5, now)
        pause.refused(left, None, 0.5, now)  # one that left at the same time
        lengths.append(round(pause.wait(now), 6))
        now += pause.wait(now)
    assert lengths == [0.5, 1, 2, 4, 8, 10, 10]
    assert pause.accepted(now, now)
    pause.refused(now, None, 0.5, now)
    assert pause.wait(now) == 0.5


def test_a_longer_one_is_not_shortened() -> None:
    """The longest that was asked for counts, whichever came first."""
    pause = paused(30.0)
    pause.refused(99.0, 5.0, 0.5, 101.0)
    assert pause.wait(101.0) == 29
    pause.refused(99.0, 50.0, 0.5, 102.0)
    assert pause.wait(102.0) == 50


def test_one_looks() -> None:
    """Then the others wait for its response; where none comes, another looks after a second."""
    pause = paused(30.0)
    pause.take(130.0)
    assert pause.wait(130.0) == 1
    pause.take(131.0)
    assert pause.wait(131.0) == 1
    assert not pause.accepted(99.95, 130.5)  # it left before the pause, and tells nothing
    assert pause.lasts
    assert pause.accepted(130.0, 131.1)
    assert not pause.lasts
    assert pause.wait(131.1) == 0
    pause.take(131.1)
    assert pause.wait(131.1) == 0


def test_a_look_that_is_refused_renews_it() -> None:
    """For as long as that response asks."""
    pause = paused(30.0)
    pause.take(130.0)
    pause.refused(130.0, 20.0, 0.5, 130.2)
    assert pause.wait(130.2) == 20


def test_a_short_one_is_not_worth_a_look() -> None:
    """All go on: waiting for a response would take longer."""
    pause = paused(None, first=0.05)
    pause.take(100.05)
    assert pause.wait(100.05) == 0


def test_told_once() -> None:
    """However often it is renewed; a new one is told again, and one of less than a second never."""
    pause = paused(0.5)
    assert not pause.is_news(100.0)
    pause.refused(100.5, 5.0, 0.5, 100.6)
    assert [pause.is_news(100.6) for _ in range(3)] == [True, False, False]
    pause.refused(106.0, 5.0, 0.5, 106.1)
    assert not pause.is_news(106.1)
    assert pause.accepted(112.0, 112.1)
    pause.refused(112.0, 5.0, 0.5, 112.1)
    assert pause.is_news(112.1)
