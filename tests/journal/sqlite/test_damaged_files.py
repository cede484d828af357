"""A damaged journal: whatever is spoiled in it, and whatever is asked of it, it works or says that it does not."""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import pytest

from refold_async.errors import JournalError
from refold_async.journal.entries import STATUSES, entry_of
from refold_async.journal.journal import Journal
from refold_async.journal.sqlite.locks import is_held
from refold_async.journal.sqlite.run import SQLiteRun
from support.journals import empty_the_index, opened

KEYS: Final = [f"user_{number}" for number in range(300)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a journal of every kind of item, which must not be changed."""
    directory = tmp_path_factory.mktemp("whole")
    file = opened(directory / "sync.sqlite")
    for status, effect in (("ok", "done"), ("failed", "none"), ("unknown", "unknown")):
        file.write([(key, key, status, effect, "NotFoundError", "No.", '{"a": [1]}', 1) for key in KEYS[::3]])
        file.write([(key, None, "started") for key in KEYS[1::3]])
        file.write([(key, None, "withdrawn") for key in KEYS[2::3]])
    file.close()
    return directory


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, whole: Path) -> Path:
    """The same, of which half is in SQLite's log still, since the process was killed."""
    directory = tmp_path_factory.mktemp("killed") / "copy"
    shutil.copytree(whole, directory)
    program = "import os, sys\nfrom support.journals import opened\nfile = opened(sys.argv[1])\n"
    program += "file.write([(f'later_{number}', None, 'ok', 'done') for number in range(300)])\nos._exit(0)"
    subprocess.run(
        [sys.executable, "-P", "-c", program, str(directory / "sync.sqlite")],
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert (directory / "sync.sqlite-wal").stat().st_size > 10_000
    return directory


def run(path: Path) -> None:
    """Do what a run does."""
    file: SQLiteRun = opened(path)
    try:
        for row in file.look_up([*KEYS[:50], "new"]):
            entry_of(row)
        file.write([("new", None, "started")])
        file.write([("new", None, "ok", "done", None, None, "{}", 1)])
        file.write([(f"new_{number}", None, "started") for number in range(200)])
    finally:
        file.close()


USES: Final[dict[str, Callable[[Path], object]]] = {
    "summary": lambda path: str(Journal(path).summary()),
    "entries": lambda path: list(Journal(path).entries()),
    "entries of a status": lambda path: list(Journal(path).entries(status="unknown")),
    "is_held": lambda path: is_held(str(path)),
    "run": run,
    "another run": run,
}


def outcomes(path: Path) -> dict[str, str]:
    """Use a journal in every way, and return what came of each: nothing but a `JournalError` may."""
    told: dict[str, str] = {}
    for name, use in USES.items():
        try:
            use(path)
        except JournalError:
            told[name] = "told"
        else:
            told[name] = "works"
    return told


def spoil(chance: random.Random, path: Path) -> None:
    """Change some bytes of a file, or cut it."""
    content = bytearray(path.read_bytes())
    place = chance.choice([chance.randrange(100), chance.randrange(len(content))])
    match chance.choice(["bits", "block", "cut"]):
        case "bits":
            for _ in range(chance.choice([1, 1, 10])):
                content[chance.randrange(place, len(content))] ^= 1 << chance.randrange(8)
        case "block":
            content[place : place + 512] = chance.randbytes(len(content[place : place + 512]))
        case _:
            del content[place:]
    path.write_bytes(content)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 4))])
def test_bytes_at_random(whole: Path, killed: Path, tmp_path: Path, part: int) -> None:
    """Bytes that are spoiled anywhere, in the file or in SQLite's log, are harmless or told."""
    seed = random.randrange(2**32)
    print(f"random.Random({seed})")
    chance = random.Random(seed)
    for number in range(15):
        directory = tmp_path / str(number)
        shutil.copytree(chance.choice([whole, killed]), directory)
        spoil(chance, chance.choice([file for file in sorted(directory.iterdir()) if file.stat().st_size]))
        outcomes(directory / "sync.sqlite")


