"""A journal that somebody touches while its job runs: no second run gets in, and nothing is sent unrecorded."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from refold_async import AsyncRefold
from refold_async.errors import JournalError
from refold_async.journal.journal import Journal
from refold_async.journal.sqlite.locks import is_held
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.testing import MockRefold
from support.journals import opened, statuses
from support.waiting import until

linux_only: Final = pytest.mark.skipif(sys.platform != "linux", reason="the lock on the file itself is one of Linux")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "sync.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[SQLiteRun]:
    """A run that has recorded something."""
    file = opened(path)
    file.write([("a", "user_a", "started"), ("b", None, "ok", "done")])
    yield file
    file.close()


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file that belongs to a journal."""
    return path.with_name(path.name + ending)


# The lock.


@linux_only
@pytest.mark.parametrize(
    "rubbish",
    [
        *(pytest.param(rubbish, marks=pytest.mark.slow) for rubbish in [("-lock",), ("-lock", "-shm")]),
        ("-lock", "-wal", "-shm"),
    ],
)
def test_no_second_run_whatever_is_deleted_beside_the_file(
    grown: tuple[Path, SQLiteRun], rubbish: tuple[str, ...]
) -> None:
    """The lock is on the journal itself, for this process and others, and it is told that the job runs."""
    path, _ = grown
    for ending in rubbish:
        beside(path, ending).unlink()
    for _ in range(2):
        with pytest.raises(JournalError, match="in use"):
            opened(path)
        assert is_held(str(path))
    assert "in use" in another_process(path, "opened(path)")
    assert another_process(path, "print(is_held(path))") == "True"


def another_process(path: Path, statement: str) -> str:
    """Do something in another process and return what it prints, or the message of the error."""
    program = (
        "import sys\nfrom support.journals import opened\nfrom refold_async import Journal, JournalError\n"
        "from refold_async.journal.sqlite.locks import is_held\npath = sys.argv[1]\n"
        f"try:\n    {statement}\nexcept JournalError as error:\n    print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(path)], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


RUN: Final = """
import os, sys
from support.journals import opened
file = opened(sys.argv[1])
file.write([("a", None, "started"), ("b", None, "ok", "done")])
child = os.fork() if len(sys.argv) > 2 else 1
os.write(1, b"written %d\\n" % child)
sys.stdin.read()
"""


@linux_only
@pytest.mark.parametrize("forked", [False, True])
def test_the_lock_ends_with_its_process(path: Path, forked: bool) -> None:
    """A process that is killed leaves no lock, though it had a child, and though `-lock` was deleted before."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-c", RUN, str(path), *(["fork"] if forked else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        # The child gives the lock up when it begins, which is when it has written.
        children = [process.stdout.readline().split()[1] for _ in range(1 + forked)]
        child = next(number for number in children if number != "0")
        beside(path, "-lock").unlink()
        assert Journal(path).summary().running
        with pytest.raises(JournalError, match="in use"):
            opened(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            assert not Journal(path).summary().running
            opened(path).close()
            assert statuses(Journal(path)) == {"a": "unknown", "b": "ok"}
        finally:
            if forked:
                os.kill(int(child), signal.SIGKILL)


@linux_only
@pytest.mark.slow
def test_one_of_many_wins(path: Path) -> None:
    """Of processes that begin at the same time, with nothing there yet, one runs the job and the others are refused."""
    program = "import sys\nfrom support.journals import opened\nsys.stdin.readline()\n"
    program += "try:\n    file = opened(sys.argv[1])\nexcept Exception as error:\n    print(error, flush=True)\n"
    program += "else:\n    print('won', flush=True)\nsys.stdin.read()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(3)
    ]
    told: list[str] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        told.append(process.stdout.readline().strip())
    for process in processes:
        process.communicate()
    assert told.count("won") == 1
    assert sum("in use" in one for one in told) == 2
    assert Journal(path).summary().runs == 1


def test_a_run_that_was_let_in_stops_the_one_before(path: Path, file: SQLiteRun) -> None:
    """Whatever let a second run begin, as on a system without locks, the first writes nothing from then on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE job SET runs = runs + 1")
    with pytest.raises(JournalError, match="another run"):
        file.write([("c", None, "started")])
    with pytest.raises(JournalError, match="another run"):
        file.write([(f"user_{number}", None, "started") for number in range(500)])
    assert statuses(Journal(path)).keys() == {"a", "b"}


def test_what_a_run_looks_up_is_its_own(path: Path) -> None:
    """Nor does the first of two runs find anything to do."""
    file = opened(path)
    file.write([("a", None, "withdrawn")])
    file.close()
    file = opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE job SET runs = runs + 1")
    with pytest.raises(JournalError, match="another run"):
        file.look_up(["a"])
    file.close()


# The file.


def moved(path: Path) -> None:
    """Rename it."""
    path.rename(path.with_name("elsewhere.sqlite"))


def deleted(path: Path) -> None:
    """Delete it."""
    path.unlink()


def all_deleted(path: Path) -> None:
    """Delete everything that belongs to it."""
    for one in path.parent.iterdir():
        one.unlink()


def directory_moved(path: Path) -> None:
    """Rename its directory."""
    path.parent.rename(path.parent.with_name("elsewhere"))


def directory_deleted(path: Path) -> None:
    """Delete its directory."""
    shutil.rmtree(path.parent)


def copied_over(path: Path) -> None:
    """Put a copy of it in its place."""
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def another_journal(path: Path) -> None:
    """Put another journal in its place."""
    other = path.with_name("other.sqlite")
    opened(other, name="july sync").close()
    other.rename(path)


def log_deleted(path: Path) -> None:
    """Delete SQLite's `-wal`, as one of the files that are not needed."""
    beside(path, "-wal").unlink()


def index_deleted(path: Path) -> None:
    """Delete SQLite's `-shm`."""
    beside(path, "-shm").unlink()


def log_emptied(path: Path) -> None:
    """Empty SQLite's `-wal`."""
    os.truncate(beside(path, "-wal"), 0)


def emptied(path: Path) -> None:
    """Empty it."""
    os.truncate(path, 0)


def overwritten(path: Path) -> None:
    """Write something else over what was in it."""
    path.write_bytes(b"%PDF-1.7 " * 100)


def written_over_in_place(path: Path) -> None:
    """Write over some of it, and leave its size and its beginning."""
    with path.open("r+b") as content:
        content.seek(4096)
        content.write(b"\xff" * (path.stat().st_size - 4096))


def table_dropped(path: Path) -> None:
    """Take a table away."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE job")


def rows_deleted(path: Path) -> None:
    """Delete what says which job it is."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM job")


