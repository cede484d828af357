"""A job in parts, kept in a directory: a journal's file for each part, whose lock says that somebody works on it."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import Any, Final

from refold_async.errors import JournalError
from refold_async.journal.sqlite.connection import errors_told
from refold_async.journal.sqlite.locks import RunLocks, is_held
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.journal.sqlite.store import EmptyFileError, SQLiteStore
from refold_async.journal.store import (
    Durability,
    EntryRow,
    JobIdentity,
    PartCounts,
    PartsLeft,
    StoreSummary,
)

__all__ = ["SQLiteFolder"]

_JOB_FILE: Final = "job.json"
_ID_BITS: Final = 40  # of an id among all parts, for that within its part


class _Claim:
    """A part that this process has claimed: it holds the locks of the part's journal."""

    def __init__(self, path: str, number: int, durability: Durability, locks: RunLocks) -> None:
        self.number = number
        self._path = path
        self._durability: Durability = durability
        self._locks: RunLocks | None = locks
        self._run: SQLiteRun | None = None

    def open_run(self, job: str, identity: JobIdentity) -> SQLiteRun:
        """Begin a run of the part."""
        if self._locks is None:
            raise JournalError(f"Part {self.number} of the job {job!r} was given back: claim it again.")
        if self._is_running:
            raise JournalError(
                f"The journal {self._path!r} is in use: another fan-out over part {self.number} of the job {job!r} has "
                "not ended."
            )
        self._run = SQLiteRun.open(
            self._path, name=job, identity=identity, durability=self._durability, claimed_by=self._locks
        )
        return self._run

    def close(self) -> None:
        """Record that all items of the part have ended, by a file that says so, and end the claim."""
        with errors_told(self._path, "closed"):
            os.close(os.open(_closed_path(self._path), os.O_CREAT | os.O_WRONLY, 0o600))
        self.release()

    def release(self) -> None:
        """End the claim, or let it end with the run that is open."""
        locks, self._locks = self._locks, None
        if self._run is not None:
            self._run.releases = True
        if locks is not None and not self._is_running:
            locks.release()

    @property
    def _is_running(self) -> bool:
        return self._run is not None and not self._run.closed


