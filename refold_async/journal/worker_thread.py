"""A thread in which what blocks is done for an event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

__all__ = ["WorkerThread"]

T = TypeVar("T")


class WorkerThread:
    """A thread that makes calls, one after another."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        # As a daemon it keeps no process alive whose loop ended without closing the journal.
        self._thread = threading.Thread(target=_make_calls, args=(self._calls,), name=name, daemon=True)
        self._thread.start()
        self.call_later = self._calls.put

    def call(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Call a function; return a future of what it returns or raises."""
        future: asyncio.Future[T] = self._loop.create_future()

        def call() -> None:
            try:
                tell = partial(future.set_result, function())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                tell = partial(future.set_exception, error)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(tell)

        self._calls.put(call)
        return future

    def end(self) -> None:
        """End it, after the calls before."""
        self._calls.put(None)
        self._thread.join()


def _make_calls(calls: "SimpleQueue[Callable[[], object] | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # and what it holds, before waiting for the next
