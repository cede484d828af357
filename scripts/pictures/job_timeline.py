"""How a job proceeds at a rate limit: the ideal, this library, and the same job by hand."""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, Final

from pictures.picture import Colour, Picture
from pictures.results import read_results

__all__ = ["draw"]

_LEFT: Final = 70
_RIGHT: Final = 726
_TOP: Final = 92
_BOTTOM: Final = 352
_REFUSED_TOP: Final = 452
_REFUSED_BOTTOM: Final = 542
_LINE: Final = 4
_IDEAL: Final = 9
"""The thickness of its line, which is behind the others."""

Scale = Callable[[float], float]
"""Returns where a figure is in the picture."""


def draw() -> str:
    """Draw the items done over time, and below them the calls refused in each second."""
    results = read_results("timeline")
    items, rate, burst = results["items"], results["rate"], results["burst"]
    ideal = (items - burst) / rate
    ours, hand = results["runs"]
    end = 5 * -(-max(run["seconds"] for run in results["runs"]) // 5)
    most = max(max(run["refused in each second"]) for run in results["runs"])
    x = _scale(0, end, _LEFT, _RIGHT)
    y = _scale(0, items, _BOTTOM, _TOP)

    picture = Picture(
        f"A job of {items} items at {rate:g} calls a second, over time",
        f"Measured against a server that accepts {rate:g} calls a second with bursts of {burst}. The ideal is "
        f"{ideal:.2f} seconds. refold_async took {_took(ours)}. By hand, with asyncio.gather and retries with backoff, "
        f"it took {_took(hand)}: most items were done as fast, and a few waited long for their next retry.",
        580,
    )
    picture.text(24, 34, f"{items} items, at most {rate:g} calls a second", size=22, bold=True)
    picture.text(24, 64, "Items done", size=18, colour="muted")
    for done in (0, items // 3, 2 * items // 3, items):
        _level(picture, y(done), done)
    _seconds(picture, x, end, _BOTTOM)
    picture.line((x(0), y(burst)), (x(ideal), y(items)), colour="rule", thickness=_IDEAL)
    _progress(picture, x, y, hand, "hand")
    _progress(picture, x, y, ours, "ours")
    _end(picture, x, y(items), ours, "ours")
    _end(picture, x, y(items), hand, "hand")
    _key(picture, 266, "refold_async", "ours", _LINE)
    _key(picture, 296, "gather with backoff, by hand", "hand", _LINE)
    _key(picture, 326, f"ideal: {ideal:.2f} s", "rule", _IDEAL)

    height = _scale(0, most, _REFUSED_BOTTOM, _REFUSED_TOP)
    picture.text(24, _REFUSED_TOP - 24, "Calls refused (HTTP 429) in each second", size=18, colour="muted")
    _level(picture, height(0), 0)
    _level(picture, height(most), most)
    _refusals(picture, x, height, hand, "hand")
    _refusals(picture, x, height, ours, "ours")
    picture.text(_RIGHT, _REFUSED_TOP + 24, f"by hand: {hand['refused']} in total", colour="hand", anchor="end")
    picture.text(_RIGHT, _REFUSED_TOP + 54, f"refold_async: {ours['refused'] or 'none'}", colour="ours", anchor="end")
    _seconds(picture, x, end, _REFUSED_BOTTOM)
    return picture.markup()


def _scale(low: float, high: float, start: float, stop: float) -> Scale:
    return lambda figure: start + (stop - start) * (figure - low) / (high - low)


def _took(run: Mapping[str, Any]) -> str:
    undone = f", and {run['not done']} items were not done" if run["not done"] else ""
    return f"{run['seconds']:.1f} seconds, and {run['refused'] or 'no'} calls were refused{undone}"


def _progress(picture: Picture, x: Scale, y: Scale, run: Mapping[str, Any], colour: Colour) -> None:
    """Draw how many items were done at the end of each second."""
    done = accumulate(run["accepted in each second"], initial=0)
    points = [(x(min(second, run["seconds"])), y(count)) for second, count in enumerate(done)]
    picture.line(*points, colour=colour, thickness=_LINE)


def _end(picture: Picture, x: Scale, y: float, run: Mapping[str, Any], colour: Colour) -> None:
    """Mark when a job ended."""
    picture.dot(x(run["seconds"]), y, 6, fill=colour)
    place = min(x(run["seconds"]), _RIGHT - 40)
    picture.text(place, y - 14, f"{run['seconds']:.1f} s", bold=True, colour=colour, anchor="middle")


def _refusals(picture: Picture, x: Scale, height: Scale, run: Mapping[str, Any], colour: Colour) -> None:
    """Draw a bar for each second in which calls were refused."""
    for second, refused in enumerate(run["refused in each second"]):
        if refused:
            top, wide = height(refused), x(0.8) - x(0)
            picture.box(x(second + 0.1), top, wide, height(0) - top, fill=colour, stroke=None, radius=0)


def _level(picture: Picture, y: float, figure: int) -> None:
    """Draw a line of the grid, with its figure."""
    picture.line((_LEFT, y), (_RIGHT, y), colour="grid", thickness=1)
    picture.text(_LEFT - 10, y + 6, str(figure), size=18, colour="muted", anchor="end")


def _seconds(picture: Picture, x: Scale, end: float, bottom: float) -> None:
    """Label the axis of time."""
    for second in range(0, int(end) + 1, 5):
        picture.line((x(second), bottom), (x(second), bottom + 6), colour="rule", thickness=1.5)
        unit = " s" if second == end else ""
        picture.text(x(second), bottom + 27, f"{second}{unit}", size=18, colour="muted", anchor="middle")


def _key(picture: Picture, y: float, name: str, colour: Colour, thickness: float) -> None:
    """Draw what a line means."""
    picture.line((_RIGHT - 366, y), (_RIGHT - 336, y), colour=colour, thickness=thickness)
    picture.text(_RIGHT - 322, y + 6, name, size=18)
