"""Finds the first few values that do not fit, each with its place. Finding all would take time for nothing."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

from cattrs import Converter, transform_error
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.preconf.json import JsonConverter
from cattrs.v import format_exception

from refold_async.codec.structuring.plain_values import Hook, WrongTypeError

__all__ = ["SHOWN", "MisfitError", "Misfits", "ThoroughConverter", "describe", "looking_for_a_few", "start_looking"]

SHOWN: Final = 5
"""How many problems of a value an error shows."""
_MOST_OF_A_PROBLEM: Final = 500
# cattrs declares these with the types of their built-in bases.
_note_of_member: Final[Any] = IterableValidationNote
_note_of_field: Final[Any] = AttributeValidationNote
_errors_of_members: Final[Any] = IterableValidationError
_errors_of_fields: Final[Any] = ClassValidationError


class MisfitError(Exception):
    """A value does not fit a type. The message names each invalid field by its path."""


class ThoroughConverter(JsonConverter):
    """A converter that finds misfits."""

    def __init__(self, quick: Converter) -> None:
        """Find misfits in the types for which `quick` makes values when everything fits."""
        super().__init__(detailed_validation=True)
        self.quick = quick


class _EnoughError(Exception):
    """Enough problems were found already."""


class _Looking(threading.local):
    room = 0
    """How many more problems to find in the value that this thread checks."""


_looking: Final = _Looking()


def start_looking() -> None:
    """Begin with a value. One problem more than are shown is searched for, to know whether there are more."""
    _looking.room = SHOWN + 1


class Misfits:
    """The problems of the elements of a list, or of the fields of an object or a class."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._errors: list[Exception] = []
        self._of_fields = False

    def build(self, members: Iterable[tuple[Any, Hook, Any, Any]]) -> Iterator[Any]:
        """Structure each member, and add the problem of each that does not fit, until there are enough.

        Args:
            members: The members: the place of each, its hook, its type and its value.
        """
        for place, hook, member, value in members:
            try:
                built = hook(value, member)
            except Exception as error:  # noqa: BLE001 - the caller's classes may raise anything
                if not self.add_member(error, place, member):
                    raise self.error() from None
            else:
                yield built

    def check(self) -> None:
        """Raise all problems as one error, if there are any."""
        if self._errors:
            raise self.error()

    def add_member(self, error: Exception, place: Any, member: Any) -> bool:
        """Add the problem of an element; return whether to search for more."""
        return self._add(error, _note_of_member(f"@ {place!r}", place, member))

    def add_field(self, error: Exception, name: str, field: Any) -> bool:
        """Add the problem of a field; return whether to search for more."""
        self._of_fields = True
        return self._add(error, _note_of_field(f"@ {name}", name, field))

    def add_whole(self, error: Exception) -> bool:
        """Add a problem of the value as a whole; return whether to search for more."""
        return self._add(error, None)

    def _add(self, error: Exception, note: Any) -> bool:
        if note is not None:
            error.add_note(note)
        self._errors.append(error)
        if not isinstance(error, BaseValidationError | _EnoughError):  # the problems inside are counted already
            _looking.room -= 1
        return _looking.room > 0

    def error(self) -> Exception:
        """Return all problems as one error."""
        make = _errors_of_fields if self._of_fields else _errors_of_members
        return make("misfits", self._errors, self._target)  # type: ignore[no-any-return]


def looking_for_a_few(hook: Hook) -> Hook:
    """Return a hook that counts the problems that a hook of cattrs finds, and does not call it once they are enough."""

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
    """Return the problems and their places; `root` is the name of the whole value."""
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
    # The validator of a class says more than that a value is invalid.
    return f"{text} ({error})" if isinstance(error, ValueError) and str(error) not in text else text
