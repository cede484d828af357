"""Values that do not fit: the first few are found, each with its place. To look for all would cost for nothing."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import threading
from typing import Any, Final

from cattrs import transform_error
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.v import format_exception

from refold_async.codec.structuring.plain_values import Hook, WrongTypeError

__all__ = ["SHOWN", "MisfitError", "Misfits", "describe", "looking_for_a_few", "start_looking"]

SHOWN: Final = 5
"""How many misfits are told of a value."""
_MOST_OF_A_PROBLEM: Final = 500
# cattrs types these as made of what their built-in bases are made of.
_note_of_member: Final[Any] = IterableValidationNote
_note_of_field: Final[Any] = AttributeValidationNote
_errors_of_members: Final[Any] = IterableValidationError
_errors_of_fields: Final[Any] = ClassValidationError


class MisfitError(Exception):
    """A value does not fit a type. The message names each bad field by its path."""


class _EnoughError(Exception):
    """Enough misfits were found already."""


class _Looking(threading.local):
    room = 0
    """How many more misfits to look for, in the value that this thread looks into."""


_looking: Final = _Looking()


def start_looking() -> None:
    """Begin with a value: one misfit more than are shown is looked for, to know whether there are more."""
    _looking.room = SHOWN + 1


class Misfits:
    """The misfits among the members of a list or an object, or the fields of a class. Made when the first is found."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._errors: list[Exception] = []
        self._of_fields = False

    def add_member(self, error: Exception, place: Any, member: Any) -> bool:
        """Note what is wrong with a member; return whether to look for more."""
        return self._add(error, _note_of_member(f"@ {place!r}", place, member))

    def add_field(self, error: Exception, name: str, field: Any) -> bool:
        """Note what is wrong with a field; return whether to look for more."""
        self._of_fields = True
        return self._add(error, _note_of_field(f"@ {name}", name, field))

    def add_whole(self, error: Exception) -> bool:
        """Note what is wrong with it as a whole; return whether to look for more."""
        return self._add(error, None)

    def _add(self, error: Exception, note: Any) -> bool:
        if note is not None:
            error.add_note(note)
        self._errors.append(error)
        if not isinstance(error, BaseValidationError | _EnoughError):  # those within were counted
            _looking.room -= 1
        return _looking.room > 0

    def error(self) -> Exception:
        """Return all of them as one."""
        make = _errors_of_fields if self._of_fields else _errors_of_members
        return make("misfits", self._errors, self._target)  # type: ignore[no-any-return]


def looking_for_a_few(hook: Hook) -> Hook:
    """Have the hook of a class, which cattrs generates, count what it finds, and not be tried once that is enough."""

    def structure(value: Any, target: Any) -> Any:
        if _looking.room <= 0:
            raise _EnoughError
        try:
            return hook(value, target)
        except BaseValidationError as found:
            _looking.room -= sum(not isinstance(one, BaseValidationError | _EnoughError) for one in found.exceptions)
            raise

    return structure


def describe(error: Exception, root: str) -> str:
    """Return what is wrong and where, with `root` as the name of the whole value."""
    problems = transform_error(error, path=root, format_exception=_describe_one)
    problems = [problem for problem in problems if not problem.startswith(_ENOUGH)]
    return "; ".join(problems[:SHOWN]) + ("; and more" if len(problems) > SHOWN else "")


_ENOUGH: Final = "\0enough"


def _describe_one(error: BaseException, target: type | None) -> str:
    if isinstance(error, _EnoughError):
        return _ENOUGH
    text = str(error) if isinstance(error, WrongTypeError) else _describe_other(error, target)
    return text if len(text) <= _MOST_OF_A_PROBLEM else f"{text[:_MOST_OF_A_PROBLEM]}…"


def _describe_other(error: BaseException, target: type | None) -> str:
    text = format_exception(error, target)
    if text.startswith("unknown error"):
        return str(error)
    # A class's own validator says more than that a value is invalid.
    return f"{text} ({error})" if isinstance(error, ValueError) and str(error) not in text else text
