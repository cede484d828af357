"""The examples of jobs on engines: a worker of each is killed, and nothing is written twice, lost or concealed."""

import os
import re
import signal
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import attrs
import pytest
import yaml
from procrastinate import App, PsycopgConnector

import refold_async
from docs.pages import blocks_of
from docs.wording import ROOT
from refold_async import PostgresJournal
from refold_async.testing import Delay, MockRefold
from support.postgres_server import PostgresProcess
from support.redis_server import RedisProcess
from support.running_programs import ended, running
from support.waiting import until

EXAMPLES: Final = ROOT / "examples" / "engines"
GUIDE: Final = ROOT / "docs" / "guides" / "engines.md"
CUSTOMERS: Final = 1200
CONCURRENCY: Final = 50
"""What a fan-out has if it is not told otherwise."""

# A job that is done in seconds, though it waits for a lease to end.
CHANGES: Final = {
    "range(200)": f"range({CUSTOMERS})",
    "RateLimit(20, burst=5)": "RateLimit(300, burst=50)",
    "parts=16)": "parts=16, lease=3)",
}


@attrs.frozen
class Engine:
    """What an example of an engine runs with."""

    directory: Path
    mock: MockRefold
    journal: PostgresJournal
    environment: dict[str, str]
    stack: AsyncExitStack

    async def start(self, *arguments: str) -> Process:
        """Run Python with these arguments, in the directory of the example, until the test ends."""
        return await self.stack.enter_async_context(running(*arguments, environment=self.environment))

    async def under_way(self, *programs: Process) -> None:
        """Wait until a fair part of the job is done."""
        for program in programs:
            await until(lambda: self.mock.request_count > CUSTOMERS // 4, program, within=120)

    def check(self) -> None:
        """Check what the job came to: nothing twice, nothing lost, and what nobody knows is reported."""
        writes = Counter(request.linked_account_id for request in self.mock.requests if request.status != 429)
        assert max(writes.values()) == 1
        entries = {entry.key: entry.status for entry in self.journal.entries()}
        assert entries.keys() == {f"user_{number}" for number in range(CUSTOMERS)}
        unknown = {key for key, status in entries.items() if status == "unknown"}
        assert {entries[key] for key in entries.keys() - unknown} == {"ok"}
        assert entries.keys() - unknown <= writes.keys() <= entries.keys()
        unanswered = {str(request.linked_account_id) for request in self.mock.requests if request.status is None}
        print(f"unknown: {len(unknown)}, without an answer: {len(unanswered)}")
        assert unanswered <= unknown
        assert len(unknown) <= CONCURRENCY
        summary = self.journal.summary()
        assert (summary.ok, summary.failed, summary.unknown) == (CUSTOMERS - len(unknown), 0, len(unknown))


@pytest.fixture
async def engine(
    mock: MockRefold, postgres: PostgresProcess, redis: RedisProcess, tmp_path: Path
) -> AsyncIterator[Engine]:
    """Servers of the test's own, and a directory for the example."""
    mock.script(Delay(0.05))
    journal = PostgresJournal(postgres.dsn(), job="june sync", parts=16)
    await journal.create_schema()
    environment = {
        "REFOLD_API_KEY": "tk_test",
        "REFOLD_BASE_URL": mock.base_url,
        "REFOLD_JOURNAL_DSN": postgres.dsn(),
        "REDIS_URL": redis.tcp_url,
        "PYTHONPATH": os.pathsep.join([str(Path(refold_async.__file__).parent.parent), str(tmp_path)]),
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
    }
    async with AsyncExitStack() as stack:
        yield Engine(tmp_path, mock, journal, environment, stack)


def adapted(name: str, directory: Path) -> Path:
    """Copy an example, changed so that it is a job for a test; return its path."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for before, after in CHANGES.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def children(process: Process, running: str = "") -> list[int]:
    """Return the ids of the processes that a program has started, with this in their command lines."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    pids = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in pids if running in Path(f"/proc/{pid}/cmdline").read_text()]


def test_they_are_short() -> None:
    """An engine needs at most 40 lines."""
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLES.glob("*.py")}
    assert len(sizes) == 3
    assert max(sizes.values()) <= 40, sizes


def test_job_of_kubernetes() -> None:
    """The manifest in the guide has as many completions as the job there has parts, and runs its program."""
    blocks = blocks_of(GUIDE)
    program = next(block.code for block in blocks if block.title == "sync.py")
    text = GUIDE.read_text(encoding="utf-8")
    manifest = yaml.safe_load(text.partition('```yaml title="job.yaml"\n')[2].partition("```")[0])
    job = manifest["spec"]
    assert (manifest["apiVersion"], manifest["kind"], job["completionMode"]) == ("batch/v1", "Job", "Indexed")
    assert f"parts={job['completions']})" in program
    assert job["parallelism"] < job["completions"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # which `backoffLimitPerIndex` needs
    (container,) = job["template"]["spec"]["containers"]
    assert container["command"][:2] == ["python", "sync.py"]
    assert f'"{container["command"][2]}" in sys.argv' in program


@pytest.mark.slow
async def test_dask(engine: Engine) -> None:
    """A worker process of Dask dies."""
    program = await engine.start(str(adapted("dask_job.py", engine.directory)))
    await engine.under_way(program)
    workers = children(program, running="spawn_main")
    assert len(workers) == 4
    os.kill(workers[0], signal.SIGKILL)
    ran = await ended(program)
    assert ran.exit_code == 0, ran
    assert len(re.findall(r"^worker \d: \d+ contacts$", ran.output, re.MULTILINE)) == 4
    engine.check()


@pytest.mark.slow
async def test_celery(engine: Engine) -> None:
    """A process of a Celery worker's pool dies."""
    path = adapted("celery_job.py", engine.directory)
    # It warns that it runs as root, and the tests may. Not `default`: development mode would overlook it.
    worker = await engine.start("-W", "always", "-m", "celery", "-A", "celery_job", "worker", "--concurrency", "4")
    program = await engine.start(str(path))
    await engine.under_way(worker, program)
    pool = children(worker)
    assert len(pool) >= 4
    os.kill(pool[0], signal.SIGKILL)
    ran = await ended(program)
    assert ran.exit_code == 0, ran
    assert re.fullmatch(r"contacts: \[\d+, \d+, \d+, \d+\]\n", ran.output)
    engine.check()
    worker.terminate()
    assert (await ended(worker)).exit_code == 0


@pytest.mark.slow
async def test_procrastinate(engine: Engine) -> None:
    """A worker of procrastinate dies."""
    path = adapted("procrastinate_job.py", engine.directory)
    async with App(connector=PsycopgConnector(conninfo=engine.environment["REFOLD_JOURNAL_DSN"])).open_async() as app:
        await app.schema_manager.apply_schema_async()
    arguments = ("-m", "procrastinate", "-a", "procrastinate_job.app", "worker")
    workers = [await engine.start(*arguments) for _ in range(4)]
    assert (await ended(await engine.start(str(path)))).exit_code == 0
    await engine.under_way(*workers)
    workers[0].kill()
    await until(lambda: engine.journal.summary().ok + engine.journal.summary().unknown == CUSTOMERS, within=120)
    for worker in workers[1:]:
        worker.terminate()
        ran = await ended(worker)
        assert ran.exit_code == 0, ran
    engine.check()
