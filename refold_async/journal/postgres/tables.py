"""The tables of the journals in a schema of PostgreSQL, and how they are created and changed."""

from typing import Final

__all__ = [
    "FORMAT",
    "LOCK_SCHEMA",
    "MIGRATIONS",
    "READ_FORMAT",
    "SET_FORMAT",
    "STATE_OF_SCHEMA",
]

_TABLES: Final = (
    "CREATE TABLE {schema}.format (version integer NOT NULL)",
    "INSERT INTO {schema}.format VALUES (0)",
    """
    CREATE TABLE {schema}.jobs (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        parts integer NOT NULL,
        base_url text,
        environment text,
        slug text,
        action_id text,
        parameters_sha256 text,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE {schema}.parts (
        job integer NOT NULL REFERENCES {schema}.jobs,
        number integer NOT NULL,
        runs integer NOT NULL DEFAULT 0,
        worker text,
        fence bigint NOT NULL DEFAULT 0,
        batch bigint NOT NULL DEFAULT 0,
        lease interval NOT NULL DEFAULT '0',
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        opened_at timestamptz,
        recorded_at timestamptz,
        closed_at timestamptz,
        given bigint,
        refused bigint NOT NULL DEFAULT 0,
        started bigint NOT NULL DEFAULT 0,
        withdrawn bigint NOT NULL DEFAULT 0,
        ok bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        unknown bigint NOT NULL DEFAULT 0,
        last_id bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (job, number)
    ) WITH (fillfactor = 30)
    """,
    """
    CREATE TABLE {schema}.items (
        id bigint NOT NULL,
        first_started_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        job integer NOT NULL,
        part integer NOT NULL,
        run integer NOT NULL,
        attempts integer NOT NULL,
        sends integer NOT NULL,
        key text COLLATE "C" NOT NULL,
        linked_account_id text,
        status text NOT NULL,
        effect text,
        error_type text,
        error text,
        result text,
        reconciled text,
        PRIMARY KEY (job, part, key)
    ) WITH (fillfactor = 50)
    """,
    # Of an expression, so that it serves only those who read in order. Else a server that believes that a new job has
    # no rows would look for keys in it too, as it is the smaller index, and compare all rows of the job for each key.
    "CREATE UNIQUE INDEX items_in_order ON {schema}.items ((job + 0), id)",
)
MIGRATIONS: Final = (_TABLES,)
"""What makes each format of the one before it, from nothing."""
FORMAT: Final = len(MIGRATIONS)

# Somebody creates the tables, or connects.
LOCK_SCHEMA: Final = "SELECT pg_advisory_xact_lock(hashtextextended('refold_async.journal ' || %(schema)s, 0))"
STATE_OF_SCHEMA: Final = """
    SELECT to_regnamespace(%(identifier)s) IS NOT NULL, to_regclass(%(identifier)s || '.format') IS NOT NULL,
        current_setting('server_encoding')
"""
READ_FORMAT: Final = "SELECT version FROM {schema}.format"
SET_FORMAT: Final = "UPDATE {schema}.format SET version = %(version)s"
