"""What foreign code may raise, such as connectors, hooks, callbacks and log filters: anything."""

from collections.abc import Callable
from typing import Final

__all__ = ["EXITS", "safe_repr", "safe_str"]

EXITS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a program, or a coroutine, and must never be swallowed."""


def safe_repr(error: BaseException) -> str:
    """Return the repr of an exception, whose own methods may raise too."""
    return _safely(repr, error)


def safe_str(error: BaseException) -> str:
    """Return what an exception says, as `str()` does."""
    return _safely(str, error)


def _safely(make: Callable[[BaseException], str], error: BaseException) -> str:
    try:
        return make(error)
    except EXITS:
        raise
    except BaseException:  # noqa: BLE001 - whatever it raises, there is its class to name
        return f"{type(error).__name__} (cannot be shown)"
