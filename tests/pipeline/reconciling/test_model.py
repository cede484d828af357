"""No schedule of deaths, late arrivals, stale looks, two lookers and takeovers writes an item twice."""

from typing import Final

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from support.reconciled_world import Assumption, World

PAUSES: Final = (0.1, 1.0, 4.0)
STEPS: Final = 50
SCHEDULES: Final = st.binary(min_size=2 * STEPS, max_size=2 * STEPS)
"""What happens, two bytes for each step."""
SOME: Final = settings(max_examples=2_000, deadline=None, database=None)
ALL: Final = settings(max_examples=100_000, deadline=None, database=None)
UNTIL_FOUND: Final = settings(max_examples=100_000, deadline=None, database=None, phases=[Phase.generate])


def world_after(schedule: bytes, without: Assumption | None = None) -> World:
    """Return the world after a schedule: time passes, workers begin, stop and go on, or one of two does some steps."""
    world = World(without)
    for what, how in zip(schedule[::2], schedule[1::2], strict=True):
        if what < 60:
            world.advance_to_moment(how)
        elif what < 80:
            world.advance(PAUSES[how % len(PAUSES)])
        elif what < 110 or not world.workers:
            world.take_over()
        elif what < 120:
            world.stop()
        elif what < 130:
            world.go_on()
        else:
            worker, steps = -1 - what % 2 % len(world.workers), 1 + what // 2 % 4
            for step in range(steps):
                world.act(worker, (how + 77 * step) % 256 / 255)
    return world


def check(schedule: bytes) -> None:
    """Check that the app runs the write once at most, and that it is sent twice at most."""
    world = world_after(schedule)
    assert len(world.runs_at) <= 1
    assert world.sent <= 2
    assert world.row.status != "ok" or world.runs_at


@SOME
@given(SCHEDULES)
def test_no_schedule_writes_twice(schedule: bytes) -> None:
    """With all that the library relies on, an item is written once at most."""
    check(schedule)


@pytest.mark.slow
@pytest.mark.no_cover  # which would take three times as long, and show nothing that the test above does not
@ALL
@given(SCHEDULES)
def test_none_of_a_hundred_thousand_schedules_writes_twice(schedule: bytes) -> None:
    """So many find what a few thousand miss: without the fence, one schedule in some 1,500 writes twice."""
    check(schedule)


@pytest.mark.parametrize("without", Assumption)
def test_each_assumption_is_needed(without: Assumption) -> None:
    """Take any single one away, and a schedule writes twice."""
    find(SCHEDULES, lambda schedule: len(world_after(schedule, without).runs_at) > 1, settings=UNTIL_FOUND)
