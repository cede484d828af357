"""Doing something in PostgreSQL although the server restarts, fails over or is out of reach for a while."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from refold_async.errors import JournalError
from refold_async.journal.postgres import tables
from refold_async.journal.postgres.connection import Connection, PostgresError, Server
from refold_async.runtime.log import logger

__all__ = ["Session"]

T = TypeVar("T")

_PAUSES: Final = (0.05, 1.0)  # seconds between two attempts: the first, and the longest
_SHORTEST: Final = 1.0  # seconds that an attempt may take, however little patience is left

_NO_TABLES: Final = {"42P01", "3F000"}
_FIXES: Final[dict[str | None, str]] = {
    "42501": "Grant this user USAGE on the schema, and SELECT, INSERT and UPDATE on its tables.",
    "53100": "Free some space on the server, then run the job again.",
    "25006": "This server is a standby, or a failover is under way. Name all servers in the connection string, and add "
    "target_session_attrs=read-write.",
}


class Session:
    """One connection at a time, made when it is needed. Threads may share it: they take turns."""

    def __init__(self, server: Server, patience: float, *, checks_format: bool = True) -> None:
        """Connect to nothing yet.

        Args:
            server: Where to connect to.
            patience: Seconds to wait if the server does not respond or cannot do what is asked for the moment.
            checks_format: Whether the tables must be those that this version of the library uses.
        """
        self.server = server
        self._patience = patience
        self._checks_format = checks_format
        self._connection: Connection | None = None
        self._troubled = False  # whether the log says that the server cannot be used
        self._turn = threading.RLock()

    def query(
        self, template: str, parameters: Mapping[str, Any], doing: str, *, patience: float | None = None
    ) -> list[tuple[Any, ...]]:
        """Execute a statement which may be repeated, as `run()` does, and return its rows."""
        statement = self.server.statement(template)
        return self.run(lambda connection: connection.query(statement, parameters), doing, patience=patience)

    def run(
        self,
        work: Callable[[Connection], T],
        doing: str,
        *,
        patience: float | None = None,
        slow: float = 0.0,
    ) -> T:
        """Do something in a connection, again and again until it works or patience ends.

        Args:
            work: What to do. It may be done more than once, even if it was done and only the answer is missing.
            doing: What becomes of the journal, for messages: `written`, `read`, …
            patience: Seconds to wait for the server; by default those of the session.
            slow: Seconds that it may take although the server is well, if that is longer.

        Raises:
            JournalError: It failed for a reason that waiting does not change, or patience ended.
        """
        patience = self._patience if patience is None else patience
        with self._turn:
            began = time.monotonic()
            pause = _PAUSES[0]
            failing_since: float | None = None
            while True:
                attempted = time.monotonic()
                left = (failing_since or attempted) + patience - attempted
                try:
                    connection = self._connected(max(_SHORTEST, left))
                    connection.deadline = attempted + max(_SHORTEST, left, slow)
                    done = work(connection)
                except PostgresError as error:
                    failure = error
                else:
                    self._note_success(doing)
                    return done
                if failure.lost:
                    self.close()
                if not failure.transient:
                    raise self._refusal(failure, doing)
                failing_since = failing_since or attempted
                left = failing_since + patience - time.monotonic()
                self._note_failure(failure, doing, left)
                if left <= 0:
                    raise self._surrender(failure, doing, time.monotonic() - began)
                time.sleep(min(left, pause * random.uniform(0.5, 1)))  # noqa: S311 - many workers, not all at once
                pause = min(2 * pause, _PAUSES[1])

    def run_if_idle(self, work: Callable[[Connection], T], doing: str, *, patience: float) -> T | None:
        """Do something as `run()` does, but do nothing and return None if another thread is using the session."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self.run(work, doing, patience=patience)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _note_failure(self, failure: PostgresError, doing: str, left: float) -> None:
        """Log once that the server cannot be used, until it can be used again."""
        if not self._troubled:
            self._troubled = True
            logger.warning(
                "The journal %r cannot be %s: %s. Trying again for up to %.0f seconds.",
                self.server.location,
                doing,
                failure.reason,
                max(0.0, left),
            )

    def _note_success(self, doing: str) -> None:
        if self._troubled:
            self._troubled = False
            logger.info("The journal %r can be %s again.", self.server.location, doing)

    def _connected(self, within: float) -> Connection:
        if self._connection is None:
            connection = self.server.connect(within=within)
            connection.deadline = time.monotonic() + within
            try:
                if self._checks_format:
                    self._check_format(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _check_format(self, connection: Connection) -> None:
        """Check that the tables are those of this version: they may have changed since the last connection."""
        rows = connection.query(self.server.statement(tables.READ_FORMAT))
        version = rows[0][0] if len(rows) == 1 else None
        if version == tables.FORMAT:
            return
        if version is None:
            raise JournalError(f"The journal {self.server.location!r} is damaged: its table format has no single row.")
        if version > tables.FORMAT:
            raise JournalError(
                f"The journal {self.server.location!r} has format {version}, but this version of refold_async reads "
                f"format {tables.FORMAT}: use the newer version that wrote it."
            )
        raise JournalError(
            f"The journal {self.server.location!r} has the older format {version}: change it to format {tables.FORMAT} "
            "with `await journal.create_schema()` or `refold journal init`, while no job runs."
        )

    def _refusal(self, failure: PostgresError, doing: str) -> JournalError:
        if failure.state in _NO_TABLES:
            return JournalError(
                f"There is no journal {self.server.location!r}: create its tables with `await journal.create_schema()` "
                "or `refold journal init`."
            )
        state = f" (SQLSTATE {failure.state})" if failure.state else ""
        fix = _FIXES.get(failure.state, "")
        return JournalError(
            f"The journal {self.server.location!r} cannot be {doing}: {failure.reason}{state}. {fix}".rstrip()
        )

    def _surrender(self, failure: PostgresError, doing: str, waited: float) -> JournalError:
        fix = _FIXES.get(failure.state, "")
        return JournalError(
            f"The journal {self.server.location!r} cannot be {doing}: PostgreSQL could not be used for {waited:.0f} "
            f"seconds. The last reason: {failure.reason}. {fix}".rstrip()
        )
