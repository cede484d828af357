"""Foreign code, such as connectors, hooks, callbacks and log filters, may raise anything. How to catch and name it."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

__all__ = ["EXITS", "copied", "error_name", "safe_repr", "safe_str", "with_subclasses"]

E = TypeVar("E", bound=BaseException)

EXITS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""Exceptions that end a program or a coroutine and must never be swallowed."""
_NEED_NO_MODULE: Final = frozenset({"builtins", "refold_async.errors"})


def error_name(kind: type[BaseException]) -> str:
    """Return the name of an error class for reports and journals: with its module unless it is ours or Python's."""
    return kind.__qualname__ if kind.__module__ in _NEED_NO_MODULE else f"{kind.__module__}.{kind.__qualname__}"


def copied(error: E) -> E:
    """Return a copy of an exception, whatever foreign code has registered for copies of its class.

    Dask, for example, makes copies share their attributes with the original.
    """
    copy: E = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    if hasattr(error, "__notes__"):
        copy.__notes__ = [*error.__notes__]
    return copy


def with_subclasses(kinds: tuple[Any, ...]) -> Iterator[type[BaseException]]:
    """Yield the classes, including those in nested tuples as `isinstance()` accepts them, and all their subclasses."""
    pending = list(kinds)
    seen: set[type[BaseException]] = set()
    while pending:
        kind = pending.pop()
        if isinstance(kind, tuple):
            pending.extend(kind)  # pyright: ignore[reportUnknownArgumentType]
        elif kind not in seen:
            seen.add(kind)
            yield kind
            pending += kind.__subclasses__()


def safe_repr(value: object) -> str:
    """Return the repr of an exception or of another object of the caller, whose own methods may raise too."""
    return _safely(repr, value)


def safe_str(value: object) -> str:
    """Return the text of an exception or of another object of the caller, as `str()` does."""
    return _safely(str, value)


def _safely(make: Callable[[Any], str], value: object) -> str:
    try:
        return make(value)
    except EXITS:
        raise
    except BaseException:  # noqa: BLE001 - it may raise anything, and the name of its class is always known
        return f"{type(value).__name__} (cannot be shown)"
