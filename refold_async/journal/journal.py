"""The journal of a bulk job: what became of every item, kept in a file, so that the job can be run again."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, get_args

import attrs

from refold_async.config.validation import check_bool
from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.entries import STATUSES, EntryStatus, JournalEntry, entry_of
from refold_async.journal.store import Durability, JobIdentity, JournalStore, StoreRun, moment_of

__all__ = ["Journal", "JournalSummary", "run_opener"]

_DURABILITIES: Final = get_args(Durability)


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
    """How many items failed, those included that the last run refused."""
    unknown: int
    """How many items may or may not have happened."""
    in_flight: int
    """How many items are in flight; 0 unless it is running."""
    withdrawn: int
    """How many items certainly did not run, and are called by the next run."""
    refused: int
    """How many items the last run refused before anything was sent: their key occurred before in it, or their linked
    account id or key was none. They failed, are not among the `entries()`, and the next run looks at them again."""
    not_begun: int | None
    """How many items of the last run have not begun, in any run, and are called by the next. Of items without a length,
    such as those of a generator, those that were taken and not begun: it is None until the run has ended, and if its
    process died. Items of earlier runs that the last one was not given make it too few."""
    created_at: datetime
    """When its first run began."""
    updated_at: datetime
    """When something was last recorded."""

    def __str__(self) -> str:
        named = self.slug is None or f"{self.slug} {self.action_id}" in self.job
        action = "" if named else f", {self.slug} {self.action_id}"
        state = "running" if self.running else "not running"
        refused = f" ({self.refused} of them never sent)" if self.refused else ""
        left = self.withdrawn + (self.not_begun or 0)
        # Where the items that were never taken are not counted, there may be more than those that were withdrawn.
        not_begun = f", {left}{' or more' * (self.not_begun is None)} not begun" if left else ""
        return (
            f"{self.job} ({self.base_url}, {self.environment or 'unknown environment'}{action})\n"
            f"{self.ok} ok, {self.failed} failed{refused}, {self.unknown} unknown, "
            f"{self.in_flight} in flight{not_begun}\n"
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
        store = _store_of(self)
        running = store.is_running()
        job, counts, last, items, refused = store.read_summary()
        if wrong := counts.keys() - set(STATUSES):
            raise JournalError(f"The journal {store.location!r} is damaged: there is no status {next(iter(wrong))!r}.")
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
            failed=counts.get("failed", 0) + refused,
            unknown=counts.get("unknown", 0) + (0 if running else started),
            in_flight=started if running else 0,
            withdrawn=counts.get("withdrawn", 0),
            refused=refused,
            not_begun=None if items is None else max(0, items - sum(counts.values()) - refused),
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
        if status is not None and status not in STATUSES:
            raise ConfigurationError(f"status must be one of {', '.join(map(repr, STATUSES))}, got {status!r}.")
        return self._entries(status)

    def _entries(self, status: EntryStatus | None) -> Iterator[JournalEntry]:
        # As the path is now: a reader may change its directory half way.
        store = _store_of(attrs.evolve(self, path=os.path.realpath(self.path)))
        after = 0
        while True:
            running = store.is_running()
            wanted: tuple[str, ...] = STATUSES if status is None else (status,)
            if not running:
                # Nobody will tell any more what became of those in flight.
                wanted = {"unknown": ("unknown", "started"), "started": ()}.get(status or "", wanted)
            rows = store.read_entries(after=after, statuses=wanted, known=STATUSES)
            if not rows:
                return
            after = rows[-1].id
            for row in rows:
                entry = entry_of(row)
                left = entry.status == "started" and not running
                yield attrs.evolve(entry, status="unknown", effect="unknown") if left else entry


def run_opener(journal: Journal, identity: JobIdentity) -> Callable[[], StoreRun]:
    """Return what begins a run of a journal's job, in the thread that is to write it.

    Raises:
        ConfigurationError: The journal was made without the name of a job.
    """
    if journal.job is None:
        raise ConfigurationError("A run needs the job's name in its journal: pass Journal(..., job='june sync').")
    return partial(_store_of(journal).open_run, journal.job, identity)


def _store_of(journal: Journal) -> JournalStore:
    from refold_async.journal.sqlite.store import SQLiteStore

    return SQLiteStore(os.fspath(journal.path), journal.durability)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
