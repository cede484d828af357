"""Helpers for the tests of journals in PostgreSQL."""

from typing import Any

import psycopg

from refold_async import PostgresJournal
from refold_async.journal.postgres.connection import Server
from refold_async.journal.postgres.run import PostgresRun
from refold_async.journal.postgres.schema import create_schema
from refold_async.journal.postgres.store import PostgresStore
from refold_async.journal.store import JobIdentity
from support.journals import IDENTITY

__all__ = ["created", "executed", "opened", "server_at", "store_at"]

SCHEMA = "refold_async"
LEASE = 2.0


def server_at(dsn: str, schema: str = SCHEMA) -> Server:
    """Return a server."""
    return Server(dsn, None, schema)


def created(dsn: str, **arguments: Any) -> PostgresJournal:
    """Return a journal whose tables exist."""
    given: dict[str, Any] = {"lease": LEASE, **arguments}
    journal = PostgresJournal(dsn, **given)
    create_schema(server_at(dsn, journal.schema), 10)
    return journal


def store_at(
    dsn: str, job: str | None = "june sync", *, lease: float = LEASE, send_within: float = 0.0, patience: float = 10.0
) -> PostgresStore:
    """Return a store whose parts can be taken over soon after their worker died."""
    return PostgresStore(server_at(dsn), job, patience=patience, lease=lease, send_within=send_within)


def opened(dsn: str, *, name: str = "june sync", identity: JobIdentity = IDENTITY) -> PostgresRun:
    """Begin a run of a job without parts."""
    return store_at(dsn).open_run(name, identity)


def executed(dsn: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Execute a statement by hand, and return its rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor: Any = connection.cursor()
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description is not None else []
