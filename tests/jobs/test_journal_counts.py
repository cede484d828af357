"""What the stream and the journal's summary count agrees: what was refused, and what was not begun."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

from refold_async import AsyncRefold, FanOut, FanOutStoppedError, JournalSummary, Progress
from refold_async.testing import Answer, MockRefold, Silence
from support.journals import AnyJournal
from support.waiting import until


def write(refold: AsyncRefold, journal: AnyJournal, items: Any, **options: Any) -> FanOut[str, Any]:
    """Return a journaled job."""
    return refold.fan_out_action(
        items, "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal, concurrency=5, **options
    )


def counts(summary: JournalSummary) -> dict[str, int]:
    """Return what the summary says of items that ended."""
    return {"ok": summary.ok, "failed": summary.failed, "unknown": summary.unknown}


async def test_refused_items_are_counted_by_both(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """A key that occurred before, a bad id, and none at all: each is a failed outcome, and counts in the summary.

    Once an outcome was yielded, the summary has it.
    """
    mock.script(Answer(404), linked_account_id="user_3")
    items: list[Any] = [*(f"user_{number}" for number in range(8)), "user_2", " edge", "", 7, "user_2"]
    for run in (1, 2):
        read: Counter[str] = Counter(ok=0, failed=0, unknown=0)
        job = write(refold, journal, items)
        async with job:
            async for outcome in job:
                read[outcome.status] += 1
                summary = journal.summary()
                assert all(read[status] <= count for status, count in counts(summary).items())
        summary = journal.summary()
        assert counts(summary) == dict(read) == {"ok": 7, "failed": 6, "unknown": 0}
        assert (summary.refused, summary.not_begun, summary.runs) == (5, 0, run)
    assert len(mock.requests) == 8
    assert len(list(journal.entries(status="failed"))) == 1


async def test_refused_items_without_keys(refold: AsyncRefold, journal: AnyJournal) -> None:
    """So are those of which `key=` makes none, or raises."""
    keys: dict[str, Any] = {"user_1": "", "user_2": None, "user_3": 5, "user_4": "d"}
    report = await write(refold, journal, [*keys, "user_5"], key=keys.__getitem__).collect()
    assert report.counts == counts(journal.summary()) == {"ok": 1, "failed": 4, "unknown": 0}
    assert journal.summary().refused == 4


def given_one_by_one(items: Iterable[str]) -> Iterator[str]:
    """Give items without telling how many there are."""
    yield from items


async def given_later(items: Iterable[str]) -> AsyncIterator[str]:
    """Give items without telling how many there are."""
    for item in items:
        await asyncio.sleep(0)
        yield item


IDS = [f"user_{number}" for number in range(60)]


async def test_what_was_not_begun_of_a_list(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Of a job that stops itself, all that is left of the list; the next run does it, and nothing is left."""
    script = mock.script(Answer(404))
    job = write(refold, journal, IDS, stop_after=10)
    with pytest.raises(FanOutStoppedError) as caught:
        await job.collect()
    assert caught.value.effect == "none"  # every request was refused
    summary = journal.summary()
    ended = sum(counts(summary).values())
    assert counts(summary) == job.report.counts
    assert summary.not_begun == 60 - ended - summary.withdrawn > 0
    assert f"{summary.not_begun} not begun" in str(summary)
    script.remove()
    await write(refold, journal, IDS, retry_failed=True).collect()
    summary = journal.summary()
    assert (counts(summary), summary.not_begun) == ({"ok": 60, "failed": 0, "unknown": 0}, 0)
    assert "not begun" not in str(summary)


@pytest.mark.parametrize("source", [given_one_by_one, given_later])
async def test_what_was_not_begun_of_a_source_without_length(
    mock: MockRefold, journal: AnyJournal, source: Any
) -> None:
    """Of those that were taken: nobody knows how many more there would be. While it runs, nobody knows at all."""
    mock.script(Silence(), linked_account_id="user_1", calls=1)
    items = ["user_1"] * 20
    all_taken = asyncio.Event()

    def until_all_are_taken() -> Iterator[str]:
        yield from items
        all_taken.set()

    def job(refold: AsyncRefold) -> FanOut[str, Any]:
        numbers = iter(range(100))

        def key(item: str) -> str:
            return str(next(numbers))

        return write(refold, journal, source(until_all_are_taken()), key=key, grace=0)

    async with AsyncRefold("tk_test", base_url=mock.base_url, account_concurrency=1) as refold:
        async with job(refold) as first:
            await until(lambda: len(mock.requests) == 1)
            await until(lambda: journal.summary().in_flight == 1)
            await all_taken.wait()
            assert journal.summary().not_begun is None
        summary = journal.summary()
        assert (counts(summary), summary.not_begun) == ({"ok": 0, "failed": 0, "unknown": 1}, len(first.unfinished) - 1)
        assert summary.not_begun == 19  # which were parked
        await job(refold).collect()
    summary = journal.summary()
    assert (counts(summary), summary.not_begun) == ({"ok": 19, "failed": 0, "unknown": 1}, 0)


async def test_summary_while_a_list_is_worked_on(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Whoever looks meanwhile sees how many are to come."""
    mock.script(Silence())
    async with write(refold, journal, IDS, grace=0):
        await until(lambda: journal.summary().in_flight == 5)
        assert journal.summary().not_begun == 55


async def test_nothing_is_asked_for_its_length_without_a_journal(refold: AsyncRefold) -> None:
    """A source whose length is hard to tell is not asked where nobody needs to know."""

    class Source(list[str]):
        def __len__(self) -> int:
            raise NotImplementedError

    report = await refold.fan_out_action(Source(["user_1"]), "hubspot", "get_contact").collect()
    assert report.counts["ok"] == 1


async def test_a_length_that_cannot_be_told(refold: AsyncRefold, journal: AnyJournal) -> None:
    """As of a progress bar around a generator: the job runs, and counts the items as those of any such source."""

    class Bar(list[str]):
        def __len__(self) -> int:
            raise TypeError("object of type 'generator' has no len()")

    progress: list[int | None] = []

    def note(told: Progress) -> None:
        progress.append(told.total)

    job = write(refold, journal, Bar(["user_1"]), progress=note)
    assert (await job.collect()).counts["ok"] == 1
    assert journal.summary().not_begun == 0
    assert set(progress) == {None}