Touch = Callable[[Path], None]
TOUCHES: Final[list[Touch]] = [
    moved,
    deleted,
    all_deleted,
    directory_moved,
    directory_deleted,
    copied_over,
    another_journal,
    log_deleted,
    index_deleted,
    log_emptied,
    emptied,
    overwritten,
    written_over_in_place,
    table_dropped,
    rows_deleted,
]


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[tuple[Path, SQLiteRun]]:
    """A run whose journal has items of earlier runs, which are in the file itself."""
    (tmp_path / "jobs").mkdir()
    path = tmp_path / "jobs" / "sync.sqlite"
    file = opened(path)
    file.write([(f"user_{number}", None, "ok", "done") for number in range(1000)])
    file.close()
    file = opened(path)
    file.write([("a", None, "started")])
    yield path, file
    file.close()


def use(file: SQLiteRun, key: str, *, recording: bool) -> None:
    """Record something of an item, or look it up."""
    if recording:
        file.write([(key, None, "started")])
    else:
        file.look_up([key])


@linux_only
@pytest.mark.parametrize("touch", TOUCHES, ids=lambda touch: touch.__name__)
@pytest.mark.parametrize("writes", [True, False])
def test_a_run_notices_at_once(grown: tuple[Path, SQLiteRun], touch: Touch, writes: bool) -> None:
    """What is touched is told by the next batch, which is not taken for recorded, and by all after it."""
    path, file = grown
    touch(path)
    # An empty log is what is left of one that was put into the file: the next write tells that apart.
    recording = writes or touch is log_emptied
    for number in range(2):
        with pytest.raises(JournalError):
            use(file, f"later_{number}", recording=recording)


HARMLESS: Final[list[Callable[[Path], object]]] = [
    lambda path: beside(path, "-lock").unlink(),
    lambda path: path.rename(path.with_name("b")).rename(path),
    lambda path: path.touch(),
    lambda path: path.chmod(0o400),
    lambda path: path.read_bytes(),
    lambda path: shutil.copy(path, path.with_name("backup")),
]


