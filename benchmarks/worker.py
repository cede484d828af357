"""A process in which contestants run, with a command for every round.

`python benchmarks/worker.py URL` reads commands, each a line of JSON such as `{"do": "run", "name": "httpx", "task":
"read", "count": 100}`, and writes a line of results for each. It ends when its standard input does.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Final

if "--without-orjson" in sys.argv:
    # Before the import of anything that checks for orjson once.
    sys.modules["orjson"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]

from api import ACTIONS_BODY
from contestants import CONTESTANTS, Client
from measuring import peak_memory
from servers import allow_many_connections

ACCOUNT: Final = "user_12345"
PARAMETERS: Final = {"limit": "1"}
LARGE_PARAMETERS: Final = {
    "contacts": [
        {"email": f"contact.{number}@example.com", "firstname": "Brian", "lastname": "Halligan", "score": number}
        for number in range(1070)
    ]
}
"""100 KB."""

TASKS: Final[Mapping[str, Callable[[Client], Awaitable[object]]]] = {
    "read": lambda client: client.execute(ACCOUNT, "get_contact", PARAMETERS, idempotent=True),
    "write": lambda client: client.execute(ACCOUNT, "import_contacts", LARGE_PARAMETERS),
    "large": lambda client: client.execute(ACCOUNT, "export_contacts", PARAMETERS, idempotent=True),
    "retried": lambda client: client.execute(ACCOUNT, "unavailable", PARAMETERS, idempotent=True),
    "held": lambda client: client.execute(ACCOUNT, "held", PARAMETERS, idempotent=True),
    "actions": lambda client: client.list_actions(ACCOUNT),
}


def by_refold(name: str) -> Callable[[], object]:
    """Return a function of that module, which is imported only when it is called: others must not pay for it."""
    function: Callable[[], object] = getattr(importlib.import_module("by_refold"), name)
    return function


REPEATED: Final[Mapping[str, Callable[[], Callable[[], object]]]] = {
    "read_actions": lambda: by_refold("read_actions"),
    "make_actions": lambda: by_refold("make_actions"),
    "json.loads": lambda: lambda: json.loads(ACTIONS_BODY),
}

Figures = dict[str, float]


@contextlib.contextmanager
def measured(count: int) -> Generator[Figures]:
    """Yield a dict that is filled at the end of the block: microseconds for each of `count` calls."""
    # The garbage of earlier rounds must not be collected, or examined, during this one.
    gc.collect()
    gc.freeze()
    figures: Figures = {}
    began, cpu_began = time.perf_counter(), time.process_time()
    yield figures
    figures["elapsed"] = (time.perf_counter() - began) / count * 1e6
    figures["cpu"] = (time.process_time() - cpu_began) / count * 1e6


class Worker:
    """The clients of a process, opened as they are first needed.

    Args:
        url: The server.
        connections: How many connections each client may have.
        stack: Closes the clients.
    """

    def __init__(self, url: str, connections: int, stack: contextlib.AsyncExitStack) -> None:
        self._url = url
        self._connections = connections
        self._stack = stack
        self._clients: dict[str, Client] = {}

    async def _client(self, name: str) -> Client:
        if name not in self._clients:
            opened = CONTESTANTS[name].open(self._url, self._connections)
            self._clients[name] = await self._stack.enter_async_context(opened)
        return self._clients[name]

    async def run(self, name: str, task: str, count: int, at_once: int = 1) -> Figures:
        """Make this many calls, with `at_once` of them in flight."""
        client, call = await self._client(name), TASKS[task]
        numbers = iter(range(count))

        async def make_calls() -> None:
            for _ in numbers:
                await call(client)

        with measured(count) as figures:
            if at_once == 1:
                await make_calls()
            else:
                async with asyncio.TaskGroup() as group:
                    for _ in range(at_once):
                        group.create_task(make_calls())
        return {**figures, "peak": peak_memory()}

    async def fan_out(self, name: str, count: int) -> Figures:
        """Make a call for each of this many accounts, 50 at the same time."""
        client = await self._client(name)
        with measured(count) as figures:
            await client.fan_out((f"user_{number}" for number in range(count)), PARAMETERS)
        return figures

    async def arrive(self, name: str, rate: float, count: int, seed: int) -> Figures:
        """Make calls at random moments, on average `rate` a second, and time each from the moment it should begin."""
        client, call = await self._client(name), TASKS["read"]
        moments = random.Random(seed)
        latencies: list[float] = []

        async def make_call(due: float) -> None:
            await call(client)
            latencies.append((time.perf_counter() - due) * 1e6)

        with measured(count) as figures:
            due = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    due += moments.expovariate(rate)
                    # A timer of the loop could fire a millisecond late, which is longer than a call takes.
                    while time.perf_counter() < due:  # noqa: ASYNC110
                        await asyncio.sleep(0)
                    group.create_task(make_call(due))
        percentiles = statistics.quantiles(latencies, n=100)
        return {**figures, "p50": percentiles[49], "p99": percentiles[98]}

    async def repeat(self, what: str, count: int) -> Figures:
        """Do something without a transport this many times."""
        do = REPEATED[what]()
        with measured(count) as figures:
            for _ in range(count):
                do()
        return figures

    async def make_accounts(self, count: int) -> Figures:
        """Make scopes of linked accounts, and measure their size."""
        from by_refold import make_account

        ids = [f"user_{number}" for number in range(count)]
        async with make_account() as make:
            with measured(count) as figures:
                for linked_account_id in ids:
                    make(linked_account_id)
            kept: list[object] = [None] * count
            tracemalloc.start()
            began, _ = tracemalloc.get_traced_memory()
            for number, linked_account_id in enumerate(ids):
                kept[number] = make(linked_account_id)
            ended, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return {**figures, "bytes": (ended - began) / count}


def main() -> None:
    """Run the commands, one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--without-orjson", action="store_true", help="use the standard library's json")
    parser.add_argument("--uvloop", action="store_true")
    arguments = parser.parse_args()

    allow_many_connections()
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if arguments.uvloop:
        import uvloop

        loop_factory = uvloop.new_event_loop
    stack = contextlib.AsyncExitStack()
    worker = Worker(arguments.url, arguments.connections, stack)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(runner.run(getattr(worker, order.pop("do"))(**order))), flush=True)
        runner.run(stack.aclose())


if __name__ == "__main__":
    main()
