"""The root of all models: frozen attrs classes of what Refold answers.

Fields that a response lacks are None; fields that Refold adds later are in `raw`, the JSON object as it came.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from refold_async.models.response_meta import ResponseMeta

__all__ = ["STRICT", "Model", "Result", "named"]

_NOTHING: Mapping[str, Any] = {}
_NO_CALL: Final = ResponseMeta()


STRICT: Final[Mapping[str, Any]] = {"strict": True}
"""The metadata of an optional field that decisions hang on: what does not fit makes the response unreadable."""


def named(*names: str) -> dict[str, Any]:
    """Return the metadata of a field that the JSON object calls otherwise: the first of `names` it has counts."""
    return {"names": names}


def _shown(value: object) -> str:
    """Return the `repr` of a field's value; of a file, its length alone."""
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else repr(value)


@attrs.frozen(eq=False, repr=False)
class Model:
    """One JSON object that Refold answered.

    Two are equal by what they say; what each came from counts in neither comparisons nor `repr`. All models have these
    from here, and are declared by `@attrs.frozen(eq=False, repr=False)`: to generate and compile them for each would
    take half of the time that it takes to load it.
    """

    raw: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False, eq=False, kw_only=True)
    """The JSON object as it came."""

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_shown(getattr(self, field.name))}" for field in attrs.fields(type(self)) if field.repr
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return self._compared() == other._compared() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, field.name) for field in attrs.fields(type(self)) if field.eq))


@attrs.frozen(eq=False, repr=False)
class Result(Model):
    """What a call gave, or one member of a list that it gave."""

    meta: ResponseMeta = attrs.field(default=_NO_CALL, repr=False, eq=False, kw_only=True)
    """What became of the call that gave this: attempts, seconds, and the status and headers of its response."""

    @property
    def request_id(self) -> str | None:
        """Refold's id of the request whose response this came in, to quote to support; None where Refold gave none."""
        return self.meta.request_id
