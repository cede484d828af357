"""What a fan-out costs as it grows: CPU time per item, and the most memory its process holds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pictures.picture import Colour, Picture
from pictures.results import read_results

__all__ = ["draw"]

_NAMES: Final[Mapping[str, tuple[str, Colour, str]]] = {
    # name, colour, dashes
    "refold_async": ("fan-out", "ours", ""),
    "refold_async, journal": ("with a journal", "ours", "3 8"),
    "gather": ("gather, by hand", "hand", ""),
}
_NOTES: Final = (
    "50 calls at the same time; the server answers immediately.",
    "gather holds a task and a result for each item until the end.",
)
_LEFT: Final = 78
_RIGHT: Final = 548
_HIGH: Final = 190


def draw() -> str:
    """Draw the time above the memory, over the number of items."""
    rows = read_results("growth")["rows"]
    counts = sorted({row["items"] for row in rows})
    described = " ".join(
        f"{_full_name(name)}: from {_figures(rows, name, counts[0])} to {_figures(rows, name, counts[-1])}."
        for name in _NAMES
    )
    picture = Picture(
        f"What a job costs as it grows from {counts[0]:,} to {counts[-1]:,} items",
        f"CPU time per item, and the most memory that the process held. {described} {' '.join(_NOTES)}",
        690,
    )
    picture.text(24, 34, f"From {counts[0]:,} to {counts[-1]:,} items", size=22, bold=True)
    _panel(picture, 94, "CPU per item, in µs", rows, "CPU µs per item", counts)
    _panel(picture, 384, "Peak memory of the process, in MB", rows, "peak MB", counts)
    for number, note in enumerate(_NOTES):
        picture.text(24, 642 + 26 * number, note, size=18, colour="muted")
    return picture.markup()


def _full_name(name: str) -> str:
    return {"refold_async": "A fan-out", "refold_async, journal": "A fan-out with a journal"}.get(
        name, "asyncio.gather by hand"
    )


def _figures(rows: Sequence[Mapping[str, Any]], name: str, count: int) -> str:
    (row,) = (row for row in rows if row["name"] == name and row["items"] == count)
    return f"{row['CPU µs per item']:.0f} µs per item and {row['peak MB']:.0f} MB for {count:,} items"


def _panel(
    picture: Picture, top: float, title: str, rows: Sequence[Mapping[str, Any]], what: str, counts: Sequence[int]
) -> None:
    """Draw one of the two, over a logarithmic axis of items; its own axis begins at 0."""
    bottom = top + _HIGH
    step, most = _scale(max(row[what] for row in rows))
    picture.text(24, top - 18, title, size=18, colour="muted")
    for level in range(0, most + 1, step):
        y = bottom - _HIGH * level / most
        picture.line((_LEFT, y), (_RIGHT, y), colour="grid", thickness=1)
        picture.text(_LEFT - 10, y + 6, str(level), size=18, colour="muted", anchor="end")

    def x(count: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * math.log(count / counts[0]) / math.log(counts[-1] / counts[0])

    for count in counts:
        picture.line((x(count), bottom), (x(count), bottom + 6), colour="rule", thickness=1.5)
        picture.text(x(count), bottom + 27, f"{count:,}", size=18, colour="muted", anchor="middle")
    picture.text(_RIGHT + 66, bottom + 27, "items", size=18, colour="muted")
    ends: dict[str, float] = {}
    for name, (_, colour, dash) in _NAMES.items():
        points = [(x(row["items"]), bottom - _HIGH * row[what] / most) for row in rows if row["name"] == name]
        picture.line(*points, colour=colour, thickness=4, dash=dash)
        for place in points:
            picture.dot(*place, 5, fill=colour)
        ends[name] = points[-1][1]
    for name, y in _apart(ends).items():
        label, colour, _ = _NAMES[name]
        picture.text(_RIGHT + 16, y + 6, label, size=18, colour=colour)


def _scale(largest: float) -> tuple[int, int]:
    """Return the step and the end of an axis that has some three steps."""
    step = next(step for step in (10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000) if largest <= 4 * step)
    return step, step * math.ceil(largest / step)


def _apart(ends: Mapping[str, float]) -> dict[str, float]:
    """Return where the labels go: at the ends of their lines, without overlaps."""
    placed: dict[str, float] = {}
    for name, y in sorted(ends.items(), key=lambda end: -end[1]):
        placed[name] = min([y, *(other - 24 for other in placed.values())])
    return placed
