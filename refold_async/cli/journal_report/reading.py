"""The progress of reading a long journal, in a line on the terminal."""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from refold_async.cli.terminal import is_terminal
from refold_async.journal.entries import JournalEntry

__all__ = ["Follow", "showing_progress"]

Follow: TypeAlias = Callable[[Iterator[JournalEntry], int | None], Iterator[JournalEntry]]
"""Passes entries on, and shows how many of the total, if that is known, were read."""

_BEFORE_THE_FIRST: Final = 1.0  # seconds
_BETWEEN: Final = 0.2
_ENTRIES_BETWEEN: Final = 200  # from one check of the clock to the next
_FROM_THE_LEFT: Final = "\r\x1b[K"


@contextmanager
def showing_progress(clock: Callable[[], float] = time.monotonic) -> Generator[Follow]:
    """Show the progress of reading a journal, if it takes longer than a second and stderr is a terminal.

    The line disappears when the block ends.
    """
    shown = False

    def follow(entries: Iterator[JournalEntry], total: int | None) -> Iterator[JournalEntry]:
        nonlocal shown
        of = "" if total is None else f" of {total:,}"
        next_check = clock() + _BEFORE_THE_FIRST
        for number, entry in enumerate(entries):
            if number % _ENTRIES_BETWEEN == 0 and (now := clock()) >= next_check:
                next_check = now + _BETWEEN
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
    with suppress(OSError, ValueError):  # stderr is closed
        sys.stderr.write(text)
        sys.stderr.flush()
