"""Who may change a part: one worker, as long as it gives a sign. One that was replaced changes nothing more."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from refold_async import AsyncRefold, JournalError, PostgresJournal
from refold_async.journal.postgres.part import PostgresPart
from refold_async.journal.postgres.store import PostgresStore
from refold_async.journal.store import PartsLeft
from refold_async.testing import Delay, MockRefold
from support.cutting_proxy import cutting_proxy
from support.journals import IDENTITY, statuses
from support.postgres_journals import created, executed, opened, store_at
from support.postgres_server import PostgresProcess
from support.waiting import until

JOB = "june sync"
PARTS = 2
NOBODY = PartsLeft(frozenset({0, 1}), frozenset({0, 1}))


def claim(store: PostgresStore, parts: int = PARTS) -> PostgresPart:
    """Claim a part of a job that has so many."""
    part = store.claim(JOB, parts, ())
    assert isinstance(part, PostgresPart)
    return part


def end_leases(dsn: str, ago: float = 0.1) -> None:
    """Make all leases look as if they had ended so many seconds ago, and as if the server had run for longer."""
    executed(dsn, "UPDATE refold_async.parts SET lease = '0.01 s', leased_until = now() - %s * interval '1 s'", ago)


def lease_threads() -> list[threading.Thread]:
    """Return the threads that renew leases."""
    return [thread for thread in threading.enumerate() if thread.name == "refold_async journal lease"]


def test_a_part_has_one_worker(postgres_dsn: str) -> None:
    """Others get it when it is given back, and never when it is closed."""
    created(postgres_dsn)
    stores = [store_at(postgres_dsn) for _ in range(3)]
    first, second = claim(stores[0]), claim(stores[1])
    assert (first.number, second.number) == (0, 1)
    assert stores[2].claim(JOB, PARTS, ()) == NOBODY
    second.release()
    second.release()
    assert stores[2].claim(JOB, PARTS, {1}) == PartsLeft(frozenset({0, 1}), frozenset({0}))
    third = claim(stores[2])
    assert third.number == 1
    first.close()
    third.close()
    assert stores[0].claim(JOB, PARTS, ()) == PartsLeft(frozenset(), frozenset())
    for store in stores:
        store.close()


def test_a_closed_part_is_not_run_as_a_job_without_parts(postgres_dsn: str) -> None:
    """That is refused at once, instead of waiting for a worker that is not there."""
    created(postgres_dsn)
    store = store_at(postgres_dsn)
    claim(store, 1).close()
    with pytest.raises(JournalError, match="its part is closed"):
        store.open_run(JOB, IDENTITY)
    store.close()


def test_a_worker_that_was_replaced(postgres_dsn: str) -> None:
    """Whatever it does next is refused, and changes nothing."""
    journal = created(postgres_dsn, job=JOB)
    calls: list[Callable[[Any], object]] = [
        lambda run: run.write([("b", None, "started")]),
        lambda run: run.write([("b", None, "x" * 5_000_000), ("c", None, "x" * 5_000_000)]),
        lambda run: run.tally(7, 7),
        lambda run: run.look_up(["a"]),
        lambda run: run.look_up(["nothing"]),
    ]
    for number, call in enumerate(calls):
        part = claim(store_at(postgres_dsn, lease=3600), 1)
        run = part.open_run(JOB, IDENTITY)
        run.write([(f"a{number}", None, "started")])
        end_leases(postgres_dsn)
        successor = claim(store_at(postgres_dsn, lease=3600), 1)
        state = "SELECT * FROM refold_async.parts"
        before = (executed(postgres_dsn, state), statuses(journal))
        repeated: list[Callable[[], object]] = [partial(call, run), part.close, partial(part.open_run, JOB, IDENTITY)]
        for again in repeated:
            with pytest.raises(JournalError, match="another worker took this part"):
                again()
            run.close()
        part.release()
        assert (executed(postgres_dsn, state), statuses(journal)) == before
        successor.open_run(JOB, IDENTITY).close()
        assert statuses(journal)[f"a{number}"] == "unknown"
        successor.release()


async def test_a_takeover_waits(postgres_dsn: str) -> None:
    """After the end of a lease, its worker may still send what it had recorded, for a while."""
    created(postgres_dsn)
    part = await asyncio.to_thread(claim, store_at(postgres_dsn, lease=3600), 1)
    patient, impatient = store_at(postgres_dsn, send_within=60), store_at(postgres_dsn, send_within=0.5)
    end_leases(postgres_dsn, 30)
    held = PartsLeft(frozenset({0}), frozenset({0}))
    assert patient.claim(JOB, 1, ()) == held
    taken: list[PostgresPart] = []

    def takes_it() -> bool:
        claimed = impatient.claim(JOB, 1, ())
        if isinstance(claimed, PostgresPart):
            taken.append(claimed)
        return claimed != held

    await until(takes_it)
    taken[-1].release()
    part.release()
    patient.close()
    impatient.close()


async def test_a_lease_is_renewed(postgres_dsn: str) -> None:
    """While a worker does nothing, and by what it writes."""
    created(postgres_dsn)
    part = await asyncio.to_thread(claim, store_at(postgres_dsn, lease=0.6))
    until_when = "SELECT leased_until FROM refold_async.parts WHERE number = 0"
    seen = {executed(postgres_dsn, until_when)[0][0]}
    for _ in range(3):
        await until(lambda: executed(postgres_dsn, until_when)[0][0] not in seen)
        seen.add(executed(postgres_dsn, until_when)[0][0])
    part.release()
    assert executed(postgres_dsn, "SELECT worker FROM refold_async.parts WHERE number = 0") == [(None,)]
    part = await asyncio.to_thread(claim, store_at(postgres_dsn, lease=3600))
    run = part.open_run(JOB, IDENTITY)
    (before,) = executed(postgres_dsn, until_when)
    run.write([("a", None, "started")])
    (after,) = executed(postgres_dsn, until_when)
    assert after > before
    run.close()
    part.release()


async def test_the_thread_ends_with_the_lease(postgres_dsn: str) -> None:
    """Also if nobody is left who could give the part back, or if another worker took it."""
    created(postgres_dsn)
    part = await asyncio.to_thread(claim, store_at(postgres_dsn, lease=0.3))
    assert len(lease_threads()) == 1
    executed(postgres_dsn, "UPDATE refold_async.parts SET worker = 'another'")
    await until(lambda: not lease_threads())
    part.release()
    part = await asyncio.to_thread(claim, store_at(postgres_dsn, lease=3600))
    vars(part)["_session"].close()
    del part
    gc.collect()
    await until(lambda: not lease_threads())


@pytest.mark.slow
async def test_a_server_that_starts_again(postgres: PostgresProcess) -> None:
    """Its workers get the time of a lease to come back, though their leases ended while it was away."""
    created(postgres.dsn())
    part = await asyncio.to_thread(claim, store_at(postgres.dsn(), lease=6))
    run = part.open_run(JOB, IDENTITY)
    other = store_at(postgres.dsn(), lease=6)
    assert isinstance(await asyncio.to_thread(other.claim, JOB, PARTS, {1}), PartsLeft)
    await postgres.stop()
    await asyncio.sleep(6.5)
    await postgres.start()
    assert isinstance(await asyncio.to_thread(other.claim, JOB, PARTS, {1}), PartsLeft)
    await asyncio.to_thread(run.write, [("a", None, "started")])
    run.close()
    part.release()
    other.close()


@pytest.mark.slow
async def test_a_job_without_parts_waits_for_a_dead_run(postgres_dsn: str) -> None:
    """It begins once that run's lease has ended; if it is renewed, the run lives, and the job is refused."""
    created(postgres_dsn)
    store = store_at(postgres_dsn, lease=1.5, send_within=0.5)
    executed(postgres_dsn, "INSERT INTO refold_async.jobs (name, parts) VALUES (%s, 1)", JOB)
    executed(
        postgres_dsn,
        "INSERT INTO refold_async.parts (job, number, worker, lease, leased_until) "
        "SELECT id, 0, 'a dead one', '1.5 s', now() + interval '1.5 s' FROM refold_async.jobs",
    )
    began = time.monotonic()
    run = await asyncio.to_thread(store.open_run, JOB, IDENTITY)
    assert time.monotonic() - began > 1.5
    run.close()
    executed(postgres_dsn, "UPDATE refold_async.parts SET worker = 'a living one'")
    opening = asyncio.create_task(asyncio.to_thread(opened, postgres_dsn))
    while not opening.done():
        executed(postgres_dsn, "UPDATE refold_async.parts SET leased_until = now() + interval '1.5 s'")
        await asyncio.sleep(0.3)
    with pytest.raises(JournalError, match="is in use: another run of the job 'june sync' has not ended"):
        await opening


