"""Beginning the run of a job, whatever its journal is."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from refold_async.errors import ConfigurationError
from refold_async.journal.journal import Journal, store_of
from refold_async.journal.parts import JournalPart, note_ended, opener_of
from refold_async.journal.store import JobIdentity, JournalStore, RunOpener, StoreRun

if TYPE_CHECKING:
    from refold_async.journal.postgres.postgres_journal import PostgresJournal

__all__ = ["AnyJournal", "check_journal", "note_all_ended", "open_store", "run_opener"]

AnyJournal: TypeAlias = "Journal | JournalPart | PostgresJournal"
"""What a fan-out can record its items in."""


def check_journal(journal: object) -> AnyJournal:
    """Return a journal in which a fan-out can record its items.

    Raises:
        ConfigurationError: It is not one.
    """
    if isinstance(journal, JournalPart):
        return journal
    if not isinstance(journal, Journal):
        from refold_async.journal.postgres.postgres_journal import PostgresJournal

        if not isinstance(journal, PostgresJournal):
            raise ConfigurationError(
                f"journal must be a Journal, such as Journal('june.sqlite', job='june sync'), got {journal!r}."
            )
    name = type(journal).__name__
    if journal.job is None:
        raise ConfigurationError(f"The journal has no job name: pass {name}(..., job='june sync').")
    if journal.parts is not None:
        raise ConfigurationError(
            f"The job of the journal has {journal.parts} parts, and a fan-out runs one of them: iterate over "
            "`journal.claim()`, and pass journal=part."
        )
    return journal


def open_store(journal: "Journal | PostgresJournal") -> JournalStore:
    """Return the store of a journal, whichever it is, for one reader or writer."""
    if isinstance(journal, Journal):
        return store_of(journal)
    from refold_async.journal.postgres.postgres_journal import store_of_postgres

    return store_of_postgres(journal)


def run_opener(journal: AnyJournal, identity: JobIdentity) -> Callable[[], StoreRun]:
    """Return a function that begins a run of a journal's job, to be called in the thread that will write it.

    Args:
        journal: What `check_journal()` has returned.
        identity: What identifies the job, with its name.
    """
    opener: RunOpener = opener_of(journal) if isinstance(journal, JournalPart) else open_store(journal)
    assert journal.job is not None  # noqa: S101 - check_journal() has looked
    return partial(opener.open_run, journal.job, identity)


def note_all_ended(journal: AnyJournal) -> None:
    """Note that a fan-out has taken all items that it was given to their end."""
    if isinstance(journal, JournalPart):
        note_ended(journal)
