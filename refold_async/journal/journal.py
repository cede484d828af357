"""The journal of a bulk job: a file that records how every item ended, so that the job can be run again."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
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
    """The state of a job according to its journal. `print()` it."""

    job: str
    """The job's name."""
    base_url: str
    """The base URL of Refold."""
    environment: str | None
    """The environment of the API key, or None if it is not known."""
    slug: str | None
    """The app, or None if the job calls a function."""
    action_id: str | None
    """The action, or None if the job calls a function."""
    runs: int
    """How often the job was run."""
    running: bool
    """Whether a process is running the job now."""
    ok: int
    """How many items succeeded."""
    failed: int
    """How many items failed, including those that the last run refused."""
    unknown: int
    """How many items may or may not have happened."""
    in_flight: int
    """How many items are in flight; 0 unless the job is running."""
    withdrawn: int
    """How many items certainly did not run, and will be called by the next run."""
    refused: int
    """How many items the last run refused before it sent anything, because their key occurred before in it, or because
    they had no valid key or linked account id. They failed, are not among the `entries()`, and the next run checks them
    again."""
    not_begun: int | None
    """How many items of the last run have not begun in any run; the next run will call them. If the items have no
    length, such as those of a generator, it counts those that were taken and not begun; then it is None until the run
    has ended, and if its process died. It is too low if the last run was not given all items of earlier runs."""
    created_at: datetime
    """When the first run began."""
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
    """A file that records how every item of a job ended, so that running the job again does only what is left.

    Pass it to a fan-out as `journal=`. An item is recorded as started before a request for it is sent, and its outcome
    is recorded before you get it. So even if the process dies, the journal has every request that may have been sent,
    and an item that was in flight becomes `unknown`.

    The file must be on a local disk: locks do not work reliably on network file systems. SQLite's `-wal` and `-shm`
    files next to it belong to it. If one of these files is moved, deleted or overwritten while the job runs, the job
    stops with a `JournalError` before it sends more.

    The file contains no API key. It contains the keys of the items, their errors and, if you ask for them, their
    results. Only its owner may read it.
    """

    path: str | os.PathLike[str] = attrs.field(validator=_check_path)
    """The path of the file. The first run creates it; its directory must exist."""

    job: str | None = attrs.field(default=None, kw_only=True, validator=_check_job)
    """The name of the job. A run needs it; reading the journal does not. Another name means another job."""

    results: bool = attrs.field(default=False, kw_only=True, validator=_check_results)
    """Whether to record what the calls return as well, as JSON; by default False. The log warns if the next run cannot
    return a result as it was: once if results change their type, such as a tuple that becomes a list; and for each
    result that cannot be written as JSON."""

    durability: Durability = attrs.field(default="process", kw_only=True, validator=_check_durability)
    """What a record survives: `process` (the default), the death of the process; `power`, a power failure too. With
    `power`, every commit waits until it is on the disk."""

    def summary(self) -> JournalSummary:
        """Return the state of the job. The job may be running, in this process or another. This waits for the disk.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        with _sending_nothing():
            store = _store_of(self)
            running = store.is_running()
            job, counts, last, items, refused = store.read_summary()
            if wrong := counts.keys() - set(STATUSES):
                raise JournalError(
                    f"The journal {store.location!r} is damaged: there is no status {next(iter(wrong))!r}."
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
        """Yield the recorded entry of each item, in the order in which items were first recorded.

        While the job runs, each entry is as it was when it was read, and new entries come at the end. Reading waits for
        the disk.

        Args:
            status: Yield only entries with this status; by default all.

        Raises:
            ConfigurationError: The status does not exist.
            JournalError: The journal does not exist or cannot be read.
        """
        if status is not None and status not in STATUSES:
            raise ConfigurationError(f"status must be one of {', '.join(map(repr, STATUSES))}, got {status!r}.")
        return self._entries(status)

    def _entries(self, status: EntryStatus | None) -> Iterator[JournalEntry]:
        with _sending_nothing():
            # The path as it is now: the reader may change its working directory half way.
            store = _store_of(attrs.evolve(self, path=os.path.realpath(self.path)))
            after = 0
            while True:
                running = store.is_running()
                wanted: tuple[str, ...] = STATUSES if status is None else (status,)
                if not running:
                    # No run is left to record what became of those in flight.
                    wanted = {"unknown": ("unknown", "started"), "started": ()}.get(status or "", wanted)
                rows = store.read_entries(after=after, statuses=wanted, known=STATUSES)
                if not rows:
                    return
                after = rows[-1].id
                for row in rows:
                    entry = entry_of(row)
                    left = entry.status == "started" and not running
                    yield attrs.evolve(entry, status="unknown", effect="unknown") if left else entry


@contextmanager
def _sending_nothing() -> Generator[None]:
    """Say in every error that reading a journal raises that nothing ran."""
    try:
        yield
    except JournalError as error:
        error.effect = "none"
        raise


def run_opener(journal: Journal, identity: JobIdentity) -> Callable[[], StoreRun]:
    """Return a function that begins a run of a journal's job, to be called in the thread that will write it.

    Raises:
        ConfigurationError: The journal has no job name.
    """
    if journal.job is None:
        raise ConfigurationError("A run needs a job name in its journal: pass Journal(..., job='june sync').")
    return partial(_store_of(journal).open_run, journal.job, identity)


def _store_of(journal: Journal) -> JournalStore:
    from refold_async.journal.sqlite.store import SQLiteStore

    return SQLiteStore(os.fspath(journal.path), journal.durability)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
