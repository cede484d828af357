"""Connections with PostgreSQL: the only module that uses psycopg. Nothing here raises, logs or shows a password."""

import math
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar, cast

import attrs
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn, Ping

from refold_async.config.secret import Secret, hide
from refold_async.errors import ConfigurationError

__all__ = ["Connection", "PostgresError", "Server"]

T = TypeVar("T")

_LONGEST_CONNECT: Final = 10.0
_CANCEL_WITHIN: Final = 1.0  # seconds: for a statement that took too long
_LONGEST_REASON: Final = 500
_NOTHING: Final[Mapping[str, Any]] = {}
_DSN_VARIABLE: Final = "REFOLD_JOURNAL_DSN"

# After these, the connection is of no use: the server ends, or is a standby after a failover. (Class 08 means so too.)
_LOST: Final = {"57P01", "57P02", "57P03", "57P05", "25006"}
# These may be over in a moment: serialization failures, deadlocks, locks, statements that somebody cancelled, and too
# many connections.
_TRANSIENT: Final = {"40001", "40003", "40P01", "55P03", "57014", "53300"}


@attrs.define
class PostgresError(Exception):
    """Why something could not be done in PostgreSQL."""

    reason: str
    """What PostgreSQL, or its client, said."""
    state: str | None = None
    """The SQLSTATE, if the server sent one."""
    lost: bool = False
    """Whether the connection can no longer be used."""
    transient: bool = False
    """Whether it may work if it is tried again."""


class _TooLongError(Exception):
    """A statement took longer than it may."""


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose waits end."""

    deadline = math.inf

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Wait as psycopg does, which looks up ten times a second, but until the deadline only."""
        return super().wait(_until(gen, self.deadline), *args, **options)


def _until(gen: Generator[Any, Any, T], deadline: float) -> Generator[Any, Any, T]:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if time.monotonic() > deadline:  # some versions of psycopg call an interval without news ready
                raise _TooLongError
            wanted = gen.send(ready)
    except StopIteration as ended:
        return cast("T", ended.value)


class Connection:
    """A connection in which each statement is its own transaction, unless it is in `transaction()`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.deadline = 0.0
        """Until when statements may take, by `time.monotonic()`."""

    def query(self, statement: str, parameters: Mapping[str, Any] = _NOTHING) -> list[tuple[Any, ...]]:
        """Execute a statement, and return its rows, if it has any.

        Raises:
            PostgresError: It failed, or took too long.
        """
        failure: PostgresError
        self._connection.deadline = self.deadline
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(cast("Any", statement), parameters)
                return cursor.fetchall() if cursor.description is not None else []
        except _TooLongError:
            self._cancel()
            failure = PostgresError("it did not answer in time", lost=True, transient=True)
        except psycopg.Error as error:
            failure = self._meaning_of(error)
        raise failure  # without the error of psycopg, whose frames hold the connection string

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit the statements of the block together, or none of them if it raises."""
        self.query("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(PostgresError):
                self.query("ROLLBACK")
            raise
        self.query("COMMIT")

    def close(self) -> None:
        """Close it. Harmless if it is closed."""
        self._connection.close()

    def _meaning_of(self, error: psycopg.Error) -> PostgresError:
        state = error.sqlstate
        lost = self._connection.closed or (state is not None and (state in _LOST or state.startswith("08")))
        return PostgresError(
            _in_one_line(error.diag.message_primary or str(error) or type(error).__name__),
            state,
            lost=lost,
            transient=lost or state in _TRANSIENT,
        )

    def _cancel(self) -> None:
        """Have the server give up what it is doing, as far as possible, and close the connection."""
        if psycopg.capabilities.has_cancel_safe():  # the older way waits for the server without a limit
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=_CANCEL_WITHIN)
        self._connection.close()


