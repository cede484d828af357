"""What a large job costs PostgreSQL: sizes, vacuum, claims, and how long a summary takes.

`python benchmarks/large_job.py` writes the journal of a million items as workers do, without any requests, into a
PostgreSQL of its own that waits for the disk as in earnest. It needs PostgreSQL, takes about eight minutes, and writes
to `benchmarks/results/large-job.json`. `docs/reference/large-jobs.md` says what follows for a hundred million items.
"""

import argparse
import asyncio
import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import attrs
from circumstances import Circumstances

from refold_async import PostgresJournal
from refold_async.journal.postgres.postgres_journal import store_of_postgres
from refold_async.journal.store import EntryValues, JobIdentity, PartClaim, StoreRun
from support.postgres_server import PostgresProcess, postgres_template, running_postgres

RESULTS: Final = Path(__file__).with_name("results") / "large-job.json"
IDENTITY: Final = JobIdentity(
    base_url="https://app.refold.ai", environment="test", slug="hubspot", action_id="create_contact",
    parameters_sha256=None,
)  # fmt: skip
PROCESSES: Final = 4


@attrs.frozen
class Sizes:
    """How much is measured."""

    items: int = 1_000_000
    parts: int = 256
    batch: int = 100
    """Items that a worker has in flight: each batch has the beginning of so many, and the end of as many."""
    workers: int = 100
    seconds: float = 20.0
    """For how long many workers write small batches."""
    part: int = 390_625
    """Items of a part, if a hundred million are in 256 parts."""
    empty_parts: int = 10_000


QUICK: Final = Sizes(items=2000, parts=8, workers=4, seconds=0.5, part=500, empty_parts=50)


def journal(dsn: str, job: str, parts: int) -> PostgresJournal:
    """Return the journal of a job."""
    return PostgresJournal(dsn, job=job, parts=parts)


def parts_of(dsn: str, job: str, parts: int) -> Iterator[PartClaim]:
    """Claim parts as long as there are any, and close each."""
    store = store_of_postgres(journal(dsn, job, parts))
    while hasattr(part := store.claim(job, parts, ()), "open_run"):
        yield part  # type: ignore[misc]
        part.close()  # type: ignore[union-attr]
    store.close()


def started(key: str) -> EntryValues:
    """Return the beginning of an item."""
    return (key, key, "started")


def ended(key: str) -> EntryValues:
    """Return the end of an item."""
    return (key, key, "ok", "done", None, None, None, 1, None)


def write(run: StoreRun, keys: Sequence[str], batch: int) -> None:
    """Write items as a fan-out does: while some end, others begin."""
    before: Sequence[str] = ()
    for begin in range(0, len(keys) + batch, batch):
        now = keys[begin : begin + batch]
        if entries := [*map(started, now), *map(ended, before)]:
            run.write(entries)
        before = now


def fill(dsn: str, job: str, parts: int, items: int, batch: int) -> None:
    """Work on parts of a job until all are closed."""
    for part in parts_of(dsn, job, parts):
        run = part.open_run(job, IDENTITY)
        write(run, [f"user_{number:09}" for number in range(part.number, items, parts)], batch)
        run.close()


