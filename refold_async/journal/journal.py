"""The journal of a bulk job: what became of every item, kept in a file, so that the job can be run again."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal, get_args

import attrs

from refold_async.codec import json_codec
from refold_async.config.validation import check_bool
from refold_async.errors import ConfigurationError, JournalError
from refold_async.faults import Effect
from refold_async.journal.sqlite_reading import is_held, read_items, read_summary
from refold_async.journal.sqlite_store import Durability, ItemRow, moment_of

__all__ = ["EntryStatus", "Journal", "JournalEntry", "JournalSummary", "entry_of"]

EntryStatus = Literal["started", "withdrawn", "ok", "failed", "unknown"]
"""`started`: in flight. `withdrawn`: it certainly did not run, and the next run calls it. Else how the item ended."""

_DURABILITIES: Final = get_args(Durability)
_STATUSES: Final = get_args(EntryStatus)
_EFFECTS: Final = (None, *get_args(Effect))
_TEXT: Final = (str, type(None))
_KINDS: Final[tuple[Any, ...]] = (
    int,
    str,
    _TEXT,
    str,
    _TEXT,
    _TEXT,
    _TEXT,
    _TEXT,
    int,
    int,
    _TEXT,
    _TEXT,
)  # of an ItemRow


@attrs.frozen(kw_only=True)
class JournalEntry:
    """What a journal tells of one item."""

    key: str
    """What the item is known by."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell."""
    status: EntryStatus
    """Where it stands. An item that was in flight when its process died is `unknown`."""
    effect: Effect | None
    """What became of the action: it did not run, it ran, or it may have run; None while that is open."""
    error_type: str | None
    """The name of its error's class, or None."""
    error: str | None
    """The text of its error, or None."""
    result: Any
    """What the call returned, as JSON has it, where results were asked for; else None."""
    attempts: int
    """How many requests were handed to the network for it."""
    run: int
    """The number of the run that last met it, from 1."""
    started_at: datetime | None
    """When its last request was about to leave, or None where none ever was."""
    finished_at: datetime | None
    """When it ended, or None where it has not."""


@attrs.frozen(kw_only=True)
class JournalSummary:
    """How a job stands, as its journal tells. `print()` it."""

    job: str
    """The job's name."""
    base_url: str
    """Where Refold is."""
    environment: str | None
    """The environment of the API key."""
    slug: str | None
    """The app, or None where the job's call is a function."""
    action_id: str | None
    """The action, or None where the job's call is a function."""
    runs: int
    """How often it was run."""
    running: bool
    """Whether a process runs it now."""
    ok: int
    """How many items succeeded."""
    failed: int
    """How many items failed."""
    unknown: int
    """How many items may or may not have happened."""
    in_flight: int
    """How many items are in flight; 0 unless it is running."""
    withdrawn: int
    """How many items certainly did not run, and are called by the next run."""
    created_at: datetime
    """When its first run began."""
    updated_at: datetime
    """When something was last recorded."""

    def __str__(self) -> str:
        action = "" if self.slug is None else f", {self.slug} {self.action_id}"
        state = "running" if self.running else "not running"
        return (
            f"{self.job} ({self.base_url}, {self.environment or 'unknown environment'}{action})\n"
            f"{self.ok} ok, {self.failed} failed, {self.unknown} unknown, "
            f"{self.in_flight} in flight, {self.withdrawn} to be run again\n"
            f"{state}, run {self.runs}, from {_shown(self.created_at)} to {_shown(self.updated_at)}"
        )