@linux_only
@pytest.mark.parametrize(
    "touch", [*HARMLESS[:2], *(pytest.param(touch, marks=pytest.mark.slow) for touch in HARMLESS[2:])]
)
def test_what_does_no_harm(grown: tuple[Path, SQLiteRun], touch: Callable[[Path], object]) -> None:
    """A run goes on where nothing was lost."""
    path, file = grown
    touch(path)
    file.write([("later", None, "started")])
    assert file.look_up(["later"])
    assert another_process(path, "print(Journal(path).summary().ok)") == "1000"
    file.write([("later", None, "ok", "done")])
    assert statuses(Journal(path))["later"] == "ok"
    assert Journal(path).summary().running


def test_written_by_hand(grown: tuple[Path, SQLiteRun]) -> None:
    """Who changes an item by hand, and puts the log into the file, is in nobody's way."""
    path, file = grown
    for number in range(3):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("DELETE FROM items WHERE key = ?", (f"user_{number}",))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        file.write([(f"later_{number}", None, "started")])
        assert file.look_up([f"user_{number}"]) == []
    assert len(statuses(Journal(path))) == 1001


def test_a_link_that_leads_elsewhere(path: Path) -> None:
    """A link that is made to lead to another journal is noticed."""
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    file = opened(link)
    file.write([("a", None, "started")])
    other = path.with_name("other.sqlite")
    opened(other).close()
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(JournalError, match="another file is in the place"):
        file.write([("b", None, "started")])
    file.close()


@linux_only
@pytest.mark.parametrize("touch", [moved, log_deleted, index_deleted], ids=lambda touch: touch.__name__)
def test_what_was_recorded_is_kept_where_it_can_be(grown: tuple[Path, SQLiteRun], touch: Touch) -> None:
    """When the run ends, the file has everything that was recorded, so the next run goes on with it."""
    path, file = grown
    touch(path)
    with pytest.raises(JournalError):
        file.write([("b", None, "started")])
    file.close()
    if touch is moved:
        path.with_name("elsewhere.sqlite").rename(path)
    assert statuses(Journal(path))["a"] == "unknown"
    opened(path).close()


@linux_only
def test_ending_takes_nothing_from_the_journal_in_its_place(path: Path, file: SQLiteRun) -> None:
    """A run whose file was moved leaves the files of the run that another journal has there by now."""
    all_deleted(path)
    other = opened(path, name="july sync")
    with pytest.raises(JournalError):
        file.write([("c", None, "started")])
    file.close()
    other.write([("x", None, "ok", "done")])
    assert statuses(Journal(path)) == {"x": "ok"}
    other.close()
    assert statuses(Journal(path)) == {"x": "ok"}


# Whole jobs.


def write_contacts(refold: AsyncRefold, journal: Journal, count: int = 300) -> asyncio.Task[object]:
    """Begin a job that creates a contact for each of many accounts."""
    items = [f"user_{number}" for number in range(count)]
    parameters = {"email": "jane@example.com"}
    job = refold.fan_out_action(items, "hubspot", "create_contact", parameters, journal=journal, concurrency=10)
    return asyncio.create_task(job.collect())


@linux_only
async def test_no_write_twice_though_the_lock_file_is_deleted(
    mock: MockRefold, refold: AsyncRefold, path: Path
) -> None:
    """A second run is refused while the first goes on to its end."""
    journal = Journal(path, job="contacts")
    first = write_contacts(refold, journal)
    await until(lambda: len(mock.requests) >= 60)
    for one in path.parent.iterdir():
        if one.name.endswith("-lock"):
            one.unlink()
    second = write_contacts(refold, journal)
    with pytest.raises(JournalError, match="in use"):
        await second
    await first
    assert Counter(request.linked_account_id for request in mock.requests).most_common(1)[0][1] == 1
    assert journal.summary().ok == 300


@linux_only
@pytest.mark.parametrize("touch", [moved, deleted, log_deleted, another_journal], ids=lambda touch: touch.__name__)
async def test_nothing_is_sent_unrecorded(mock: MockRefold, refold: AsyncRefold, path: Path, touch: Touch) -> None:
    """The job stops within one batch: what the server got after the touch was recorded before it."""
    job = write_contacts(refold, Journal(path, job="contacts"))
    await until(lambda: len(mock.requests) >= 60)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the job's thread records nothing between the look and the touch
        recorded = statuses(Journal(path)).keys()
        touch(path)
    with pytest.raises(JournalError, match="was changed while"):
        await job
    assert {request.linked_account_id for request in mock.requests} <= recorded
    assert len(mock.requests) < 120
