"""What users see of a journal: its arguments, its summary and its entries, while the job runs and after."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.entries import STATUSES
from refold_async.journal.journal import Journal
from refold_async.journal.sqlite import sql
from refold_async.journal.sqlite.run import SQLiteRun
from support.journals import IDENTITY, opened, write_format_1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "sync contacts?#%.sqlite"


@pytest.fixture
def running(path: Path) -> Iterator[SQLiteRun]:
    """A journal that is being written, with an item of each status."""
    file = opened(path)
    file.write(
        [
            ("a", "user_a", "started"),
            ("b", "user_b", "ok", "done", None, None, '{"name":"Bé"}', 1),
            ("c", "user_c", "failed", "none", "NotFoundError", "Nobody there.", None, 2),
            ("d", None, "unknown", "unknown", "APITimeoutError", "No answer.", None, 3),
            ("e", None, "withdrawn"),
        ]
    )
    yield file
    file.close()


def files_beside(path: Path) -> list[str]:
    """Return what there is in the journal's directory."""
    return sorted(os.listdir(path.parent))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"path": ""}, "path"),
        ({"path": b"sync.sqlite"}, "path"),
        ({"path": "a\0b"}, "path"),
        ({"path": 1}, "path"),
        ({"job": ""}, "job="),
        ({"job": " "}, "job="),
        ({"job": "a\nb"}, "job="),
        ({"job": "\ud800"}, "job="),
        ({"job": 1}, "job="),
        ({"results": 1}, "results="),
        ({"durability": "disk"}, "durability="),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], named: str) -> None:
    """A wrong argument is refused when the journal is made, and named."""
    arguments = {"path": "sync.sqlite", **arguments}
    with pytest.raises(ConfigurationError, match=named):
        Journal(**arguments)


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    """A journal is no more than a name until it is used."""
    Journal(tmp_path / "missing" / "sync.sqlite", job="june sync")
    assert not os.listdir(tmp_path)


def test_summary_while_it_runs(running: SQLiteRun, path: Path) -> None:
    """A summary counts what is recorded so far, and tells what the job is."""
    summary = Journal(path).summary()
    assert (summary.job, summary.base_url, summary.environment) == ("june sync", IDENTITY.base_url, "test")
    assert (summary.slug, summary.action_id, summary.runs) == ("hubspot", "get_contact", 1)
    assert summary.running
    assert (summary.ok, summary.failed, summary.unknown) == (1, 1, 1)
    assert (summary.in_flight, summary.withdrawn) == (1, 1)
    assert timedelta() <= datetime.now(UTC) - summary.created_at < timedelta(minutes=1)
    assert summary.created_at <= summary.updated_at
    assert "1 ok, 1 failed, 1 unknown, 1 in flight, 1 or more not begun" in str(summary)
    assert "june sync" in str(summary)
    assert "running, run 1" in str(summary)


def test_summary_from_another_process(running: SQLiteRun, path: Path) -> None:
    """Another process reads it while it runs, and is in nobody's way."""
    script = "import sys; from refold_async.journal.journal import Journal; print(Journal(sys.argv[1]).summary())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = subprocess.run(
        [sys.executable, "-P", "-c", script, str(path)], capture_output=True, text=True, check=True, env=environment
    )
    assert "1 in flight" in told.stdout
    running.write([("f", None, "started")])
    assert Journal(path).summary().in_flight == 2


def test_summary_afterwards(running: SQLiteRun, path: Path) -> None:
    """What was in flight when the job ended is unknown, and reading leaves no file behind."""
    running.close()
    before = files_beside(path)
    summary = Journal(path).summary()
    assert not summary.running
    assert (summary.unknown, summary.in_flight) == (2, 0)
    assert "not running" in str(summary)
    assert [entry.key for entry in Journal(path).entries(status="unknown")] == ["a", "d"]
    assert files_beside(path) == before == [path.name, f"{path.name}-lock"]


def test_entries(running: SQLiteRun, path: Path) -> None:
    """Entries tell everything that was recorded, in the order in which it was first."""
    running.write([("a", "user_a", "ok", "done", None, None, "null", 1)])
    entries = list(Journal(path).entries())
    assert [entry.key for entry in entries] == ["a", "b", "c", "d", "e"]
    assert [entry.status for entry in entries] == ["ok", "ok", "failed", "unknown", "withdrawn"]
    ended, ok, failed, _, withdrawn = entries
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.started_at <= ended.finished_at
    assert ended.finished_at.utcoffset() == timedelta()
    assert (ok.linked_account_id, ok.effect, ok.result, ok.attempts, ok.run) == ("user_b", "done", {"name": "Bé"}, 1, 1)
    assert ok.started_at is None
    assert (failed.error_type, failed.error, failed.attempts) == ("NotFoundError", "Nobody there.", 2)
    assert (withdrawn.started_at, withdrawn.finished_at, withdrawn.attempts) == (None, None, 0)