async def test_two_fan_outs_over_one_part(mock: MockRefold, refold: AsyncRefold, postgres_dsn: str) -> None:
    """One after the other they share it; at the same time, the second is refused."""
    journal = created(postgres_dsn, job=JOB, parts=1)
    mock.script(Delay(0.05))
    async for part in journal.claim():

        async def run(items: list[str], part: Any = part) -> dict[str, int]:
            job = refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}, journal=part)
            return {str(status): count for status, count in (await job.collect()).counts.items()}

        first = asyncio.create_task(run(["a", "b"]))
        await until(lambda: len(mock.requests) == 2)
        with pytest.raises(JournalError, match="is in use: another fan-out over part 0 of the job 'june sync'"):
            await run(["c"])
        assert (await first)["ok"] == 2
        assert (await run(["a", "c"]))["ok"] == 2
        await part.close()
    assert sorted(request.linked_account_id or "" for request in mock.requests) == ["a", "b", "c"]
    assert journal.summary().runs == 2


@pytest.mark.parametrize("made", [True, False])
async def test_a_change_of_which_nobody_knows(postgres_dsn: str, made: bool) -> None:
    """After it failed for good, the next run of the same claim goes on from what there is, and it cannot come late."""
    journal = created(postgres_dsn, job=JOB)
    async with cutting_proxy(postgres_dsn) as proxy:
        part = await asyncio.to_thread(claim, store_at(proxy.dsn, lease=3600, patience=0.5), 1)
        run = await asyncio.to_thread(part.open_run, JOB, IDENTITY)
        proxy.cut("WITH ORDINALITY AS given" if made else "SELECT version", "after" if made else "before", times=1000)
        if made:
            proxy.cut_also("SELECT version")
        else:
            await asyncio.to_thread(vars(part)["_session"].close)
        with pytest.raises(JournalError, match="could not be used for"):
            await asyncio.to_thread(run.write, [("a", None, "started")])
        await asyncio.to_thread(run.close)
        proxy.cut("", "before", times=0)
        again = await asyncio.to_thread(part.open_run, JOB, IDENTITY)
        assert again.number == 2
        await asyncio.to_thread(again.write, [("b", None, "started")])
        assert statuses(journal) == {**({"a": "unknown"} if made else {}), "b": "started"}
        again.close()
        await asyncio.to_thread(part.close)


