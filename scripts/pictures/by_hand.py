"""Four things that go wrong in hand-written calls, and what refold_async does about each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pictures.picture import Colour, Picture
from pictures.results import read_results

__all__ = ["draw"]

_LEFT: Final = 16
_RIGHT: Final = 388
_CARD: Final = 356
_HIGH: Final = 70
_ROW: Final = 118
_TOP: Final = 52

Drawing = Callable[[Picture, float, float, Colour], None]
"""Draws a sign that is 88 wide and 50 high. The numbers are its upper left corner."""


@dataclass(frozen=True)
class Half:
    """What happens in one of the two ways."""

    drawing: Drawing
    first: str
    second: str


def draw() -> str:
    """Draw them: by hand on the left, refold_async on the right. The last row has measured figures."""
    results = read_results("timeline")
    runs = {run["name"]: run for run in results["runs"]}
    ours, hand = runs["refold_async"], runs["gather with backoff"]
    rows = [
        (
            "A failure looks like a success",
            Half(_accepted, "HTTP 200, although", "the app refused"),
            Half(_raised, "raises an error:", "ActionFailedError"),
        ),
        (
            "A retry repeats a write",
            Half(_two_letters, "response lost, retry:", "two e-mails"),
            Half(_one_letter, "not repeated; the", "effect is “unknown”"),
        ),
        (
            "A call hangs",
            Half(_endless, "no response: it", "waits for minutes"),
            Half(_ended, "one deadline for all", "attempts and pauses"),
        ),
        (
            "A job runs into the rate limit",
            Half(_refused, f"{hand['refused']} calls refused,", f"{hand['seconds']:.0f} seconds"),
            Half(_paced, f"{ours['refused'] or 'none'} refused,", f"{ours['seconds']:.0f} seconds"),
        ),
    ]
    described = " ".join(
        f"{name}. By hand: {hand.first} {hand.second}. refold_async: {ours.first} {ours.second}."
        for name, hand, ours in rows
    )
    measured = f"The last row was measured: {results['items']} items at {results['rate']:g} calls a second."
    picture = Picture(
        "Four things that go wrong in hand-written calls, and what refold_async does about each",
        f"{described} {measured}",
        _TOP + _ROW * len(rows) + 4,
    )
    picture.text(_LEFT + 4, 34, "By hand", size=24, bold=True, colour="hand")
    picture.text(_RIGHT + 4, 34, "refold_async", size=24, bold=True, colour="ours")
    for number, (name, hand, ours) in enumerate(rows):
        top = _TOP + _ROW * number
        picture.text(_LEFT + 4, top + 26, name, bold=True)
        _half(picture, _LEFT, top + 36, hand, "hand", "hand-box")
        _half(picture, _RIGHT, top + 36, ours, "ours", "ours-box")
    picture.text(
        _RIGHT + _CARD - 2,
        _TOP + _ROW * (len(rows) - 1) + 26,
        f"{results['items']} items at {results['rate']:g}/s, measured",
        size=18,
        colour="muted",
        anchor="end",
    )
    return picture.markup()


def _half(picture: Picture, x: float, y: float, half: Half, colour: Colour, box: Colour) -> None:
    picture.open_group("card")
    picture.box(x, y, _CARD, _HIGH, fill=box, stroke=colour)
    half.drawing(picture, x + 18, y + 10, colour)
    picture.text(x + 126, y + 30, half.first, size=19)
    picture.text(x + 126, y + 55, half.second, size=19)
    picture.close_group()


def _response(picture: Picture, x: float, y: float, colour: Colour) -> None:
    picture.box(x + 14, y, 60, 50, fill="page", stroke=colour, thickness=2.5, radius=6)


def _accepted(picture: Picture, x: float, y: float, colour: Colour) -> None:
    _response(picture, x, y, colour)
    picture.tick(x + 32, y + 13, colour=colour, size=24)


def _raised(picture: Picture, x: float, y: float, colour: Colour) -> None:
    _response(picture, x, y, colour)
    picture.path(f"M{x + 44:g} {y + 8:g} l18 32 h-36 Z", fill=colour, stroke=colour, thickness=4)
    picture.line((x + 44, y + 20), (x + 44, y + 28), colour="page", thickness=3.5)
    picture.dot(x + 44, y + 35, 2.2, fill="page")


def _letter(picture: Picture, x: float, y: float, colour: Colour) -> None:
    picture.box(x, y, 52, 36, fill="page", stroke=colour, thickness=2.5, radius=4)
    picture.line((x + 3, y + 4), (x + 26, y + 21), (x + 49, y + 4), colour=colour, thickness=2.5)


def _two_letters(picture: Picture, x: float, y: float, colour: Colour) -> None:
    _letter(picture, x + 6, y, colour)
    _letter(picture, x + 30, y + 14, colour)


def _one_letter(picture: Picture, x: float, y: float, colour: Colour) -> None:
    _letter(picture, x + 18, y + 7, colour)


def _endless(picture: Picture, x: float, y: float, colour: Colour) -> None:
    picture.dot(x + 8, y + 25, 6, fill=colour)
    picture.line((x + 8, y + 25), (x + 40, y + 25), colour=colour, thickness=4)
    picture.line((x + 51, y + 25), (x + 88, y + 25), colour=colour, thickness=4, dash="1 11")


def _ended(picture: Picture, x: float, y: float, colour: Colour) -> None:
    picture.dot(x + 8, y + 25, 6, fill=colour)
    picture.line((x + 8, y + 25), (x + 76, y + 25), colour=colour, thickness=4)
    picture.line((x + 78, y + 8), (x + 78, y + 42), colour=colour, thickness=6)


def _refused(picture: Picture, x: float, y: float, colour: Colour) -> None:
    for number in range(15):
        left, top = x + 2 + 18 * (number % 5), y + 2 + 17 * (number // 5)
        if number in (0, 4, 7, 9, 13):
            picture.dot(left + 6, top + 6, 6, fill=colour)
        else:
            picture.cross(left, top, colour=colour, size=12)


def _paced(picture: Picture, x: float, y: float, colour: Colour) -> None:
    for number in range(4):
        picture.dot(x + 8 + 24 * number, y + 25, 6, fill=colour)
