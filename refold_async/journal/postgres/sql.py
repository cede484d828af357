"""Every statement that reads or writes journals in PostgreSQL.

`tables.py` has the tables, which `docs/reference/journal-tables.md` describes column by column.

Every statement that changes a part checks in itself that the part still belongs to the worker (`fence`), and that what
it changes follows what this worker changed last (`batch`). So it changes nothing for a worker that was replaced, and a
statement that is repeated after its connection was lost is not done twice. It also renews the lease. No statement needs
anything of the session, so that PgBouncer may give each transaction another connection.
"""

from typing import Final

from refold_async.journal.store import EntryRow, JobRow

__all__ = [
    "ADD_JOB",
    "BEGIN_RUN",
    "BY_INDEX",
    "CLAIM",
    "CLOSE",
    "FIND_JOB",
    "FIND_JOBS",
    "IDENTIFY_JOB",
    "LAST_SCANNED",
    "LOOK_UP",
    "MARK",
    "PARTS_LEFT",
    "PART_STATE",
    "READ_ENTRIES",
    "READ_IDENTITY",
    "READ_LEASE",
    "RECLAIM",
    "RELEASE",
    "RENEW",
    "SUMMARISE",
    "TALLY",
    "WRITE",
]

_NOW: Final = "clock_timestamp()"
_COUNTED: Final = ("started", "withdrawn", "ok", "failed", "unknown")
_HELD: Final = f"parts.worker IS NOT NULL AND parts.leased_until > {_NOW}"


def _shown(moment: str) -> str:
    """Return a time as text in UTC, as every store gives it."""
    return f"""to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


_JOB: Final = ", ".join(f"jobs.{column}" for column in JobRow._fields[: JobRow._fields.index("runs")])
_ENTRY: Final = ", ".join(
    _shown(f"items.{column}") if column.endswith("_at") else f"items.{column}" for column in EntryRow._fields
)

# A job is found, or added with its parts.
FIND_JOB: Final = """
    SELECT id, parts, (SELECT count(*) FROM {schema}.parts WHERE job = id) FROM {schema}.jobs WHERE name = %(name)s
"""
FIND_JOBS: Final = "SELECT name FROM {schema}.jobs ORDER BY name LIMIT 11"
ADD_JOB: Final = """
    WITH added AS (
        INSERT INTO {schema}.jobs (name, parts) VALUES (%(name)s, %(parts)s) ON CONFLICT (name) DO NOTHING
        RETURNING id, parts
    )
    INSERT INTO {schema}.parts (job, number) SELECT id, generate_series(0, parts - 1) FROM added
"""
IDENTIFY_JOB: Final = """
    UPDATE {schema}.jobs SET
        base_url = %(base_url)s, environment = %(environment)s, slug = %(slug)s, action_id = %(action_id)s,
        parameters_sha256 = %(parameters_sha256)s
    WHERE id = %(job)s AND base_url IS NULL
"""
READ_IDENTITY: Final = f"SELECT {_JOB} FROM {{schema}}.jobs WHERE id = %(job)s"  # noqa: S608

# A part is claimed. A worker whose lease has ended may still send what it had recorded, for `send_within` seconds. When
# the server has started again, workers get the time of a lease to come back. If the answer to a claim is lost, the
# worker that repeats it gets the same part. Parts that were run least often come first: those that nobody has begun.
CLAIM: Final = f"""
    WITH free AS (
        SELECT number FROM {{schema}}.parts
        WHERE job = %(job)s AND closed_at IS NULL AND NOT number = ANY(%(skip)s::integer[]) AND (
            worker IS NULL OR worker = %(worker)s
            OR {_NOW} > greatest(leased_until, pg_postmaster_start_time() + lease) + %(send_within)s * interval '1 s'
        )
        ORDER BY worker IS DISTINCT FROM %(worker)s, runs, number
        LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE {{schema}}.parts SET
        worker = %(worker)s, fence = fence + 1, lease = %(lease)s * interval '1 s',
        leased_until = {_NOW} + %(lease)s * interval '1 s'
    FROM free WHERE parts.job = %(job)s AND parts.number = free.number
    RETURNING parts.number, parts.fence, parts.batch
"""  # noqa: S608
PARTS_LEFT: Final = """
    SELECT number, worker IS NOT NULL FROM {schema}.parts WHERE job = %(job)s AND closed_at IS NULL
"""

READ_LEASE: Final = "SELECT worker, leased_until::text FROM {schema}.parts WHERE job = %(job)s"

# A worker changes its part. A server that is set to commit later than it says must not do so here.
_MINE: Final = "parts.job = %(job)s AND parts.number = %(part)s AND parts.fence = %(fence)s"
_FENCE: Final = f"""
    {_MINE} AND parts.batch = %(batch)s AND set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true) <> ''