class Server:
    """A server, a database and a schema in which journals are kept.

    Attributes:
        location: The place, for messages.
        reached: Whether a connection was ever made.
    """

    def __init__(self, dsn: str | None, dsn_file: str | None, schema: str) -> None:
        """Connect to nothing yet.

        Args:
            dsn: The connection string; None if it comes from the environment.
            dsn_file: The path of a file that contains it, or None.
            schema: The name of the schema.

        Raises:
            ConfigurationError: The connection string is not one, or there is no such file.
        """
        self._dsn: Secret | None = hide(dsn)
        self._dsn_file = dsn_file
        self.schema = schema
        self.reached = False
        self._statements: dict[str, str] = {}
        parameters = self._parameters()
        defaults = {each.keyword.decode(): (each.val or b"").decode() for each in psycopg.pq.Conninfo.get_defaults()}
        host, port, database, user = (
            parameters.get(name) or defaults.get(name) or "" for name in ("host", "port", "dbname", "user")
        )
        place = f"service {parameters['service']}" if "service" in parameters else f"{host or 'this machine'}:{port}"
        self.location = f"{database or user}.{schema} on {place}"

    @property
    def identifier(self) -> str:
        """The quoted name of the schema."""
        return sql.Identifier(self.schema).as_string(None)

    def statement(self, template: str) -> str:
        """Return a statement for this schema."""
        if (statement := self._statements.get(template)) is None:
            schema = sql.SQL(cast("Any", self.identifier.replace("%", "%%")))
            statement = sql.SQL(cast("Any", template)).format(schema=schema).as_string(None)
            self._statements[template] = statement
        return statement

    def connect(self, *, within: float) -> Connection:
        """Connect, within this many seconds.

        Raises:
            PostgresError: That failed.
            ConfigurationError: The file of the connection string is gone, or contains something else.
        """
        failure: PostgresError
        parameters = self._parameters(within)
        try:
            connection = _Connection.connect(
                Secret(make_conninfo(**parameters)), autocommit=True, prepare_threshold=None
            )
        except (psycopg.Error, OSError) as error:
            failure = PostgresError(_in_one_line(str(error)), lost=True)
        else:
            self.reached = True
            return Connection(connection)
        failure.transient = self.reached or self._is_away(parameters)
        raise failure

    @staticmethod
    def _is_away(parameters: Mapping[str, Any]) -> bool:
        """Return whether a server does not respond, or refuses everybody because it starts or ends.

        One that does respond refuses a connection for a reason that waiting does not change, such as the password.
        """
        brief: dict[str, Any] = {**parameters, "connect_timeout": 2}
        conninfo = Secret(make_conninfo(**brief))
        return PGconn.ping(conninfo.encode()) in (Ping.REJECT, Ping.NO_RESPONSE)

    def _parameters(self, within: float = _LONGEST_CONNECT) -> dict[str, Any]:
        """Return the parameters of a connection.

        Raises:
            ConfigurationError: The connection string is not one, or its file cannot be read.
        """
        source, dsn = self._source()
        given = _parsed(dsn)
        if given is None:
            raise ConfigurationError(
                f"{source} is not a connection string of PostgreSQL, such as 'postgresql://user@host:5432/database' or "
                "'service=refold' (it is not shown here, because it may contain a password). In a URL, encode special "
                "characters of the password, such as %40 for @ and %2F for /."
            )
        return {
            # A server that is gone without a word is noticed in time to try another connection.
            "connect_timeout": max(2, round(min(within, _LONGEST_CONNECT))),
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "application_name": "refold_async",
            **given,
            "client_encoding": "UTF8",
        }

    def _source(self) -> tuple[str, Secret]:
        """Return what the connection string was given as, and the string."""
        if self._dsn is not None:
            return "PostgresJournal(dsn)", self._dsn
        if self._dsn_file is None:
            return _DSN_VARIABLE, Secret(os.environ.get(_DSN_VARIABLE, ""))
        try:
            with open(self._dsn_file, encoding="utf-8") as file:
                return "PostgresJournal(dsn_file=)", Secret(file.read().strip())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigurationError(
                f"PostgresJournal(dsn_file=) cannot be read: {self._dsn_file!r}: {reason}."
            ) from None


def _parsed(dsn: Secret) -> dict[str, Any] | None:
    """Return the parameters in a connection string, or None if it is not one."""
    try:
        parameters: dict[str, Any] = conninfo_to_dict(dsn)
    except psycopg.Error:  # its text may be a part of the password
        return None
    # Without a percent sign for each, some characters end a password, and the rest of it becomes something else.
    names = [str(parameters.get(name) or "") for name in ("host", "hostaddr", "dbname", "service")]
    port = str(parameters.get("port") or "").replace(",", "")
    if any("@" in name for name in names) or (port and not port.isdigit()):
        return None
    return {name: Secret(value) if "password" in name else value for name, value in parameters.items()}


def _in_one_line(text: str) -> str:
    """Return what went wrong, without the advice that libpq gives in further lines."""
    line = text.strip().partition("\n")[0].strip().removesuffix(".")
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"
