"""The example of a job that survives: interrupted, killed and run again, it writes for every account exactly once."""

import asyncio
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import attrs
import pytest

from refold_async import Journal
from refold_async.testing import Answer, Delay, Errored, MockRefold, Reset
from support.running_programs import Finished, ended, run_program, running
from support.waiting import until

pytest.importorskip("tqdm")  # the example shows a bar

PROGRAM: Final = str(Path(__file__).parent.parent.parent / "examples" / "bulk_job.py")
IDS: Final = [f"customer_{number}" for number in range(16)]
MANY_IDS: Final = [f"customer_{number}" for number in range(40)]  # two seconds' work, at the example's rate
TALKS_TO_MOCK: Final = re.compile(r"REFOLD_API_KEY is not set: talking to a mock on http://127\.0\.0\.1:\d+\n")


@attrs.frozen
class Job:
    """The example as a user starts it, with a key for a service."""

    service: MockRefold
    directory: Path
    ids: Sequence[str] = tuple(IDS)

    @property
    def journal(self) -> Path:
        """Where its journal is."""
        return self.directory / "june.sqlite"

    @property
    def arguments(self) -> list[str]:
        """What it is started with."""
        accounts = self.directory / "accounts.txt"
        accounts.write_text("\n".join(self.ids) + "\n")
        return [PROGRAM, "--journal", str(self.journal), "--accounts", str(accounts)]

    @property
    def environment(self) -> dict[str, str]:
        """The key, and where the service is."""
        return {"REFOLD_API_KEY": "tk_test", "REFOLD_BASE_URL": self.service.base_url}

    async def run(self, *options: str) -> Finished:
        """Run it to its end."""
        return await run_program(*self.arguments, *options, environment=self.environment)

    async def run_until(self, condition: Callable[[], bool], *signals: signal.Signals) -> Finished:
        """Run it until a condition holds, send it signals, each a moment after the one before, and wait for its end."""
        async with running(*self.arguments, environment=self.environment) as process:
            await until(condition, process, within=60)
            first, *others = signals
            process.send_signal(first)
            for number in others:
                await asyncio.sleep(1)  # for the one before to be heeded: two that come together are one
                process.send_signal(number)
            return await ended(process)


@pytest.fixture
def job(mock: MockRefold, tmp_path: Path) -> Job:
    """The example, and a service."""
    return Job(mock, tmp_path)


def writes(mock: MockRefold) -> Counter[str]:
    """Return how often each account was written to."""
    return Counter(str(request.linked_account_id) for request in mock.requests_to("execute_action"))


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
async def test_interrupted_and_run_again(job: Job, mock: MockRefold, number: signal.Signals, exit_code: int) -> None:
    """What is in flight ends, the summary and the way on are told, and the same command does the rest, each once."""
    job = attrs.evolve(job, ids=MANY_IDS)
    mock.script(Delay(0.3))
    ran = await job.run_until(lambda: mock.request_count >= 7, number)
    assert (ran.exit_code, ran.complaints) == (exit_code, "")
    done = len(mock.requests)
    assert 7 <= done < len(MANY_IDS)
    assert all(request.status == 200 for request in mock.requests)
    left = len(MANY_IDS) - done
    assert f"{done} ok, 0 failed, 0 unknown, 0 in flight, {left} not begun" in ran.output
    assert f"To continue with the other {left}:\n  python {PROGRAM} --journal {job.journal} " in ran.output
    assert "--resend-unknown" not in ran.output

    ran = await job.run()
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert f"{len(MANY_IDS)} ok, 0 failed, 0 unknown" in ran.output
    assert "To " not in ran.output
    assert writes(mock) == dict.fromkeys(MANY_IDS, 1)
    assert mock.rate_limited == 0


@pytest.mark.slow
async def test_a_second_signal_ends_it_at_once(job: Job, mock: MockRefold) -> None:
    """What was in flight is unknown then, and is written again only if asked for."""
    script = mock.script(Delay(30))
    ran = await job.run_until(lambda: mock.request_count >= 3, signal.SIGINT, signal.SIGINT)
    assert (ran.exit_code, ran.output, ran.complaints) == (-signal.SIGINT, "", "")
    lost = [str(request.linked_account_id) for request in mock.requests]
    assert Journal(job.journal).summary().unknown == len(lost) > 0

    script.remove()
    ran = await job.run()
    assert ran.exit_code == 0
    assert f"{len(IDS) - len(lost)} ok, 0 failed, {len(lost)} unknown" in ran.output
    assert f"{job.directory / 'accounts.txt'} --resend-unknown\n" in ran.output
    assert writes(mock) == dict.fromkeys(IDS, 1)

    ran = await job.run("--resend-unknown")
    assert (ran.exit_code, "16 ok, 0 failed, 0 unknown" in ran.output) == (0, True)
    assert writes(mock) == {**dict.fromkeys(IDS, 1), **dict.fromkeys(lost, 2)}


@pytest.mark.slow
async def test_failures(job: Job, mock: MockRefold) -> None:
    """`--retry-failed` tries what failed without effect again; what is unknown is left alone."""
    mock.script(Errored(400), linked_account_id="customer_1", calls=1)
    mock.script(Reset("after"), linked_account_id="customer_2", calls=1)
    ran = await job.run()
    assert ran.exit_code == 0
    assert "14 ok, 1 failed, 1 unknown" in ran.output
    assert "--retry-failed\n" in ran.output
    ran = await job.run("--retry-failed")
    assert "15 ok, 0 failed, 1 unknown" in ran.output
    assert ran.output.count("--retry-failed") == 0
    assert writes(mock) == {**dict.fromkeys(IDS, 1), "customer_1": 2}


async def test_too_many_failures_stop_it(job: Job, mock: MockRefold) -> None:
    """A key that is refused is not tried for every account: it says so, how to go on, and exits with 1."""
    job = attrs.evolve(job, ids=MANY_IDS)
    mock.script(Answer(401))
    ran = await job.run()
    assert ran.exit_code == 1
    assert ran.complaints.startswith("10 of 10 items did not succeed")
    assert "Traceback" not in ran.complaints
    (failed,) = re.findall(r"0 ok, (\d+) failed, 0 unknown", ran.output)
    assert 10 <= int(failed) < len(MANY_IDS)
    assert "To continue with the other" in ran.output


async def test_another_jobs_journal(job: Job, mock: MockRefold) -> None:
    """A file that is no journal of this job is told in a line, and nothing is sent."""
    with closing(sqlite3.connect(job.journal)) as connection:
        connection.execute("CREATE TABLE contacts (id)")
    ran = await job.run()
    assert (ran.exit_code, ran.output) == (1, "")
    assert ran.complaints.startswith("JournalError: ")
    assert "Traceback" not in ran.complaints
    assert mock.request_count == 0


async def test_a_real_service_is_not_written_to_unasked(job: Job, mock: MockRefold) -> None:
    """With a key it makes up no accounts."""
    ran = await run_program(PROGRAM, environment=job.environment)
    assert (ran.exit_code, ran.output) == (2, "")
    assert "--accounts is needed" in ran.complaints
    assert mock.request_count == 0


@pytest.mark.slow
async def test_without_a_key(job: Job) -> None:
    """It runs as it is, against a mock of its own, and goes on with the same job when run again."""
    for run in (1, 2):
        ran = await run_program(*job.arguments)
        assert ran.exit_code == 0
        assert TALKS_TO_MOCK.fullmatch(ran.complaints)
        assert "16 ok, 0 failed, 0 unknown" in ran.output
        assert f"not running, run {run}, " in ran.output
