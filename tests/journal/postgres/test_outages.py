"""PostgreSQL restarted, killed, frozen or refusing while a job runs: it waits, or stops before it sends more."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
import pytest

from refold_async import AsyncRefold, FanOut, JournalError, PostgresJournal
from refold_async.testing import Delay, MockRefold
from support.journals import IDENTITY, statuses
from support.postgres_journals import created, executed, opened, store_at
from support.postgres_server import PostgresProcess
from support.services import run_unprivileged
from support.waiting import until

ITEMS: Final = [f"user_{number}" for number in range(300)]
CONCURRENCY: Final = 20


def writes(mock: MockRefold) -> Counter[str | None]:
    """Return how often each account was written to."""
    return Counter(request.linked_account_id for request in mock.requests)


def job(refold: AsyncRefold, journal: PostgresJournal) -> FanOut[str, Any]:
    """Return a job that writes for every item."""
    return refold.fan_out_action(
        ITEMS, "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal, concurrency=CONCURRENCY
    )


async def restarted(postgres: PostgresProcess) -> None:
    """Restart the server as an administrator does."""
    await postgres.restart()


async def killed(postgres: PostgresProcess) -> None:
    """Kill the server, and start it again."""
    await postgres.kill()
    await postgres.start()


async def frozen(postgres: PostgresProcess) -> None:
    """Let the server do nothing for a moment."""
    postgres.freeze()
    await asyncio.sleep(1)
    postgres.thaw()


async def rid_of_sessions(postgres: PostgresProcess) -> None:
    """End the sessions of all clients, one after the other."""
    with postgres.connect() as connection:
        for _ in range(5):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'refold_async'"
            )
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("happens", [restarted, killed, frozen, rid_of_sessions])
async def test_back_within_patience(
    mock: MockRefold,
    refold: AsyncRefold,
    postgres: PostgresProcess,
    happens: Callable[[PostgresProcess], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The job waits and goes on: nothing is unknown, nothing is sent twice, and the log tells why it waited."""
    caplog.set_level("INFO", "refold_async")
    mock.script(Delay(0.02))
    journal = created(postgres.dsn(), job="june sync", patience=60.0)
    running = asyncio.create_task(job(refold, journal).collect())
    for part in (1, 2):
        await until(lambda part=part: len(mock.requests) > part * 100)  # type: ignore[misc]
        await happens(postgres)
    report = await running
    assert report.counts["ok"] == len(ITEMS)
    assert writes(mock) == dict.fromkeys(ITEMS, 1)
    summary = journal.summary()
    assert (summary.ok, summary.unknown, summary.in_flight) == (len(ITEMS), 0, 0)
    assert {entry.sends for entry in journal.entries()} == {1}
    told = [record.getMessage() for record in caplog.records if record.name == "refold_async"]
    if happens is not frozen:
        assert any("Trying again for up to 60 seconds" in line for line in told)
        assert any("can be written again" in line or "can be read again" in line for line in told)


@pytest.mark.slow
@pytest.mark.parametrize("away", [PostgresProcess.kill, PostgresProcess.freeze])
async def test_away_for_longer(
    mock: MockRefold, refold: AsyncRefold, postgres: PostgresProcess, away: Callable[[PostgresProcess], Any]
) -> None:
    """The job stops and says why. Nothing was sent that is not recorded, and the next run sends nothing twice."""
    mock.script(Delay(0.02))
    journal = created(postgres.dsn(), job="june sync", patience=2.0)
    running = asyncio.create_task(job(refold, journal).collect())
    await until(lambda: len(mock.requests) > 100)
    if (happened := away(postgres)) is not None:
        await happened
    began = time.monotonic()
    with pytest.raises(JournalError, match=r"could not be used for [23] seconds") as stopped:
        await running
    assert time.monotonic() - began >= 1.5
    assert stopped.value.effect == "unknown"
    sent = writes(mock)
    if away is PostgresProcess.freeze:
        postgres.thaw()
    else:
        await postgres.start()
    recorded = statuses(journal)
    assert sent.keys() <= recorded.keys()
    report = await job(refold, journal).collect()
    assert len(report.unknown) <= CONCURRENCY
    assert len(report.ok) == len(ITEMS) - len(report.unknown)
    assert max(writes(mock).values()) == 1
    assert sent.keys() - {outcome.item for outcome in report.unknown} == {
        outcome.item for outcome in report.ok if outcome.recorded
    }


