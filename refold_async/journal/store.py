"""What a journal needs from the store that keeps it, such as SQLite, and the rows that a store returns."""

from collections.abc import Collection, Sequence
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
    "PartClaim",
    "PartCounts",
    "PartedStore",
    "PartsLeft",
    "RunOpener",
    "StoreRun",
    "StoreSummary",
    "moment_of",
]

Durability = Literal["process", "power"]
"""What a commit survives: the death of the process, or a power failure too."""


@attrs.frozen(kw_only=True)
class JobIdentity:
    """What makes two runs the same job, with its name. A journal serves one job only."""

    base_url: str
    """The base URL of Refold."""
    environment: str | None
    """The environment of the API key: a run with a test key must not make a run in production skip all items."""
    slug: str | None
    """The app, or None if the job calls a function."""
    action_id: str | None
    """The action, or None if the job calls a function."""
    parameters_sha256: str | None
    """The hash of the parameters, if they are the same for all items; else None."""


class JobRow(NamedTuple):
    """What a store contains about the job itself."""

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
    """What a store contains about one item. The times are in UTC, in ISO 8601 format."""

    id: int
    key: str
    linked_account_id: str | None
    status: str
    effect: str | None
    error_type: str | None
    error: str | None
    result: str | None
    attempts: int
    reconciled: str | None
    run: int
    first_started_at: str | None
    started_at: str | None
    finished_at: str | None
    sends: int


EntryValues = Sequence[str | int | None]
"""What is written about an item: the values of its `EntryRow` from `key` to `reconciled`, or only the first of them."""


class PartCounts(NamedTuple):
    """How far the parts of a job are."""

    parts: int
    """How many there are."""
    closed: int
    """How many of them are closed."""
    held: int
    """How many of them somebody has claimed now."""


class StoreSummary(NamedTuple):
    """What a store has about a job as a whole."""

    job: JobRow
    running: bool
    """Whether a process is running the job now."""
    counts: dict[str, int]
    """How many entries there are of each status. What was `started` by a worker that died is `unknown`."""
    updated_at: str
    """When the last entry was recorded, or when the last run began."""
    items: int | None
    """How many items the last run was given, if that is known."""
    refused: int
    """How many of those it refused: they have no entries."""
    parts: PartCounts | None = None
    """How far its parts are, if the job has parts."""


class StoreRun(Protocol):
    """A run of a job, for which a store is locked. Every call blocks until the store has done the work.

    The writer makes all calls one at a time, in a thread of its own, in which it also opened the run. Between calls it
    gathers the next batch. So a store may keep a connection that belongs to a thread, and one with an asyncio driver
    may run an event loop of its own there. After a call that raised, only `close()` is called.

    A store promises:

    - What `write()`, `tally()` or `look_up()` did is committed when it returns, as durably as the journal asks for, and
      the next run finds it, whatever happens to this process. If the call raises, the batch was written as a whole or
      not at all, and no run treats as done what may not be.
    - A run that was replaced by another run notices it in its next call, which raises and writes nothing: two runs must
      never both send requests for one item.
    - A run begins only when no request that an earlier run recorded can leave any more: its process has ended or let
      the store go, or `SEND_WITHIN` seconds have passed since it could last write. So what a look does not find some
      time later did not run.
    - It can store any text except NUL and lone surrogates, which the writer escapes or refuses, and compares keys
      exactly.
    """

    @property
    def location(self) -> str:
        """Where the journal is, as messages show it: never with a password."""
        ...

    @property
    def number(self) -> int:
        """The number of the run, from 1; larger than that of any earlier run."""
        ...

    @property
    def blank(self) -> bool:
        """Whether nothing was recorded before this run, and nobody else records anything while it lasts.

        If that is certain, keys that this run has not looked up before are not looked up in the store. A store that
        several processes may write at the same time must return False.
        """
        ...

    @property
    def longest_key(self) -> int | None:
        """The length of the longest key that can be recorded, in bytes of UTF-8; None if there is no limit."""
        ...

    def write(self, entries: Sequence[EntryValues]) -> None:
        """Commit what must be recorded about items: all of it or nothing.

        An item has one row, identified by its key. If several entries have the same key, they are written one after the
        other. An entry replaces the row: a value that it leaves out becomes None (0 attempts), except that a linked
        account and times that were already recorded stay. The row's run becomes this one. An entry with the status
        `started` sets `started_at`, also `first_started_at` if that is None, and adds one to `sends`; one with the
        status `withdrawn` sets `first_started_at` to None and `sends` to 0; each other sets `finished_at`.

        Args:
            entries: At least one, in the order in which they happened.

        Raises:
            JournalError: They could not be written, or the run was replaced.
        """
        ...

    def tally(self, items: int | None, refused: int) -> None:
        """Commit how many items the run was given (None if that is not known) and how many of them it refused.

        Raises:
            JournalError: That could not be written, or the run was replaced.
        """
        ...

    def look_up(self, keys: Sequence[str]) -> list[EntryRow]:
        """Return the rows with these keys, in any order, and mark those of earlier runs with this run.

        A returned row has the run that it had before. That is this run if the key was already looked up or recorded in
        this run.

        Raises:
            JournalError: They could not be read or marked, or the run was replaced.
        """
        ...

    def close(self) -> None:
        """End the run and let the next one begin, also after a call that raised. Everything committed stays."""
        ...


