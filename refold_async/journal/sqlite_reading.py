"""Reading a journal, also while a run writes it, in this process or another. Everything here blocks."""

import os
from collections.abc import Sequence
from typing import Any, Final

from refold_async.errors import JournalError
from refold_async.journal.file_locks import is_locked
from refold_async.journal.sqlite_store import (
    COLUMNS,
    ItemRow,
    JobRow,
    connected_to_read,
    errors_told,
    is_new,
    job_row,
    lock_file_is_held,
    moment_of,
    to_json,
)

__all__ = ["is_held", "read_items", "read_summary"]

_PAGE: Final = 100  # rows read at a time: few enough to hold in memory with their results


def is_held(path: str) -> bool:
    """Tell whether a process runs the job of this journal now."""
    path = os.path.realpath(path)
    with errors_told(path, "read"):
        return is_locked(path) or lock_file_is_held(path)


def read_summary(path: str) -> tuple[JobRow, dict[str, int], str]:
    """Return what a journal says of its job, how many items it has by status, and when the last one was recorded.

    Raises:
        JournalError: There is no journal there, or it cannot be read.
    """
    job, counted = _read(
        path,
        "SELECT status, count(*), max(max(coalesce(started_at, ''), coalesce(finished_at, ''))) "
        "FROM items GROUP BY status",
    )
    with errors_told(path, "read"):
        last = max([job.opened_at, *(moment for _, _, moment in counted)])
        moment_of(last)
    return job, {status: count for status, count, _ in counted}, last


def read_items(path: str, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[ItemRow]:
    """Return the next rows with one of `statuses` after that with the id `after`, or none where there is no more.

    Rows whose status is none of the `known` are among them, so that the caller can report them.

    Nothing stays open between one call and the next: a reader who stops half way is in nobody's way.

    Raises:
        JournalError: There is no journal there, or it cannot be read.
    """
    _, found = _read(
        path,
        f"SELECT {COLUMNS} FROM items WHERE id > ? AND (status IN (SELECT value FROM json_each(?)) "  # noqa: S608
        f"OR coalesce(status, '') NOT IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT {_PAGE}",
        (after, to_json(statuses), to_json(known)),
    )
    rows = [ItemRow._make(row) for row in found]
    for row in rows:
        if type(row.id) is not int or row.id <= after:
            raise JournalError(f"The journal {path!r} is damaged: the ids of its table items are out of order.")
        after = row.id
    return rows


def _read(path: str, query: str, parameters: Sequence[Any] = ()) -> tuple[JobRow, list[Any]]:
    """Return what a journal says of its job, and the rows that a query finds."""
    path = os.path.realpath(path)
    with errors_told(path, "read"):
        if not os.path.exists(path):
            raise JournalError(f"There is no journal {path!r}: a job makes it when it is first run.")
        with connected_to_read(path) as connection:
            if is_new(connection, path):
                raise JournalError(f"{path!r} is empty: a job makes it a journal when it is first run.")
            connection.execute("BEGIN")
            return job_row(connection, path), connection.execute(query, parameters).fetchall()
