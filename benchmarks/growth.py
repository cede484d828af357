"""What a bulk job costs as it grows: CPU time per item, and the most memory its process holds.

`python benchmarks/growth.py` works on 1,000 to 100,000 items, 50 at the same time, against a server that answers
immediately, and writes to `benchmarks/results/growth.json`. It takes about three minutes. Each job runs in its own
process: this library without and with a journal, and `asyncio.gather` by hand, which keeps a task and a result for
each item.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from api import KEY
from bulk import Settings, by_gather, fan_out_action, post
from circumstances import Circumstances
from measuring import in_child, peak_memory
from servers import take_core

from refold_async import AsyncRefold, Journal

RESULTS: Final = Path(__file__).with_name("results") / "growth.json"
COUNTS: Final = (1_000, 3_000, 10_000, 30_000, 100_000)
ROUNDS: Final = {1_000: 5, 3_000: 5, 10_000: 3, 30_000: 3}
"""Small jobs are repeated; the results are medians."""
WARM_UP: Final = 200
"""How many items run before the measurement: the first calls import parts of the library."""


async def refold(url: str, count: int, directory: str) -> None:
    """Fan out without a journal."""
    async with AsyncRefold(KEY, base_url=url) as client:
        await fan_out_action(client, count)


async def refold_with_journal(url: str, count: int, directory: str) -> None:
    """Fan out with a journal."""
    async with AsyncRefold(KEY, base_url=url) as client:
        await fan_out_action(client, count, Journal(Path(directory, f"{count}.sqlite"), job="benchmark"))


async def gather(url: str, count: int, directory: str) -> None:
    """Gather tasks, and keep all results until the end."""
    results: Any = await by_gather(post)(url, count)
    assert not any(isinstance(result, BaseException) for result in results)


JOBS: Final[Mapping[str, Callable[[str, int, str], Awaitable[None]]]] = {
    "refold_async": refold,
    "refold_async, journal": refold_with_journal,
    "gather": gather,
}


def measure(name: str, url: str, count: int) -> tuple[float, float, float]:
    """Return the CPU time and the time per item in microseconds, and the peak of memory in MB."""

    async def run(directory: str) -> tuple[float, float]:
        await JOBS[name](url, WARM_UP, directory)
        began, cpu_began = time.perf_counter(), time.process_time()
        await JOBS[name](url, count, directory)
        return (time.process_time() - cpu_began) / count * 1e6, (time.perf_counter() - began) / count * 1e6

    with tempfile.TemporaryDirectory() as directory:
        cpu, elapsed = asyncio.run(run(directory))
    return cpu, elapsed, peak_memory()


def main() -> None:
    """Measure every job at every size, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small sizes: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()

    settings = Settings(arguments.quick, take_core())
    circumstances = Circumstances(settings.server_core)
    rows: list[dict[str, Any]] = []
    with settings.canned_server() as url:
        for count in (100, 200) if arguments.quick else COUNTS:
            rounds = 1 if arguments.quick else ROUNDS.get(count, 1)
            taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in JOBS}
            for _ in range(rounds):
                for name, figures in taken.items():
                    figures.append(in_child(measure, name, url, count))
            for name, figures in taken.items():
                cpu, elapsed, memory = map(statistics.median, zip(*figures, strict=True))
                row = {
                    "name": name,
                    "items": count,
                    "rounds": rounds,
                    "CPU µs per item": round(cpu, 1),
                    "µs per item": round(elapsed, 1),
                    "peak MB": round(memory, 1),
                }
                print(row, flush=True)
                rows.append(row)
    content = {"case": "growth", **circumstances.at_end(), "rows": rows}
    arguments.results.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