"""
_CHANGE: Final = f"batch = parts.batch + 1, leased_until = {_NOW} + parts.lease"
_STATE: Final = "parts.fence, parts.batch, parts.runs, parts.last_id, parts.started"
PART_STATE: Final = f"""
    SELECT {_STATE} FROM {{schema}}.parts WHERE job = %(job)s AND number = %(part)s
"""  # noqa: S608
_CLAIMED: Final = "job = %(job)s AND number = %(part)s AND worker = %(worker)s"
RENEW: Final = f"UPDATE {{schema}}.parts SET leased_until = {_NOW} + lease WHERE {_CLAIMED} RETURNING number"  # noqa: S608
RELEASE: Final = f"""
    UPDATE {{schema}}.parts SET worker = NULL, fence = fence + 1, leased_until = '-infinity' WHERE {_CLAIMED}
"""  # noqa: S608
# After a change of which nobody knows whether it was made: from now on it cannot be, and what is there counts.
RECLAIM: Final = f"""
    UPDATE {{schema}}.parts SET fence = fence + 1, leased_until = {_NOW} + lease WHERE {_CLAIMED} RETURNING fence, batch
"""  # noqa: S608
CLOSE: Final = f"""
    UPDATE {{schema}}.parts SET closed_at = {_NOW}, worker = NULL, {_CHANGE} WHERE {_FENCE} RETURNING {_STATE}
"""  # noqa: S608
TALLY: Final = f"""
    UPDATE {{schema}}.parts SET given = %(given)s, refused = %(refused)s, {_CHANGE} WHERE {_FENCE} RETURNING {_STATE}
"""  # noqa: S608
# What was in flight when the process died: nobody knows whether it ran. It is searched for only if there is any.
BEGIN_RUN: Final = f"""
    WITH before AS (
        SELECT started FROM {{schema}}.parts WHERE {_FENCE} FOR UPDATE
    ), ended AS (
        UPDATE {{schema}}.items SET status = 'unknown', effect = 'unknown'
        WHERE job = %(job)s AND part = %(part)s AND status = 'started' AND (SELECT started > 0 FROM before)
        RETURNING 1
    )
    UPDATE {{schema}}.parts SET
        runs = parts.runs + 1, opened_at = {_NOW}, given = NULL, refused = 0,
        unknown = parts.unknown + (SELECT count(*) FROM ended), started = parts.started - (SELECT count(*) FROM ended),
        {_CHANGE}
    WHERE {_FENCE} RETURNING {_STATE}
"""  # noqa: S608

# A run writes and looks up. A batch comes as JSON, which costs a client less than arrays do: of each item the values of
# its entry and, if the batch has several entries of it, how often it was started since it was last withdrawn, whether
# it was withdrawn, and whether it was started. As only this run writes the part, the rows are as they were found here.
WRITE: Final = f"""
    WITH given AS (
        SELECT place, entry->>0 AS key, entry->>1 AS linked_account_id, entry->>2 AS status, entry->>3 AS effect,
            entry->>4 AS error_type, entry->>5 AS error, entry->>6 AS result, (entry->>7)::integer AS attempts,
            entry->>8 AS reconciled,
            coalesce((entry->>9)::integer, (entry->>2 = 'started')::integer) AS sends,
            coalesce((entry->>10)::boolean, entry->>2 = 'withdrawn') AS was_withdrawn,
            coalesce((entry->>11)::boolean, entry->>2 = 'started') AS was_started
        FROM jsonb_array_elements(%(entries)s::jsonb) WITH ORDINALITY AS given (entry, place)
    ), compared AS MATERIALIZED (
        SELECT given.*, old.linked_account_id AS old_account, old.status AS old_status,
            old.started_at AS old_started_at,
            CASE WHEN was_withdrawn THEN NULL ELSE old.first_started_at END AS old_first_started_at,
            CASE WHEN was_withdrawn THEN 0 ELSE coalesce(old.sends, 0) END AS old_sends
        FROM given LEFT JOIN LATERAL (
            SELECT linked_account_id, status, first_started_at, started_at, sends FROM {{schema}}.items
            WHERE items.job = %(job)s AND items.part = %(part)s AND items.key = given.key LIMIT 1
        ) AS old ON true
    ), change AS (
        SELECT count(*) AS entries, {
    ", ".join(
        f"count(*) FILTER (WHERE status = '{status}') - count(*) FILTER (WHERE old_status = '{status}') AS {status}"
        for status in _COUNTED
    )
}
        FROM compared
    ), fence AS (
        UPDATE {{schema}}.parts SET
            {", ".join(f"{status} = parts.{status} + change.{status}" for status in _COUNTED)},
            recorded_at = {_NOW}, last_id = parts.last_id + change.entries, {_CHANGE}
        FROM change WHERE {_FENCE}
        RETURNING {_STATE}, parts.recorded_at AS moment,
            (parts.number::bigint << 40) + parts.last_id - change.entries AS id_before
    ), written AS (
        INSERT INTO {{schema}}.items (
            id, job, part, run, key, linked_account_id, status, effect, error_type, error, result, attempts, reconciled,
            first_started_at, started_at, finished_at, sends
        )
        SELECT id_before + place, %(job)s, %(part)s, runs, key, coalesce(linked_account_id, old_account), status,
            effect, error_type, error, result, coalesce(attempts, 0), reconciled,
            coalesce(old_first_started_at, CASE WHEN sends > 0 THEN moment END),
            CASE WHEN was_started THEN moment ELSE old_started_at END,
            CASE WHEN status NOT IN ('started', 'withdrawn') THEN moment END,
            old_sends + sends
        FROM compared CROSS JOIN fence
        ON CONFLICT (job, part, key) DO UPDATE SET
            {", ".join(f"{column} = excluded.{column}" for column in EntryRow._fields if column not in ("id", "key"))}
    )
    SELECT fence, batch, runs, last_id, started FROM fence
