"""The journal that a command reads: a file, the directory of a job in parts, or a job in PostgreSQL."""

import os
import shlex
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import attrs
from cyclopts import Group, Parameter

from refold_async.cli.connection_strings import is_connection_string
from refold_async.cli.failures import UsageError
from refold_async.cli.options import FileOrText
from refold_async.journal.entries import EntryStatus, JournalEntry
from refold_async.journal.journal import Journal
from refold_async.journal.opening import open_store
from refold_async.journal.reading import JournalSummary, follow_summary

if TYPE_CHECKING:
    from refold_async.journal.postgres.postgres_journal import PostgresJournal

__all__ = [
    "DatabaseArgument",
    "DatabaseOptions",
    "JobInDatabaseOptions",
    "JournalArgument",
    "NamedJournal",
    "check_file",
    "named_journal",
    "postgres_journal",
]

_DSN: Final = "REFOLD_JOURNAL_DSN"
_VARIABLES: Final = (_DSN, "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE")
"""Each of these names a database."""
_PATIENCE: Final = 3.0
"""Seconds to wait for a server that does not respond: somebody waits for the command."""
_DATABASE: Final = Group("Journals in PostgreSQL", sort_key=90)


JournalArgument = Annotated[
    FileOrText | None,
    Parameter(
        help="The job's journal: a file, the directory of a job in parts, or a connection string of PostgreSQL. By "
        f"default, the database of the variable {_DSN}, which others cannot see as they can a command line."
    ),
]
"""The argument of commands that read a journal."""
DatabaseArgument = Annotated[
    str | None,
    Parameter(help=f"A connection string; by default that in the variable {_DSN}, which others cannot see."),
]
"""The argument of a command that needs a database."""


@Parameter(name="*", group=_DATABASE)
@attrs.frozen(kw_only=True)
class DatabaseOptions:
    """The options of every command that uses journals in PostgreSQL."""

    dsn_file: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help=f"Read the connection string from this file; by default from the variable {_DSN}.",
        ),
    ] = None
    schema: Annotated[str | None, Parameter(metavar="NAME", help="The schema; by default refold_async.")] = None


@Parameter(name="*", group=_DATABASE)
@attrs.frozen(kw_only=True)
class JobInDatabaseOptions(DatabaseOptions):
    """The options of every command that reads the journal of a job, if it is in PostgreSQL."""

    job: Annotated[str | None, Parameter(metavar="NAME", help="The job; needed if the schema has several.")] = None


@attrs.frozen
class NamedJournal:
    """A journal as it was named on the command line."""

    journal: "Journal | PostgresJournal"
    """The journal."""
    name: str
    """What people are shown as its name: never a connection string."""
    arguments: str
    """How another command names it, quoted for a shell, without a connection string."""
    arguments_there: str
    """The same in the directory of a file, for readers who need not know its path."""

    def summary(self) -> JournalSummary:
        """Return the state of the job."""
        return self.journal.summary()

    def follow_summary(self) -> Generator[JournalSummary]:
        """Yield the state of the job again and again; a connection to a database stays open."""
        return follow_summary(open_store(self.journal))

    def entries(self, *, status: EntryStatus | None = None) -> Iterator[JournalEntry]:
        """Yield the entries, all or those with one status."""
        return self.journal.entries(status=status)


def named_journal(given: str | Path | None, options: JobInDatabaseOptions) -> NamedJournal:
    """Return the journal that was named on the command line.

    Args:
        given: A file, a directory, a connection string, or None for the database that the environment names.
        options: Where in a database.

    Raises:
        UsageError: None is named, or in two ways.
        ConfigurationError: It cannot be one.
    """
    given = None if given is None else str(given)
    if given is not None and _is_file(given):
        for option, value in (("--job", options.job), ("--dsn-file", options.dsn_file), ("--schema", options.schema)):
            if value is not None:
                raise UsageError(f"{option} is for journals in PostgreSQL, and {given} is a file or a directory.")
        name = Path(given).name
        return NamedJournal(Journal(given), name, shlex.quote(given), shlex.quote(name))
    journal = postgres_journal(given, options, job=options.job)
    words = ["CONNECTION_STRING"] if given is not None else []
    words += ["--job", options.job] if options.job is not None else []
    words += ["--schema", options.schema] if options.schema is not None else []
    words += ["--dsn-file", str(options.dsn_file)] if options.dsn_file is not None else []
    return NamedJournal(journal, "PostgreSQL", shlex.join(words), shlex.join(words))


def postgres_journal(given: str | None, options: DatabaseOptions, *, job: str | None = None) -> "PostgresJournal":
    """Return a journal in PostgreSQL.

    Args:
        given: The connection string, or None for that in a file or in the environment.
        options: The path of that file, and the schema.
        job: The job.

    Raises:
        UsageError: There is no connection string, or there are two.
        ConfigurationError: It cannot be one.
    """
    from refold_async.journal.postgres.postgres_journal import PostgresJournal

    if options.dsn_file is not None and is_connection_string(str(options.dsn_file)):
        raise UsageError("--dsn-file takes a file that contains the connection string, not the string itself.")
    if given is not None and options.dsn_file is not None:
        raise UsageError("Name the database once: as an argument, or with --dsn-file.")
    if given is None and options.dsn_file is None and not any(map(os.environ.get, _VARIABLES)):
        raise UsageError(f"No journal: name its file or directory. If it is in PostgreSQL, set {_DSN}.")
    journal = PostgresJournal(given, dsn_file=options.dsn_file, job=job, patience=_PATIENCE)
    return journal if options.schema is None else attrs.evolve(journal, schema=options.schema)


def check_file(option: str, path: Path) -> None:
    """Check that a path is not a connection string.

    Raises:
        UsageError: It looks like one.
    """
    if not _is_file(str(path)):
        raise UsageError(
            f"{option} takes a file: `refold fan-out` runs a job in one process. To record a job in PostgreSQL, run it "
            "with PostgresJournal in Python."
        )


def _is_file(given: str) -> bool:
    return os.path.exists(given) or not is_connection_string(given)