@pytest.mark.slow
async def test_not_there_when_a_job_begins(mock: MockRefold, refold: AsyncRefold, postgres: PostgresProcess) -> None:
    """The job waits for the server; a wrong password, which waiting does not change, is told at once."""
    journal = created(postgres.dsn(), job="june sync", patience=60.0)
    await postgres.stop()
    running = asyncio.create_task(job(refold, journal).collect())
    await asyncio.sleep(0.5)
    assert not running.done()
    with pytest.raises(JournalError, match="could not be used for 2 seconds"):
        await asyncio.to_thread(journal.summary)
    await postgres.start()
    assert (await running).counts["ok"] == len(ITEMS)
    wrong = PostgresJournal(postgres.tcp_dsn(password="wr0ng-passw0rd"), job="june sync", patience=60.0)
    with pytest.raises(JournalError, match="password authentication failed"):
        await job(refold, wrong).collect()


TRIGGER: Final = """
    CREATE SEQUENCE failures;
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('failures') <= {times} THEN
            RAISE EXCEPTION 'this is not possible now' USING ERRCODE = '{state}';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER fail AFTER {event} ON refold_async.{table} FOR EACH STATEMENT EXECUTE FUNCTION fail();
"""


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57014", "53300", "25006", "57P01"])
def test_what_is_over_in_a_moment(postgres_dsn: str, state: str) -> None:
    """Serialization failures, deadlocks, locks, a failover: the batch is written again, and once."""
    created(postgres_dsn)
    run = opened(postgres_dsn)
    executed(postgres_dsn, TRIGGER.format(times=3, state=state, event="INSERT", table="items"))
    run.write([("a", None, "started"), ("b", None, "ok", "done")])
    assert executed(postgres_dsn, "SELECT nextval('failures')") == [(5,)]
    run.write([("a", None, "ok", "done")])
    run.close()
    assert executed(postgres_dsn, "SELECT started, ok FROM refold_async.parts") == [(0, 2)]
    assert executed(postgres_dsn, "SELECT key, sends FROM refold_async.items ORDER BY key") == [("a", 1), ("b", 0)]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("53100", r"this is not possible now \(SQLSTATE 53100\)\. Free some space on the server"),
        ("42501", r"Grant this user USAGE on the schema, and SELECT, INSERT and UPDATE"),
        ("XX001", r"cannot be written: this is not possible now \(SQLSTATE XX001\)\.$"),
    ],
)
def test_what_waiting_does_not_change(postgres_dsn: str, state: str, says: str) -> None:
    """It is told at once, with what to do about it."""
    created(postgres_dsn)
    run = opened(postgres_dsn)
    executed(postgres_dsn, TRIGGER.format(times=1, state=state, event="INSERT", table="items"))
    with pytest.raises(JournalError, match=says):
        run.write([("a", None, "started")])
    assert executed(postgres_dsn, "SELECT nextval('failures')") == [(2,)]
    run.close()


async def test_a_key_that_is_too_long(mock: MockRefold, refold: AsyncRefold, postgres_dsn: str) -> None:
    """No index can hold it: its item fails and is not sent, and the job goes on."""
    journal = created(postgres_dsn, job="june sync")
    longest = "xx" + "".join(chr(0x4E00 + number) for number in range(866))
    report = await refold.fan_out_action(
        ["a", longest, f"{longest}x", "b"],
        "hubspot",
        "create_contact",
        {"email": "a@example.com"},
        account=lambda _: "user_1",
        key=str,
        journal=journal,
    ).collect()
    assert [outcome.status for outcome in report.outcomes] == ["ok", "ok", "failed", "ok"]
    assert "has 2,601 bytes, and this journal can record at most 2,600" in str(report.outcomes[2].error)
    assert len(mock.requests) == 3
    assert (journal.summary().ok, journal.summary().refused) == (3, 1)