VALUES: Final = [
    "NULL",
    "'text'",
    "''",
    "x'ff00'",
    "CAST(x'fffe' AS TEXT)",
    "9e999",
    "-1",
    "0",
    "1.5",
    "9223372036854775807",
    "'{'",
    "'[1e400]'",
    "replace(hex(zeroblob(5000)), '00', '[')",
    "'2026-13-01T00:00:00Z'",
    "'2026-01-01'",
]
COLUMNS: Final = {
    "counts": (*STATUSES, "items", "recorded_at"),
    "job": ("name", "base_url", "slug", "runs", "created_at", "opened_at"),
    "items": (
        *("id", "key", "linked_account_id", "status", "effect", "error_type", "error", "result", "attempts", "run"),
        *("reconciled", "first_started_at", "started_at", "finished_at", "sends"),
    ),
}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in COLUMNS for column in COLUMNS[table]])
@pytest.mark.slow
def test_values_of_another_kind(whole: Path, tmp_path: Path, table: str, column: str) -> None:
    """A value that no run writes, in whatever column, is harmless or told."""
    for number, value in enumerate(VALUES):
        path = tmp_path / f"{number}.sqlite"
        shutil.copy(whole / "sync.sqlite", path)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            # As if the tables had been made without any constraint.
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
            connection.execute("PRAGMA writable_schema = RESET")
            with suppress(sqlite3.Error):
                connection.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = 1")
        outcomes(path)


STATEMENTS: Final = [
    "DROP TABLE job",
    "DROP TABLE items",
    "DELETE FROM job",
    "INSERT INTO job SELECT * FROM job",
    "UPDATE job SET runs = 9223372036854775807",
    "UPDATE job SET runs = 'many'",
    "UPDATE job SET created_at = 'yesterday'",
    "ALTER TABLE items DROP COLUMN sends",
    "DROP TABLE counts",
    "ALTER TABLE job DROP COLUMN runs",
    "ALTER TABLE items DROP COLUMN run",
    "ALTER TABLE items RENAME TO other",
    "ALTER TABLE items RENAME TO other; CREATE VIEW items AS SELECT * FROM other",
    "CREATE TABLE other AS SELECT * FROM items; DROP TABLE items; ALTER TABLE other RENAME TO items",
    "CREATE TRIGGER refuse BEFORE INSERT ON items BEGIN SELECT RAISE(ABORT, 'no'); END",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 7",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_tables_that_are_others(whole: Path, tmp_path: Path, statement: str) -> None:
    """Tables, columns and rows that are missing or too many are told by a run, before anything is recorded."""
    path = tmp_path / "sync.sqlite"
    shutil.copy(whole / "sync.sqlite", path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    assert outcomes(path)["run"] == "told"


def test_an_index_that_lacks_a_key(whole: Path, tmp_path: Path) -> None:
    """A run begins only where the index has every key: by one that has not, an item would be called again."""
    path = tmp_path / "sync.sqlite"
    shutil.copy(whole / "sync.sqlite", path)
    empty_the_index(path)
    assert outcomes(path)["run"] == "told"


@pytest.mark.parametrize("status", ["'fine'", "''", "x'00'", "7"])
def test_a_status_that_there_is_not(whole: Path, tmp_path: Path, status: str) -> None:
    """An item of which nobody knows where it stands is not left out, whatever is asked for."""
    path = tmp_path / "sync.sqlite"
    shutil.copy(whole / "sync.sqlite", path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE items SET status = {status} WHERE key = 'user_5'")
    told = outcomes(path)
    assert (told["summary"], told["entries"], told["entries of a status"]) == ("told", "told", "told")


def test_something_else_in_its_place(tmp_path: Path) -> None:
    """What is no journal at all is told."""
    directory = tmp_path / "directory"
    directory.mkdir()
    text = tmp_path / "text"
    text.write_text("No journal. " * 1000)
    for path in (directory, text, tmp_path / "missing" / "sync.sqlite", Path("/dev/null")):
        assert set(outcomes(path).values()) == {"told", "works"}
        assert outcomes(path)["run"] == "told"
        assert outcomes(path)["summary"] == "told"
