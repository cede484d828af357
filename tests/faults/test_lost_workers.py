"""Workers of a job on PostgreSQL that are killed or stopped: nothing is written twice or lost, and all is told."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import pytest

from refold_async import JournalEntry, PostgresJournal
from refold_async.testing import Delay, MockRefold
from support import part_worker
from support.part_worker import CONCURRENCY, JOB, items_of
from support.pgbouncer_server import running_pgbouncer
from support.postgres_journals import created
from support.postgres_server import PostgresProcess
from support.running_programs import Finished, ended, running
from support.waiting import until

pytestmark = pytest.mark.slow

PROGRAM: Final = part_worker.__file__
RESPONSE_AFTER: Final = 0.02  # seconds: so that there are always requests in flight


@attrs.define
class Job:
    """A job in parts, its workers, and what a look at the server and the journal shows."""

    mock: MockRefold
    dsn: str
    parts: int
    each: int
    lines: dict[int, list[str]] = attrs.field(factory=dict[int, list[str]])

    @property
    def journal(self) -> PostgresJournal:
        """The journal."""
        return PostgresJournal(self.dsn, job=JOB)

    @property
    def items(self) -> list[str]:
        """The items of all parts."""
        return [item for part in range(self.parts) for item in items_of(part, self.each)]

    @property
    def writes(self) -> Counter[str]:
        """How often each account was written to."""
        return Counter(request.linked_account_id or "" for request in self.mock.requests)

    @asynccontextmanager
    async def worker(self, *options: str) -> AsyncGenerator[asyncio.subprocess.Process]:
        """Run a worker."""
        arguments = [PROGRAM, self.mock.base_url, "--parts", str(self.parts), "--each", str(self.each), *options]
        async with running(*arguments, environment={"REFOLD_JOURNAL_DSN": self.dsn}) as process:
            yield process

    async def entries(self) -> dict[str, JournalEntry]:
        """Return what the journal has, by key."""
        return await asyncio.to_thread(lambda: {entry.key: entry for entry in self.journal.entries()})

    async def check(self, most_unknown: int) -> set[str]:
        """Check the journal against the server when the job is done; return what is unknown."""
        entries = await self.entries()
        assert sorted(entries) == sorted(self.items)  # several items of a part begin at the same time
        assert max(self.writes.values()) == 1
        unknown = {key for key, entry in entries.items() if entry.status == "unknown"}
        assert len(unknown) <= most_unknown
        assert {key for key, entry in entries.items() if entry.status == "ok"} == set(self.items) - unknown
        assert set(self.items) - unknown <= self.writes.keys()
        summary = await asyncio.to_thread(self.journal.summary)
        assert (summary.ok, summary.unknown) == (len(self.items) - len(unknown), len(unknown))
        assert (summary.parts, summary.closed_parts, summary.held_parts) == (self.parts, self.parts, 0)
        return unknown


def told(worker: Finished) -> Counter[str]:
    """Return how often a worker told what."""
    assert worker.complaints == ""
    return Counter(line.split()[0] for line in worker.output.splitlines())


@pytest.fixture(params=["direct", "pgbouncer"])
async def job(request: pytest.FixtureRequest, mock: MockRefold, postgres: PostgresProcess) -> AsyncIterator[Job]:
    """A job on a PostgreSQL of its own, reached directly or through a PgBouncer in transaction mode."""
    mock.script(Delay(RESPONSE_AFTER))
    if request.param == "direct":
        created(postgres.dsn())
        yield Job(mock, postgres.dsn(), 4, 100)
        return
    # There are fewer connections than workers: each statement may get another one.
    async with running_pgbouncer(postgres, settings={"default_pool_size": "2", "server_login_retry": "1"}) as pgbouncer:
        created(pgbouncer.dsn())
        yield Job(mock, pgbouncer.dsn(), 4, 100)


async def test_killed(job: Job) -> None:
    """Others take the part of one that was killed: at most as much is unknown as it had in flight."""
    async with job.worker() as dead, job.worker() as first, job.worker() as second:
        await until(lambda: len(job.mock.requests) > 120)
        dead.kill()
        finished = await asyncio.gather(ended(first), ended(second))
    counts = sum(map(told, finished), Counter[str]())
    assert (counts["lost"], counts["ended"]) == (0, 2)
    unknown = await job.check(CONCURRENCY)
    assert counts["closed"] >= job.parts - 1
    answered = {request.linked_account_id for request in job.mock.requests if request.status is not None}
    assert job.writes.keys() - answered <= unknown


async def test_stopped_for_too_long(job: Job) -> None:
    """One that comes back after its part was taken over sends nothing more of it, and says why; then it goes on."""
    async with job.worker() as zombie:
        await until(lambda: len(job.mock.requests) > 30)
        zombie.send_signal(signal.SIGSTOP)
        async with job.worker() as successor:
            finished = await ended(successor)
        assert told(finished)["closed"] == job.parts
        before = job.writes
        assert set(job.items) - before.keys() <= {
            key for key, entry in (await job.entries()).items() if entry.status == "unknown"
        }
        zombie.send_signal(signal.SIGCONT)
        again = await ended(zombie)
    assert told(again)["lost"] == 1
    assert "another worker took this part" in again.output
    assert told(again)["ended"] == 1
    assert job.writes == before
    await job.check(CONCURRENCY)


async def test_server_restarted(job: Job, postgres: PostgresProcess) -> None:
    """Workers wait for the server: nothing is unknown."""
    async with job.worker() as first, job.worker("--tasks", "2") as second:
        for part in (1, 2):
            await until(lambda part=part: len(job.mock.requests) > part * 120)  # type: ignore[misc]
            await (postgres.restart() if part == 1 else postgres.kill())
            if part == 2:
                await postgres.start()
        finished = await asyncio.gather(ended(first), ended(second))
    assert [worker.exit_code for worker in finished] == [0, 0]
    assert all(
        line.startswith(("claimed", "closed", "ended"))
        for worker in finished
        for line in worker.output.split("\n")[:-1]
    )
    assert await job.check(0) == set()


async def test_many_workers(job: Job) -> None:
    """Each part is claimed by one of them, once."""
    async with job.worker("--tasks", "2") as one, job.worker("--tasks", "2") as two, job.worker() as three:
        finished = await asyncio.gather(ended(one), ended(two), ended(three))
    counts = sum(map(told, finished), Counter[str]())
    assert counts == {"claimed": job.parts, "closed": job.parts, "ended": 3}
    assert await job.check(0) == set()
    assert all(entry.run == 1 for entry in (await job.entries()).values())
