"""Jobs in parts that several workers share: who gets which part, when a part is closed, and what a death leaves."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import pytest

from refold_async import AsyncRefold, ConfigurationError, Journal, JournalError, JournalPart
from refold_async.journal.entries import STATUSES
from refold_async.journal.sqlite.folder import SQLiteFolder
from refold_async.journal.sqlite.locks import is_held
from refold_async.journal.store import PartClaim, PartsLeft
from refold_async.testing import MockRefold, Silence
from support.journals import IDENTITY, SQLITE, AnyJournal
from support.waiting import until

PARTS = 4
CLAIMING = "refold_async journal parts"
"""The name of the thread of an iteration over parts, which the event loop closes after a `break`."""


@pytest.fixture
def journal(journal: AnyJournal) -> AnyJournal:
    """The journal of a job in parts."""
    return attrs.evolve(journal, parts=PARTS)


def items_of(number: int, each: int = 5) -> list[str]:
    """Return the items of a part."""
    return [f"user_{number}_{place}" for place in range(each)]


async def run(
    refold: AsyncRefold, part: JournalPart, items: Sequence[str] | None = None, *, grace: float = 5
) -> Counter[str]:
    """Write for all items of a part, and return how many ended in which way in this run."""
    ended: Counter[str] = Counter()
    chosen = items_of(part.number) if items is None else items
    async with refold.fan_out_action(
        chosen,
        "hubspot",
        "create_contact",
        lambda item: {"email": f"{item}@example.com"},
        journal=part,
        concurrency=3,
        grace=grace,
    ) as outcomes:
        async for outcome in outcomes:
            ended[f"{outcome.status}{', recorded' * outcome.recorded}"] += 1
    return ended


def sent(mock: MockRefold) -> Counter[str]:
    """Return how often the server got a write for each account."""
    return Counter(request.linked_account_id or "" for request in mock.requests)


ALL = Counter({item: 1 for number in range(PARTS) for item in items_of(number)})


async def test_one_worker_gets_all(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Each part once, in their order; the iteration ends when all are closed, and the next ends immediately."""
    numbers: list[int] = []
    async for part in journal.claim():
        assert (part.parts, part.job, part.results) == (PARTS, "june sync", False)
        numbers.append(part.number)
        assert await run(refold, part) == {"ok": 5}
        await part.close()
        await part.close()
        assert "closed" in repr(part)
    assert numbers == [0, 1, 2, 3]
    assert sent(mock) == ALL
    assert [part async for part in journal.claim()] == []
    summary = journal.summary()
    assert (summary.ok, summary.not_begun, summary.running, summary.runs) == (20, 0, False, 1)
    assert (summary.parts, summary.closed_parts, summary.held_parts) == (PARTS, PARTS, 0)
    assert "4 of 4 parts closed, 0 held" in str(summary)
    assert [entry.key for entry in journal.entries()] == [*ALL]
    assert [entry.key for entry in journal.entries(status="failed")] == []


