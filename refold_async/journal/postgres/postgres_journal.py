"""The journal of a job in PostgreSQL, as a program uses it."""

import os
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold_async.config.secret import hide
from refold_async.config.validation import check_bool, check_seconds, check_string
from refold_async.errors import ConfigurationError
from refold_async.journal.entries import EntryStatus, JournalEntry
from refold_async.journal.identity import check_job, checked_by
from refold_async.journal.parts import JournalPart, check_claimable, check_parts, claim_parts
from refold_async.journal.reading import JournalSummary, read_entries, read_summary, sending_nothing
from refold_async.journal.store import PartedStore
from refold_async.runtime.cancellation import result_despite_cancellation
from refold_async.runtime.worker_thread import WorkerThread

if TYPE_CHECKING:
    from refold_async.journal.postgres.connection import Server

__all__ = ["PostgresJournal", "store_of_postgres"]

_LONGEST_SCHEMA: Final = 63  # bytes: PostgreSQL would cut off the rest
_LONGEST_JOB: Final = 1000  # bytes: an index has it
_SHORTEST_LEASE: Final = 1.0  # seconds: less is lost at the first delay
_LONGEST_LEASE: Final = 86_400.0


def _check_dsn(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError("PostgresJournal(dsn) must be a connection string, or None.")


def _check_schema(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    name = check_string("PostgresJournal(schema=)", value)
    if not name or not name.isprintable() or len(name.encode(errors="replace")) > _LONGEST_SCHEMA:
        raise ConfigurationError(f"PostgresJournal(schema=) must be a name of at most 63 bytes, got {value!r}.")


def _check_dsn_file(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise ConfigurationError(f"PostgresJournal(dsn_file=) must be the path of a file, got {value!r}.")
    if instance.dsn is not None:
        raise ConfigurationError("Pass PostgresJournal(dsn) or PostgresJournal(dsn_file=), not both.")


def _check_job(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    job = check_job("PostgresJournal(job=)", value)
    if job is not None and len(job.encode()) > _LONGEST_JOB:
        raise ConfigurationError(f"PostgresJournal(job=) must be a name of at most {_LONGEST_JOB:,} bytes.")


def _check_lease(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    seconds = check_seconds("PostgresJournal(lease=)", value)
    if not _SHORTEST_LEASE <= seconds <= _LONGEST_LEASE:
        raise ConfigurationError(
            f"PostgresJournal(lease=) must be a number of seconds from {_SHORTEST_LEASE:g} to {_LONGEST_LEASE:,.0f}, "
            f"got {value!r}."
        )


@attrs.frozen(init=False, repr=False)
class PostgresJournal:
    """A journal in PostgreSQL that records how every item of a job ended, for any number of processes and machines.

    ```python
    journal = PostgresJournal("postgresql://user@host/database", job="june sync", parts=256)
    ```

    It makes the same promise as `Journal`: an item is recorded as started before a request for it is sent, and its
    outcome is recorded before you get it. With `parts=`, several processes share the job, see `claim()`. Without it,
    pass the journal to a fan-out as `journal=`.

    If PostgreSQL restarts or is out of reach, the job waits for up to `patience` seconds and then continues. If that
    takes longer, it stops with a `JournalError`, and has sent nothing that is not recorded. PgBouncer may be in
    between, in transaction mode too. It needs the extra `postgres`, and once `create_schema()`.

    The journal contains no API key. It contains the keys of the items, their errors and, if you ask for them, their
    results.
    """

    dsn: str | None = attrs.field(default=None, validator=_check_dsn)
    """The connection string of the database, such as `postgresql://user@host/database` or `service=refold`. It is never
    shown. By default that in `dsn_file`, else in the environment variable `REFOLD_JOURNAL_DSN`, else what the
    environment variables of PostgreSQL say, such as `PGSERVICE` and `PGHOST`."""

    job: str | None = attrs.field(default=None, kw_only=True, validator=_check_job)
    """The name of the job. A run needs it; a reader needs it if the schema has several jobs. Another name means another
    job."""

    parts: int | None = attrs.field(default=None, kw_only=True, validator=checked_by(check_parts))
    """How many parts the job has, so that several processes can share it, see `claim()`. It cannot be changed later. By
    default the job is not split."""

    results: bool = attrs.field(default=False, kw_only=True, validator=checked_by(check_bool))
    """Whether to record what the calls return as well, as JSON; by default False. See `Journal`."""

    schema: str = attrs.field(default="refold_async", kw_only=True, validator=_check_schema)
    """The schema with the tables, by default `refold_async`."""

    patience: float = attrs.field(default=30.0, kw_only=True, validator=checked_by(check_seconds))
    """Seconds to wait if PostgreSQL restarts, fails over or is out of reach; by default 30."""

    lease: float = attrs.field(default=30.0, kw_only=True, validator=_check_lease)
    """Seconds after which another worker may take a part whose worker gives no sign; from 1 to 86,400, by default 30. A
    process that is stopped for longer loses its part."""

    dsn_file: str | os.PathLike[str] | None = attrs.field(default=None, kw_only=True, validator=_check_dsn_file)
    """The path of a file that contains the connection string and nothing else. It is read for each connection."""

    _server: "Server" = attrs.field(init=False, eq=False)

    def __init__(
        self,
        dsn: str | None = None,
        *,
        job: str | None = None,
        parts: int | None = None,
        results: bool = False,
        schema: str = "refold_async",
        patience: float = 30.0,
        lease: float = 30.0,
        dsn_file: str | os.PathLike[str] | None = None,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigurationError: An argument is wrong; the message names it. Or the extra `postgres` is not installed.
        """
        dsn = hide(dsn)  # if this raises, error reporters show its arguments
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            dsn,
            job=job,
            parts=parts,
            results=results,
            schema=schema,
            patience=patience,
            lease=lease,
            dsn_file=dsn_file,
        )
        try:
            from refold_async.journal.postgres.connection import Server
        except ImportError as error:
            raise ConfigurationError("PostgresJournal needs psycopg: pip install 'refold-async[postgres]'.") from error
        server = Server(dsn, None if dsn_file is None else os.fspath(dsn_file), schema)
        object.__setattr__(self, "_server", server)

    async def create_schema(self) -> None:
        """Create the schema and its tables, or change tables that an older version created. Repeating it is harmless.

        The user of the connection must have the right to create them. `refold journal init` does the same. Run it once,
        before the first job and after an update of the library, while no job runs.

        Raises:
            JournalError: The tables are of a newer version of the library, this user must not create them, or
                PostgreSQL cannot be reached.
        """
        from refold_async.journal.postgres.schema import create_schema

        thread = WorkerThread("refold_async journal schema")
        try:
            with sending_nothing():
                await result_despite_cancellation(thread.call(partial(create_schema, self._server, self.patience)))
        finally:
            thread.end()

    def claim(self) -> AsyncGenerator[JournalPart, None]:
        """Iterate over parts of the job. Each belongs to you until you close it or ask for the next.

        ```python
        async for part in journal.claim():
            async with refold.fan_out_action(items_of(part.number), slug, action_id, journal=part) as outcomes:
                async for outcome in outcomes:
                    ...
            await part.close()
        ```

        Any number of processes on any machines may do this at the same time. A part has one worker at a time: if that
        dies, another worker gets the part once its lease has ended, and the journal shows it what is left. The
        iteration ends when all parts are closed, and waits for parts that others are working on, in case their workers
        die. A part that you leave without closing it, for example by `break`, is given back for others to claim.

        Yields:
            The next part. Each is yielded at most once.

        Raises:
            ConfigurationError: The journal has no `job` or no `parts`.
            JournalError: The job has another number of parts; the journal cannot be read or written; or the only parts
                left are those that this iteration got and did not close.
        """
        job, parts = check_claimable("PostgresJournal", self.job, self.parts, such_as=256)
        return claim_parts(store_of_postgres(self), job, parts, results=self.results)

    def summary(self) -> JournalSummary:
        """Return the state of the job, over all its workers. This waits for the server.

        A worker that died counts as running until its lease has ended.

        Raises:
            JournalError: The job has not been run yet, or the journal cannot be read.
        """
        return read_summary(store_of_postgres(self))

    def entries(self, *, status: EntryStatus | None = None) -> Iterator[JournalEntry]:
        """Yield the recorded entry of each item, part by part in the order in which items were first recorded.

        While the job runs, each entry is as it was when it was read. Reading waits for the server.

        Args:
            status: Yield only entries with this status; by default all.

        Raises:
            ConfigurationError: The status does not exist.
            JournalError: The job does not exist, or the journal cannot be read.
        """
        return read_entries(store_of_postgres(self), status)

    def __repr__(self) -> str:
        if not hasattr(self, "_server"):  # error reporters call this when the constructor raises
            return "<PostgresJournal that could not be created>"
        parts = "" if self.parts is None else f", {self.parts} parts"
        return f"<PostgresJournal {self._server.location}, job {self.job!r}{parts}>"


def store_of_postgres(journal: PostgresJournal) -> PartedStore:
    """Return the store of a journal, for one reader or one iteration over its parts."""
    from refold_async.journal.postgres.store import PostgresStore

    return PostgresStore(
        journal._server,  # pyright: ignore[reportPrivateUsage]
        journal.job,
        patience=journal.patience,
        lease=journal.lease,
    )
