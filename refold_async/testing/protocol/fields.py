"""Checks of the fields that a caller sends in a body, as a table for each endpoint."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

import attrs

from refold_async.testing.protocol.replies import Refused

__all__ = ["ANYTHING", "FLAG", "OBJECT", "TEXT", "URL", "Field", "Fields", "checked", "list_of", "one_of"]


@attrs.frozen
class Field:
    """What a field may be.

    Attributes:
        fits: Whether a value may be sent.
        must: What the message says of one that may not.
    """

    fits: Callable[[Any], bool]
    must: str


Fields = Mapping[str, Field]
"""The fields that an endpoint takes, by name."""

ANYTHING: Final = Field(lambda _: True, "")
TEXT: Final = Field(lambda value: isinstance(value, str), "must be a string")
FLAG: Final = Field(lambda value: isinstance(value, bool), "must be true or false")
OBJECT: Final = Field(lambda value: isinstance(value, dict), "must be an object")
URL: Final = Field(
    lambda value: isinstance(value, str) and re.match(r"https?://", value) is not None,
    "must start with http:// or https://",
)


def one_of(*words: str) -> Field:
    """Return a field that is one of some texts."""
    *others, last = words
    return Field(
        lambda value: value in words, f"must be {', '.join(others)} or {last}" if others else f"must be {last}"
    )


def list_of(element: Field, *, at_least: int = 0) -> Field:
    """Return a field that is a list."""

    def fits(value: Any) -> bool:
        elements = cast("list[Any]", value)
        return isinstance(value, list) and len(elements) >= at_least and all(map(element.fits, elements))

    return Field(fits, f"must be an array of {at_least} or more" if at_least else "must be an array")


def checked(body: Mapping[str, Any], fields: Fields, required: Collection[str] = ()) -> dict[str, Any]:
    """Return those fields of a body that an endpoint takes.

    Args:
        body: The body.
        fields: What the endpoint takes.
        required: What must be there, and be neither null nor an empty text.

    Raises:
        Refused: 400, a field is missing or is something else than it may be.
    """
    missing = [name for name in required if body.get(name) in (None, "")]
    if missing:
        raise Refused(400, f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} required")
    taken = {name: body[name] for name in fields if name in body}
    for name, value in taken.items():
        if not fields[name].fits(value):
            raise Refused(400, f"{name} {fields[name].must}")
    return taken
