"""Writes the reference page of measurements, docs/reference/measurements.md, from what the benchmarks wrote."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pictures.results import read_results

__all__ = ["CALLS", "PAGE", "page"]

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "measurements.md"

CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "httptools over streams": ("httptools", "the small read, with streams of asyncio"),
    "pyreqwest": ("pyreqwest", "the small read"),
    "aiosonic": ("aiosonic", "the small read"),
    "openapi-python-client": ("openapi-python-client", "the small read, by a client generated for it"),
    "stripe on aiohttp": ("stripe", "`v1.customers.retrieve_async()`"),
    "stripe on httpx": ("stripe", "`v1.customers.retrieve_async()`"),
    "openai on aiohttp": ("openai", "`models.retrieve()`, with `DefaultAioHttpClient`"),
    "openai": ("openai", "`models.retrieve()`, on httpx2"),
    "pipedream on aiohttp": ("pipedream", "`apps.retrieve()`, with httpx-aiohttp installed"),
    "pipedream": ("pipedream", "`apps.retrieve()`, on httpx"),
    "composio-client": ("composio-client", "`toolkits.retrieve()` of `AsyncComposio`"),
    "composio": ("composio", "`toolkits.get()`, which blocks"),
}
"""The package of each peer, and which call it makes."""

_OURS: Final[Mapping[str, tuple[str, str]]] = {
    "aiohttp, plain": ("aiohttp", "the small read, by hand"),
    "aiohttp, careful": ("aiohttp", "the small read, by hand with a deadline and retries"),
    "refold_async": ("refold-async", "the small read, `account.execute_action()`"),
    "asyncio alone": ("", "the small read, by hand on streams"),
}
_NONE: Final = "\N{EN DASH}"
_HEAD: Final = (
    "| | one at a time, µs | times aiohttp | 50 at the same time, µs | times aiohttp |",
    "|---|--:|--:|--:|--:|",
)

_INTRODUCTION: Final = """\
# Measurements

Look up what a call costs with this library, by hand, with other HTTP clients and with the SDKs of other APIs, how costs
grow, and how a job proceeds. [Performance](../guides/performance.md) says what to do about it.

## The SDKs of other APIs

![CPU time of a simple call with refold_async, by hand, and with the SDKs of other APIs](../images/cpu-beside-sdks.svg)

CPU time of a call in microseconds, and as a multiple of *aiohttp, plain*. Both are medians: of the rounds, and of the
multiples within a round. Three HTTP clients took part, too.
"""

_WHAT_IS_COMPARED: Final = """\
The small read is an action of Refold with one contact as its result. An SDK of another API makes the simplest call of
its own, and gets a small response as in its documentation. Each uses its own defaults, except that aiosonic may have
100 connections, and keep them for any number of calls. On httpx that means that 20 connections are kept, and that
others are opened again and again if 50 calls are made at the same time. None has orjson; pyreqwest reads and writes
JSON in Rust. Telemetry is off, and the server is on the same machine, so nothing connects to another one.
"""

_SMALL_READ: Final = """\
## The same call with HTTP clients

Every client makes the small read, with room for 100 connections. *Lean* is aiohttp with as little as its interface
allows, and *careful* has a deadline, retries and a typed result:

![CPU time of a small read by refold_async, aiohttp by hand, httpx and niquests](../images/cpu-beside-peers.svg)
"""

_OTHERS: Final = """\
## How costs grow

![How the costs of items, calls, errors and journals grow with their number](../images/growth-curves.svg)

![CPU time per item and peak memory, from 1,000 to 100,000 items](../images/cost-growth.svg)

## How a job proceeds

The ideal is what the rate limit permits. By hand, the job is `asyncio.gather` with retries by backoff:

![300 items at 20 calls a second: done over time, and refused, by refold_async and by hand](../images/job-timeline.svg)

## Measure it again

From a checkout. Each command measures, writes to `benchmarks/results`, and draws:

```sh
make bench CASE=sdks     # the SDKs of other APIs; 3 minutes
make bench CASE=read     # the same call with HTTP clients; 2 minutes
make bench-growth        # how costs grow; 7 minutes
make bench-jobs          # how a job proceeds; 1 minute
```
"""


def page() -> str:
    """Return the page."""
    sdks, read = read_results("sdks"), read_results("read")
    clients = ("aiohttp", "refold-async", "orjson", "uvloop", "httpx", "httpx-aiohttp", "niquests")
    versions = ", ".join(f"{name} {read['packages'][name]}" for name in clients if name in read["packages"])
    parts = [
        *(_INTRODUCTION, *_costs(sdks), "", *_left_out(sdks), f"\n{_WHAT_IS_COMPARED}"),
        *("| | the call | version |", "|---|---|---|"),
        *(_described(row[""], sdks["packages"]) for row in sdks["tables"][0]["rows"]),
        f"\n{_circumstances(sdks)}\n",
        *(_SMALL_READ, *_costs(read), "", *_left_out(read)),
        f"{_circumstances(read)} The versions: {versions}.\n",
        _OTHERS,
    ]
    return "\n".join(parts)


def _costs(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table, in order of the cost of one call at a time."""
    single, many = results["tables"]
    at_the_same_time = {row[""]: _cells(row) for row in many["rows"]}
    yield from _HEAD
    for row in sorted(single["rows"], key=lambda row: float(row["CPU / aiohttp, plain"])):
        cells = *_cells(row), *at_the_same_time.get(row[""], (_NONE, _NONE))
        yield f"| {row['']} | {' | '.join(cells)} |"


def _cells(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{row['CPU µs per call']:,.0f}", f"{row['CPU / aiohttp, plain']:.2f}"


def _left_out(results: Mapping[str, Any]) -> list[str]:
    """Return why contestants are missing."""
    what = ("One at a time", "50 at the same time")
    return [f"- {when}: {note}" for when, table in zip(what, results["tables"], strict=True) for note in table["notes"]]


def _described(name: str, versions: Mapping[str, str]) -> str:
    """Return the line that says which call a client makes, and its version."""
    package, call = _OURS.get(name) or CALLS[name]
    return f"| {name} | {call} | {f'{package} {versions[package]}' if package else _NONE} |"


def _circumstances(results: Mapping[str, Any]) -> str:
    return f"Measured on {results['date']}, with Python {results['python']} on {results['cores']} cores."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
