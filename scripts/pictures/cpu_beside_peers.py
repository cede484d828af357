"""The CPU time of a small read by this library, by hand on aiohttp, and by other libraries."""

import math
from collections.abc import Mapping
from typing import Any, Final

from pictures.picture import Colour, Picture
from pictures.results import read_results

__all__ = ["NAMES", "draw"]

NAMES: Final[Mapping[str, str]] = {
    "asyncio alone": "asyncio alone",
    "aiohttp, plain, orjson, uvloop": "aiohttp, orjson, uvloop",
    "refold_async, orjson, uvloop": "refold_async[speed]",
    "refold_async": "refold_async",
    "aiohttp, plain": "aiohttp, by hand",
    "aiohttp, careful": "same, with retries",
    "httpx on aiohttp": "httpx on aiohttp",
    "niquests": "niquests",
    "httpx": "httpx",
}
"""The contestants in the picture, with their names there, in order of cost when this was written."""

_NOTES: Final = (
    "refold_async has its deadlines, checks and typed results; aiohttp",
    "by hand has none. [speed]: with orjson and uvloop. Lines show the",
    "middle half of the rounds; the scale is logarithmic.",
)
_AXIS: Final = {0.25: "¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "8", 16: "16"}
_PLAIN: Final = "aiohttp, plain"
_LEFT: Final = 272
_RIGHT: Final = 550
_SMALLEST: Final = 0.2
_LARGEST: Final = 25.0
_SINGLE: Final = 614
_MANY: Final = 738
_ROW: Final = 38
_TOP: Final = 140


def draw() -> str:
    """Draw each as a multiple of plain aiohttp: one call at a time, and 50 at the same time."""
    tables = read_results("read")["tables"]
    single, many = ({row[""]: row for row in table["rows"]} for table in tables)
    shown = {key: name for key, name in NAMES.items() if key in single and key in many}
    figures = {key: (_multiple(single[key]), _multiple(many[key])) for key in shown}
    described = "; ".join(f"{shown[key]} {one:.2f} and {fifty:.2f}" for key, (one, fifty) in figures.items())
    bottom = _TOP + _ROW * len(shown)
    picture = Picture(
        "CPU time of a small read, compared with plain aiohttp",
        f"Median CPU time of a call as a multiple of aiohttp by hand; less is better. First one call at a time, then "
        f"50 at the same time: {described}. {' '.join(_NOTES)}",
        bottom + 132,
    )
    picture.text(24, 34, "CPU time of a small read, aiohttp = 1", size=22, bold=True)
    picture.text(24, 63, "Less is better. One call at a time (1), and 50 at the same time.", size=18, colour="muted")
    picture.text(_SINGLE, 116, "1 call", size=18, anchor="end")
    picture.dot(_SINGLE - 72, 110, 6, fill="page", stroke="ink")
    picture.text(_MANY, 116, "50 calls", size=18, anchor="end")
    picture.dot(_MANY - 94, 110, 6, fill="ink", stroke="ink")
    for multiple, label in _AXIS.items():
        x = _x(multiple)
        picture.line(
            (x, _TOP - 6), (x, bottom), colour="rule" if multiple == 1 else "grid", thickness=2 if multiple == 1 else 1
        )
        picture.text(x, bottom + 24, label, size=18, colour="muted", anchor="middle")
    picture.text(_LEFT - 16, bottom + 24, "times aiohttp", size=18, colour="muted", anchor="end")
    for number, note in enumerate(_NOTES):
        picture.text(24, bottom + 62 + 26 * number, note, size=18, colour="muted")
    for number, (key, name) in enumerate(shown.items()):
        y = _TOP + _ROW * number + _ROW / 2
        ours = key.startswith("refold_async")
        colour: Colour = "ours" if ours else "muted"
        picture.text(_LEFT - 16, y + 6, name, size=18, bold=ours, anchor="end", colour="ours" if ours else "ink")
        _range(picture, single[key], y - 6, colour)
        _range(picture, many[key], y + 6, colour)
        one, fifty = figures[key]
        picture.dot(_x(one), y - 6, 5.5, fill="page", stroke=colour)
        picture.dot(_x(fifty), y + 6, 6, fill=colour)
        for right, figure in ((_SINGLE, one), (_MANY, fifty)):
            picture.text(
                right, y + 6, f"{figure:.2f}", size=18, bold=ours, anchor="end", colour="ours" if ours else "ink"
            )
    return picture.markup()


def _x(multiple: float) -> float:
    """Return where a multiple is on the axis, which is logarithmic."""
    return _LEFT + (_RIGHT - _LEFT) * math.log(multiple / _SMALLEST) / math.log(_LARGEST / _SMALLEST)


def _multiple(row: Mapping[str, Any]) -> float:
    return float(row[f"CPU / {_PLAIN}"])


def _range(picture: Picture, row: Mapping[str, Any], y: float, colour: Colour) -> None:
    """Draw from the lower to the upper quartile."""
    lower, upper = map(float, row["quartiles of it"].split(" to "))
    picture.line((_x(lower), y), (_x(upper), y), colour=colour, thickness=2.5)
