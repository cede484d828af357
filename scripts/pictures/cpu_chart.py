"""A chart of the CPU time of clients, as multiples of plain aiohttp."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from pictures.picture import Colour, Picture

__all__ = ["CpuChart", "multiple"]

Row = Mapping[str, Any]

_AXIS: Final = {0.25: "¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "8", 16: "16", 32: "32"}
_PLAIN: Final = "aiohttp, plain"
_LEFT: Final = 272
_RIGHT: Final = 550
_SINGLE: Final = 614
_MANY: Final = 738
_ROW: Final = 38
_TOP: Final = 140


def multiple(row: Row) -> float:
    """Return the median CPU time of a call as a multiple of plain aiohttp."""
    return float(row[f"CPU / {_PLAIN}"])


@attrs.frozen
class CpuChart:
    """A chart with a line for each client: one call at a time, and 50 at the same time.

    Args:
        what: What costs the CPU time, such as "a small read".
        names: The clients by their names in the results, from the top, with their names in the chart.
        notes: The lines of text below.
        ends: The multiples at the left and at the right end of the axis.
    """

    what: str
    names: Mapping[str, str]
    notes: Sequence[str]
    ends: tuple[float, float]

    def draw(self, single: Mapping[str, Row], many: Mapping[str, Row]) -> str:
        """Draw the rows of two tables, by client. A client that is not in the second makes one call at a time only."""
        told: list[str] = []
        for key, name in self.names.items():
            fifty = f"{multiple(many[key]):.2f}" if key in many else "not possible"
            told.append(f"{name} {multiple(single[key]):.2f} and {fifty}")
        bottom = _TOP + _ROW * len(self.names)
        picture = Picture(
            f"CPU time of {self.what}, compared with plain aiohttp",
            f"Median CPU time of a call as a multiple of aiohttp by hand; less is better. First one call at a time, "
            f"then 50 at the same time: {'; '.join(told)}. {' '.join(self.notes)}",
            bottom + 54 + 26 * len(self.notes),
        )
        picture.text(24, 34, f"CPU time of {self.what}, aiohttp = 1", size=22, bold=True)
        picture.text(
            24, 63, "Less is better. One call at a time (1), and 50 at the same time.", size=18, colour="muted"
        )
        picture.text(_SINGLE, 116, "1 call", size=18, anchor="end")
        picture.dot(_SINGLE - 72, 110, 6, fill="page", stroke="ink")
        picture.text(_MANY, 116, "50 calls", size=18, anchor="end")
        picture.dot(_MANY - 94, 110, 6, fill="ink", stroke="ink")
        for number, label in _AXIS.items():
            if self.ends[0] < number < self.ends[1]:
                x, one = self._x(number), number == 1
                thickness = 2 if one else 1
                picture.line((x, _TOP - 6), (x, bottom), colour="rule" if one else "grid", thickness=thickness)
                picture.text(x, bottom + 24, label, size=18, colour="muted", anchor="middle")
        picture.text(_LEFT - 16, bottom + 24, "times aiohttp", size=18, colour="muted", anchor="end")
        for number, note in enumerate(self.notes):
            picture.text(24, bottom + 62 + 26 * number, note, size=18, colour="muted")
        for number, key in enumerate(self.names):
            self._client(picture, key, _TOP + _ROW * number + _ROW / 2, single[key], many.get(key))
        return picture.markup()

    def _client(self, picture: Picture, key: str, y: float, single: Row, many: Row | None) -> None:
        """Draw the line of a client."""
        ours = key.startswith("refold_async")
        colour: Colour = "ours" if ours else "muted"
        ink: Colour = "ours" if ours else "ink"
        picture.text(_LEFT - 16, y + 6, self.names[key], size=18, bold=ours, anchor="end", colour=ink)
        for row, place in ((single, y - 6), (many, y + 6)):
            if row is not None:
                lower, upper = map(float, row["quartiles of it"].replace(",", "").split(" to "))
                picture.line((self._x(lower), place), (self._x(upper), place), colour=colour, thickness=2.5)
        picture.dot(self._x(multiple(single)), y - 6, 5.5, fill="page", stroke=colour)
        if many is not None:
            picture.dot(self._x(multiple(many)), y + 6, 6, fill=colour)
        for right, row in ((_SINGLE, single), (_MANY, many)):
            text = "\N{EN DASH}" if row is None else f"{multiple(row):.2f}"
            picture.text(right, y + 6, text, size=18, bold=ours, anchor="end", colour=ink)

    def _x(self, number: float) -> float:
        """Return where a multiple is on the axis, which is logarithmic."""
        smallest, largest = self.ends
        shown = min(max(number, smallest), largest)
        return _LEFT + (_RIGHT - _LEFT) * math.log(shown / smallest) / math.log(largest / smallest)
