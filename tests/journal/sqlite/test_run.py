"""The file of a journal: who may use it, what is refused, and what outlives a full disk or the process."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from refold_async.errors import JournalError
from refold_async.journal.journal import Journal
from refold_async.journal.store import Durability
from support.journals import IDENTITY, largest_file, opened, statuses


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "sync.sqlite"


def test_runs_are_counted(path: Path) -> None:
    """Each run has the next number."""
    for number in (1, 2, 3):
        file = opened(path)
        assert file.number == number
        file.close()
    assert Journal(path).summary().runs == 3


def test_rows_are_written_in_order(path: Path) -> None:
    """Many rows of one key in one batch leave what the last of them says, and the times of all."""
    file = opened(path)
    file.write([("a", "user_a", "started"), ("a", None, "withdrawn"), ("a", "user_a", "started")])
    assert statuses(Journal(path)) == {"a": "started"}
    file.write([("a", "user_a", "failed", "none", "NotFoundError", "No.", None, 2), ("b", None, "ok", "done")])
    (failed, ok) = Journal(path).entries()
    assert (failed.status, failed.linked_account_id, failed.error, failed.attempts) == ("failed", "user_a", "No.", 2)
    assert failed.started_at is not None
    assert failed.finished_at is not None
    assert (ok.started_at, ok.attempts) == (None, 0)
    file.write([("a", None, "started")])
    again = next(Journal(path).entries())
    assert (again.linked_account_id, again.error, again.attempts, again.finished_at) == ("user_a", None, 0, None)
    file.close()


def test_large_batch(path: Path) -> None:
    """However many rows there are, all of them are written in their order, or none."""
    file = opened(path)
    assert file.blank
    keys = [f"user_{number}" for number in range(1001)]
    rows = [*((key, None, "started") for key in keys), (keys[0], None, "withdrawn"), (keys[-1], None, "ok", "done")]
    with pytest.raises(JournalError, match="cannot be written"):
        file.write([*rows, ("without a status",)])
    assert statuses(Journal(path)) == {}
    file.write(rows)
    assert statuses(Journal(path)) == {**dict.fromkeys(keys, "started"), keys[0]: "withdrawn", keys[-1]: "ok"}
    assert list(statuses(Journal(path))) == keys
    file.close()
    file = opened(path)
    assert not file.blank
    file.close()


@pytest.mark.parametrize("key", ["é", "日本", "🙂", "a'b\"c\\d", "line\nbreak", "{}", "1", "x" * 100_000])
def test_any_key(path: Path, key: str) -> None:
    """A key comes back as it was, whatever is in it."""
    file = opened(path)
    file.write([(key, None, "ok", "done", None, key, None, 1)])
    (row,) = file.look_up(["other", key])
    assert (row.key, row.error) == (key, key)
    file.close()


def test_in_flight_when_it_ended(path: Path) -> None:
    """What was in flight when a run ended is unknown to the next, which counts as having recorded what it looks up."""
    file = opened(path)
    file.write([("a", None, "started"), ("b", None, "ok", "done")])
    file.close()
    file = opened(path)
    (row,) = file.look_up(["a"])
    assert (row.status, row.effect, row.run) == ("unknown", "unknown", 1)
    (row,) = file.look_up(["a"])
    assert row.run == 2
    file.close()


def test_another_job(path: Path) -> None:
    """A journal of another job is refused, and every part that differs is named with both values."""
    opened(path).close()
    identity = attrs.evolve(IDENTITY, environment="production", slug=None, parameters_sha256="ab12")
    with pytest.raises(JournalError, match="belongs to another job") as refused:
        opened(path, name="july sync", identity=identity)
    for told in (
        "job is 'june sync' in the journal and 'july sync' in this run",
        "environment is 'test' in the journal and 'production' in this run",
        "slug is 'hubspot' in the journal and None in this run",
        "its parameters are not those of this run",
    ):
        assert told in refused.value.message
    assert "base_url" not in refused.value.message
    opened(path).close()
    assert Journal(path).summary().runs == 2


def test_in_use(path: Path) -> None:
    """A second run is refused while the first lasts, though summaries are asked for all the time."""
    file = opened(path)
    with pytest.raises(JournalError, match="in use"):
        opened(path)
    assert Journal(path).summary().running
    file.write([("a", None, "started")])
    file.close()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            Journal(path).summary()

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(3):
            opened(path).close()
    finally:
        ended.set()
        for reader in readers:
            reader.join()


def test_links_lead_to_the_same_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to a journal is that journal, with its lock, and a relative path is resolved once."""
    link = path.parent / "link.sqlite"
    link.symlink_to(path)
    monkeypatch.chdir(path.parent)
    file = opened("link.sqlite")
    (path.parent / "elsewhere").mkdir()
    monkeypatch.chdir(path.parent / "elsewhere")
    assert Journal(path).summary().running
    file.write([("a", None, "started")])
    file.close()
    assert not Path("link.sqlite").exists()
    assert statuses(Journal(path)) == {"a": "unknown"}