def _check_path(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    path: object = getattr(value, "__fspath__", lambda: value)()
    if not isinstance(path, str) or not path or "\0" in path:
        raise ConfigurationError(f"Journal(path) must be the path of a file, got {value!r}.")


def _check_job(instance: object, attribute: "attrs.Attribute[str | None]", value: Any) -> None:
    if value is not None and (not isinstance(value, str) or not value.strip() or not value.isprintable()):
        raise ConfigurationError(f"Journal(job=) must be a name for the job, such as 'june sync', got {value!r}.")


def _check_results(instance: object, attribute: "attrs.Attribute[bool]", value: Any) -> None:
    check_bool("Journal(results=)", value)


def _check_durability(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value not in _DURABILITIES:
        raise ConfigurationError(f"Journal(durability=) must be 'process' or 'power', got {value!r}.")


@attrs.frozen
class Journal:
    """A file that records what becomes of every item of a job, so that running it again does only what is left.

    Pass it to a fan-out as `journal=`. Before a request leaves, its item is recorded as started; before an outcome is
    yielded, it is recorded. So after the death of the process every request that may have left is in the journal, and
    an item that was in flight then comes out `unknown`. The file must be on a local disk: networks lose locks. SQLite's
    `-wal` and `-shm` beside it belong to it. Where one of them is moved, deleted or written over while the job runs,
    the job stops with a `JournalError` before it sends more.

    It holds no API key, but what items are known by, their errors and, where asked for, their results. Only its owner
    may read it.
    """

    path: str | os.PathLike[str] = attrs.field(validator=_check_path)
    """Where it is. The first run makes it; its directory must be there."""

    job: str | None = attrs.field(default=None, kw_only=True, validator=_check_job)
    """The name of the job, which a run needs and reading does not. Another name is another job."""

    results: bool = attrs.field(default=False, kw_only=True, validator=_check_results)
    """Whether to record what the calls return, too, as JSON. The log warns of results that the next run will not get
    as they were: once if they come back as something else, such as a list for a tuple; of each that has no JSON."""

    durability: Durability = attrs.field(default="process", kw_only=True, validator=_check_durability)
    """What a record outlives: `process`, the death of the process; `power`, a loss of power too, for which every commit
    waits until it is on the disk."""

    def summary(self) -> JournalSummary:
        """Return how the job stands, also while it runs, in this process or another. It waits for the disk.

        Raises:
            JournalError: There is no journal there, or it cannot be read.
        """
        path = os.fspath(self.path)
        running = is_held(path)
        job, counts, last = read_summary(path)
        if not counts.keys() <= set(_STATUSES):
            raise JournalError(
                f"The journal {path!r} is damaged: there is no status {next(iter(counts.keys() - set(_STATUSES)))!r}."
            )
        started = counts.get("started", 0)
        return JournalSummary(
            job=job.name,
            base_url=job.base_url,
            environment=job.environment,
            slug=job.slug,
            action_id=job.action_id,
            runs=job.runs,
            running=running,
            ok=counts.get("ok", 0),
            failed=counts.get("failed", 0),
            unknown=counts.get("unknown", 0) + (0 if running else started),
            in_flight=started if running else 0,
            withdrawn=counts.get("withdrawn", 0),
            created_at=moment_of(job.created_at),
            updated_at=moment_of(last),
        )

    def entries(self, *, status: EntryStatus | None = None) -> Iterator[JournalEntry]:
        """Give what is recorded of each item, in the order in which items were first recorded. It waits for the disk.

        While the job runs, each entry is as it was when it was read, and those recorded meanwhile come at the end.

        Args:
            status: Give those with this status only.

        Raises:
            ConfigurationError: There is no such status.
            JournalError: There is no journal there, or it cannot be read.
        """
        if status is not None and status not in _STATUSES:
            raise ConfigurationError(f"status must be one of {', '.join(map(repr, _STATUSES))}, got {status!r}.")
        return self._entries(status)

    def _entries(self, status: EntryStatus | None) -> Iterator[JournalEntry]:
        path = os.path.realpath(self.path)
        after = 0
        while True:
            running = is_held(path)
            wanted = _STATUSES if status is None else (status,)
            if not running:
                # Nobody will tell any more what became of those in flight.
                wanted = {"unknown": ("unknown", "started"), "started": ()}.get(status or "", wanted)
            rows = read_items(path, after=after, statuses=wanted, known=_STATUSES)
            if not rows:
                return
            after = rows[-1].id
            for row in rows:
                entry = entry_of(row)
                left = entry.status == "started" and not running
                yield attrs.evolve(entry, status="unknown", effect="unknown") if left else entry


def entry_of(row: ItemRow) -> JournalEntry:
    """Return the entry that a row of a journal stands for.

    Raises:
        JournalError: The row is not what a run writes.
    """
    values: dict[str, Any] = row._asdict()
    del values["id"]
    try:
        if row.status not in _STATUSES:
            raise ValueError(f"there is no status {row.status!r}")
        if row.effect not in _EFFECTS:
            raise ValueError(f"there is no effect {row.effect!r}")
        if not all(map(isinstance, row, _KINDS)):
            raise TypeError("a value is of another type than its column")
        if row.attempts < 0 or row.run < 1:
            raise ValueError(f"it cannot have had {row.attempts} attempts, in run {row.run}")
        values["result"] = None if row.result is None else json_codec.decode(row.result.encode())
        for name in ("started_at", "finished_at"):
            values[name] = None if values[name] is None else moment_of(values[name])
    except (ValueError, TypeError, RecursionError) as error:
        raise JournalError(f"The journal's entry of {row.key!r} is damaged: {error}.") from error
    return JournalEntry(**values)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
