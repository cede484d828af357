"""What a journal needs of the store that it is kept in, of which SQLite is one, and the rows that a store gives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

import attrs

__all__ = [
    "Durability",
    "EntryRow",
    "EntryValues",
    "JobIdentity",
    "JobRow",
    "JournalStore",
    "StoreRun",
    "StoreSummary",
    "moment_of",
]

Durability = Literal["process", "power"]
"""What a commit outlives: the death of the process, or a loss of power too."""


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


class JobRow(NamedTuple):
    """What a store holds of the job itself."""

    name: str
    base_url: str
    environment: str | None
    slug: str | None
    action_id: str | None
    parameters_sha256: str | None
    runs: int
    created_at: str
    opened_at: str


class EntryRow(NamedTuple):
    """What a store holds of one item. The moments are in UTC, in the form of ISO 8601."""

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


EntryValues = Sequence[str | int | None]
"""What is written of an item: the values of its `EntryRow` from `key` to `attempts`, or the first of them."""


class StoreSummary(NamedTuple):
    """What a store tells of a job as a whole."""

    job: JobRow
    counts: dict[str, int]
    """How many entries there are, by their status."""
    updated_at: str
    """When the last of them was recorded, or the last run began."""
    items: int | None
    """How many items the last run was given, where that is known."""
    refused: int
    """How many of those it refused: they have no entries."""


class StoreRun(Protocol):
    """A run of a job, for which a store is held. Every call blocks until the store has done what it is asked for.

    The writer makes all calls in one thread of its own, in which it had the run opened, one at a time; between them
    it gathers the next batch. So a store may keep a connection that belongs to a thread, and one with an asyncio driver
    may run an event loop of its own there. After a call that raised, none but `close()` is made.

    A store promises that

    - what `write()`, `tally()` or `look_up()` did is committed when it returns, as durably as the journal asks for, and
      that the next run finds it, whatever becomes of this process; where it raises, the batch was written as a whole or
      not at all, and no run takes what it cannot be sure of for done;
    - a run which another one has replaced notices it in its next call, which raises and writes nothing: requests of
      two runs for one item must not both leave;
    - it holds any text but NUL and lone surrogates, which the writer escapes or refuses, and compares keys exactly.
    """

    @property
    def location(self) -> str:
        """Where the journal is, as messages tell it: never with a password."""
        ...

    @property
    def number(self) -> int:
        """The number of the run, from 1; larger than that of any run before."""
        ...

    @property
    def blank(self) -> bool:
        """Whether nothing was recorded before the run, and nobody else records anything while it lasts.

        Where that is certain, keys which this run has not looked up before are not looked up in the store. A store
        that several processes write at once must say False.
        """
        ...

    def write(self, entries: Sequence[EntryValues]) -> None:
        """Commit what is to be recorded of items, all of it or nothing.

        An item has one row, known by its key; of several entries with one key the last one counts. Each replaces the
        row with what it holds and None (0 attempts) for what it leaves out, but a linked account and moments that were
        recorded stay where it has none. It sets the row's run to this one, `started_at` for the status `started`,
        and `finished_at` for all others but `withdrawn`.

        Args:
            entries: At least one, in the order in which they happened.

        Raises:
            JournalError: They could not be written, or the run was replaced.
        """
        ...

    def tally(self, items: int | None, refused: int) -> None:
        """Commit how many items the run was given, None where that is not known, and how many of them it refused.

        Raises:
            JournalError: That could not be written, or the run was replaced.
        """
        ...

    def look_up(self, keys: Sequence[str]) -> list[EntryRow]:
        """Return the rows that there are of some keys, in any order, and mark those of earlier runs with this one.

        A row that is returned tells the run that it had before: it is this one's if its key was looked up, or recorded,
        in this run already.

        Raises:
            JournalError: They could not be read or marked, or the run was replaced.
        """
        ...

    def close(self) -> None:
        """End the run and let the next one begin, also after a call that raised. What was committed stays."""
        ...


class JournalStore(Protocol):
    """Where a journal is kept. Holds nothing open by itself; every call blocks."""

    @property
    def location(self) -> str:
        """Where the journal is, as messages tell it: never with a password."""
        ...

    def open_run(self, job: str, identity: JobIdentity) -> StoreRun:
        """Begin a run of a job: make what the journal needs at its first run, or check that it is this job's and whole.

        Entries that are `started` are of a run that died, and become `unknown`, with the effect `unknown`.

        Args:
            job: The job's name.
            identity: What the job is, beside its name.

        Raises:
            JournalError: The journal is in use, another job's, no journal, damaged, or cannot be written.
        """
        ...

    def is_running(self) -> bool:
        """Tell whether a process runs the job now.

        Raises:
            JournalError: That cannot be told.
        """
        ...

    def read_summary(self) -> StoreSummary:
        """Return what the journal tells of the job as a whole, also while it runs.

        Raises:
            JournalError: There is no journal there, or it cannot be read.
        """
        ...

    def read_entries(self, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[EntryRow]:
        """Return the next few rows, ordered by their ids, or none where there are no more.

        Nothing stays open between one call and the next: a reader who stops half way is in nobody's way.

        Args:
            after: The id after which they come, or 0.
            statuses: They have one of these.
            known: Rows whose status is none of these are among them, so that the caller can report them.

        Raises:
            JournalError: There is no journal there, or it cannot be read.
        """
        ...


def moment_of(text: Any) -> datetime:
    """Return the moment that a text in a store tells; raises ValueError where it tells none."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is no moment")
    return moment
