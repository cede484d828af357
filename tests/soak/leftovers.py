"""What a round must not leave: tasks, open files, complaints, and secrets in its log."""

import asyncio
import gc
import logging
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .ledger import SECRET, Ledger

__all__ = ["complaints", "listening", "look_for_leftovers", "open_files", "where_tasks_wait"]


def open_files() -> set[str]:
    """Return what this process has open, where the system tells."""
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):  # the one for this very list
            found.add(str(descriptor.readlink()))
    return found


def where_tasks_wait() -> str:
    """Return, for every task but this one, through which coroutines it waits, and for what."""
    return "; ".join(sorted(_where(task) for task in asyncio.all_tasks() - {asyncio.current_task()}))


def _where(task: asyncio.Task[Any]) -> str:
    steps: list[str] = []
    waiting: Any = task.get_coro()
    while (frame := getattr(waiting, "cr_frame", None)) is not None:
        steps.append(f"{waiting.__qualname__}:{frame.f_lineno}")
        waiting = waiting.cr_await
    return " > ".join([*steps, type(waiting).__name__])


async def look_for_leftovers(ledger: Ledger, before: set[str]) -> None:
    """Look for what is there, and was not before."""
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0.01)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        ledger.violate("left a task", task.get_name(), repr(task))
    for left in open_files() - before:
        if left.startswith(("socket:", "/tmp")):
            ledger.violate("left a file open", "", left)


class _Listener(logging.Handler):
    """Looks for secrets in what is logged."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(logging.DEBUG)
        self._ledger = ledger

    def emit(self, record: logging.LogRecord) -> None:
        """Look for what must not be in it."""
        if SECRET in self.format(record):
            self._ledger.violate("logged a secret", "", record.getMessage())


@contextmanager
def listening(ledger: Ledger) -> Generator[None]:
    """Read all that the library logs, at every level, and show none of it."""
    logger, listener = logging.getLogger("refold_async"), _Listener(ledger)
    before = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def complaints(ledger: Ledger) -> Generator[None]:
    """Take what Python and asyncio complain of as violations: what was never closed, what nobody looked at."""
    loop = asyncio.get_running_loop()

    def of_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        ledger.violate(f"asyncio complained: {context['message']}", type(error).__name__, f"{error!r} {context}")

    def unraisable(args: Any) -> None:
        ledger.violate("an error nobody could catch", args.exc_type.__name__, repr(args))

    before = loop.get_exception_handler()
    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    loop.set_exception_handler(of_loop)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            ledger.violate("warned", warning.category.__name__, str(warning.message))
    finally:
        loop.set_exception_handler(before)
        sys.unraisablehook = hook
