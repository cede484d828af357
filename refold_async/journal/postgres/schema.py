"""Creating the tables of journals, and changing those of an older format. Everything here blocks."""

from collections.abc import Sequence

from refold_async.errors import JournalError
from refold_async.journal.postgres import tables
from refold_async.journal.postgres.connection import Connection, Server
from refold_async.journal.postgres.session import Session

__all__ = ["create_schema"]

_LONGEST = 3600.0  # seconds, for a migration of many rows


def create_schema(
    server: Server, patience: float, migrations: Sequence[Sequence[str]] = tables.MIGRATIONS
) -> tuple[int, int]:
    """Create the schema and its tables, or change tables of an older format. Harmless if they are there already.

    Args:
        server: The server, with the database and the name of the schema.
        patience: Seconds to wait for the server.
        migrations: For each format the statements that make it of the one before.

    Returns:
        The number of the format that was found, 0 if there were no tables, and of the one that is there now.

    Raises:
        JournalError: The tables have a newer format, this user must not create them, or the server does not respond.
    """

    def create(connection: Connection) -> tuple[int, int]:
        names = {"schema": server.schema, "identifier": server.identifier}
        with connection.transaction():
            connection.query(tables.LOCK_SCHEMA, names)  # so that of several who do this, the others find it done
            ((has_schema, has_tables, encoding),) = connection.query(tables.STATE_OF_SCHEMA, names)
            if encoding != "UTF8":
                raise JournalError(
                    f"The journal {server.location!r} cannot be created: the database has the encoding {encoding}, "
                    "which cannot hold all texts. Create a database with the encoding UTF8."
                )
            if not has_schema:
                connection.query(server.statement("CREATE SCHEMA {schema}"))
            found: int = connection.query(server.statement(tables.READ_FORMAT))[0][0] if has_tables else 0
            if found > len(migrations):
                raise JournalError(
                    f"The journal {server.location!r} has format {found}, but this version of refold_async knows only "
                    f"format {len(migrations)}: use the newer version that created it."
                )
            if found < len(migrations):
                for statement in (each for step in migrations[found:] for each in step):
                    connection.query(server.statement(statement))
                connection.query(server.statement(tables.SET_FORMAT), {"version": len(migrations)})
        return found, len(migrations)

    session = Session(server, patience, checks_format=False)
    try:
        return session.run(create, "created", slow=_LONGEST)
    finally:
        session.close()
