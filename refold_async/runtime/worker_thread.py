"""A thread that makes blocking calls for an event loop."""

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
        # A daemon thread does not keep the process alive if the loop ended without ending the thread.
        self._thread = threading.Thread(target=_make_calls, args=(self._calls,), name=name, daemon=True)
        self._thread.start()
        self.call_later = self._calls.put

    def call(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Call a function in the thread; return a future of its result. Cancelling that does not stop the call."""
        future: asyncio.Future[T] = self._loop.create_future()

        def tell(what: Callable[[], object]) -> None:
            if not future.done():  # otherwise nobody waits for it any more
                what()

        def call() -> None:
            try:
                told = partial(tell, partial(future.set_result, function()))
            except BaseException as error:  # noqa: BLE001 - the code that awaits the future raises it
                told = partial(tell, partial(future.set_exception, error))
            with suppress(RuntimeError):  # the loop was closed in the meantime
                self._loop.call_soon_threadsafe(told)

        self._calls.put(call)
        return future

    def end(self, *, wait: bool = True) -> None:
        """End the thread after the calls already made; with `wait`, return once it has ended."""
        self._calls.put(None)
        if wait:
            self._thread.join()


def _make_calls(calls: "SimpleQueue[Callable[[], object] | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # release it, and what it refers to, before waiting for the next