def test_entries_by_status(running: SQLiteRun, path: Path) -> None:
    """Entries of one status are given alone; one that does not exist is refused at once."""
    assert [entry.key for entry in Journal(path).entries(status="started")] == ["a"]
    assert [entry.key for entry in Journal(path).entries(status="unknown")] == ["d"]
    wrong: Any = "done"
    with pytest.raises(ConfigurationError, match="status"):
        Journal(path).entries(status=wrong)
    running.close()
    assert not list(Journal(path).entries(status="started"))
    assert next(Journal(path).entries()).status == "unknown"


def test_entries_left_half_read(path: Path) -> None:
    """Entries come by the hundred, and whoever stops half way does not keep the job from running or ending."""
    file = opened(path)
    file.write([(f"user_{number}", None, "started") for number in range(250)])
    entries = Journal(path).entries()
    assert next(entries).key == "user_0"
    file.write([("late", None, "started")])
    file.close()
    assert not Path(f"{path}-wal").exists()
    opened(path).close()
    assert [entry.key for entry in entries] == [*(f"user_{number}" for number in range(1, 250)), "late"]


def test_readable_by_its_owner_alone(running: SQLiteRun, path: Path) -> None:
    """None of the files shows others what is in them, whatever the umask."""
    modes = {name: stat.S_IMODE((path.parent / name).stat().st_mode) for name in files_beside(path)}
    assert modes == {f"{path.name}{ending}": 0o600 for ending in ("", "-wal", "-shm", "-lock")}


def test_no_journal(path: Path) -> None:
    """Reading where there is no journal says so, and makes none."""
    with pytest.raises(JournalError, match="There is no journal") as caught:
        Journal(path).summary()
    assert caught.value.effect == "none"
    with pytest.raises(JournalError, match="There is no journal") as caught:
        list(Journal(path.parent / "missing" / "sync.sqlite").entries())
    assert caught.value.effect == "none"
    path.touch()
    with pytest.raises(JournalError, match="is empty"):
        Journal(path).summary()
    with pytest.raises(JournalError, match="directory"):
        Journal(path.parent).summary()
    assert files_beside(path) == [path.name]


def test_damaged(running: SQLiteRun, path: Path) -> None:
    """A journal somebody spoiled is told, not taken for what it does not hold."""
    running.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE items SET result = '{' WHERE key = 'b'")
        with pytest.raises(JournalError, match="'b' is damaged"):
            list(Journal(path).entries())
        connection.execute("DELETE FROM job")
    with pytest.raises(JournalError, match="damaged"):
        Journal(path).summary()


def test_documented_query(running: SQLiteRun, path: Path) -> None:
    """What the documentation shows of the tables works, while the job runs."""
    with closing(sqlite3.connect(path)) as connection:
        failed = connection.execute("SELECT key, error FROM items WHERE status = 'failed'").fetchall()
        moments = connection.execute("SELECT datetime(started_at) IS NOT NULL FROM items WHERE key = 'a'").fetchall()
    assert failed == [("c", "Nobody there.")]
    assert moments == [(1,)]


def test_items_that_have_not_begun(path: Path) -> None:
    """Of those that the last run was given, what has no entry and was not refused; the refused count as failed."""
    file = opened(path)
    journal = Journal(path)
    assert (journal.summary().not_begun, journal.summary().refused) == (None, 0)
    file.write([("a", None, "ok"), ("b", None, "failed", "none"), ("c", None, "started"), ("d", None, "withdrawn")])
    file.tally(10, 2)
    summary = journal.summary()
    assert (summary.not_begun, summary.refused, summary.failed, summary.withdrawn) == (4, 2, 3, 1)
    assert "3 failed (2 of them never sent)" in str(summary)
    assert "1 in flight, 5 not begun" in str(summary)
    file.tally(None, 3)
    assert (journal.summary().not_begun, journal.summary().refused) == (None, 3)
    file.close()
    file = opened(path)
    assert (journal.summary().not_begun, journal.summary().refused) == (None, 0)  # of the last run, which looks anew
    file.tally(2, 0)
    assert journal.summary().not_begun == 0
    file.close()


TALLIES = """
    CREATE TABLE tallies (run INTEGER PRIMARY KEY, items INTEGER, refused INTEGER NOT NULL);
    INSERT INTO tallies VALUES (1, 9, 2);
"""


