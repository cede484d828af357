"""Reading a journal from its store, also while its job runs."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import attrs

from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.entries import STATUSES, EntryStatus, JournalEntry, entry_of
from refold_async.journal.store import JournalStore, moment_of

__all__ = ["JournalSummary", "follow_summary", "read_entries", "read_summary", "sending_nothing"]


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
    parts: int | None = None
    """How many parts the job has, or None if it is not split."""
    closed_parts: int = 0
    """How many of its parts are closed."""
    held_parts: int = 0
    """How many of its parts have a worker now."""

    def __str__(self) -> str:
        named = self.slug is None or f"{self.slug} {self.action_id}" in self.job
        action = "" if named else f", {self.slug} {self.action_id}"
        state = "running" if self.running else "not running"
        refused = f" ({self.refused} of them never sent)" if self.refused else ""
        left = self.withdrawn + (self.not_begun or 0)
        # Where the items that were never taken are not counted, there may be more than those that were withdrawn.
        not_begun = f", {left}{' or more' * (self.not_begun is None)} not begun" if left else ""
        parts = (
            "" if self.parts is None else f"{self.closed_parts} of {self.parts} parts closed, {self.held_parts} held\n"
        )
        return (
            f"{self.job} ({self.base_url}, {self.environment or 'unknown environment'}{action})\n"
            f"{self.ok} ok, {self.failed} failed{refused}, {self.unknown} unknown, "
            f"{self.in_flight} in flight{not_begun}\n{parts}"
            f"{state}, run {self.runs}, from {_shown(self.created_at)} to {_shown(self.updated_at)}"
        )


def read_summary(store: JournalStore) -> JournalSummary:
    """Return the state of the job in a store.

    Raises:
        JournalError: The journal does not exist or cannot be read.
    """
    with closing(store):
        return _summary_of(store)


def follow_summary(store: JournalStore) -> Generator[JournalSummary]:
    """Yield the state of the job in a store as it is at that moment, again and again.

    Raises:
        JournalError: The journal does not exist or cannot be read.
    """
    with closing(store):
        while True:
            yield _summary_of(store)


def _summary_of(store: JournalStore) -> JournalSummary:
    with sending_nothing():
        job, running, counts, last, items, refused, parts = store.read_summary()
        if wrong := counts.keys() - set(STATUSES):
            raise JournalError(f"The journal {store.location!r} is damaged: there is no status {next(iter(wrong))!r}.")
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
        unknown=counts.get("unknown", 0),
        in_flight=counts.get("started", 0),
        withdrawn=counts.get("withdrawn", 0),
        refused=refused,
        not_begun=None if items is None else max(0, items - sum(counts.values()) - refused),
        created_at=moment_of(job.created_at),
        updated_at=moment_of(last),
        parts=None if parts is None else parts.parts,
        closed_parts=0 if parts is None else parts.closed,
        held_parts=0 if parts is None else parts.held,
    )


def read_entries(store: JournalStore, status: EntryStatus | None) -> Iterator[JournalEntry]:
    """Yield the entries in a store, in the order in which items were first recorded.

    Raises:
        ConfigurationError: The status does not exist.
        JournalError: The journal does not exist or cannot be read.
    """
    if status is not None and status not in STATUSES:
        raise ConfigurationError(f"status must be one of {', '.join(map(repr, STATUSES))}, got {status!r}.")
    return _entries(store, status)


def _entries(store: JournalStore, status: EntryStatus | None) -> Iterator[JournalEntry]:
    statuses = STATUSES if status is None else (status,)
    with sending_nothing(), closing(store):
        after = 0
        while rows := store.read_entries(after=after, statuses=statuses, known=STATUSES):
            after = rows[-1].id
            yield from map(entry_of, rows)


@contextmanager
def sending_nothing() -> Generator[None]:
    """Say in every `JournalError` of the block that nothing ran: reading a journal, for example, sends nothing."""
    try:
        yield
    except JournalError as error:
        error.effect = "none"
        raise


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