async def test_claims_are_shared_fairly(postgres_dsn: str) -> None:
    """Many workers that claim at the same time get all parts, each once, and none waits for another."""
    created(postgres_dsn)
    stores = [store_at(postgres_dsn) for _ in range(12)]

    def work(store: PostgresStore) -> list[int]:
        mine: list[int] = []
        while isinstance(part := store.claim("shared", 60, ()), PostgresPart):
            mine.append(part.number)
            part.close()
        store.close()
        return mine

    shares = await asyncio.gather(*(asyncio.to_thread(work, store) for store in stores))
    assert sorted(number for share in shares for number in share) == list(range(60))


async def test_one_connection_for_all_claims(postgres_dsn: str) -> None:
    """Who claims one part after the other needs no new connection for each; who closes the store leaves none."""
    created(postgres_dsn)
    store = store_at(postgres_dsn)
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    seen: set[Any] = set()
    for _ in range(PARTS):
        part = claim(store)
        seen.add(tuple(executed(postgres_dsn, sessions)))
        part.close()
    assert len(seen) == 1
    last = store.claim("july sync", 1, ())
    assert isinstance(last, PostgresPart)
    store.close()
    last.release()
    await until(lambda: not executed(postgres_dsn, sessions))


async def test_parts_that_were_given_back_come_last(postgres_dsn: str) -> None:
    """Who asks for a part gets one that nobody has begun, as long as there is one."""
    created(postgres_dsn)
    store = store_at(postgres_dsn)
    part = claim(store)
    part.open_run(JOB, IDENTITY).close()
    part.release()
    following = claim(store)
    assert following.number == 1
    again = claim(store)
    assert again.number == 0
    for each in (following, again):
        each.release()
    store.close()


async def test_progress_over_all_workers(postgres_dsn: str) -> None:
    """A summary adds up all parts; what a dead worker had in flight is unknown, though no run has recorded that."""
    journal = created(postgres_dsn, job=JOB, parts=3)
    store = store_at(postgres_dsn, lease=3600)
    parts: list[PostgresPart] = []
    for number in range(3):
        part = store.claim(JOB, 3, ())
        assert isinstance(part, PostgresPart)
        run = part.open_run(JOB, IDENTITY)
        run.write([(f"{number} started", None, "started"), (f"{number} ok", None, "ok", "done")])
        run.tally(4, number)
        run.close()
        parts.append(part)
        if number == 0:
            executed(postgres_dsn, "UPDATE refold_async.parts SET leased_until = now() - interval '1 s'")
            with pytest.raises(AssertionError):  # parts that were never run may have any number of items
                assert journal.summary().not_begun is not None
    parts[2].close()
    for reader in (journal, PostgresJournal(postgres_dsn)):
        summary = reader.summary()
        assert (summary.running, summary.ok, summary.in_flight, summary.unknown) == (True, 3, 1, 2)
        assert (summary.parts, summary.closed_parts, summary.held_parts) == (3, 1, 1)
        assert (summary.refused, summary.failed, summary.not_begun) == (3, 3, 3)
        assert [entry.key for entry in reader.entries(status="unknown")] == ["0 started", "2 started"]
        assert [entry.key for entry in reader.entries(status="started")] == ["1 started"]
        assert [entry.effect for entry in reader.entries()][::2] == ["unknown", None, "unknown"]
    assert "3 parts closed" in str(summary)
    for each in parts:
        each.release()
    store.close()