def in_threads(work: Callable[[], int], threads: int) -> int:
    """Do the same in several threads of this process, and return the sum."""
    results: list[int] = []
    running = [threading.Thread(target=lambda: results.append(work())) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert len(results) == threads, "a thread failed"
    return sum(results)


def write_small(dsn: str, job: str, parts: int, threads: int, until: float) -> int:
    """Write one item after the other in each thread; return how many."""

    def work() -> int:
        written = 0
        part = next(parts_of(dsn, job, parts))
        run = part.open_run(job, IDENTITY)
        before = None
        while time.time() < until:
            key = f"user_{part.number}_{written:09}"
            run.write([started(key)] if before is None else [started(key), ended(before)])
            before = key
            written += 1
        run.close()
        part.release()
        return written

    return in_threads(work, threads)


def claim(dsn: str, job: str, parts: int, threads: int) -> int:
    """Claim parts, begin a run and close them, in each thread; return how many."""

    def work() -> int:
        claimed = 0
        for part in parts_of(dsn, job, parts):
            part.open_run(job, IDENTITY).close()
            claimed += 1
        return claimed

    return in_threads(work, threads)


class Measured:
    """The figures of one PostgreSQL."""

    def __init__(self, postgres: PostgresProcess, sizes: Sizes, pool: ProcessPoolExecutor) -> None:
        self.postgres = postgres
        self.sizes = sizes
        self.pool = pool
        self.dsn = postgres.dsn()
        self.rows: list[dict[str, Any]] = []

    def note(self, name: str, **figures: float) -> None:
        """Note what a measurement came to, and print it."""
        rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
        self.rows.append({"name": name, **rounded})
        print(f"{name}: {', '.join(f'{value:,} {key}' for key, value in rounded.items())}", flush=True)

    def query(self, statement: str, *values: Any) -> Any:
        """Return the first row."""
        with self.postgres.connect() as connection:
            cursor = connection.execute(statement, values)  # pyright: ignore[reportArgumentType, reportCallIssue]
            return cursor.fetchone() if cursor.description else None

    def in_processes(self, work: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Do the same in all processes."""
        return [each.result() for each in [self.pool.submit(work, *arguments) for _ in range(PROCESSES)]]

    def wal(self) -> int:
        """Return how many bytes of log were written so far."""
        return int(self.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")[0])

    def many_items(self) -> None:
        """A job of many items."""
        sizes = self.sizes
        wal, began = self.wal(), time.perf_counter()
        self.in_processes(fill, self.dsn, "items", sizes.parts, sizes.items, sizes.batch)
        taken = time.perf_counter() - began
        self.note("items", items=sizes.items, **{"items per second": sizes.items / taken})
        self.note("log", **{"bytes per item": (self.wal() - wal) / sizes.items})
        self.tables("after the job")
        began = time.perf_counter()
        self.query("VACUUM refold_async.items")
        self.note("vacuum", seconds=time.perf_counter() - began)
        self.tables("after a vacuum")

    def tables(self, when: str) -> None:
        """Note the sizes of the tables, and how their rows were changed."""
        time.sleep(1.5)  # until the server has counted
        items, key, order = self.query(
            "SELECT pg_relation_size('refold_async.items'), pg_relation_size('refold_async.items_pkey'),"
            " pg_relation_size('refold_async.items_in_order')"
        )
        count = self.query("SELECT count(*) FROM refold_async.items")[0]
        self.note(
            f"items, {when}",
            **{"bytes per row": items / count, "of the key": key / count, "of the order": order / count},
        )
        for table in ("items", "parts"):
            updated, hot, dead, vacuums, size = self.query(
                "SELECT n_tup_upd, n_tup_hot_upd, n_dead_tup, autovacuum_count, pg_relation_size(relid)"
                " FROM pg_stat_user_tables WHERE schemaname = 'refold_async' AND relname = %s",
                table,
            )
            self.note(
                f"{table}, {when}: rows changed",
                **{
                    "changes": updated,
                    "without the indexes": hot / max(1, updated),
                    "dead rows": dead,
                    "vacuums": vacuums,
                    "bytes": size,
                },
            )

    def reading(self, job: str, parts: int) -> None:
        """A summary, and all entries."""
        read = journal(self.dsn, job, parts)
        summaries: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            read.summary()
            summaries.append(time.perf_counter() - began)
        self.note(f"summary of {parts:,} parts", milliseconds=sorted(summaries)[2] * 1000)
        began = time.perf_counter()
        count = sum(1 for _ in read.entries())
        if count:
            self.note("entries", rows=count, **{"rows per second": count / (time.perf_counter() - began)})
            began = time.perf_counter()
            assert not list(read.entries(status="unknown"))
            self.note("search for unknown entries", **{"rows per second": count / (time.perf_counter() - began)})

    def many_workers(self) -> None:
        """Many workers, each of which writes one item after the other."""
        sizes = self.sizes
        wal, threads = self.wal(), sizes.workers // PROCESSES
        journal_name, until = "workers", time.time() + sizes.seconds
        written = sum(self.in_processes(write_small, self.dsn, journal_name, sizes.workers, threads, until))
        self.note(
            f"{sizes.workers} workers, one item at a time",
            **{"items per second": written / sizes.seconds, "bytes of log per item": (self.wal() - wal) / written},
        )

    def large_part(self) -> None:
        """A part of which a worker died: the next one finds what was in flight, and what is done."""
        size, job = self.sizes.part, "part"
        keys = [f"user_{number:09}" for number in range(size)]
        store = store_of_postgres(journal(self.dsn, job, 1))
        part: Any = store.claim(job, 1, ())
        run = part.open_run(job, IDENTITY)
        write(run, keys, 500)
        run.write([started(f"more_{number}") for number in range(100)])
        part.release()
        part = store.claim(job, 1, ())
        began = time.perf_counter()
        run = part.open_run(job, IDENTITY)
        self.note("take over a part", items=size, seconds=time.perf_counter() - began)
        began = time.perf_counter()
        for begin in range(0, size, 500):
            run.look_up(keys[begin : begin + 500])
        self.note("look up what is done", **{"items per second": size / (time.perf_counter() - began)})
        run.close()
        part.close()
        store.close()

    def claims(self) -> None:
        """Parts without items, which are claimed and closed."""
        sizes = self.sizes
        began = time.perf_counter()
        claimed = sum(self.in_processes(claim, self.dsn, "claims", sizes.empty_parts, sizes.workers // PROCESSES))
        assert claimed == sizes.empty_parts
        self.note(f"claims by {sizes.workers} workers", **{"per second": claimed / (time.perf_counter() - began)})


async def measure(sizes: Sizes) -> list[dict[str, Any]]:
    """Measure everything on a new PostgreSQL with the settings that it has by default."""
    settings = {"shared_buffers": "128MB", "max_connections": str(sizes.workers + 20)}
    with (
        postgres_template() as template,
        ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        async with running_postgres(template, durable=True, settings=settings) as postgres:
            await journal(postgres.dsn(), "items", sizes.parts).create_schema()
            measured = Measured(postgres, sizes, pool)
            measured.in_processes(time.sleep, 0.5)  # so that all of them have started
            measured.many_items()
            measured.reading("items", sizes.parts)
            measured.many_workers()
            measured.large_part()
            measured.claims()
            measured.reading("claims", sizes.empty_parts)
            return measured.rows


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small job: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()
    circumstances = Circumstances(None)
    rows = asyncio.run(measure(QUICK if arguments.quick else Sizes()))
    result = {"case": "large-job", **circumstances.at_end(), "rows": rows}
    arguments.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
