"""How PostgreSQL finds rows: by the index that leads to them, whatever it believes about the size of a job."""

from support.journals import IDENTITY
from support.postgres_journals import created, executed, store_at

ITEMS = 1000
ACCESSES = """
    SELECT (SELECT sum(seq_tup_read)::integer FROM pg_stat_user_tables WHERE relname = 'items'),
        (SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'items_in_order'),
        (SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'items_pkey')
"""


def run_job(dsn: str, job: str) -> None:
    """Write the items of a job, then look all of them up in a second run, which writes as many more."""
    keys = [f"{job}_{number}" for number in range(2 * ITEMS)]
    store = store_at(dsn, job)
    for run_number in (0, 1):
        run = store.open_run(job, IDENTITY)
        for begin in range(0, ITEMS, 100):
            assert len(run.look_up(keys[begin : begin + 100])) == 100 * run_number
            batch = keys[run_number * ITEMS + begin :][:100]
            run.write([(key, None, "started") for key in batch])
            run.write([(key, None, "ok", "done") for key in batch])
        run.close()
    store.close()


def test_a_job_of_which_the_server_knows_nothing(postgres_dsn: str) -> None:
    """Reading a row takes a few rows of an index, not all rows of the job, where the statistics are of another job."""
    created(postgres_dsn)
    run_job(postgres_dsn, "one")
    executed(postgres_dsn, "ANALYZE refold_async.items")
    executed(postgres_dsn, "SELECT pg_stat_reset()")
    run_job(postgres_dsn, "two")
    ((scanned, in_order, by_key),) = executed(postgres_dsn, ACCESSES)
    assert (scanned, in_order) == (0, 0)
    assert ITEMS < by_key < 200 * ITEMS


def test_a_part_of_which_the_server_knows_nothing(postgres_dsn: str) -> None:
    """Each key is found by the index alone, to look it up, to mark it and to write it: rows are not compared."""
    created(postgres_dsn)
    store = store_at(postgres_dsn, "one")
    keys = [f"user_{number:05}" for number in range(5000)]
    run = store.open_run("one", IDENTITY)
    for begin in range(0, len(keys), 500):
        run.write([(key, None, "ok", "done") for key in keys[begin : begin + 500]])
    run.close()
    run = store.open_run("one", IDENTITY)
    executed(postgres_dsn, "SELECT pg_stat_reset()")
    some = keys[::100]
    assert len(run.look_up([*some, "nothing"])) == len(some)
    run.write([(key, None, "started") for key in some])
    run.close()  # the server counts when a session ends
    ((scanned, in_order, by_key),) = executed(postgres_dsn, ACCESSES)
    assert (scanned, in_order) == (0, 0)
    assert len(some) <= by_key <= 10 * len(some)