async def test_several_workers_share(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """No part is claimed by two at the same time, and all of them end when the last part is closed."""
    at_work: set[int] = set()

    async def work() -> int:
        done = 0
        async for part in journal.claim():
            assert part.number not in at_work
            at_work.add(part.number)
            assert await run(refold, part) == {"ok": 5}
            at_work.remove(part.number)
            await part.close()
            done += 1
        return done

    assert sum(await asyncio.gather(*(work() for _ in range(3)))) == PARTS
    assert sent(mock) == ALL


async def test_a_part_that_is_not_closed_is_given_back(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """Others get it, and find what was done; who gave it back is told at the end that it is not closed."""

    async def work() -> None:
        async for part in journal.claim():
            await run(refold, part)
            if part.number % 2 == 0:
                await part.close()

    with pytest.raises(JournalError, match=r"not closed: 1, 3\. Call `await part\.close\(\)`"):
        await work()
    numbers: list[int] = []
    async for part in journal.claim():
        numbers.append(part.number)
        assert await run(refold, part) == {"ok, recorded": 5}
        await part.close()
    assert numbers == [1, 3]
    assert sent(mock) == ALL


async def test_close_after_leaving_early(refold: AsyncRefold, journal: AnyJournal) -> None:
    """A part whose items were not all taken to their end, or that was given back, cannot be closed."""
    parts: list[JournalPart] = []
    async for part in journal.claim():
        parts.append(part)
        with pytest.raises(JournalError, match="no fan-out has taken its items to their end"):
            await part.close()
        async with refold.fan_out_action(
            items_of(part.number), "hubspot", "create_contact", {"email": "a@example.com"}, journal=part
        ) as outcomes:
            async for _ in outcomes:
                break
        with pytest.raises(JournalError, match="no fan-out has taken its items to their end"):
            await part.close()
        if len(parts) == 2:
            break
    await given_back(parts[1])
    with pytest.raises(JournalError, match="was given back"):
        await parts[0].close()
    with pytest.raises(JournalError, match="given back"):
        await run(refold, parts[0])


@contextmanager
def blocked(path: Path) -> Generator[None]:
    """Have a directory in the place of a file."""
    path.mkdir()
    yield
    path.rmdir()


@SQLITE
async def test_a_close_that_fails(refold: AsyncRefold, journal: Journal) -> None:
    """It raises, and the part is given back."""
    parts: list[JournalPart] = []
    async for part in journal.claim():
        parts.append(part)
        assert await run(refold, part) == {"ok": 5}
        in_its_place = blocked(Path(journal.path, f"part-0000{part.number}.sqlite-closed"))
        with in_its_place, pytest.raises(JournalError, match="cannot be closed: Is a directory") as caught:
            await part.close()
        assert caught.value.effect == "none"
        assert "claimed" in repr(part)
        break
    await given_back(*parts)
    async for again in journal.claim():
        assert again.number == 0
        assert await run(refold, again) == {"ok, recorded": 5}
        await again.close()
        break
    await until(lambda: all(thread.name != CLAIMING for thread in threading.enumerate()))
    assert journal.summary().closed_parts == 1


async def given_back(*parts: JournalPart) -> None:
    """Wait until parts are given back: the event loop does that in a task of its own after the iteration was left."""
    await until(lambda: all("given back" in repr(part) for part in parts))
    await until(lambda: all(thread.name != CLAIMING for thread in threading.enumerate()))


async def test_break_gives_back(journal: AnyJournal) -> None:
    """So does an exception: the next worker gets the part at once."""
    parts: list[JournalPart] = []
    for _ in range(2):
        async for part in journal.claim():
            parts.append(part)
            break
        await given_back(*parts)
        try:
            async for part in journal.claim():
                parts.append(part)
                raise ZeroDivisionError
        except ZeroDivisionError:
            await given_back(*parts)
    assert [part.number for part in parts] == [0, 0, 0, 0]


async def test_a_part_has_one_fan_out_at_a_time(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """If it is given back while one runs, others get it only then: its requests may still leave."""
    mock.script(Silence())
    claimed = journal.claim()
    part = await anext(claimed)
    running = asyncio.create_task(run(refold, part, grace=0.1))
    await until(lambda: len(mock.requests) == 3)
    with pytest.raises(JournalError, match="another fan-out over part 0 of the job 'june sync' has not ended"):
        await run(refold, part)
    await claimed.aclose()
    assert journal.summary().held_parts == 1
    others = journal.claim()
    assert (await anext(others)).number == 1
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await others.aclose()
    again = journal.claim()
    await until(lambda: journal.summary().held_parts == 0)
    assert [(await anext(again)).number for _ in range(4)] in ([0, 1, 2, 3], [1, 2, 3, 0])
    await again.aclose()


async def test_another_number_of_parts(journal: AnyJournal) -> None:
    """It is refused: items would change their part, and be sent twice."""
    claimed = journal.claim()
    await anext(claimed)
    await claimed.aclose()
    with pytest.raises(JournalError, match="has 4 parts, not 5"):
        await anext(attrs.evolve(journal, parts=5).claim())


@SQLITE
async def test_a_directory_has_one_job(journal: Journal) -> None:
    """Another job is refused."""
    claimed = journal.claim()
    await anext(claimed)
    await claimed.aclose()
    with pytest.raises(JournalError, match="belongs to another job, 'june sync'"):
        await anext(Journal(journal.path, job="july sync", parts=4).claim())


@pytest.mark.parametrize("parts", [0, -1, 1.5, "4", True, 100_001])
def test_numbers_of_parts(tmp_path: Path, parts: object) -> None:
    """What is no number of parts is refused."""
    with pytest.raises(ConfigurationError, match=r"Journal\(parts=\) must be a whole number of at least 1"):
        Journal(tmp_path, job="june sync", parts=parts)  # type: ignore[arg-type]


async def test_what_is_missing(refold: AsyncRefold, tmp_path: Path) -> None:
    """To claim, a journal needs a name and parts; a fan-out takes a part of one that has them."""
    with pytest.raises(ConfigurationError, match=r"Journal\(\.\.\., parts=16\)"):
        Journal(tmp_path / "june", job="june sync").claim()
    with pytest.raises(ConfigurationError, match=r"Journal\(\.\.\., job='june sync', parts=16\)"):
        Journal(tmp_path / "june", parts=3).claim()
    with pytest.raises(ConfigurationError, match=r"pass journal=part"):
        refold.fan_out_action(["a"], "hubspot", "x", journal=Journal(tmp_path / "june", job="june sync", parts=3))


async def test_a_worker_waits_for_those_who_may_die(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """It gets what another gives back, as long as that is not closed."""
    first = journal.claim()
    part = await anext(first)
    rest: list[int] = []

    async def work() -> None:
        async for other in journal.claim():
            await run(refold, other)
            await other.close()
            rest.append(other.number)

    waiting = asyncio.create_task(work())
    await until(lambda: len(rest) == PARTS - 1)
    assert not waiting.done()
    assert part.number not in rest
    await first.aclose()
    await waiting
    assert rest == [1, 2, 3, 0]
    assert sent(mock) == ALL


@SQLITE
async def test_cancelled_claims_leave_nothing_claimed(journal: Journal) -> None:
    """However early a claim is cancelled, others can have all parts."""
    for turns in range(6):
        claiming = asyncio.ensure_future(anext(journal.claim()))
        for _ in range(turns):
            await asyncio.sleep(0)
        claiming.cancel()
        await asyncio.gather(claiming, return_exceptions=True)
        del claiming
    await until(lambda: not any(is_held(str(part)) for part in Path(journal.path).glob("*.sqlite")))
    claimed = [journal.claim() for _ in range(PARTS)]
    assert sorted([(await anext(each)).number for each in claimed]) == [0, 1, 2, 3]
    for each in claimed:
        await each.aclose()


WORKER = """
import asyncio, sys
from refold_async import AsyncRefold, Journal

async def main(url, path):
    async with AsyncRefold("tk_test", base_url=url) as refold:
        async for part in Journal(path, job="june sync", parts=4).claim():
            print(part.number, flush=True)
            items = [f"user_{part.number}_{place}" for place in range(5)]
            async with refold.fan_out_action(
                items, "hubspot", "create_contact", lambda item: {"email": f"{item}@example.com"},
                journal=part, concurrency=3,
            ) as outcomes:
                async for outcome in outcomes:
                    pass
            await part.close()

asyncio.run(main(*sys.argv[1:]))
"""


@SQLITE
async def test_a_worker_that_is_killed(mock: MockRefold, refold: AsyncRefold, journal: Journal) -> None:
    """Its part goes to another worker at once: nothing is sent twice, and what was in flight is unknown."""
    mock.script(Silence(), calls=range(7, 1000))
    command = [sys.executable, "-c", WORKER, mock.base_url, str(journal.path)]
    worker = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    await until(lambda: len(mock.requests) == 9, worker)
    worker.kill()
    await worker.communicate()
    before = sent(mock)
    mock.clear()
    ended: Counter[str] = Counter()
    async for part in journal.claim():
        ended += await run(refold, part)
        await part.close()
    assert 1 <= ended["unknown, recorded"] <= 3
    assert ended["ok"] == 20 - before.total()
    assert before + sent(mock) == ALL
    assert journal.summary().unknown == ended["unknown, recorded"]


@SQLITE
async def test_reading_while_one_worker_is_dead(refold: AsyncRefold, journal: Journal) -> None:
    """What its part has in flight may have run, whoever works on others. To read, a program need not know the parts."""
    folder = SQLiteFolder(str(journal.path))
    claims: list[PartClaim] = []
    for number in range(3):
        claimed = folder.claim("june sync", PARTS, ())
        assert not isinstance(claimed, PartsLeft)
        run = claimed.open_run("june sync", IDENTITY)
        run.write([(f"{number} started", None, "started"), (f"{number} ok", None, "ok", "done")])
        run.close()
        claims.append(claimed)
    claims[0].release()
    claims[2].release()
    for reader in (journal, Journal(journal.path)):
        summary = reader.summary()
        assert (summary.running, summary.ok, summary.in_flight, summary.unknown) == (True, 3, 1, 2)
        assert (summary.parts, summary.closed_parts, summary.held_parts) == (PARTS, 0, 1)
        keys = {status: [entry.key for entry in reader.entries(status=status)] for status in STATUSES}
        assert keys == {
            "started": ["1 started"],
            "withdrawn": [],
            "ok": ["0 ok", "1 ok", "2 ok"],
            "failed": [],
            "unknown": ["0 started", "2 started"],
        }
        assert [(entry.status, entry.effect) for entry in reader.entries()][::2] == [
            ("unknown", "unknown"),
            ("started", None),
            ("unknown", "unknown"),
        ]
    assert "1 in flight\n0 of 4 parts closed, 1 held\n" in str(summary)
    claims[1].release()


@SQLITE
def test_reading_while_a_worker_begins_a_part(journal: Journal) -> None:
    """Its file is there before its tables are."""
    folder = SQLiteFolder(str(journal.path))
    first, second = (folder.claim("june sync", PARTS, ()) for _ in range(2))
    assert not isinstance(first, PartsLeft)
    assert not isinstance(second, PartsLeft)
    first.open_run("june sync", IDENTITY).close()
    with closing(sqlite3.connect(Path(journal.path, "part-00001.sqlite"))) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    assert Path(journal.path, "part-00001.sqlite").stat().st_size > 0
    assert journal.summary().held_parts == 2
    assert list(journal.entries()) == []
    first.release()
    second.release()


@SQLITE
@pytest.mark.parametrize("content", ["", "{", "[1]", '{"job": 1, "parts": 2}'])
async def test_a_damaged_job_file(journal: Journal, content: str) -> None:
    """Whoever reads or claims is told which file is damaged."""
    await asyncio.to_thread(_write_job_file, Path(journal.path), content)
    with pytest.raises(JournalError, match=r"job\.json' is damaged"):
        journal.summary()
    with pytest.raises(JournalError, match=r"job\.json' is damaged"):
        await anext(journal.claim())


def _write_job_file(directory: Path, content: str) -> None:
    directory.mkdir()
    (directory / "job.json").write_text(content)


async def test_a_directory_is_not_a_file(refold: AsyncRefold, tmp_path: Path) -> None:
    """A job that is not split needs a file."""
    with pytest.raises(JournalError, match=r"is a directory, for a job that is split into parts: name a file"):
        async with refold.fan_out_action(["a"], "hubspot", "x", journal=Journal(tmp_path, job="june sync")):
            pass