@pytest.mark.parametrize(("more", "tallied"), [("", (0, None)), (TALLIES, (2, 2))])
def test_a_journal_of_format_1(path: Path, more: str, tallied: tuple[int, int | None]) -> None:
    """One of an earlier version can be read as it is, also if it did not tally; the next run changes its format."""
    write_format_1(path, more)
    before = path.read_bytes()
    summary = Journal(path).summary()
    assert (summary.ok, summary.failed, summary.unknown, summary.withdrawn) == (1, 1 + summary.refused, 2, 1)
    assert (summary.refused, summary.not_begun) == tallied
    assert summary.updated_at == datetime(2026, 6, 1, 9, 30, 4, tzinfo=UTC)
    entries = {entry.key: entry for entry in Journal(path).entries()}
    assert {key: entry.status for key, entry in entries.items()} == {
        "a": "unknown",
        "b": "ok",
        "c": "failed",
        "d": "unknown",
        "e": "withdrawn",
    }
    assert (entries["d"].sends, entries["d"].first_started_at) == (1, entries["d"].started_at)
    assert path.read_bytes() == before

    file = opened(path)
    file.tally(7, 1)
    assert (Journal(path).summary().not_begun, Journal(path).summary().refused) == (1, 1)
    file.write([("d", None, "started"), ("f", None, "ok", "done")])
    assert [entry.sends for entry in Journal(path).entries()] == [1, 0, 0, 2, 0, 0]
    summary = Journal(path).summary()
    assert (summary.runs, summary.ok, summary.unknown, summary.in_flight) == (2, 2, 1, 1)
    file.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(2,)]


def test_sends(path: Path) -> None:
    """How often an item may have been sent, and since when, begins anew once it is certain that it was not."""
    file = opened(path)
    file.write([("a", None, "started"), ("b", None, "started"), ("a", None, "withdrawn"), ("b", None, "unknown")])
    a, b = Journal(path).entries()
    assert (a.sends, a.first_started_at, a.started_at is None) == (0, None, False)
    assert (b.sends, b.first_started_at) == (1, b.started_at)
    file.write([("a", None, "started"), ("b", None, "started")])
    file.write([("b", None, "ok", "done", None, None, None, 2, "sent_again")])
    a, again = Journal(path).entries()
    assert (a.sends, a.first_started_at) == (1, a.started_at)
    assert (again.sends, again.first_started_at, again.reconciled) == (2, b.first_started_at, "sent_again")
    file.close()


@pytest.mark.parametrize("edited", [False, True])
def test_counts_are_those_of_the_rows(path: Path, edited: bool) -> None:
    """Whatever a run writes, and somebody deletes by hand between two runs, the summary counts what the table has."""
    chance = random.Random(16)
    for _ in range(4):
        file = opened(path)
        for _ in range(20):
            file.write(
                [
                    (f"user_{chance.randrange(60)}", None, chance.choice(STATUSES))
                    for _ in range(chance.choice([1, 5, 150]))
                ]
            )
            file.look_up(chance.sample([f"user_{number}" for number in range(60)], 3))
        file.close()
        if edited:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("DELETE FROM items WHERE id % 7 = 0")
        entries = Counter(entry.status for entry in Journal(path).entries())
        summary = Journal(path).summary()
        assert entries == {
            "ok": summary.ok,
            "failed": summary.failed,
            "unknown": summary.unknown,
            "withdrawn": summary.withdrawn,
        }


def test_counts_changed_by_hand(path: Path) -> None:
    """Counts that cannot be right are not shown: the rows are counted, and the next run corrects them."""
    file = opened(path)
    file.write([("a", None, "ok", "done"), ("b", None, "failed", "none"), ("c", None, "unknown", "unknown")])
    file.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for change in ("UPDATE counts SET ok = 7", "UPDATE counts SET ok = -1, failed = 3", "DELETE FROM counts"):
            connection.execute(change)
            summary = Journal(path).summary()
            assert (summary.ok, summary.failed, summary.unknown) == (1, 1, 1)
        opened(path).close()
        assert connection.execute(sql.READ_COUNTS).fetchall()[0][:6] == (0, 0, 1, 1, 1, 3)


@pytest.mark.parametrize("tally", ["1, -5, 0", "1, 'many', 0", "1, 5, 'x'", "1, 5, -1", "1, 1.5, 0"])
def test_damaged_tallies(running: SQLiteRun, path: Path, tally: str) -> None:
    """A tally that cannot be one is told."""
    running.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"INSERT INTO tallies VALUES ({tally})")
    with pytest.raises(JournalError, match="is not a number of items"):
        Journal(path).summary()


def test_a_tally_of_a_run_that_was_replaced(path: Path) -> None:
    """It is not written: the run that replaced it has its own."""
    file = opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE job SET runs = 2")
    with pytest.raises(JournalError, match="no longer belongs to this run"):
        file.tally(5, 0)
    file.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM tallies").fetchall() == []
