"""When a run checks its journal before it begins: whenever the file may not be as the last run left it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from refold_async.errors import JournalError
from refold_async.journal.journal import Journal
from refold_async.journal.sqlite.seal import is_sealed, seal
from support.journals import empty_the_index, largest_file, opened, statuses


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
    """Nothing that the library does breaks it, but that a run which has not ended well has none."""
    Journal(path).summary()
    assert len(list(Journal(path).entries())) == 1
    assert is_sealed(str(path))
    file = opened(path)
    assert not is_sealed(str(path))
    file.write([("b", None, "started")])
    Journal(path).summary()
    file.close()
    assert is_sealed(str(path))
    assert Journal(path).summary().unknown == 1
    opened(path).close()
    assert statuses(Journal(path)) == {"a": "ok", "b": "unknown"}
    assert is_sealed(str(path))


def killed(path: Path) -> None:
    """Run the job in a process that dies."""
    program = "import os, sys\nfrom support.journals import opened\nfile = opened(sys.argv[1])\n"
    program += "file.write([('b', None, 'started')])\nos._exit(0)"
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-P", "-c", program, str(path)], check=True, env=environment)


def on_a_full_disk(path: Path) -> None:
    """Run the job until a commit fails."""
    file = opened(path)
    with largest_file(path.stat().st_size), pytest.raises(JournalError, match="cannot be written"):
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


def read_at_its_end(path: Path) -> None:
    """Run the job while somebody reads, so that the end of the run stays in SQLite's log."""
    file = opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM items").fetchall()
        file.write([("b", None, "started"), ("b", None, "ok", "done")])
        file.close()
        assert not is_sealed(str(path))


@pytest.mark.parametrize(
    "happening", [killed, on_a_full_disk, damaged_meanwhile, edited, edited_by_one_that_died, read_at_its_end]
)
def test_what_leaves_no_seal(path: Path, happening: Callable[[Path], None]) -> None:
    """After whatever else may happen to it, the next run checks the journal."""
    happening(path)
    assert not is_sealed(str(path))


def test_a_copy_is_checked(path: Path, tmp_path: Path) -> None:
    """A copy has the same time, but may have been made while a run wrote."""
    copy = tmp_path / "copy.sqlite"
    shutil.copy2(path, copy)
    assert copy.stat().st_mtime_ns == path.stat().st_mtime_ns
    assert not is_sealed(str(copy))
