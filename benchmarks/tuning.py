"""What a program can do to make its calls cheaper, and what makes them more expensive.

`python benchmarks/tuning.py` makes small reads in each of these ways, and writes `benchmarks/results/tuning.json`. It
takes about four minutes. Each way runs in a process of its own, in rounds in which all take turns, against a server
that responds immediately. `large` is a program with a million objects of its own. The garbage collector is as Python
sets it; everything is examined once at the end, to measure how long that takes.
"""

import argparse
import asyncio
import gc
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from api import KEY
from arena import Spread
from circumstances import Circumstances
from measuring import Watch, in_child
from servers import server, take_core

RESULTS: Final = Path(__file__).with_name("results") / "tuning.json"
OBJECTS: Final = 1_000_000
CONCURRENCY: Final = 50
WARM_UP: Final = 200


@attrs.frozen
class Way:
    """A way to make the calls."""

    orjson: bool = False
    uvloop: bool = False
    large: bool = False
    freeze: bool = False
    tls: bool = False
    reuse: bool = True
    clients: bool = False
    """Whether each call has a client of its own."""
    at_once: int = CONCURRENCY
    share: float = 1.0
    """The share of a round's calls that it makes; less than 1 for slow ones."""

    @property
    def missing(self) -> list[str]:
        """Those of the packages it needs that are not installed."""
        needed = {"orjson": self.orjson, "uvloop": self.uvloop, "trustme": self.tls}
        return [name for name, needs in needed.items() if needs and importlib.util.find_spec(name) is None]


WAYS: Final[Mapping[str, Way]] = {
    "as it is": Way(),
    "orjson": Way(orjson=True),
    "uvloop": Way(uvloop=True),
    "orjson, uvloop": Way(orjson=True, uvloop=True),
    "gc.freeze": Way(freeze=True),
    "large": Way(large=True),
    "large, gc.freeze": Way(large=True, freeze=True),
    "one at a time": Way(at_once=1, share=0.3),
    "one at a time, connections not reused": Way(at_once=1, share=0.3, reuse=False),
    "one at a time, a client each": Way(at_once=1, share=0.3, clients=True),
    "TLS, one at a time": Way(at_once=1, share=0.1, tls=True),
    "TLS, one at a time, connections not reused": Way(at_once=1, share=0.1, tls=True, reuse=False),
    "TLS, one at a time, a client each": Way(at_once=1, share=0.1, tls=True, clients=True),
}


def measure(way: Way, url: str, count: int) -> dict[str, float]:
    """Make the calls; return what each cost, and how long they and the garbage collector blocked the event loop."""
    if not way.orjson:
        # Before the library is imported, which checks for it once.
        sys.modules["orjson"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
    own = [{"number": number, "text": [number]} for number in range(OBJECTS // 2)] if way.large else []
    run: Callable[[Any], Any] = asyncio.run
    if way.uvloop:
        import uvloop

        run = uvloop.run
    figures: dict[str, float] = run(_make_calls(way, url, count))
    assert len(own) in (0, OBJECTS // 2)
    return figures


async def _make_calls(way: Way, url: str, count: int) -> dict[str, float]:
    from refold_async import AsyncRefold

    def client() -> AsyncRefold:
        return AsyncRefold(KEY, base_url=url, reuse_connections=way.reuse)

    async def call(refold: AsyncRefold) -> None:
        await refold.account("user_12345").execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)

    async with client() as refold:

        async def make(calls: int) -> None:
            numbers = iter(range(calls))

            async def worker() -> None:
                for _ in numbers:
                    if way.clients:
                        async with client() as own:
                            await call(own)
                    else:
                        await call(refold)

            await asyncio.gather(*(worker() for _ in range(way.at_once)))

        await make(min(WARM_UP, count))
        if way.freeze:
            gc.collect()
            gc.freeze()
        collections = _full_collections()
        began, cpu_began = time.perf_counter(), time.process_time()
        with Watch() as watch:
            await make(count)
        cpu, elapsed = time.process_time() - cpu_began, time.perf_counter() - began
        collections = _full_collections() - collections
        began = time.process_time()
        gc.collect()
    return {
        "cpu": cpu / count * 1e6,
        "elapsed": elapsed / count * 1e6,
        "blocked": watch.longest_cpu * 1e3,
        "collections": collections,
        "collection": (time.process_time() - began) * 1e3,
    }


def _full_collections() -> int:
    """Return how often the garbage collector has examined everything."""
    collections: int = gc.get_stats()[2]["collections"]
    return collections


def main() -> None:
    """Measure every way, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few calls: figures mean nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()

    ways = {name: way for name, way in WAYS.items() if not way.missing}
    rounds, count = (1, 100) if arguments.quick else (7, 10_000)
    core = take_core()
    circumstances = Circumstances(core)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with (
        tempfile.TemporaryDirectory() as directory,
        server("canned_server.py", core) as url,
        server("canned_server.py", core, *_tls(directory)) as tls_url,
    ):
        for number in range(rounds):
            for name in list(ways) if number % 2 == 0 else reversed(ways):
                way = ways[name]
                server_url = tls_url.replace("http://", "https://") if way.tls else url
                taken[name].append(in_child(measure, way, server_url, max(1, round(count * way.share))))
    rows: list[dict[str, Any]] = []
    for name, figures in taken.items():
        cpu = Spread.of([figure["cpu"] for figure in figures])
        rows.append(
            {
                "name": name,
                "CPU µs per call": round(cpu.median, 1),
                "quartiles": cpu.quartiles,
                "µs per call": round(statistics.median(figure["elapsed"] for figure in figures), 1),
                "loop blocked for ms": round(statistics.median(figure["blocked"] for figure in figures), 1),
                "full collections": round(statistics.median(figure["collections"] for figure in figures)),
                "CPU ms of a full collection": round(statistics.median(figure["collection"] for figure in figures), 1),
            }
        )
        print(rows[-1], flush=True)
    content = {"case": "tuning", **circumstances.at_end(), "rounds": rounds, "calls": count, "rows": rows}
    arguments.results.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _tls(directory: str) -> list[str]:
    """Make a certificate for the server, which all processes trust from then on; return the server's options."""
    if importlib.util.find_spec("trustme") is None:
        return []
    import trustme

    authority = trustme.CA()
    certificate = Path(directory, "server.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    os.environ["SSL_CERT_FILE"] = str(Path(directory, "authority.pem"))
    authority.cert_pem.write_to_path(os.environ["SSL_CERT_FILE"])
    return [f"--tls={certificate}"]


if __name__ == "__main__":
    main()
