"""How well processes share one limit through Redis: how much of it they use, and what a strict server refuses.

`python benchmarks/limit_sharing.py` runs bulk jobs in four processes that share a `RedisRateLimit` of 20, 200 or 2,000
calls a second, with Redis near by and with 10 milliseconds to Redis; and single calls beside sixteen bulk jobs. It
needs `redis-server`, takes six minutes, and writes to `benchmarks/results/limit-sharing.json`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from typing import Any, Final

from circumstances import Circumstances
from servers import server

from refold_async import AsyncRefold, RateLimit, RedisRateLimit
from refold_async.observers import CallEnd

RESULTS: Final = Path(__file__).with_name("results") / "limit-sharing.json"
LIMITS: Final = (RateLimit(20, burst=5), RateLimit(200, burst=20), RateLimit(2000, burst=100))
PROCESSES: Final = 4
JOBS_BESIDE: Final = 4
"""The bulk jobs in each process, beside single calls."""
FAR: Final = 0.01
"""Seconds to Redis and back where it is far."""


class Queue:
    """An observer that notes how many seconds each call waited for the limit."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def on_call_end(self, end: CallEnd) -> None:
        """Note it."""
        self.waits.append(end.seconds_queued)


async def run_worker(told: Mapping[str, Any]) -> dict[str, Any]:
    """Run bulk jobs, or make single calls at random moments, in one of the processes."""
    limit = RateLimit(told["rate"], burst=told["burst"])
    queue = Queue()
    observers = [queue] if told["single_rate"] else []
    async with (
        RedisRateLimit(told["redis"], limit, name="benchmark") as shared,
        AsyncRefold("tk_benchmark", base_url=told["url"], rate_limit=shared, observers=observers) as refold,
    ):
        await asyncio.sleep(max(0.0, told["starts_at"] - time.time()))

        async def job(number: int) -> None:
            items = (f"user_{told['number']}_{number}_{place}" for place in range(told["items"]))
            async with refold.fan_out_action(
                items, "hubspot", "get_contact", {"limit": "1"}, idempotent=True
            ) as outcomes:
                async for outcome in outcomes:
                    assert outcome.status == "ok", outcome

        async def make_calls() -> None:
            chance, account = random.Random(told["number"]), refold.account("web")
            async with asyncio.TaskGroup() as group:
                while time.time() < told["ends_at"]:
                    await asyncio.sleep(chance.expovariate(told["single_rate"]))
                    call = account.execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)
                    group.create_task(call)

        if told["single_rate"]:
            await make_calls()
        else:
            await asyncio.gather(*map(job, range(told["jobs"])))
    return {"waits": queue.waits, "CPU": time.process_time()}


@contextlib.contextmanager
def redis() -> Generator[int]:
    """Run a Redis, and yield its port."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("There is no redis-server: install it first.")
    with tempfile.TemporaryDirectory() as directory, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory]
        with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
            try:
                while True:
                    with contextlib.suppress(OSError):
                        round_trips(port)
                        break
                    time.sleep(0.01)
                yield port
            finally:
                process.terminate()


def round_trips(port: int) -> int:
    """Return how often the script of the limit was run."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"INFO commandstats\r\n")
        told = connection.recv(65536).decode()
    found = re.search(r"cmdstat_evalsha:calls=(\d+)", told)
    return int(found[1]) if found else 0


@contextlib.asynccontextmanager
async def delayed(port: int, seconds: float) -> AsyncGenerator[int]:
    """Yield a port that leads to another, and keeps what is sent for half of `seconds` in each direction."""
    if not seconds:
        yield port
        return
    loop = asyncio.get_running_loop()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            loop.call_later(seconds / 2, writer.write, data)
        loop.call_later(seconds, writer.close)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def seen(url: str, what: str) -> Any:
    """Return what the server counted."""
    with urllib.request.urlopen(f"{url}/{what}") as response:
        return json.load(response)


async def measure(limit: RateLimit, seconds: float, delay: float, single_rate: float) -> dict[str, Any]:
    """Share a limit for some seconds.

    Args:
        limit: The limit.
        seconds: How long the jobs would take if nothing were lost.
        delay: Seconds to Redis and back.
        single_rate: How many single calls are made in a second beside the jobs; 0 for jobs alone.
    """
    options = (f"--rate={limit.rate}", f"--burst={limit.burst}")
    with redis() as port, server("limited_server.py", None, *options) as url:
        async with delayed(port, delay) as redis_port:
            jobs = JOBS_BESIDE if single_rate else 1
            starts_at = time.time() + 3
            told: dict[str, Any] = {
                "rate": limit.rate,
                "burst": limit.burst,
                "url": url,
                "redis": f"redis://127.0.0.1:{redis_port}",
                "jobs": jobs,
                "items": round((limit.rate - single_rate) * seconds / PROCESSES / jobs),
                "starts_at": starts_at,
                "ends_at": starts_at + 0.95 * seconds,
            }
            callers = 1 if single_rate else 0
            workers = [
                await asyncio.create_subprocess_exec(
                    *(sys.executable, __file__, "--worker"),
                    json.dumps(told | {"number": number, "single_rate": single_rate * (number >= PROCESSES)}),
                    stdout=subprocess.PIPE,
                )
                for number in range(PROCESSES + callers)
            ]
            ended = [json.loads((await worker.communicate())[0]) for worker in workers]
        counts, arrivals = seen(url, "counts"), [moment for moment, accepted in seen(url, "arrivals") if accepted]
        asked = round_trips(port)
    took = arrivals[-1] - arrivals[0]
    row: dict[str, Any] = {
        "rate": limit.rate,
        "burst": limit.burst,
        "seconds to Redis": delay,
        "calls": counts["accepted"],
        "refused": counts["refused"],
        "of ideal": round((counts["accepted"] - limit.burst) / limit.rate / took, 3),
        "round trips a call": round(asked / counts["accepted"], 3),
        "CPU a call in microseconds": round(1e6 * sum(each["CPU"] for each in ended) / counts["accepted"]),
    }
    waits = sorted(ended[-1]["waits"])
    if waits:
        del row["of ideal"]  # single calls come at random, also after the jobs
        row["single calls"] = len(waits)
        row["milliseconds that a single call waits"] = {
            share: round(1000 * waits[int(len(waits) * share / 100)], 1) for share in (50, 95, 99)
        }
    return row


async def main() -> None:
    """Measure all cases, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="for a moment only: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(await run_worker(json.loads(arguments.worker))))
        return

    circumstances = Circumstances(None)
    rows: list[dict[str, Any]] = []
    for delay, seconds in ((0.0, 15.0), (FAR, 30.0)):
        for limit in LIMITS:
            rows.append(await measure(limit, 1 if arguments.quick else seconds, delay, 0))
            print(json.dumps(rows[-1]), flush=True)
    for limit, single_rate, seconds in zip(LIMITS, (7, 40, 40), (80.0, 30.0, 30.0), strict=True):
        rows.append(await measure(limit, 1 if arguments.quick else seconds, 0, single_rate))
        print(json.dumps(rows[-1]), flush=True)
    content = {"case": "shared limit", **circumstances.at_end(), "processes": PROCESSES, "rows": rows}
    arguments.results.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.pop("PYTHONDEVMODE", None)
    asyncio.run(main())
