"""Tables on a terminal, of which the first rows decide how wide the columns are."""

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["TablePrinter"]

_BETWEEN = 3
"""How many characters rich puts between two columns."""


class TablePrinter:
    """Prints a table a few rows at a time.

    Attributes:
        is_empty: Whether it has no rows so far, and nothing was printed.
    """

    def __init__(self, headings: Sequence[str]) -> None:
        self.is_empty = True
        self._headings = headings
        self._widths: list[int] = []
        self._console = Console(markup=False, highlight=False, emoji=False)

    def print(self, rows: Sequence[Sequence[str]]) -> None:
        """Print the next rows; above the first ones, the headings."""
        if not rows:
            return
        if self.is_empty:
            self._console.print()
            lengths = [max(map(cell_len, cells)) for cells in zip(self._headings, *rows, strict=True)]
            self._widths = _fitted(lengths, self._console.width - _BETWEEN * (len(lengths) - 1))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=self.is_empty, show_edge=False)
        for heading, width in zip(self._headings, self._widths, strict=True):
            table.add_column(heading, width=width, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(table)
        self.is_empty = False


def _fitted(lengths: Sequence[int], room: int) -> list[int]:
    """Return how wide columns are that together have so much room: the widest give way, all alike."""
    widths = [0] * len(lengths)
    narrowest_first = sorted(range(len(lengths)), key=lengths.__getitem__)
    for place, column in enumerate(narrowest_first):
        share = room // (len(lengths) - place)
        widths[column] = max(1, min(lengths[column], share))
        room -= widths[column]
    return widths
