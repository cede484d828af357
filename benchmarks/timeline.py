"""How a bulk job proceeds against a server with a limit, second by second: this library, and the same job by hand.

`python benchmarks/timeline.py` works on 300 items at 20 calls a second with bursts of 5, and writes to
`benchmarks/results/timeline.json` how many requests the server accepted and refused in each second. It takes about a
minute. The library knows the limit. By hand, a refused call is retried with backoff, as in `bulk.py`.
"""

import argparse
import asyncio
import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bulk import REFOLD_LIMIT, Job, Settings, by_gather, by_refold, counts, post_with_backoff
from circumstances import Circumstances
from servers import take_core

RESULTS: Final = Path(__file__).with_name("results") / "timeline.json"
JITTER: Final = 0.02
JOBS: Final[Mapping[str, Job]] = {
    "refold_async": by_refold(REFOLD_LIMIT),
    "gather with backoff": by_gather(post_with_backoff),
}


def per_second(moments: list[float], seconds: int) -> list[int]:
    """Return how many moments there are in each second."""
    counted = Counter(int(moment) for moment in moments)
    return [counted[second] for second in range(seconds)]


def arrivals(url: str) -> tuple[list[float], list[float]]:
    """Return when the server accepted a request, and when it refused one, in seconds from the first."""
    with urllib.request.urlopen(f"{url}/arrivals") as response:
        seen: list[tuple[float, bool]] = json.load(response)
    accepted, refused = ([moment for moment, admitted in seen if admitted == kind] for kind in (True, False))
    return accepted, refused


def run(settings: Settings, name: str, count: int) -> dict[str, Any]:
    """Run a job, and return what the server saw."""
    with settings.limited_server(REFOLD_LIMIT, f"--jitter={JITTER}") as url:
        began = time.perf_counter()
        asyncio.run(run_job(JOBS[name], url, count))
        elapsed = time.perf_counter() - began
        seen = counts(url)
        accepted, refused = arrivals(url)
    seconds = int(max(accepted + refused)) + 1
    return {
        "name": name,
        "seconds": round(elapsed, 2),
        "accepted": seen["accepted"],
        "refused": seen["refused"],
        "not done": count - seen["once"] - seen["again"],
        "accepted in each second": per_second(accepted, seconds),
        "refused in each second": per_second(refused, seconds),
    }


async def run_job(job: Job, url: str, count: int) -> None:
    """Run a job to its end."""
    await job(url, count)


def main() -> None:
    """Run the job in each way, and write what the server saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer items: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()

    random.seed(1)
    settings = Settings(arguments.quick, take_core())
    count = settings.count(300, 20)
    circumstances = Circumstances(settings.server_core)
    runs = [run(settings, name, count) for name in JOBS]
    for row in runs:
        print(f"{row['name']}: {row['seconds']} s, {row['refused']} refused, {row['not done']} not done")
    content = {
        "case": "timeline",
        **circumstances.at_end(),
        "items": count,
        "rate": REFOLD_LIMIT.rate,
        "burst": REFOLD_LIMIT.burst,
        "runs": runs,
    }
    arguments.results.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