class RunOpener(Protocol):
    """What begins runs of a job."""

    def open_run(self, job: str, identity: JobIdentity) -> StoreRun:
        """Begin a run of a job: at the first run create the journal, later check that it is intact and of this job.

        Entries that are `started` belong to a run that died. They become `unknown`, with the effect `unknown`.

        Args:
            job: The job's name.
            identity: What identifies the job, with its name.

        Raises:
            JournalError: The journal is in use, belongs to another job, is not a journal, is damaged, or cannot be
                written.
        """
        ...


class JournalStore(RunOpener, Protocol):
    """Where a journal is kept. Every call blocks. Between calls it locks nothing."""

    @property
    def location(self) -> str:
        """Where the journal is, as messages show it: never with a password."""
        ...

    def read_summary(self) -> StoreSummary:
        """Return what the journal has about the job as a whole, also while it runs.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        ...

    def read_entries(self, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[EntryRow]:
        """Return the next few rows, ordered by their ids; none if there are no more.

        A row that is `started`, but whose worker has died, is `unknown`, with the effect `unknown`. Nothing stays
        locked between two calls: a reader that stops half way blocks nobody.

        Args:
            after: Return rows with a larger id than this; 0 for the first rows.
            statuses: Return rows with one of these statuses.
            known: Also return rows whose status is none of these, so that the caller can report them.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        ...

    def close(self) -> None:
        """Close what calls may have kept open for the next, such as a connection. Later calls open it again."""
        ...


class PartClaim(RunOpener, Protocol):
    """A part of a job that this process has claimed: nobody else can run it. Every call blocks.

    The claim ends when it is closed or released, and some time after its process has died or lost the store.
    """

    @property
    def number(self) -> int:
        """The number of the part, from 0."""
        ...

    def close(self) -> None:
        """Record that all items of the part have ended, so that nobody claims it again, and end the claim.

        Raises:
            JournalError: That could not be recorded, or the claim has ended.
        """
        ...

    def release(self) -> None:
        """End the claim, so that others can claim the part; while a run of it is open, the claim ends with the run.

        Does nothing if it has ended; raises nothing.
        """
        ...


class PartsLeft(NamedTuple):
    """The parts that are not closed, if none of them can be claimed now."""

    open: frozenset[int]
    """All of them."""
    held: frozenset[int]
    """Those that somebody has claimed."""


class PartedStore(JournalStore, Protocol):
    """A store that keeps a job in parts."""

    def claim(self, job: str, parts: int, skip: Collection[int]) -> PartClaim | PartsLeft:
        """Claim a part that is not closed and that nobody has claimed.

        Args:
            job: The job's name.
            parts: How many parts the job has. The first call creates them.
            skip: The numbers of parts not to claim.

        Raises:
            JournalError: The job has another number of parts, or the journal cannot be read or written.
        """
        ...


def moment_of(text: Any) -> datetime:
    """Return the time in a text of a store; raises ValueError if there is none."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is not a time")
    return moment
