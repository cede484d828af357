"""Writes the reference page of measurements, docs/reference/measurements.md, from benchmarks/results."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["CALLS", "PAGE", "page"]

_ROOT: Final = Path(__file__).parent.parent.parent
PAGE: Final = _ROOT / "docs" / "reference" / "measurements.md"
_NONE: Final = "\N{EN DASH}"
_RESULTS: Final = _ROOT / "benchmarks" / "results" / "sdks.json"

CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "httptools over streams": ("httptools", "the small read, with streams of asyncio"),
    "pyreqwest": ("pyreqwest", "the small read"),
    "aiosonic": ("aiosonic", "the small read"),
    "openapi-python-client": ("openapi-python-client", "the small read, by a client generated for it"),
    "stripe on aiohttp": ("stripe", "`v1.customers.retrieve_async()`"),
    "stripe on httpx": ("stripe", "`v1.customers.retrieve_async()`"),
    "openai on aiohttp": ("openai", "`models.retrieve()`, with `DefaultAioHttpClient`"),
    "openai": ("openai", "`models.retrieve()`, on httpx2"),
    "pipedream on aiohttp": ("pipedream", "`apps.retrieve()`, with httpx-aiohttp"),
    "pipedream": ("pipedream", "`apps.retrieve()`, on httpx"),
    "composio-client": ("composio-client", "`toolkits.retrieve()` of `AsyncComposio`"),
    "composio": ("composio", "`toolkits.get()`, which blocks"),
}
"""The package of each peer, and which call it makes."""

_SMALL_READ: Final[Mapping[str, tuple[str, str]]] = {
    "aiohttp, plain": ("aiohttp", "the small read, by hand"),
    "aiohttp, careful": ("aiohttp", "the small read, by hand with a deadline and retries"),
    "refold_async": ("refold-async", "the small read, `account.execute_action()`"),
    "asyncio alone": ("", "the small read, by hand on streams"),
    "httpx": ("httpx", "the small read"),
    "httpx on aiohttp": ("httpx-aiohttp", "the small read"),
    "niquests": ("niquests", "the small read"),
}

_INTRODUCTION: Final = """\
# Measurements

Look up what a call costs with this library, by hand, with other HTTP clients and with the SDKs of other APIs, how costs
grow, and how a job proceeds. [Performance](../guides/performance.md) says what to do about it.

## What a simple call costs

![CPU time of a simple call with refold_async, by hand, and with the SDKs of other APIs](../images/cpu-beside-sdks.svg)

CPU time of a call in microseconds, and the same as a multiple of aiohttp by hand. They are medians: of the rounds, and
of the multiples within a round.
"""

_WHAT_IS_COMPARED: Final = """\
The small read is an action of Refold with one contact as its result. An SDK of another API makes the simplest call of
its own, with a response from its documentation, so its figure includes what it does with that response. All keep their
connections open: their pools have room for all calls, except that of Stripe's SDK on httpx, which keeps 20 and has no
option for more. Nothing else is changed. None of them has orjson; pyreqwest reads and writes JSON in Rust. Telemetry is
off, and the server is on the same machine, so nothing connects to another one.
"""

_OTHER_PICTURES: Final = """\
## How costs grow

![How the costs of items, calls, errors and journals grow with their number](../images/growth-curves.svg)

![CPU time per item and peak memory, from 1,000 to 100,000 items](../images/cost-growth.svg)

## How a job proceeds

The ideal is what the rate limit permits. By hand, the job is `asyncio.gather` with retries by backoff:

![300 items at 20 calls a second: done over time, and refused, by refold_async and by hand](../images/job-timeline.svg)

## Measure it again

From a checkout. Each command measures, writes to `benchmarks/results`, and draws:

```sh
make bench CASE=sdks     # the table on this page; 3 minutes
make bench-growth        # how costs grow; 7 minutes
make bench-jobs          # how a job proceeds; 1 minute
```
"""


def page() -> str:
    """Return the page."""
    results = json.loads(_RESULTS.read_text(encoding="utf-8"))
    single, many = results["tables"]
    parts = [
        _INTRODUCTION,
        *("| | one at a time, µs | times aiohttp | 50 at the same time, µs | times aiohttp |", "|---|--:|--:|--:|--:|"),
        *_costs(single["rows"], {row[""]: row for row in many["rows"]}),
        "",
        *sorted({f"- {note}" for table in (single, many) for note in table["notes"]}),
        f"\n{_WHAT_IS_COMPARED}",
        *("| | the call | version |", "|---|---|---|"),
        *(_described(row[""], results["packages"]) for row in single["rows"]),
        f"\nMeasured on {results['date']}, with Python {results['python']} on {results['cores']} cores of a machine.",
        f"\n{_OTHER_PICTURES}",
    ]
    return "\n".join(parts)


def _costs(single: list[dict[str, Any]], many: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each client, in order of the cost of one call at a time."""
    for row in sorted(single, key=lambda row: float(row["CPU µs per call"])):
        cells = [*_cells(row), *(_cells(many[row[""]]) if row[""] in many else (_NONE, _NONE))]
        yield f"| {row['']} | {' | '.join(cells)} |"


def _cells(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{row['CPU µs per call']:,.0f}", f"{row['CPU / aiohttp, plain']:.2f}"


def _described(name: str, versions: Mapping[str, str]) -> str:
    """Return the line that says which call a client makes, and its version."""
    package, call = _SMALL_READ.get(name) or CALLS[name]
    return f"| {name} | {call} | {f'{package} {versions[package]}' if package else _NONE} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
