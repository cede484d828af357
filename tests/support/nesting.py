"""Deeply nested JSON."""

from typing import Final

__all__ = ["DEEPEST", "nested"]

DEEPEST: Final = 320
"""How many levels the client reads."""


def nested(levels: int, kind: str = "mixed") -> str:
    """Return JSON with this number of levels."""
    opening, closing = {"lists": ("[", "]"), "objects": ('{"a":', "}"), "mixed": ('[{"a":', "}]")}[kind]
    times = levels // 2 if kind == "mixed" else levels
    return opening * times + "1" + closing * times
