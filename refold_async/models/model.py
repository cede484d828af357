"""The base classes of all models: frozen attrs classes of the objects that Refold returns.

Fields that a response does not contain are None. Fields that Refold adds later are in `raw`, the JSON object as
received.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from refold_async.models.response_meta import ResponseMeta

__all__ = ["STRICT", "ByFields", "Model", "Result", "named"]

_NOTHING: Mapping[str, Any] = {}
_NO_CALL: Final = ResponseMeta()


STRICT: Final[Mapping[str, Any]] = {"strict": True}
"""The metadata of an optional field that decisions depend on: a value of another type makes the response unreadable."""


def named(*names: str) -> dict[str, Any]:
    """Return the metadata of a field with other names in the JSON object: the first of `names` found there is used."""
    return {"names": names}


def _shown(value: object) -> str:
    """Return the `repr` of a field's value; for the content of a file, only its length."""
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else repr(value)


class ByFields:
    """The base of attrs classes whose objects are shown and compared by their fields.

    They inherit these methods and are declared with `@attrs.frozen(eq=False, repr=False)`: to generate and compile the
    methods for each class would take half of the time that loading takes.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        kind: Any = type(self)
        shown = (f"{field.name}={_shown(getattr(self, field.name))}" for field in attrs.fields(kind) if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return self._compared() == other._compared() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[Any, ...]:
        kind: Any = type(self)
        return (kind, *(getattr(self, field.name) for field in attrs.fields(kind) if field.eq))


@attrs.frozen(eq=False, repr=False)
class Model(ByFields):
    """One JSON object that Refold returned.

    Two models are equal if their fields are equal. `raw` and `meta` count neither in comparisons nor in the `repr`.
    """

    raw: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False, eq=False, kw_only=True)
    """The JSON object as received."""


@attrs.frozen(eq=False, repr=False)
class Result(Model):
    """What a call returned, or one element of a list that it returned."""

    meta: ResponseMeta = attrs.field(default=_NO_CALL, repr=False, eq=False, kw_only=True)
    """How the call went that returned this: attempts, duration in seconds, and the status and headers of the response.
    """

    @property
    def request_id(self) -> str | None:
        """Refold's id for the request, to quote when you contact support; None if the response has none."""
        return self.meta.request_id
