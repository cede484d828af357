"""The file of a journal: its tables, its lock, and the statements that read and write it. Everything here blocks.

A journal is an SQLite database, which the `sqlite3` shell reads as well, also while a job runs:

    sqlite3 sync-contacts.sqlite "SELECT key, error_type, error FROM items WHERE status = 'failed'"

Table `job`, one row: `name`, `base_url`, `environment`, `slug`, `action_id` and `parameters_sha256` say what job it is;
`runs` counts how often it was run, `created_at` is when the first run began, `opened_at` when the last one did.

Table `items`, one row for each item of which a request may have left or that ended:

| column                            | holds                                                                           |
|-----------------------------------|---------------------------------------------------------------------------------|
| `id`                              | its place in the order in which items were first recorded                       |
| `key`                             | what the item is known by                                                       |
| `linked_account_id`               | its linked account                                                              |
| `status`                          | `started`: in flight, or it was when the process died; `ok`, `failed`,          |
|                                   | `unknown`: how it ended; `withdrawn`: it certainly did not run, and will again  |
| `effect`                          | `none`, `done` or `unknown`: what became of the action                          |
| `error_type`, `error`             | the class and the text of its error                                             |
| `result`                          | what the call returned, as JSON, where that was asked for                       |
| `attempts`                        | how many requests were handed to the network                                    |
| `run`                             | the number of the run that last met it, from 1                                  |
| `started_at`, `finished_at`       | when its last request was about to leave, and when it ended                     |

All times are UTC, such as `2026-06-01T09:30:00.125Z`. `PRAGMA user_version` holds the version of this format.

The process that runs the job holds a lock on the file itself, which the kernel takes away when the process dies (see
`journal_lock.py`). Beside it lie, while it is in use, SQLite's own `-wal` and `-shm`, which hold what was recorded last
and belong to it, and for good an empty file ending in `-lock`. A run locks that as well, for systems where files have
no lock that suits, and so that no earlier version of this library runs the job at the same time.

`job.runs` is also the ticket of the run: each statement that writes looks whether it is still the number of its run, so
that of two runs, whatever let the second in, the first stops. After each commit a run looks whether its files are where
they were. It does so before a request leaves: what was sent is recorded where the next run finds it, or the run ends.
"""

import json
import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

import attrs

from refold_async.errors import JournalError
from refold_async.journal.file_locks import Place, RunLock, beside_sqlite

__all__ = [
    "COLUMNS",
    "Durability",
    "ItemRow",
    "JobIdentity",
    "JobRow",
    "SQLiteStore",
    "connected_to_read",
    "errors_told",
    "is_new",
    "job_row",
    "lock_file_is_held",
    "moment_of",
    "to_json",
]

Durability = Literal["process", "power"]
"""What a commit outlives: the death of the process, or a loss of power too."""

_APPLICATION_ID: Final = 0x52664A6C  # "RfJl"
_FORMAT: Final = 1
_LOCK_TIMEOUT: Final = 1.0  # seconds: longer than anybody takes to see whether the lock is held
_BUSY_TIMEOUT: Final = 10.0  # seconds: for who writes into the journal by hand
_LOG_PAGES: Final = 2000  # of the `-wal`, before they are put into the file, which waits for the disk
_MOST_RUNS: Final = 2**53

_TABLES: Final = (
    """
    CREATE TABLE job (
        name TEXT NOT NULL, base_url TEXT NOT NULL, environment TEXT, slug TEXT, action_id TEXT, parameters_sha256 TEXT,
        runs INTEGER NOT NULL, created_at TEXT NOT NULL, opened_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, linked_account_id TEXT, status TEXT NOT NULL, effect TEXT,
        error_type TEXT, error TEXT, result TEXT, attempts INTEGER NOT NULL, run INTEGER NOT NULL,
        started_at TEXT, finished_at TEXT
    )
    """,
)
_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