@pytest.mark.slow
async def test_read_only(postgres: PostgresProcess) -> None:
    """A standby, or a server in a failover, is waited for; then it is told what to put into the connection string."""
    journal = created(postgres.dsn(), job="june sync")
    run = await asyncio.to_thread(opened, postgres.dsn())
    executed(postgres.dsn(), "ALTER SYSTEM SET default_transaction_read_only = on")
    executed(postgres.dsn(), "SELECT pg_reload_conf()")
    await until(lambda: executed(postgres.dsn(), "SHOW default_transaction_read_only") == [("on",)])
    writing = asyncio.create_task(asyncio.to_thread(run.write, [("a", None, "started")]))
    await asyncio.sleep(0.5)
    assert not writing.done()
    with postgres.connect() as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    await writing
    assert statuses(journal) == {"a": "started"}
    run.close()


def test_read_only_for_good(postgres_dsn: str) -> None:
    """After patience, the error says so."""
    created(postgres_dsn)
    (database,) = executed(postgres_dsn, "SELECT current_database()")[0]
    executed(postgres_dsn, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with pytest.raises(JournalError, match="This server is a standby, or a failover is under way"):
        store_at(postgres_dsn, patience=0.3).open_run("june sync", IDENTITY)


def test_lock_that_others_hold(postgres_dsn: str) -> None:
    """What waits too long for somebody's lock is given up here, and in the server if libpq can tell it so."""
    created(postgres_dsn)
    run = store_at(postgres_dsn, patience=1.0).open_run("june sync", IDENTITY)
    with psycopg.connect(postgres_dsn) as other:
        other.execute("LOCK TABLE refold_async.items")
        with pytest.raises(JournalError, match="did not answer in time"):
            run.write([("a", None, "started")])
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        given_up = psycopg.capabilities.has_cancel_safe()
        assert executed(postgres_dsn, waiting) == [(0 if given_up else 1,)]
    run.close()


@pytest.mark.slow
async def test_full_disk(mock: MockRefold, refold: AsyncRefold, postgres: PostgresProcess) -> None:
    """The job stops; nothing was sent that is not recorded; with space again, the rest is sent, and nothing twice."""
    journal = created(postgres.dsn(), job="june sync", results=True)
    mock.script(Delay(0.01))
    await asyncio.to_thread(fill, postgres.dsn(), 2_060_000)
    let_files_grow_to(postgres, str(2 * 1024 * 1024 + 4096))
    with pytest.raises(JournalError, match=r"SQLSTATE 53100\)\. Free some space on the server"):
        await job(refold, journal).collect()
    sent = writes(mock)
    let_files_grow_to(postgres, "unlimited")
    recorded = statuses(journal)
    assert sent.keys() <= recorded.keys()
    report = await job(refold, journal).collect()
    assert len(report.ok) + len(report.unknown) == len(ITEMS)
    assert {outcome.item for outcome in report.unknown} <= {key for key, of in recorded.items() if of != "ok"}
    assert max(writes(mock).values()) == 1


def let_files_grow_to(postgres: PostgresProcess, size: str) -> None:
    """Limit the size of the server's files: one that has reached it looks to PostgreSQL as one on a full disk does."""
    run_unprivileged(["prlimit", "--pid", str(postgres.pid), f"--fsize={size}:"])  # its next processes inherit it


def fill(dsn: str, size: int) -> None:
    """Write so much into the table of items, for another job."""
    run = opened(dsn, name="another")
    while executed(dsn, "SELECT pg_relation_size('refold_async.items')")[0][0] < size:
        run.write([(f"user_{number}_{run.number}_{time.monotonic()}", None, "ok", "done") for number in range(100)])
    run.close()
