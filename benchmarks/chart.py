"""The chart of the suite: horizontal bars, as SVG."""

from collections.abc import Mapping
from html import escape
from typing import Final

_EXPLANATION: Final = (
    "Less is better. refold_async with its deadlines, checks and typed results; plain aiohttp without."
)
_WIDTH: Final = 760
_NAMES: Final = 240
_UNIT: Final = 310
"""The width of the bar of 1.0."""
_LONGEST: Final = 1.45
"""Longer bars are cut: in full length they would leave no room for the differences between the others."""
_ROW: Final = 30
_BAR: Final = 18
_TOP: Final = 56

# A grey and a blue that are readable on white and on black: an image cannot know which one is behind it.
_TEXT: Final = "#768390"
_OTHERS: Final = "#9aa4af"
_OURS: Final = "#2f81f7"


def draw(figures: Mapping[str, float]) -> str:
    """Draw the CPU time of a small read by each contestant, as a multiple of the time with plain aiohttp."""
    height = _TOP + _ROW * len(figures) + 8
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    style = f'font-family="system-ui, sans-serif" font-size="14" fill="{_TEXT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style} role="img" aria-labelledby="title">',
        '<title id="title">CPU time of a small read, compared with plain aiohttp</title>',
        '<text x="0" y="18" font-size="16" font-weight="600">CPU time of a small read, plain aiohttp = 1</text>',
        f'<text x="0" y="38" font-size="12">{_EXPLANATION}</text>',
    ]
    line = _NAMES + _UNIT
    parts.append(
        f'<line x1="{line}" y1="{_TOP - 6}" x2="{line}" y2="{height - 8}" stroke="{_TEXT}" stroke-dasharray="3 3"/>'
    )
    for number, (name, figure) in enumerate(sorted(figures.items(), key=lambda pair: pair[1])):
        parts += _bar(name, figure, _TOP + _ROW * number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(name: str, figure: float, top: int) -> list[str]:
    """Draw one contestant's name, bar and figure."""
    ours = name.startswith("refold_async")
    end, middle = _NAMES + _UNIT * min(figure, _LONGEST), top + _BAR / 2 + 5
    weight = ' font-weight="600"' if ours else ""
    tip = f"v{_BAR}" if figure <= _LONGEST else f"l-10 {_BAR / 3} l10 {_BAR / 3} l-10 {_BAR / 3}"
    return [
        f'<text x="{_NAMES - 10}" y="{middle}" text-anchor="end"{weight}>{escape(name)}</text>',
        f'<path d="M{_NAMES} {top} H{end:.1f} {tip} H{_NAMES} Z" fill="{_OURS if ours else _OTHERS}"/>',
        f'<text x="{_WIDTH - 4}" y="{middle}" text-anchor="end"{weight}>{figure:.2f}</text>',
    ]
