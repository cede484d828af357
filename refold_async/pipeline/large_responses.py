"""Large responses are parsed beside the event loop, in a thread: meanwhile other calls go on, and deadlines hold."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Generator
from contextvars import copy_context
from typing import Any, Final, TypeVar

__all__ = ["LARGE", "LargeResponses", "collector_spared"]

T = TypeVar("T")

LARGE: Final = 256 * 1024
"""From how many bytes on a response is large. A smaller one takes a few milliseconds, at once and on the loop."""
_SPARED: Final = 2 * 1024 * 1024
"""From how many bytes on the garbage collector is spared what is made of a response."""
_AT_ONCE: Final = 4
"""How many are parsed at once. Threads take turns of 5 milliseconds, and the loop must not wait for many of them."""


class LargeResponses:
    """Parses large responses, each in a thread that ends with it."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)  # bound to a loop once somebody waits

    async def parse(self, size: int, function: Callable[..., T], *arguments: Any) -> T:
        """Return what `function` makes of a response of `size` bytes, or raise what it raises.

        Whoever is cancelled meanwhile does not wait for it: what it returns is dropped, and its thread ends with it,
        or with the program.
        """
        async with self._turns:
            loop = asyncio.get_running_loop()
            ended: asyncio.Future[T] = loop.create_future()
            thread = threading.Thread(
                target=copy_context().run,
                args=(_run, loop, ended, size, function, arguments),
                name="refold_async large response",
                daemon=True,
            )
            try:
                thread.start()
            except RuntimeError:  # there are too many threads
                return function(*arguments)
            return await ended


def _run(
    loop: asyncio.AbstractEventLoop,
    ended: "asyncio.Future[T]",
    size: int,
    function: Callable[..., T],
    arguments: tuple[Any, ...],
) -> None:
    try:
        with collector_spared() if size >= _SPARED else contextlib.nullcontext():
            value = function(*arguments)
    except BaseException as error:  # noqa: BLE001 - it is told to whoever waits
        _tell(loop, ended, ended.set_exception, error)
    else:
        _tell(loop, ended, ended.set_result, value)


def _tell(
    loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[T]", tell: Callable[[Any], object], what: Any
) -> None:
    def told() -> None:
        if not ended.done():
            tell(what)
            ended.exception()  # whoever waited may be cancelled by now

    with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits
        loop.call_soon_threadsafe(told)


class _Sparing:
    """How many spare the collector, and whether it ran before."""

    lock: Final = threading.Lock()
    count = 0
    was_running = False


@contextlib.contextmanager
def collector_spared() -> Generator[None]:
    """Keep the garbage collector from looking at what is made meanwhile.

    It would look at all of it again and again while it grows, and let no thread run while it does: a second for the
    largest responses. What is made of JSON has no cycles, so there is nothing to find. Afterwards the collector finds
    it among what is old, without having looked at it.

    Where the program has the collector switched off, or has frozen objects of its own, nothing is changed.
    """
    with _Sparing.lock:
        if _Sparing.count == 0:
            _Sparing.was_running = gc.isenabled() and gc.get_freeze_count() == 0
            if _Sparing.was_running:
                gc.disable()
        _Sparing.count += 1
    try:
        yield
    finally:
        with _Sparing.lock:
            _Sparing.count -= 1
            if _Sparing.count == 0 and _Sparing.was_running:
                if gc.get_freeze_count() == 0:
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()