# Each statement is one for a whole batch, and gives one row at most: a thread has to wait for the interpreter's lock
# after every step of a statement, which a busy event loop keeps for milliseconds.
_WRITE: Final = """
    INSERT INTO items (
        run, key, linked_account_id, status, effect, error_type, error, result, attempts, started_at, finished_at
    )
    SELECT
        this.run, column1, column2, column3, column4, column5, column6, column7, coalesce(column8, 0),
        CASE WHEN column3 = 'started' THEN this.moment END,
        CASE WHEN column3 NOT IN ('started', 'withdrawn') THEN this.moment END
    FROM (SELECT ? AS run, ? AS moment) AS this CROSS JOIN (VALUES {rows})
    WHERE column1 IS NOT NULL AND this.run = (SELECT max(runs) FROM job)
    ON CONFLICT (key) DO UPDATE SET
        linked_account_id = coalesce(excluded.linked_account_id, linked_account_id),
        status = excluded.status, effect = excluded.effect, error_type = excluded.error_type, error = excluded.error,
        result = excluded.result, attempts = excluded.attempts, run = excluded.run,
        started_at = coalesce(excluded.started_at, started_at), finished_at = excluded.finished_at
"""
_EMPTY_ROW: Final = (None,) * 8
_STEP: Final = 8  # rows: statements are made, and kept, for multiples of it only
_MOST_ROWS: Final = 96  # in one statement: older versions of SQLite let it have 999 parameters
COLUMNS: Final = (
    "items.id, items.key, linked_account_id, status, effect, error_type, error, result, attempts, run, "
    "started_at, finished_at"
)
_LOOK_UP: Final = f"""
    SELECT (SELECT max(runs) FROM job), json_group_array(json_array({COLUMNS}))
    FROM json_each(?) AS wanted CROSS JOIN items ON items.key = wanted.value
"""  # noqa: S608
_MARK: Final = """
    UPDATE items SET run = :run
    WHERE key IN (SELECT value FROM json_each(:keys)) AND :run = (SELECT max(runs) FROM job)
"""

to_json = json.JSONEncoder(separators=(",", ":")).encode


@attrs.frozen(kw_only=True)
class JobIdentity:
    """What makes two runs the same job, beside its name. A journal serves one job only."""

    base_url: str
    """Where Refold is."""
    environment: str | None
    """The environment of the API key: a run with a test key must not make one in production skip everything."""
    slug: str | None
    """The app, or None where the job's call is a function."""
    action_id: str | None
    """The action, or None where the job's call is a function."""
    parameters_sha256: str | None
    """The hash of the parameters that are the same for all items, or None."""


class ItemRow(NamedTuple):
    """A row of `items`, its columns in their order."""

    id: int
    key: str
    linked_account_id: str | None
    status: str
    effect: str | None
    error_type: str | None
    error: str | None
    result: str | None
    attempts: int
    run: int
    started_at: str | None
    finished_at: str | None


class JobRow(NamedTuple):
    """The row of `job`, its columns in their order."""

    name: str
    base_url: str
    environment: str | None
    slug: str | None
    action_id: str | None
    parameters_sha256: str | None
    runs: int
    created_at: str
    opened_at: str


