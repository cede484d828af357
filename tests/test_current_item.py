"""What an item of a fan-out knows of its requests, and records of them."""

import asyncio

from refold_async.current_item import CurrentItem
from refold_async.places import Places


class Record:
    """A record that takes its time."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.committed = asyncio.Event()

    async def start(self) -> None:
        """Return once it is committed."""
        if self.written[-1:] != ["started"]:
            self.written.append("started")
        await self.committed.wait()

    def withdraw(self) -> None:
        """Record that nothing happened."""
        self.written.append("withdrawn")


async def test_a_refusal_withdraws_nothing_while_another_request_leaves() -> None:
    """Of two requests at once one is refused, the other waits to leave: it must find itself recorded."""
    record = Record()
    record.committed.set()
    item = CurrentItem(record=record)
    await item.before_sending()
    record.committed.clear()
    leaving = asyncio.create_task(item.before_sending())
    await asyncio.sleep(0)
    item.after_sending(without_effect=True, change=False)
    record.committed.set()
    await leaving
    assert (record.written, item.attempts, item.untouched) == (["started"], 2, False)
    item.after_sending(without_effect=True, change=False)
    assert record.written == ["started", "withdrawn"]


async def test_an_item_counts_for_those_around_it() -> None:
    """Its requests are theirs: recorded before they leave, counted, and remembered where they may have happened."""
    outer = CurrentItem(record=Record())
    inner = CurrentItem(outer=outer)
    assert isinstance(outer.record, Record)
    outer.record.committed.set()
    await inner.before_sending()
    assert (inner.attempts, outer.attempts, outer.record.written) == (1, 1, ["started"])
    inner.after_sending(without_effect=False, change=True)
    await inner.before_sending()
    inner.after_sending(without_effect=True, change=False)
    assert (outer.may_have_changed, outer.untouched, outer.record.written) == (True, False, ["started"])


async def test_a_cancelled_departure_is_not_counted() -> None:
    """A request that was cancelled before it was recorded did not leave."""
    item = CurrentItem(record=Record())
    leaving = asyncio.create_task(item.before_sending())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert (item.attempts, item.leaving, item.untouched) == (0, 0, True)


async def test_only_an_untouched_item_lends_its_place() -> None:
    """One that may have happened must stay among the `concurrency` that are unknown at most."""
    places = Places(1)
    places.take()
    item = CurrentItem(places=places)
    await item.before_sending()
    item.after_sending(without_effect=False, change=True)
    item.step_aside()
    assert not places.available
    item = CurrentItem(places=places)
    item.step_aside()
    assert places.available
    assert item.step_back(lambda: None)
    assert not places.available


async def test_who_comes_back_goes_before_new_items() -> None:
    """A place that comes free is offered to items that had lent theirs, in order, and is kept for them."""
    places = Places(1)
    places.take()
    first, second = CurrentItem(places=places), CurrentItem(places=places)
    first.step_aside()
    places.take()
    second.step_aside()
    places.take()  # a third item, which works
    offered: list[str] = []
    for name, item in (("first", first), ("second", second)):
        assert not item.step_back(lambda name=name, item=item: offered.append(name + str(item.step_back(int))))  # type: ignore[misc]
    places.free()
    assert offered == ["firstTrue"]
    assert not places.available
    places.free()
    assert offered == ["firstTrue", "secondTrue"]
    places.free()
    await asyncio.wait_for(places.wait(), 1)
