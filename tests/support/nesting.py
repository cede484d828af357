"""JSON that is nested deep."""

from typing import Final

__all__ = ["DEEPEST", "nested"]

DEEPEST: Final = 320
"""How many levels are read."""


def nested(levels: int, kind: str = "mixed") -> str:
    """Return JSON of so many levels."""
    opening, closing = {"lists": ("[", "]"), "objects": ('{"a":', "}"), "mixed": ('[{"a":', "}]")}[kind]
    times = levels // 2 if kind == "mixed" else levels
    return opening * times + "1" + closing * times
