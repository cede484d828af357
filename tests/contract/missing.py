"""The operations of Refold's description that have no method yet. A line goes when its method comes."""

from typing import Final

__all__ = ["MISSING"]

MISSING: Final[frozenset[str]] = frozenset()
