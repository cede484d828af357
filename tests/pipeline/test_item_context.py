"""What an item of a fan-out knows of its requests, and records of them."""

import asyncio
import math

from refold_async.jobs.slots import MOST_PARKED, Slots
from refold_async.pipeline.item_context import ItemContext


class Record:
    """A record that takes its time."""

    key = "user_1"

    def __init__(self) -> None:
        self.written: list[str] = []
        self.committed = asyncio.Event()

    async def start(self) -> float:
        """Return once it is committed."""
        if self.written[-1:] != ["started"]:
            self.written.append("started")
        await self.committed.wait()
        return math.inf

    def withdraw(self) -> None:
        """Record that nothing happened."""
        self.written.append("withdrawn")


async def test_a_refusal_withdraws_nothing_while_another_request_leaves() -> None:
    """Of two requests at once one is refused, the other waits to leave: it must find itself recorded."""
    record = Record()
    record.committed.set()
    item = ItemContext(recorder=record)
    await item.before_sending(write=True)
    record.committed.clear()
    leaving = asyncio.create_task(item.before_sending(write=True))
    await asyncio.sleep(0)
    item.note_without_effect(write=True)
    record.committed.set()
    await leaving
    assert (record.written, item.attempts, item.untouched) == (["started"], 2, False)
    item.note_without_effect(write=True)
    assert record.written == ["started", "withdrawn"]


async def test_an_item_counts_for_those_around_it() -> None:
    """Its requests are theirs: recorded before they leave, counted, and remembered where they may have happened."""
    outer = ItemContext(recorder=Record())
    inner = ItemContext(outer=outer)
    assert isinstance(outer.recorder, Record)
    outer.recorder.committed.set()
    await inner.before_sending(write=True)
    assert (inner.attempts, outer.attempts, outer.recorder.written) == (1, 1, ["started"])
    await inner.before_sending(write=True)
    inner.note_without_effect(write=True)
    assert (outer.may_have_changed, outer.untouched, outer.recorder.written) == (True, False, ["started"])


async def test_a_cancelled_departure_is_not_counted() -> None:
    """A request that was cancelled before it was recorded did not leave."""
    item = ItemContext(recorder=Record())
    leaving = asyncio.create_task(item.before_sending(write=True))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert (item.attempts, item.leaving, item.untouched) == (0, 0, True)


async def test_only_an_untouched_item_lends_its_slot() -> None:
    """One that may have happened must stay among the `concurrency` that are unknown at most."""
    slots = Slots(1)
    await slots.take()
    item = ItemContext(slots=slots)
    await item.before_sending(write=True)
    item.park()
    assert not slots.available
    item = ItemContext(slots=slots)
    item.park()
    assert slots.available
    assert slots.take_next(int)
    item.resume()
    assert not slots.available


async def test_who_resumes_goes_before_new_items() -> None:
    """A slot that comes free is taken for items that had lent theirs, in order, before new ones."""
    slots = Slots(1)
    items = [ItemContext(slots=slots) for _ in range(2)]
    back: list[str] = []
    for item in items:
        await slots.take()
        item.park()
    await slots.take()  # a third item, which works
    # The first waits with two requests, both of which go on.
    items[0].on_resume = (lambda: back.append("0a"), lambda: back.append("0b"))
    items[1].on_resume = (lambda: back.append("1"),)
    for item in items:
        assert not slots.take_next(item.resume)
    new = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.free()
    assert back == ["0a", "0b"]
    assert not slots.available
    slots.free()
    assert back == ["0a", "0b", "1"]
    await asyncio.sleep(0)
    assert not new.done()
    slots.free()
    await asyncio.wait_for(new, 1)


async def test_who_gives_up_has_a_slot_in_any_case() -> None:
    """Its item goes on; its other request is told. No slot is lost or made."""
    slots = Slots(1)
    await slots.take()
    item = ItemContext(slots=slots)
    item.park()
    await slots.take()
    back: list[str] = []
    item.on_resume = (lambda: back.append("back"),)
    item.give_up_waiting()
    assert back == ["back"]
    slots.free()
    assert not slots.available
    slots.free()
    assert slots.available


async def test_parked_items_are_bounded() -> None:
    """Beyond a number of them no new item is taken, until one is begun."""

    class Parked:
        parked = held_up = 0

        def unpark(self) -> object: ...
        def changed(self) -> None: ...

    slots = Slots(2)
    lane = Parked()
    while slots.available:
        slots.note_parked(lane)
    assert MOST_PARKED - 100 < slots.parked <= MOST_PARKED
    waiting = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    slots.note_unparked(lane)
    await asyncio.wait_for(waiting, 1)


async def test_items_that_settle_are_bounded() -> None:
    """They have no slot, and while there are very many of them no new item is taken."""
    slots = Slots(2)
    count = 0
    while slots.available:
        slots.note_settling(1)
        count += 1
    assert count == MOST_PARKED / 10
    waiting = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    slots.note_settling(-1)
    await asyncio.wait_for(waiting, 1)


async def test_who_gives_up_a_turn_takes_no_slot() -> None:
    """Whether it was cancelled before a slot came free, or at that moment."""
    slots = Slots(1)
    await slots.take()
    early, late, last = (asyncio.create_task(slots.take_before_others()) for _ in range(3))
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.wait([early])
    slots.free()  # for the second, which is cancelled before it goes on
    late.cancel()
    await asyncio.wait_for(last, 1)
    assert late.cancelled()
    assert not slots.available
    slots.free()
    assert slots.available
