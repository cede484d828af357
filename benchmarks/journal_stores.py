"""What recording a job costs in each store: items per second, CPU time and bytes per item, side by side.

`python benchmarks/journal_stores.py` records items as a fan-out with a concurrency of 500 does, without any requests:
each is looked up, recorded as started, and recorded with its outcome. The stores take turns, in one process. PostgreSQL
waits for the disk, as in earnest, and runs beside it. It needs PostgreSQL and PgBouncer, takes about two minutes, and
writes to `benchmarks/results/journal-stores.json`.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs
from circumstances import Circumstances

from refold_async import Journal, PostgresJournal
from refold_async.journal.opening import AnyJournal, run_opener
from refold_async.journal.store import JobIdentity
from refold_async.journal.writer import JournalWriter
from support.pgbouncer_server import running_pgbouncer
from support.postgres_server import PostgresProcess, postgres_template, running_postgres

RESULTS: Final = Path(__file__).with_name("results") / "journal-stores.json"
IDENTITY: Final = JobIdentity(
    base_url="https://app.refold.ai",
    environment="test",
    slug="hubspot",
    action_id="create_contact",
    parameters_sha256=None,
)
CONCURRENCY: Final = 500
TICKS: Final = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Round:
    """What recording all items in a store took."""

    items: int
    seconds: float
    client: float
    """Seconds of CPU time of the process with the job."""
    server: float
    """Those of PostgreSQL and of what is in between."""
    size: int
    """Bytes."""


async def record(journal: AnyJournal, items: int, server_time: Callable[[], float], size: Callable[[], int]) -> Round:
    """Record items from beginning to end, many at the same time."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    loop = asyncio.get_running_loop()
    keys = (f"user_{number:09}" for number in range(items))

    async def work() -> None:
        for key in keys:
            await writer.look_up(key)
            await writer.started(key, key)
            done: asyncio.Future[Any] = loop.create_future()
            writer.finished(key, linked_account_id=key, status="ok", effect="done", attempts=1, then=done.set_result)
            assert await done is None

    server, began, used = server_time(), time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    seconds, client = time.perf_counter() - began, time.process_time() - used
    server = server_time() - server
    await writer.aclose()
    return Round(items, seconds, client, server, size())


def time_of(pids: list[int]) -> float:
    """Return the CPU time that processes have used, in seconds."""
    total = 0
    for pid in pids:
        with suppress(OSError):  # one that has ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def size_in(postgres: PostgresProcess) -> int:
    """Return the size of the table of items, with its indexes."""
    with postgres.connect() as connection:
        ((size,),) = connection.execute("SELECT pg_total_relation_size('refold_async.items')").fetchall()
        connection.execute("DROP SCHEMA refold_async CASCADE")
    return int(size)


async def measure(items: int, rounds: int) -> list[dict[str, Any]]:
    """Measure all stores, in turns."""
    with postgres_template() as template, TemporaryDirectory() as directory:
        async with (
            running_postgres(template, durable=True, settings={"shared_buffers": "128MB"}) as postgres,
            running_pgbouncer(postgres) as pgbouncer,
        ):

            def in_sqlite(number: int, **options: Any) -> Awaitable[Round]:
                journal = Journal(f"{directory}/{number}-{len(options)}.sqlite", job="june sync", **options)
                return record(journal, items, lambda: 0.0, lambda: os.path.getsize(journal.path))

            async def in_postgres(dsn: str, between: list[int]) -> Round:
                journal = PostgresJournal(dsn, job="june sync")
                await journal.create_schema()
                # The process of the run's session is there from its beginning to its end; others come and go.
                return await record(
                    journal, items, lambda: time_of([*postgres.processes(), *between]), lambda: size_in(postgres)
                )

            stores: dict[str, Callable[[int], Awaitable[Round]]] = {
                "SQLite": in_sqlite,
                "SQLite, durability='power'": lambda number: in_sqlite(number, durability="power"),
                "PostgreSQL": lambda _: in_postgres(postgres.dsn(), []),
                "PostgreSQL behind PgBouncer": lambda _: in_postgres(pgbouncer.dsn(), pgbouncer.processes()),
            }
            measured: dict[str, list[Round]] = defaultdict(list)
            for number in range(rounds):
                for name, store in stores.items():
                    measured[name].append(await store(number))
                    print(f"{name}: {items / measured[name][-1].seconds:,.0f} items a second", flush=True)
    return [row(name, of) for name, of in measured.items()]


def row(name: str, rounds: list[Round]) -> dict[str, Any]:
    """Return the medians of a store."""

    def median(value: Callable[[Round], float], digits: int = 0) -> float:
        return round(statistics.median(value(each) / each.items for each in rounds), digits)

    return {
        "name": name,
        "items per second": round(1 / statistics.median(each.seconds / each.items for each in rounds)),
        "CPU µs per item": median(lambda each: each.client * 1e6, 1),
        "CPU µs per item, server": median(lambda each: each.server * 1e6, 1),
        "bytes per item": median(lambda each: each.size),
    }


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few items: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()
    circumstances = Circumstances(None)
    rows = asyncio.run(measure(2000, 1) if arguments.quick else measure(200_000, 5))
    for each in rows:
        print(each)
    result = {"case": "journal-stores", "concurrency": CONCURRENCY, **circumstances.at_end(), "rows": rows}
    arguments.results.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
