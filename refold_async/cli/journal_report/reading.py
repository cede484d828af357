"""How far reading a long journal is, in a line on the terminal."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from refold_async.cli.terminal import is_terminal
from refold_async.journal.entries import JournalEntry

__all__ = ["Follow", "showing_progress"]

Follow: TypeAlias = Callable[[Iterator[JournalEntry], int | None], Iterator[JournalEntry]]
"""Gives entries on as they come, and shows how many they are, of so many as there are, if that is known."""

_BEFORE_THE_FIRST: Final = 1.0  # seconds
_BETWEEN: Final = 0.2
_ENTRIES_BETWEEN: Final = 200  # from one look at the clock to the next
_FROM_THE_LEFT: Final = "\r\x1b[K"


@contextmanager
def showing_progress(clock: Callable[[], float] = time.monotonic) -> Generator[Follow]:
    """Show how far reading a journal is, where it takes longer than a second and stderr is a terminal.

    The line is gone when the block ends, however it ends.
    """
    shown = False

    def follow(entries: Iterator[JournalEntry], total: int | None) -> Iterator[JournalEntry]:
        nonlocal shown
        of = "" if total is None else f" of {total:,}"
        next_look = clock() + _BEFORE_THE_FIRST
        for number, entry in enumerate(entries):
            if number % _ENTRIES_BETWEEN == 0 and (now := clock()) >= next_look:
                next_look = now + _BETWEEN
                shown = True
                _write(f"{_FROM_THE_LEFT}Reading the journal: {number:,}{of} items")
            yield entry

    try:
        yield follow if is_terminal(sys.stderr) else _pass_on
    finally:
        if shown:
            _write(_FROM_THE_LEFT)


def _pass_on(entries: Iterator[JournalEntry], total: int | None) -> Iterator[JournalEntry]:
    return entries


def _write(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody is there to be told
        sys.stderr.write(text)
        sys.stderr.flush()
