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
    """A thread that makes calls, one after another.

    Raises:
        RuntimeError: There are too many threads.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        # As a daemon it keeps no process alive whose loop ended without ending it.
        self._thread = threading.Thread(target=_make_calls, args=(self._calls,), name=name, daemon=True)
        self._thread.start()
        self.call_later = self._calls.put

    def call(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Call a function; return a future of what it returns or raises. To cancel that does not stop the call."""
        future: asyncio.Future[T] = self._loop.create_future()

        def tell(what: Callable[[], object]) -> None:
            if not future.done():  # else nobody waits for it any more
                what()

        def call() -> None:
            try:
                told = partial(tell, partial(future.set_result, function()))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                told = partial(tell, partial(future.set_exception, error))
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(told)

        self._calls.put(call)
        return future

    def end(self, *, wait: bool = True) -> None:
        """End it, after the calls before; with `wait` return once it has ended."""
        self._calls.put(None)
        if wait:
            self._thread.join()


def _make_calls(calls: "SimpleQueue[Callable[[], object] | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # and what it holds, before waiting for the next