"""  # noqa: S608
# Each key is looked up alone: else a server that believes that the part has few rows would compare all of them.
_FOUND: Final = """
    jsonb_array_elements_text(%(keys)s::jsonb) AS wanted (key) CROSS JOIN LATERAL (
        SELECT *, ctid AS place FROM {schema}.items
        WHERE items.job = %(job)s AND items.part = %(part)s AND items.key = wanted.key LIMIT 1
    ) AS found
"""
LOOK_UP: Final = f"""
    SELECT parts.fence, parts.batch, {_ENTRY}
    FROM {{schema}}.parts LEFT JOIN LATERAL (SELECT found.* FROM {_FOUND}) AS items ON true
    WHERE parts.job = %(job)s AND number = %(part)s
"""  # noqa: S608
MARK: Final = f"""
    WITH fence AS (
        UPDATE {{schema}}.parts SET {_CHANGE} WHERE {_FENCE} RETURNING {_STATE}
    ), marked AS (
        UPDATE {{schema}}.items SET run = fence.runs FROM fence, {_FOUND} WHERE items.ctid = found.place
    )
    SELECT * FROM fence
"""  # noqa: S608

# Somebody reads the journal. What a worker that died had in flight is unknown, though no run has recorded that yet.
SUMMARISE: Final = f"""
    SELECT {_JOB}, max(runs), {_shown("jobs.created_at")}, {_shown("max(opened_at)")},
        {_shown("greatest(max(opened_at), max(recorded_at))")},
        coalesce(sum(started) FILTER (WHERE {_HELD}), 0)::bigint, sum(withdrawn)::bigint, sum(ok)::bigint,
        sum(failed)::bigint, (sum(unknown) + coalesce(sum(started) FILTER (WHERE NOT ({_HELD})), 0))::bigint,
        CASE WHEN bool_and(given IS NOT NULL) THEN sum(given)::bigint END, sum(refused)::bigint,
        count(*), count(closed_at), count(*) FILTER (WHERE {_HELD})
    FROM {{schema}}.jobs JOIN {{schema}}.parts ON parts.job = jobs.id WHERE jobs.id = %(job)s GROUP BY jobs.id
"""  # noqa: S608
# Of the next rows, those that are wanted, at most a page: so no statement takes long, however few are wanted. The rows
# must be read in their order by the index, whatever the server believes about the size of the table.
BY_INDEX: Final = """
    SELECT set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)
"""
_NEXT: Final = "SELECT * FROM {schema}.items WHERE job + 0 = %(job)s AND id > %(after)s ORDER BY id LIMIT %(scanned)s"
READ_ENTRIES: Final = f"""
    SELECT {
    _ENTRY.replace("items.status", "shown").replace(
        "items.effect", "CASE WHEN shown = items.status THEN items.effect ELSE 'unknown' END"
    )
}
    FROM (
        SELECT *, sum(length) OVER (ORDER BY id) - length AS before
        FROM (
            SELECT *, coalesce(octet_length(error), 0) + coalesce(octet_length(result), 0) AS length
            FROM (
                SELECT *, CASE
                    WHEN status = 'started' AND NOT EXISTS (
                        SELECT FROM {{schema}}.parts WHERE parts.job = next.job AND parts.number = next.part AND {_HELD}
                    ) THEN 'unknown' ELSE status END AS shown
                FROM ({_NEXT}) AS next ORDER BY id
            ) AS judged
            WHERE shown = ANY(%(statuses)s) OR NOT shown = ANY(%(known)s) ORDER BY id LIMIT %(rows)s
        ) AS measured
    ) AS items
    WHERE before < %(characters)s ORDER BY id
"""  # noqa: S608
LAST_SCANNED: Final = f"SELECT max(id) FROM ({_NEXT}) AS next"  # noqa: S608