class SQLiteFolder:
    """The journals of the parts of a job, in a directory. Everything here blocks.

    Attributes:
        location: The path of the directory.
    """

    def __init__(self, path: str, durability: Durability = "process") -> None:
        self.location = path
        self._durability: Durability = durability

    def open_run(self, job: str, identity: JobIdentity) -> SQLiteRun:
        """Refuse: a run is that of one part."""
        raise JournalError(
            f"The journal {self.location!r} is a directory, for a job that is split into parts: name a file, or claim "
            "a part and pass journal=part."
        )

    def claim(self, job: str, parts: int, skip: Container[int]) -> _Claim | PartsLeft:
        """Claim a part that is not closed and that nobody has claimed. Call this and the claim in the same thread.

        Raises:
            JournalError: The directory is that of another job or has another number of parts, or cannot be used.
        """
        path = os.path.realpath(self.location)
        with errors_told(path, "opened"):
            os.makedirs(path, mode=0o700, exist_ok=True)
            _check_job(path, job, parts)
            left = [number for number in range(parts) if not os.path.exists(_closed_path(_part_path(path, number)))]
            held: set[int] = set()
            for number in left:
                part = _part_path(path, number)
                if is_held(part):
                    held.add(number)
                elif number not in skip:
                    try:
                        locks = RunLocks(part)
                    except JournalError:
                        if not os.path.isfile(part):
                            raise
                        held.add(number)  # somebody was quicker
                        continue
                    if not os.path.exists(_closed_path(part)):
                        return _Claim(part, number, self._durability, locks)
                    locks.release()  # it was closed since we looked
        return PartsLeft(frozenset(left), frozenset(held))

    def read_summary(self) -> StoreSummary:
        """Return what the journals of all parts have about the job as a whole.

        Raises:
            JournalError: There is no job, none of its parts was begun, or one cannot be read.
        """
        parts = self._parts()
        paths = [_part_path(self.location, number) for number in range(parts)]
        closed = sum(os.path.exists(_closed_path(path)) for path in paths)
        held = 0
        summaries: list[StoreSummary] = []
        for path in paths:
            if (summary := _summary_of(path)) is None:
                held += is_held(path)
            else:
                held += summary.running
                summaries.append(summary)
        if not summaries:
            raise JournalError(f"No part of the job in {self.location!r} was begun: the first worker begins one.")
        counts: Counter[str] = Counter()
        for summary in summaries:
            counts.update(summary.counts)
        items = [summary.items for summary in summaries if summary.items is not None]
        job = summaries[0].job._replace(
            runs=max(summary.job.runs for summary in summaries),
            created_at=min(summary.job.created_at for summary in summaries),
            opened_at=max(summary.job.opened_at for summary in summaries),
        )
        return StoreSummary(
            job,
            any(summary.running for summary in summaries),
            dict(counts),
            max(summary.updated_at for summary in summaries),
            sum(items) if len(items) == parts else None,
            sum(summary.refused for summary in summaries),
            PartCounts(parts, closed, held),
        )

    def read_entries(self, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[EntryRow]:
        """Return the next rows, one part after the other; none if there are no more.

        Raises:
            JournalError: There is no job, or the journal of a part cannot be read.
        """
        first, within = after >> _ID_BITS, after & ((1 << _ID_BITS) - 1)
        for number in range(first, self._parts()):
            path = _part_path(self.location, number)
            if not _was_begun(path):
                continue
            with suppress(EmptyFileError):
                rows = SQLiteStore(path).read_entries(
                    after=within if number == first else 0, statuses=statuses, known=known
                )
                if rows:
                    return [row._replace(id=(number << _ID_BITS) + row.id) for row in rows]
        return []

    def close(self) -> None:
        """Do nothing: nothing stays open between calls."""

    def _parts(self) -> int:
        """Return how many parts the job has."""
        with errors_told(self.location, "read"):
            told = _read_job(self.location)
            if told is None:
                raise JournalError(
                    f"There is no journal in the directory {self.location!r}: the first worker of a job creates it."
                )
            return told[1]


def _summary_of(part: str) -> StoreSummary | None:
    """Return the summary of a part, or None if no worker has begun it."""
    if _was_begun(part):
        with suppress(EmptyFileError):
            return SQLiteStore(part).read_summary()
    return None


def _was_begun(part: str) -> bool:
    """Return whether a worker has begun a part, or is about to."""
    try:
        return os.path.getsize(part) > 0
    except FileNotFoundError:
        return False


def _part_path(directory: str, number: int) -> str:
    return os.path.join(directory, f"part-{number:05}.sqlite")


def _closed_path(part: str) -> str:
    return f"{part}-closed"


def _read_job(directory: str) -> tuple[str, int] | None:
    """Return the name of the job in a directory and how many parts it has; None if there is none."""
    path = os.path.join(directory, _JOB_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            told: Any = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise JournalError(f"{path!r} is damaged: it must contain a job and its parts, as JSON.") from error
    try:
        name, parts = told["job"], told["parts"]
    except (TypeError, KeyError) as error:
        raise JournalError(f"{path!r} is damaged: it must contain a job and its parts.") from error
    if not isinstance(name, str) or not isinstance(parts, int) or parts < 1:
        raise JournalError(f"{path!r} is damaged: {name!r} with {parts!r} parts cannot be a job.")
    return name, parts


def _check_job(directory: str, job: str, parts: int) -> None:
    """Note which job the directory is for, or check that it is for this one."""
    told = _read_job(directory)
    if told is None:
        # Made whole and then linked: of two workers that do this at the same time, one gets the name.
        with tempfile.NamedTemporaryFile("w", dir=directory, prefix=f"{_JOB_FILE}-", encoding="utf-8") as file:
            json.dump({"job": job, "parts": parts}, file)
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, os.path.join(directory, _JOB_FILE))
        told = _read_job(directory)
    if told is None or told[0] != job:
        raise JournalError(
            f"The journal {directory!r} belongs to another job, {told and told[0]!r}. Use a separate directory for "
            "each job."
        )
    if told[1] != parts:
        raise JournalError(
            f"The job {job!r} has {told[1]} parts, not {parts}. With another number, items would change their part and "
            "be sent twice: pass the number that it has, or use another directory for a new job."
        )
