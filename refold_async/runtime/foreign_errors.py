"""What foreign code may raise, such as connectors, hooks, callbacks and log filters: anything. And what to call it."""

from collections.abc import Callable
from typing import Any, Final

__all__ = ["EXITS", "error_name", "safe_repr", "safe_str"]

EXITS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a program, or a coroutine, and must never be swallowed."""
_NEED_NO_MODULE: Final = frozenset({"builtins", "refold_async.errors"})


def error_name(kind: type[BaseException]) -> str:
    """Return what reports and journals call a class of errors: with its module, unless it is ours or Python's own."""
    return kind.__qualname__ if kind.__module__ in _NEED_NO_MODULE else f"{kind.__module__}.{kind.__qualname__}"


def safe_repr(value: object) -> str:
    """Return the repr of an exception, or of anything else of the caller's, whose own methods may raise too."""
    return _safely(repr, value)


def safe_str(value: object) -> str:
    """Return what an exception says, or anything else of the caller's, as `str()` does."""
    return _safely(str, value)


def _safely(make: Callable[[Any], str], value: object) -> str:
    try:
        return make(value)
    except EXITS:
        raise
    except BaseException:  # noqa: BLE001 - whatever it raises, there is its class to name
        return f"{type(value).__name__} (cannot be shown)"
