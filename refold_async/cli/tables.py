"""Tables on a terminal. The first rows decide how wide the columns are."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from refold_async.cli.process import write_output

__all__ = ["TablePrinter"]

_BETWEEN = "  "
_NARROWEST = 4
_MOST_WRAPPED = 10_000  # characters; for longer texts, the time to wrap at words grows with the square


class TablePrinter:
    """Prints a table a few rows at a time, however many there are.

    Attributes:
        is_empty: Whether no rows have been printed yet.
    """

    def __init__(self, headings: Sequence[str]) -> None:
        self.is_empty = True
        self._headings = headings
        self._widths: list[int] = []

    def print(self, rows: Sequence[Sequence[str]]) -> None:
        """Print the next rows, with the headings above the first ones."""
        if not rows:
            return
        lines: list[str] = []
        if self.is_empty:
            longest = [max(map(_width, cells)) for cells in zip(self._headings, *rows, strict=True)]
            self._widths = _fitted(longest, shutil.get_terminal_size().columns - len(_BETWEEN) * (len(longest) - 1))
            rule = "-" * (sum(self._widths) + len(_BETWEEN) * (len(longest) - 1))
            lines += ["", *self._lines(self._headings), rule]
        lines += [line for row in rows for line in self._lines(row)]
        write_output("\n".join(lines) + "\n")
        self.is_empty = False

    def _lines(self, row: Sequence[str]) -> Iterator[str]:
        """Yield the lines of a row. A text that is too long for its column continues in the next line."""
        cells = [_wrapped(cell, width) for cell, width in zip(row, self._widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = (part + " " * (width - _width(part)) for part, width in zip(parts, self._widths, strict=True))
            yield _BETWEEN.join(padded).rstrip()


def _fitted(longest: Sequence[int], room: int) -> list[int]:
    """Return the widths of columns that share this room. The widest columns shrink, all to the same width.

    The first may take half of the room: it holds what users copy into the next command.
    """
    first = min(longest[0], max(_NARROWEST, room // 2 if longest[1:] else room))
    widths, room = [first] + [0] * (len(longest) - 1), room - first
    narrowest_first = sorted(range(1, len(longest)), key=longest.__getitem__)
    for place, column in enumerate(narrowest_first, 1):
        widths[column] = min(longest[column], max(_NARROWEST, room // (len(longest) - place)))
        room -= widths[column]
    return widths


def _width(text: str) -> int:
    """Return how many columns of the terminal a text needs."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _wrapped(text: str, width: int) -> list[str]:
    if _width(text) <= width:
        return [text]
    if len(text) > _MOST_WRAPPED and text.isascii():
        return [text[begin : begin + width] for begin in range(0, len(text), width)]
    if text.isascii():
        return textwrap.wrap(text, width, break_on_hyphens=False)
    from rich.cells import chop_cells

    return chop_cells(text, width)