class SQLiteStore:
    """A journal that this process holds to run its job. Opened, used and closed in one and the same thread.

    Attributes:
        path: Where it is.
        run: The number of the run.
        blank: Whether no earlier run has recorded an item.
    """

    def __init__(self, path: str, job: JobRow, hold: "_Hold", connection: sqlite3.Connection, *, blank: bool) -> None:
        self.path = path
        self.run = job.runs
        self.blank = blank
        self._job = job
        self._hold = hold
        self._connection = connection
        self._place = Place(path, hold.file.identity)
        self._lost = False

    @classmethod
    def open(cls, path: str, *, name: str, identity: JobIdentity, durability: Durability) -> Self:
        """Take the lock, make the file or check that it is this job's, and begin a run.

        Raises:
            JournalError: The journal is in use, another job's, no journal, or cannot be written.
        """
        named = os.path.join(os.getcwd(), path)
        path = os.path.realpath(path)
        with errors_told(path, "opened"):
            if os.path.exists(path):
                # Before anything is put beside a file that is none of ours or cannot be written.
                with connected_to_read(path) as connection:
                    is_new(connection, path)
                if not _may_write(path):
                    raise JournalError(f"The journal {path!r} is readonly: let its owner write it.")
            hold = _Hold(path)
            try:
                connection = _connect(path, "rw")
                try:
                    job = _begin_run(connection, path, (name, *attrs.astuple(identity)), durability)
                    blank = not connection.execute("SELECT 1 FROM items LIMIT 1").fetchall()
                    file = cls(named, job, hold, connection, blank=blank)
                except BaseException:
                    connection.close()
                    raise
            except BaseException:
                hold.release()
                raise
            hold.file.keep_log()
        return file

    def write(self, rows: Sequence[Sequence[str | int | None]]) -> None:
        """Commit rows, in their order: each the columns from `key` to `attempts`, or the first of them.

        Raises:
            JournalError: They could not be written; none of them was.
        """
        with errors_told(self.path, "written"):
            self._look_before()
            if len(rows) <= _MOST_ROWS:
                self._write_some(rows)
            else:
                self._write_all(rows)
            self._look_after()

    def _write_all(self, rows: Sequence[Sequence[str | int | None]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for first in range(0, len(rows), _MOST_ROWS):
                self._write_some(rows[first : first + _MOST_ROWS])
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _write_some(self, rows: Sequence[Sequence[str | int | None]]) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        parameters: list[str | int | None] = [self.run, f"{moment[:-6]}Z"]
        for row in rows:
            parameters += row
            parameters += _EMPTY_ROW[len(row) :]
        missing = -len(rows) % _STEP
        parameters += _EMPTY_ROW * missing
        # By executemany, as execute would take the interpreter's lock once more to ask for the last row's id.
        done = self._connection.executemany(_write_statement(len(rows) + missing), (parameters,))
        if done.rowcount != len(rows):
            raise self._taken_over()

    def meet(self, keys: Sequence[str]) -> list[ItemRow]:
        """Return the rows that there are of these keys, and mark those of earlier runs as met in this one.

        Raises:
            JournalError: They could not be read or marked.
        """
        with errors_told(self.path, "read"):
            self._look_before()
            ((run, found),) = self._connection.execute(_LOOK_UP, (to_json(keys),)).fetchall()
            if run != self.run:
                raise self._taken_over()
            rows = [ItemRow._make(row) for row in json.loads(found)]
            earlier = [row.key for row in rows if row.run != self.run]
            if earlier:
                done = self._connection.executemany(_MARK, [{"run": self.run, "keys": to_json(earlier)}])
                if done.rowcount != len(earlier):
                    raise self._taken_over()
            self._look_after()
        return rows

    def _look_before(self) -> None:
        """Check that what others wrote into the file, such as by hand, left it the journal that it was."""
        if not self._place.was_changed():
            return
        with connected_to_read(os.path.realpath(self.path)) as connection:
            is_new(connection, self.path)
            if job_row(connection, self.path) != self._job:
                raise self._taken_over()
            _check_pages(connection, self.path)

    def _look_after(self) -> None:
        try:
            self._place.check()
        except JournalError:
            self._lost = True
            raise

    def _taken_over(self) -> JournalError:
        return JournalError(
            f"The journal {self.path!r} is no longer this run's: another run of its job has begun, or somebody changed "
            "its table job. This run stops; what it had sent is recorded."
        )

    def close(self) -> None:
        """Put everything into the one file, and give the lock back."""
        self._place.close()
        # A reader may be in the way, or the disk full: what is in the `-wal` is as safe there.
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout = 1000")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if not self._lost:  # else what lies there now may be another journal's
            self._hold.file.let_go_of_log()
        with suppress(sqlite3.Error):
            self._connection.close()
        self._hold.release()


class _Hold:
    """Both locks of a run."""

    def __init__(self, path: str) -> None:
        self._lock_file = _take_lock_file(path)
        try:
            _make_file(path)
            self.file = RunLock(path)
        except BaseException:
            self._lock_file.close()
            raise

    def release(self) -> None:
        """Give them back."""
        self.file.release()
        self._lock_file.close()


@cache
def _write_statement(rows: int) -> str:
    """Return the statement that writes so many rows, some of which may be empty."""
    return _WRITE.format(rows=", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows))


@contextmanager
def errors_told(path: str, doing: str) -> Generator[None]:
    """Turn what SQLite, the system and values of a wrong type raise into a `JournalError`."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise JournalError(f"The journal {path!r} cannot be {doing}: {reason or type(error).__name__}.") from error


def _connect(path: str, mode: str, *, timeout: float = _BUSY_TIMEOUT) -> sqlite3.Connection:
    if not os.path.isfile(path):
        raise JournalError(f"The journal {path!r} is a directory or a device: name a file.")
    return sqlite3.connect(f"{Path(path).as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=timeout)


@contextmanager
def connected_to_read(path: str) -> Generator[sqlite3.Connection]:
    """Open a journal's file to read it, for as short as possible."""
    # Who may not write there cannot make SQLite's own files, nor take them away; without any, nobody writes now.
    alone = not (_may_write(path) and _may_write(os.path.dirname(path))) and not os.path.exists(f"{path}-wal")
    with beside_sqlite(), closing(_connect(path, "ro&immutable=1" if alone else "rw")) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection


def _may_write(path: str) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def is_new(connection: sqlite3.Connection, path: str) -> bool:
    """Tell whether a database is still empty; refuse one that is no journal or of a newer format."""
    try:
        ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise JournalError(f"{path!r} is no journal, but another kind of file: name another path.") from error
    if application_id == 0 and not tables:
        return True
    if application_id != _APPLICATION_ID:
        raise JournalError(f"{path!r} is no journal, but a database of another program: name another path.")
    if version > _FORMAT:
        raise JournalError(
            f"The journal {path!r} has format {version}, this version of refold_async knows format {_FORMAT}: "
            "use the newer one that wrote it."
        )
    return False


def job_row(connection: sqlite3.Connection, path: str) -> JobRow:
    """Return what a journal says of its job.

    Raises:
        JournalError: It does not say, or not as a run writes it.
    """
    rows = connection.execute(f"SELECT {', '.join(JobRow._fields)} FROM job LIMIT 2").fetchall()  # noqa: S608
    if len(rows) != 1:
        raise JournalError(f"The journal {path!r} is damaged: its table job has {len(rows) or 'no'} rows.")
    job = JobRow._make(rows[0])
    texts = (job.name, job.base_url, *(value for value in job[2:6] if value is not None))
    try:
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a column for text holds something else")
        if not (isinstance(job.runs, int) and 0 <= job.runs < _MOST_RUNS):
            raise ValueError(f"it cannot have been run {job.runs!r} times")
        for moment in (job.created_at, job.opened_at):
            moment_of(moment)
    except ValueError as error:
        raise JournalError(f"The journal {path!r} is damaged, in its table job: {error}.") from error
    return job


def moment_of(text: Any) -> datetime:
    """Return the moment that a text in a journal tells; raises ValueError where it tells none."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is no moment")
    return moment


def _check_pages(connection: sqlite3.Connection, path: str) -> None:
    """Check that tables and indexes agree: by an index that lacks a key, its item would be taken for a new one."""
    ((told,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if told != "ok":
        raise JournalError(f"The journal {path!r} is damaged, its disk image malformed: {told}.")


def _lock_path(path: str) -> str:
    return f"{path}-lock"


def _make_file(path: str) -> None:
    """Make an empty file that its owner alone may read, where there is none."""
    with beside_sqlite():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if os.path.getsize(path) == 0:
            os.chmod(path, 0o600)


def lock_file_is_held(path: str) -> bool:
    """Tell whether a run, perhaps of another version, holds the lock on the file beside a journal."""
    lock = _lock_path(path)
    if not os.path.exists(lock):
        return False
    with closing(_connect(lock, "ro", timeout=0)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        except sqlite3.DatabaseError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY  # with something in it, it is no lock
    return False


def _take_lock_file(path: str) -> sqlite3.Connection:
    _make_file(_lock_path(path))
    lock = _connect(_lock_path(path), "rw", timeout=_LOCK_TIMEOUT)
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written: no file beside this one either
        lock.execute("BEGIN EXCLUSIVE")
    except BaseException as error:
        lock.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise JournalError(f"The journal {path!r} is in use: another run of its job has not ended.") from error
        raise
    return lock


def _begin_run(
    connection: sqlite3.Connection, path: str, identity: tuple[str | None, ...], durability: Durability
) -> JobRow:
    """Make the tables, or check that they are this job's and whole, and return the row of the run that begins."""
    new = is_new(connection, path)
    ((mode,),) = connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    if mode != "wal":
        raise JournalError(f"The journal {path!r} is where SQLite cannot share memory: put it on a local disk.")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
    if durability == "power":
        # Of effect on macOS only, where a plain sync stops at the drive's cache.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("BEGIN IMMEDIATE")
    if new:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0, {_NOW}, {_NOW})", identity)  # noqa: S608
    job = job_row(connection, path)
    differing = [
        f"{part} is {then!r} there and {now!r} here"
        for part, then, now in zip(("job", *JobRow._fields[1:6]), job[:6], identity, strict=True)
        if then != now
    ]
    if differing:
        raise JournalError(
            f"The journal {path!r} belongs to another job: {', '.join(differing)}. Give each job a journal of its own."
        )
    if not new:
        _check_pages(connection, path)
        if connection.execute("SELECT 1 FROM items WHERE run NOT BETWEEN 1 AND ? LIMIT 1", (job.runs,)).fetchall():
            raise JournalError(f"The journal {path!r} is damaged: it has items of a run that never began.")
    connection.execute(f"UPDATE job SET runs = runs + 1, opened_at = {_NOW}")  # noqa: S608
    # What was in flight when the process died: nobody knows what became of it.
    connection.execute("UPDATE items SET status = 'unknown', effect = 'unknown' WHERE status = 'started'")
    job = job_row(connection, path)
    connection.execute("COMMIT")
    return job
