"""What grows with the number of items, calls or errors: a line for each, as steep as it grows."""

import math
from collections.abc import Mapping
from typing import Any, Final

from pictures.picture import Colour, Picture
from pictures.results import read_results

__all__ = ["draw"]

_DECADE: Final = 46
"""How many pixels ten times as much takes, in both directions: what grows with the number rises at 45 degrees."""
_RIGHT: Final = 736
_STEP: Final = 74
_NOTE: Final = "A cost that grew like the number would rise at 45 degrees."


def draw() -> str:
    """Draw each curve beside its name, its first and its last figure."""
    rows = read_results("curves")["rows"]
    told = " ".join(f"{row['name']}: {_figures(row)}." for row in rows)
    picture = Picture("How costs grow", f"{_NOTE} {told}", 120 + _STEP * len(rows))
    picture.text(24, 40, "How costs grow", size=22, bold=True)
    picture.text(24, 70, _NOTE, size=18, colour="muted")
    _line(picture, _RIGHT - 1.5 * _DECADE, 80, [(1, 1), (10 ** (2 / 3), 10 ** (2 / 3))], "hand")
    for number, row in enumerate(rows):
        top = 106 + _STEP * number
        picture.line((24, top), (_RIGHT, top), colour="grid", thickness=1)
        picture.text(24, top + 29, row["name"], size=18)
        picture.text(24, top + 56, _figures(row), size=18, colour="muted")
        decades = math.log10(row["points"][-1][0] / row["points"][0][0])
        colour: Colour = "hand" if "by hand" in row["name"] else "ours"
        _line(picture, _RIGHT - _DECADE * decades - 6, top + _STEP / 2, row["points"], colour)
    return picture.markup()


def _figures(row: Mapping[str, Any]) -> str:
    (first, cost), (last, last_cost) = row["points"][0], row["points"][-1]
    return f"{cost:,.3g} to {last_cost:,.3g} {row['unit']}, {first:,} to {last:,} {row['of']}"


def _line(picture: Picture, x: float, middle: float, points: Any, colour: Colour) -> None:
    """Draw a curve, with both axes logarithmic and of the same scale, around a height."""
    least = 1e-9
    begin, cost = points[0]
    places = [
        (_DECADE * math.log10(number / begin), -_DECADE * math.log10(max(other, least) / max(cost, least)))
        for number, other in points
    ]
    heights = [y for _, y in places]
    shift = middle - (min(heights) + max(heights)) / 2
    drawn = [(x + right, min(max(y + shift, middle - _STEP / 2 + 6), middle + _STEP / 2 - 6)) for right, y in places]
    picture.line(*drawn, colour=colour, thickness=3)
    for place in drawn:
        picture.dot(*place, 4, fill=colour)
