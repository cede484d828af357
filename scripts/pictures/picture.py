"""Draws a picture as SVG: text, boxes and lines, with colours for light and dark.

A picture has its own background, so it is legible on any page. Positions are in pixels of a picture that is 760 wide.
On a phone it is less than half as wide, so no text is smaller than 18.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, Literal

__all__ = ["COLOURS", "LINES", "SURFACES", "TEXTS", "WIDTH", "Anchor", "Colour", "Picture"]

WIDTH: Final = 760

Anchor = Literal["start", "middle", "end"]
Colour = Literal["page", "box", "ours-box", "hand-box", "ink", "muted", "rule", "grid", "ours", "hand"]
Point = tuple[float, float]

COLOURS: Final[Mapping[Colour, tuple[str, str]]] = {
    # light, dark
    "page": ("#ffffff", "#14181d"),
    "box": ("#f3f5f7", "#20262d"),
    "ours-box": ("#e7f1fd", "#14293f"),
    "hand-box": ("#fdf0e5", "#36230f"),
    "ink": ("#1c2128", "#eaeef2"),
    "muted": ("#57606a", "#a9b3bd"),
    "rule": ("#7d8792", "#7d8792"),
    "grid": ("#dce1e6", "#303841"),
    "ours": ("#0a5cc2", "#6cb0ff"),
    "hand": ("#a94600", "#f5a35c"),
}
"""The colours by meaning, in light and in dark. `ours` is this library, `hand` is hand-written code."""
SURFACES: Final[Sequence[Colour]] = ("page", "box", "ours-box", "hand-box")
"""The backgrounds of text."""
TEXTS: Final[Sequence[Colour]] = ("ink", "muted", "ours", "hand")
LINES: Final[Sequence[Colour]] = ("rule", "ours", "hand")
"""The colours of lines that carry meaning; those of a grid do not."""

_SANS: Final = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
_MONO: Final = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'


class Picture:
    """A picture, at first empty.

    Args:
        title: What it shows, in a few words. Screen readers read the title and the description.
        description: All that it says.
        height: How high it is; it is 760 wide.
    """

    def __init__(self, title: str, description: str, height: int) -> None:
        self._title = title
        self._description = description
        self._height = height
        self._parts: list[str] = []
        self._used: set[tuple[str, Colour]] = set()

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        size: int = 20,
        colour: Colour = "ink",
        bold: bool = False,
        mono: bool = False,
        anchor: Anchor = "start",
    ) -> None:
        """Write a line; `y` is its baseline."""
        classes = [self._fill(colour), *(["m"] if mono else []), *(["b"] if bold else [])]
        anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._add(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{size}" class="{" ".join(classes)}"{anchored}>'
            f"{escape(content, quote=False)}</text>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: Colour = "box",
        stroke: Colour | None = "rule",
        thickness: float = 1.5,
        radius: float = 10,
        dash: str = "",
    ) -> None:
        """Draw a box with round corners."""
        place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        classes = f"{self._fill(fill)}{self._stroked(stroke)}"
        self._add(f'<rect {place} rx="{_number(radius)}" class="{classes}"{_line(stroke, thickness, dash)}/>')

    def card(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        title: str,
        *lines: str,
        fill: Colour = "box",
        stroke: Colour = "rule",
        colour: Colour = "ink",
        mono: bool = False,
        anchor: Anchor = "middle",
        size: int = 20,
        leading: int = 25,
    ) -> None:
        """Draw a box with a title and lines in its middle."""
        self.open_group("card")
        self.box(x, y, width, height, fill=fill, stroke=stroke)
        middle = x + width / 2 if anchor == "middle" else x + 18
        top = y + height / 2 - leading * len(lines) / 2 + 7
        self.text(middle, top, title, bold=not mono, mono=mono, anchor=anchor, colour=colour, size=size)
        for number, line in enumerate(lines, 1):
            self.text(middle, top + leading * number, line, size=18, anchor=anchor, colour="muted")
        self.close_group()

    def path(
        self,
        way: str,
        *,
        fill: Colour | None = None,
        stroke: Colour | None = None,
        thickness: float = 2,
        dash: str = "",
    ) -> None:
        """Draw a path, in the notation of SVG."""
        filled = ' fill="none"' if fill is None else ""
        classes = f"{self._fill(fill) if fill else ''}{self._stroked(stroke)}".strip()
        self._add(f'<path d="{way}" class="{classes}"{filled}{_line(stroke, thickness, dash)}/>')

    def line(self, *points: Point, colour: Colour = "rule", thickness: float = 2, dash: str = "") -> None:
        """Draw a line from point to point."""
        way = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self.path(way, stroke=colour, thickness=thickness, dash=dash)

    def arrow(self, *points: Point, colour: Colour = "rule", thickness: float = 2) -> None:
        """Draw an arrow from point to point. Its last part must be horizontal or vertical."""
        (x, y), (end_x, end_y) = points[-2:]
        length = abs(end_x - x) + abs(end_y - y)
        right, down = (end_x - x) / length, (end_y - y) / length
        back = (end_x - 11 * right, end_y - 11 * down)
        self.line(*points[:-1], back, colour=colour, thickness=thickness)
        corners = [(back[0] - 6 * down, back[1] - 6 * right), (end_x, end_y), (back[0] + 6 * down, back[1] + 6 * right)]
        self.path("M" + "L".join(f"{_number(a)} {_number(b)}" for a, b in corners) + "Z", fill=colour)

    def dot(self, x: float, y: float, radius: float, *, fill: Colour, stroke: Colour | None = None) -> None:
        """Draw a dot."""
        self._add(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" '
            f'class="{self._fill(fill)}{self._stroked(stroke)}"{_line(stroke, 2.5, "")}/>'
        )

    def tick(self, x: float, y: float, *, colour: Colour = "ours", size: float = 14) -> None:
        """Draw a tick. Its upper left corner is at `x`, `y`."""
        self.line(
            (x, y + size * 0.55),
            (x + size * 0.38, y + size * 0.92),
            (x + size, y + size * 0.08),
            colour=colour,
            thickness=3,
        )

    def cross(self, x: float, y: float, *, colour: Colour = "hand", size: float = 14) -> None:
        """Draw a cross. Its upper left corner is at `x`, `y`."""
        near, far = size * 0.1, size * 0.9
        self.line((x + near, y + near), (x + far, y + far), colour=colour, thickness=3)
        self.line((x + near, y + far), (x + far, y + near), colour=colour, thickness=3)

    def open_group(self, name: str) -> None:
        """Begin a group. In a group `card`, all text must fit into the first box."""
        self._add(f'<g class="{name}">')

    def close_group(self) -> None:
        """End the group."""
        self._add("</g>")

    def markup(self) -> str:
        """Return the picture as SVG."""
        page = f'<rect width="{WIDTH}" height="{self._height}" rx="12" class="{self._fill("page")}"/>'
        size = f'viewBox="0 0 {WIDTH} {self._height}" width="{WIDTH}" height="{self._height}"'
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(self._title, quote=False)}</title>',
            f'<desc id="description">{escape(self._description, quote=False)}</desc>',
            "<style>",
            f"text{{font-family:{_SANS}}}.m{{font-family:{_MONO}}}.b{{font-weight:600}}",
            self._rules(0),
            f"@media (prefers-color-scheme:dark){{{self._rules(1)}}}",
            "</style>",
        ]
        return "\n".join([*head, page, *self._parts, "</svg>"]) + "\n"

    def _rules(self, scheme: int) -> str:
        return "".join(f".{what[0]}-{name}{{{what}:{COLOURS[name][scheme]}}}" for what, name in sorted(self._used))

    def _add(self, part: str) -> None:
        self._parts.append(part)

    def _fill(self, colour: Colour) -> str:
        self._used.add(("fill", colour))
        return f"f-{colour}"

    def _stroked(self, colour: Colour | None) -> str:
        if colour is None:
            return ""
        self._used.add(("stroke", colour))
        return f" s-{colour}"


def _number(value: float) -> str:
    """Return a position as text: the same on every machine, and short."""
    return f"{round(value, 1):g}"


def _line(stroke: Colour | None, thickness: float, dash: str) -> str:
    if stroke is None:
        return ""
    dashed = f' stroke-dasharray="{dash}"' if dash else ' stroke-linejoin="round"'
    return f' stroke-width="{_number(thickness)}"{dashed} stroke-linecap="round"'