KILLED = """
import sys
from support.journals import opened
file = opened(sys.argv[1])
file.write([("a", None, "started"), ("b", None, "ok", "done")])
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that runs the job, has recorded something and waits."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-P", "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


def test_killed(path: Path, other_process: "subprocess.Popen[str]") -> None:
    """A process that is killed leaves no lock, and everything it had committed."""
    assert Journal(path).summary().in_flight == 1
    with pytest.raises(JournalError, match="in use"):
        opened(path)
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert not Journal(path).summary().running
    assert statuses(Journal(path)) == {"a": "unknown", "b": "ok"}
    opened(path).close()
    assert statuses(Journal(path)) == {"a": "unknown", "b": "ok"}


def test_no_file_there(tmp_path: Path) -> None:
    """A directory that is missing, one in place of the file, and a device are told apart from a full disk."""
    with pytest.raises(JournalError, match="No such file or directory"):
        opened(tmp_path / "missing" / "sync.sqlite")
    with pytest.raises(JournalError, match="directory or a device"):
        opened(tmp_path)
    with pytest.raises(JournalError, match="directory or a device"):
        opened("/dev/null")
    with pytest.raises(JournalError):
        opened(tmp_path / ("x" * 300))
    assert not os.listdir(tmp_path)


def test_empty_file(path: Path) -> None:
    """An empty file is made a journal, which its owner alone may read."""
    path.touch(0o644)
    opened(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Journal(path).summary().runs == 1


def test_something_else(path: Path) -> None:
    """A file of another kind and the database of another program are refused, and left as they are."""
    path.write_bytes(b"%PDF-1.7 and more, up to where a database has its pages" * 100)
    content = path.read_bytes()
    with pytest.raises(JournalError, match="another kind of file"):
        opened(path)
    with pytest.raises(JournalError, match="another kind of file"):
        Journal(path).summary()
    assert path.read_bytes() == content
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE job (name)")
    with pytest.raises(JournalError, match="another program"):
        opened(path)
    with pytest.raises(JournalError, match="another program"):
        Journal(path).summary()
    assert os.listdir(path.parent) == [path.name]


def test_newer_format(path: Path) -> None:
    """A journal of a format that is not known yet is refused."""
    opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(JournalError, match="format 3"):
        opened(path)
    with pytest.raises(JournalError, match="format 3"):
        Journal(path).summary()


def test_corrupt(path: Path) -> None:
    """A journal whose pages are spoiled says so."""
    file = opened(path)
    file.write([(f"user_{number}", None, "started") for number in range(1000)])
    file.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="malformed"):
        opened(path)
    with pytest.raises(JournalError, match="malformed"):
        Journal(path).summary()


def test_full_disk(path: Path) -> None:
    """A disk that is full stops the writing, and takes nothing of what was recorded."""
    file = opened(path)
    file.write([("a", None, "started")])

    def fill() -> None:
        for number in range(1000):
            file.write([(f"user_{number}", None, "ok", "done", None, "x" * 10_000)])

    with largest_file(200_000), pytest.raises(JournalError, match="cannot be written"):
        fill()
    recorded = statuses(Journal(path))
    assert recorded["a"] == "started"
    assert 5 < len(recorded) < 1000
    with largest_file(200_000):
        file.close()
    opened(path).close()
    assert statuses(Journal(path)) == {**recorded, "a": "unknown"}


def test_full_disk_from_the_start(path: Path) -> None:
    """A journal that could not be made because the disk was full is made later."""
    with largest_file(6000), pytest.raises(JournalError, match="cannot be opened"):
        opened(path)
    opened(path).close()


def test_read_only(unprivileged: Path) -> None:
    """Where nothing may be written no run begins; what is there can be read."""
    path = unprivileged / "sync.sqlite"
    file = opened(path)
    file.write([("a", None, "ok", "done")])
    file.close()
    path.chmod(0o400)
    with pytest.raises(JournalError, match="read-only"):
        opened(path)
    assert statuses(Journal(path)) == {"a": "ok"}
    unprivileged.chmod(0o500)
    with pytest.raises(JournalError):
        opened(path)
    with pytest.raises(JournalError, match="Permission denied"):
        opened(unprivileged / "other.sqlite")
    assert statuses(Journal(path)) == {"a": "ok"}
    assert sorted(os.listdir(unprivileged)) == ["sync.sqlite", "sync.sqlite-lock"]


@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
def test_durability(path: Path, durability: Durability, synchronous: int) -> None:
    """`power` waits for the disk at every commit, `process` does not."""
    file = opened(path, durability=durability)
    connection: sqlite3.Connection = vars(file)["_connection"]
    assert connection.execute("PRAGMA synchronous").fetchall() == [(synchronous,)]
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    file.close()


def test_write_ahead_log_stays_small(path: Path) -> None:
    """What SQLite keeps beside the file does not grow with the job, and is gone when it ends."""
    file = opened(path)
    log = Path(f"{path}-wal")
    for number in range(0, 120_000, 1000):
        file.write([(f"user_{number + one}", f"user_{number + one}", "started") for one in range(1000)])
        assert log.stat().st_size < 10_000_000
    assert path.stat().st_size > 2_000_000
    file.close()
    assert not log.exists()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(path: Path) -> None:
    """A child that drops its copy of the journal takes neither the lock nor anything recorded."""
    file = opened(path)
    file.write([("a", None, "started")])
    child = os.fork()
    if child == 0:
        try:
            vars(file).clear()  # closes what it holds
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert Journal(path).summary().running
    file.write([("b", None, "started")])
    file.close()
    assert statuses(Journal(path)) == {"a": "unknown", "b": "unknown"}
