"""Recording an item before its requests leave, and until when they may leave after that."""

from pathlib import Path

import attrs

from refold_async.jobs.entry_recorder import EntryRecorder
from refold_async.journal.journal import Journal
from refold_async.journal.send_fence import SEND_WITHIN
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.journal.store import EntryValues
from refold_async.journal.writer import JournalWriter
from refold_async.runtime.boot_clock import boot_time
from support.journals import opened


@attrs.define
class Clock:
    """A clock that a commit can take time of."""

    now: float = 1000.0
    commit: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def written(path: Path, clock: Clock) -> tuple[JournalWriter, list[tuple[str, ...]]]:
    """Return a writer, and the list of what it commits, each commit of which takes `clock.commit` seconds."""
    commits: list[tuple[str, ...]] = []

    class SlowRun(SQLiteRun):
        def write(self, entries: list[EntryValues]) -> None:  # type: ignore[override]
            commits.append(tuple(str(entry[2]) for entry in entries))
            clock.now += clock.commit
            super().write(entries)

    def open_run() -> SQLiteRun:
        run = opened(path / "june.sqlite")
        run.__class__ = SlowRun
        return run

    return await JournalWriter.open(open_run), commits


async def test_a_record_serves_attempts_for_half_of_the_time(tmp_path: Path) -> None:
    """Then the next attempt is recorded again, so that it has time to get a connection."""
    clock = Clock()
    writer, commits = await written(tmp_path, clock)
    writer.look_up("a")
    recorder = EntryRecorder(writer, "a", None, may_have_run=False, clock=clock)
    assert await recorder.start() == 1000 + SEND_WITHIN
    clock.now += SEND_WITHIN / 2
    assert await recorder.start() == 1000 + SEND_WITHIN
    clock.now += 0.1
    assert await recorder.start() == clock.now + SEND_WITHIN
    assert commits == [("started",), ("started",)]
    await writer.aclose()


async def test_a_commit_that_takes_long_is_no_attempt(tmp_path: Path) -> None:
    """It is withdrawn together with the next record; only an attempt that may have left counts as sent."""
    clock = Clock(commit=SEND_WITHIN)
    writer, commits = await written(tmp_path, clock)
    writer.look_up("a")
    recorder = EntryRecorder(writer, "a", None, may_have_run=False, clock=clock)
    until = await recorder.start()
    await writer.aclose()
    assert until <= clock.now  # the attempt will fail, without effect: no journal may keep it waiting for ever
    assert commits == [("started",), ("withdrawn", "started"), ("withdrawn", "started")]
    (entry,) = Journal(tmp_path / "june.sqlite").entries()
    assert (entry.sends, entry.status) == (1, "unknown")


async def test_an_attempt_that_may_have_left_is_not_withdrawn(tmp_path: Path) -> None:
    """A later request of the same item is recorded again, and the earlier one still counts."""
    clock = Clock()
    writer, commits = await written(tmp_path, clock)
    writer.look_up("a")
    recorder = EntryRecorder(writer, "a", None, may_have_run=False, clock=clock)
    await recorder.start()
    clock.now, clock.commit = clock.now + SEND_WITHIN, SEND_WITHIN * 0.6
    await recorder.start()
    await writer.aclose()
    assert {status for batch in commits for status in batch} == {"started"}
    (entry,) = Journal(tmp_path / "june.sqlite").entries()
    assert entry.sends == len(commits) == 4


def test_the_clock_counts_on() -> None:
    """It is a clock."""
    assert boot_time() <= boot_time()
