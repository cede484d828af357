"""Models and dataclasses of pydantic. Pydantic validates their JSON, here in strict mode, and finds what is wrong.

They are recognised by their validator. Nothing here imports pydantic; a program that has such a class has imported it.
"""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, Union

from cattrs import Converter, StructureHandlerNotFoundError

from refold_async.codec import json_codec
from refold_async.codec.structuring.misfits import SHOWN, Misfits
from refold_async.codec.structuring.plain_values import Hook, WrongTypeError

__all__ = ["any_of_hook", "pydantic_hook"]

Validate = Callable[..., Any]
"""`validate_json(text, strict=True)` of a validator."""
Problem = tuple[Sequence[str | int], str]
"""The place in a value that does not fit, and the message about it."""

_UNREAD: Final = "nested deeper than pydantic can read, or a text contains half a surrogate pair"
"""The message about a value that was read as JSON, but that pydantic cannot read as JSON."""
_next_value: Final = json.JSONDecoder().raw_decode


def pydantic_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a model or a dataclass of pydantic.

    Raises:
        StructureHandlerNotFoundError: The class is not complete.
    """
    return _hook(lambda: _validator_of(target), target, converter)


def any_of_hook(members: Sequence[Any], target: Any, converter: Converter) -> Hook:
    """Make the hook of a union of such classes. Pydantic distinguishes them.

    Raises:
        StructureHandlerNotFoundError: One of them is not complete.
    """
    return _hook(lambda: _adapter(Union[tuple(members)]), target, converter)  # noqa: UP007 - any number of members


def _validator_of(target: Any) -> Any:
    generic = not isinstance(target, type)  # an alias of a dataclass with its arguments
    return _adapter(target) if generic else getattr(target, "__pydantic_validator__")  # noqa: B009 - any class


def _adapter(target: Any) -> Any:
    return sys.modules["pydantic"].TypeAdapter(target).validator


def _hook(validator_of: Callable[[], Any], target: Any, converter: Converter) -> Hook:
    try:
        validate: Validate = validator_of().validate_json  # this makes an incomplete class resolve its names again
    except Exception as error:  # noqa: BLE001 - pydantic and the caller's classes have their own exceptions
        raise StructureHandlerNotFoundError(str(error).partition("\n")[0], target) from None

    # As JSON, because of types that JSON does not have: a strict validator accepts no text for a date from Python.
    def build(value: Any, _: Any) -> Any:
        return validate(json_codec.encode_as_read(value), strict=True)

    def build_thoroughly(value: Any, _: Any) -> Any:
        try:
            return build(value, _)
        except ValueError as error:
            if not hasattr(error, "errors"):
                raise
            problems = _first_problems(error)
        raise _misfit(problems, target)

    return build_thoroughly if converter.detailed_validation else build


def _first_problems(error: Any) -> list[Problem]:
    """Return the first few problems that pydantic found.

    They are read from its JSON, because there may be millions. `errors()` would make objects of all of them, with ten
    times the time and memory.
    """
    try:
        text: str = error.json(include_url=False, include_context=False, include_input=False)
    except TypeError:  # before pydantic 2.5
        return [(one["loc"], one["msg"]) for one in error.errors()[: SHOWN + 1]]
    problems: list[Problem] = []
    end = 0
    while len(problems) <= SHOWN and text[end] != "]":
        problem, end = _next_value(text, end + 1)  # after the bracket or a comma
        unread = problem["type"] == "json_invalid" and not problem["loc"]
        problems.append((problem["loc"], _UNREAD if unread else problem["msg"]))
    return problems


def _misfit(problems: Sequence[Problem], target: Any) -> Exception:
    """Return an error with all problems, each with its place."""
    if len(problems) == 1 and not problems[0][0]:
        return WrongTypeError(problems[0][1])
    by_place: dict[str | int | None, list[Problem]] = {}
    for path, said in problems:
        by_place.setdefault(path[0] if path else None, []).append((path[1:], said))
    misfits = Misfits(target)
    are_members = all(isinstance(place, int) for place in by_place)
    for place, within in by_place.items():
        if place is None:
            more = misfits.add_whole(WrongTypeError(", ".join(said for _, said in within)))
        elif are_members:
            more = misfits.add_member(_misfit(within, Any), place, Any)
        else:
            more = misfits.add_field(_misfit(within, Any), str(place), Any)
        if not more:
            break
    return misfits.error()
