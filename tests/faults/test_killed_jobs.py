"""A job whose process is killed again and again: nothing is written twice, and what may have been written is told."""

import asyncio
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs
import pytest

from refold_async import Journal, JournalEntry
from refold_async.journal.store import Durability
from refold_async.testing import Answer, Delay, Errored, MockRefold, ReceivedRequest
from support import killable_job
from support.running_programs import run_program, running
from support.waiting import until

PROGRAM: Final = killable_job.__file__
RESPONSE_AFTER: Final = 0.02  # seconds: so that there are always requests in flight


@attrs.frozen
class Job:
    """A job at a mock, and what a look at both shows."""

    mock: MockRefold
    path: Path
    items: int
    durability: Durability = "process"

    @property
    def arguments(self) -> list[str]:
        """What the program is started with."""
        options = ["--items", str(self.items), "--durability", self.durability]
        return [PROGRAM, self.mock.base_url, str(self.path), *options]

    @property
    def writes(self) -> Counter[str]:
        """How often each linked account was written to; what was refused with HTTP 429 was not."""
        return Counter(account_of(request) for request in self.mock.requests if request.status != 429)

    def entries(self) -> dict[str, JournalEntry]:
        """Return what the journal has, by key."""
        return {entry.key: entry for entry in Journal(self.path).entries()}

    async def run_to_the_end(self, *options: str) -> list[int]:
        """Run it and return how many outcomes were ok, failed and unknown, and how many of all were recorded before."""
        ran = await run_program(*self.arguments, *options)
        assert (ran.exit_code, ran.complaints) == (0, "")
        return [int(count) for count in ran.output.split()]

    async def run_until_killed(self, requests: int, seconds: float) -> set[str]:
        """Run it, kill it so many requests and seconds later, and return the accounts whose requests had no answer."""
        before = len(self.mock.requests)
        async with running(*self.arguments) as process:
            await until(lambda: len(self.mock.requests) >= before + requests, process, within=60)
            await asyncio.sleep(seconds)
            process.kill()
            answered = {request.number for request in self.mock.requests if request.status is not None}
        await until(lambda: not self.mock.in_flight)
        return {account_of(request) for request in self.mock.requests[before:] if request.number not in answered}


def account_of(request: ReceivedRequest) -> str:
    """Return whom a request is for."""
    assert request.linked_account_id is not None
    return request.linked_account_id


def check(job: Job, run: int, unanswered: set[str], unknown_before: set[str]) -> set[str]:
    """Check the journal against the mock after a run was killed; return what is unknown."""
    entries = job.entries()
    unknown = {key for key, entry in entries.items() if entry.status == "unknown"}
    assert unknown_before <= unknown
    assert unanswered <= unknown - unknown_before
    assert len(unknown - unknown_before) <= killable_job.CONCURRENCY
    assert {account_of(request) for request in job.mock.requests} <= entries.keys()
    assert max(job.writes.values()) == 1
    ended = {key for key, entry in entries.items() if entry.status in ("ok", "failed")}
    assert ended <= {account_of(request) for request in job.mock.requests if request.status == 200}
    summary = Journal(job.path).summary()
    assert (summary.running, summary.in_flight, summary.runs) == (False, 0, run)
    assert (summary.unknown, summary.ok + summary.failed) == (len(unknown), len(ended))
    return unknown


async def kill_and_resume(job: Job, kills: int, requests: range, refused: set[str]) -> None:
    """Kill a job so often, each time within so many requests, then run it to its end, then what is unknown again.

    Args:
        job: The job.
        kills: How often.
        requests: How many requests it sends before it is killed, at random.
        refused: Those for whom the app refuses the write.
    """
    asyncio.get_running_loop().set_debug(False)  # the mock is to keep up
    seed = random.randrange(2**32)
    print(f"random.Random({seed})")
    chance = random.Random(seed)
    unknowns: list[set[str]] = [set()]
    for run in range(1, kills + 1):
        unanswered = await job.run_until_killed(chance.choice(requests), chance.uniform(0, 2 * RESPONSE_AFTER))
        unknowns.append(check(job, run, unanswered, unknowns[-1]))
    print("unknown after each kill:", *map(len, unknowns[1:]))
    assert sum(len(later) > len(earlier) for earlier, later in pairwise(unknowns)) >= kills // 2

    before = sum(entry.status != "withdrawn" for entry in job.entries().values())
    ok, failed, unknown, recorded = await job.run_to_the_end()
    assert (ok + failed + unknown, failed, unknown, recorded) == (
        job.items,
        len(refused - unknowns[-1]),  # who was refused while the process died, was not told so
        len(unknowns[-1]),
        before,
    )
    summary = Journal(job.path).summary()
    assert (summary.ok, summary.failed, summary.unknown, summary.withdrawn) == (ok, failed, unknown, 0)
    writes, entries = job.writes, job.entries()
    assert len(entries) == job.items
    assert {key for key, entry in entries.items() if entry.status != "unknown" and writes[key] != 1} == set()
    assert max(writes.values()) == 1

    seen = len(job.mock.requests)
    assert await job.run_to_the_end("--resend-unknown") == [
        job.items - len(refused),
        len(refused - unknowns[-1]),
        len(refused & unknowns[-1]),  # refused now, and may have run before
        job.items - unknown,
    ]
    resent = Counter(account_of(request) for request in job.mock.requests[seen:] if request.status != 429)
    assert resent == dict.fromkeys((key for key, entry in entries.items() if entry.status == "unknown"), 1)


@pytest.mark.slow
async def test_killed_ten_times(mock: MockRefold, tmp_path: Path) -> None:
    """2,000 writes through ten deaths: each is done once, but for those in flight, which are told and sent if asked."""
    refused = {f"user_{number}" for number in range(0, 2000, 200)}
    for linked_account_id in refused:
        mock.script(Errored(400), linked_account_id=linked_account_id)
    mock.script(Delay(RESPONSE_AFTER))
    await kill_and_resume(Job(mock, tmp_path / "contacts.sqlite", 2000), 10, range(1, 200), refused)


@pytest.mark.slow
async def test_killed_with_power_in_mind(mock: MockRefold, tmp_path: Path) -> None:
    """It holds as well where every commit waits for the disk, and where Refold refuses many requests with HTTP 429."""
    mock.script(Answer(429), route="execute_action", calls=range(20, 2000, 40))
    mock.script(Delay(RESPONSE_AFTER))
    job = Job(mock, tmp_path / "contacts.sqlite", 150, durability="power")
    await kill_and_resume(job, 3, range(1, 40), set())
