"""When a run checks its journal before it begins: whenever the file may not be as the last run left it."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from refold_async.errors import JournalError
from refold_async.journal.journal import Journal
from refold_async.journal.sqlite import sql
from refold_async.journal.sqlite.seal import is_sealed, seal
from support.journals import empty_the_index, largest_file, opened, statuses

ON_LINUX: Final = sys.platform == "linux"
linux_only: Final = pytest.mark.skipif(not ON_LINUX, reason="elsewhere it is not known whether the machine failed")


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file that belongs to a journal."""
    return path.with_name(path.name + ending)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal whose run has ended."""
    path = tmp_path / "sync.sqlite"
    file = opened(path)
    file.write([("a", None, "started"), ("a", None, "ok", "done")])
    file.close()
    return path


def test_what_a_seal_saves(path: Path) -> None:
    """A run checks all pages, unless the file is sealed."""
    assert is_sealed(str(path))
    empty_the_index(path)
    assert not is_sealed(str(path))
    seal(str(path))
    opened(path).close()
    os.utime(path)
    with pytest.raises(JournalError, match="damaged"):
        opened(path)


def test_readers_and_runs_keep_the_seal(path: Path) -> None:
    """Nothing that the library does breaks it."""
    Journal(path).summary()
    assert len(list(Journal(path).entries())) == 1
    assert is_sealed(str(path))
    file = opened(path)
    assert is_sealed(str(path)) is ON_LINUX
    file.write([("b", None, "started")])
    Journal(path).summary()
    for number in range(40):  # until the log is merged, more than once
        file.write([(f"{number} {item}", None, "ok", "done", None, "x" * 2000) for item in range(96)])
        assert is_sealed(str(path)) is ON_LINUX
    assert path.stat().st_size > 4_000_000
    file.close()
    assert is_sealed(str(path))
    assert Journal(path).summary().unknown == 1
    opened(path).close()
    assert statuses(Journal(path))["b"] == "unknown"
    assert is_sealed(str(path))


RUN = """
import os, sys
from support.journals import opened
file = opened(sys.argv[1])
file.write([("b", None, "started")])
print(flush=True)
for number in range(int(sys.argv[2])):
    file.write([(f"{number} {item}", None, "ok", "done") for item in range(96)])
os._exit(0)
"""


def run_until_death(path: Path, batches: int = 0, *, after: float | None = None) -> None:
    """Run the job in a process that dies: after some batches, or after some seconds."""
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-P", "-c", RUN, str(path), str(batches)]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if after is not None:
            time.sleep(after)
            process.kill()


@linux_only
@pytest.mark.parametrize("batches", [0, 300])
@pytest.mark.parametrize("read", [False, True])
def test_a_process_that_dies_keeps_the_seal(path: Path, batches: int, read: bool) -> None:
    """Its file, and what of it is in SQLite's log, are intact. The first reader merges them, and seals that."""
    run_until_death(path, batches)
    assert beside(path, "-wal").stat().st_size > 0
    assert is_sealed(str(path))
    if read:
        assert Journal(path).summary().unknown == 1
        assert not beside(path, "-wal").exists()
        assert is_sealed(str(path))
    opened(path).close()
    assert statuses(Journal(path))["b"] == "unknown"
    assert Journal(path).summary().ok == 1 + 96 * batches


@pytest.mark.slow
def test_what_is_sealed_is_intact(path: Path) -> None:
    """Whenever a process is killed, a seal says nothing that is not so."""
    chance = random.Random(16)
    sealed = 0
    for number in range(12):
        run_until_death(path, 10_000, after=chance.uniform(0, 0.3))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            sealed += is_sealed(str(path))
            if is_sealed(str(path)):
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                before = connection.execute(sql.READ_COUNTS).fetchall()
                for statement in sql.RECOUNT:
                    connection.execute(statement)
                assert connection.execute(sql.READ_COUNTS).fetchall() == before, number
        opened(path).close()
    assert sealed > 0 or not ON_LINUX


def on_a_full_disk(path: Path) -> None:
    """Run the job until it cannot merge SQLite's log."""
    file = opened(path)
    with largest_file(path.stat().st_size + 300_000):
        with pytest.raises(JournalError, match="cannot be written"):
            file.write([(f"user_{number}", None, "started") for number in range(5000)])
        file.close()


def damaged_meanwhile(path: Path) -> None:
    """Run the job while something overwrites the end of its file."""
    file = opened(path)
    with path.open("r+b") as raw:
        raw.seek(-4096, os.SEEK_END)
        raw.write(bytes(4096))
    file.close()


def edited(path: Path) -> None:
    """Change it by hand."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE items SET status = 'failed'")


def edited_by_one_that_died(path: Path) -> None:
    """Change it by hand, in a process whose change stays in SQLite's log."""
    program = "import os, sqlite3, sys\nconnection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    program += "connection.execute(\"UPDATE items SET status = 'failed'\")\nos._exit(0)"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert beside(path, "-wal").stat().st_size > 0


def merged_by_another_program(path: Path) -> None:
    """Read what a process that died left, with another program."""
    run_until_death(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("SELECT * FROM items").fetchall()


def without_its_log(path: Path) -> None:
    """Take away the log of a process that died."""
    run_until_death(path)
    beside(path, "-wal").unlink()


def with_another_log(path: Path) -> None:
    """Put another file in the place of the log of a process that died, even if its contents are the same."""
    run_until_death(path)
    log = beside(path, "-wal")
    shutil.copy2(log, beside(path, "-copy"))
    beside(path, "-copy").replace(log)


@pytest.mark.parametrize(
    "happening",
    [
        damaged_meanwhile,
        edited,
        edited_by_one_that_died,
        merged_by_another_program,
        without_its_log,
        with_another_log,
    ],
)
def test_what_leaves_no_seal(path: Path, happening: Callable[[Path], None]) -> None:
    """After whatever else may happen to it, the next run checks the journal."""
    happening(path)
    assert not is_sealed(str(path))


def test_a_run_that_cannot_end_well(path: Path) -> None:
    """On a full disk, or while somebody reads, it leaves what it wrote in SQLite's log, and the next run begins."""
    on_a_full_disk(path)
    file = opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM items").fetchall()
        file.write([("b", None, "started"), ("b", None, "ok", "done")])
        file.close()
        assert is_sealed(str(path)) is ON_LINUX
    assert not is_sealed(str(path))  # the reader has merged it
    opened(path).close()
    assert statuses(Journal(path)) == {"a": "ok", "b": "ok"}


def test_a_copy_is_checked(path: Path, tmp_path: Path) -> None:
    """A copy has the same time, but may have been made while a run wrote."""
    copy = tmp_path / "copy.sqlite"
    shutil.copy2(path, copy)
    assert copy.stat().st_mtime_ns == path.stat().st_mtime_ns
    assert not is_sealed(str(copy))
