"""Large responses are parsed in a thread, so that the event loop stays free for other calls and for deadlines."""

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
"""The size in bytes from which a response is large. A smaller one is parsed on the event loop, in a few
milliseconds."""
_SPARED: Final = 2 * 1024 * 1024
"""The size in bytes from which the garbage collector is paused while a response is parsed."""
_AT_ONCE: Final = 4
"""How many are parsed at the same time. Threads take turns of 5 milliseconds, and the event loop must not wait for
many."""


class LargeResponses:
    """Parses large responses, each in a thread of its own."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)  # bound to a loop once somebody waits

    async def parse(self, size: int, function: Callable[..., T], *arguments: Any) -> T:
        """Return what `function` makes of a response of `size` bytes, or raise what it raises.

        If the caller is cancelled, it does not wait: the result is dropped. The thread ends when `function` returns, or
        when the program ends.
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
    except BaseException as error:  # noqa: BLE001 - the waiting task raises it
        _tell(loop, ended, ended.set_exception, error)
    else:
        _tell(loop, ended, ended.set_result, value)


def _tell(
    loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[T]", tell: Callable[[Any], object], what: Any
) -> None:
    def told() -> None:
        if not ended.done():
            tell(what)
            ended.exception()  # mark it as seen: the waiting task may have been cancelled

    with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
        loop.call_soon_threadsafe(told)


class _Sparing:
    """How many threads have paused the collector, and whether it was running before."""

    lock: Final = threading.Lock()
    count = 0
    was_running = False


@contextlib.contextmanager
def collector_spared() -> Generator[None]:
    """Pause the garbage collector, so that it does not scan the objects that are created in the meantime.

    It would scan all of them repeatedly as they grow in number, and no other thread would run during a scan: a second
    for the largest responses. Objects made from JSON contain no cycles, so the scans would find nothing. Afterwards the
    objects are in the collector's oldest generation, without having been scanned.

    Nothing changes if the program has disabled the collector or has frozen objects itself.
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
