"""The root of all models: frozen attrs classes of what Refold answers.

Fields that a response lacks are None; fields that Refold adds later are in `raw`, the JSON object as it came.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

__all__ = ["STRICT", "Model", "Result", "named"]

_NOTHING: Mapping[str, Any] = {}


STRICT: Final[Mapping[str, Any]] = {"strict": True}
"""The metadata of an optional field that decisions hang on: what does not fit makes the response unreadable."""


def named(*names: str) -> dict[str, Any]:
    """Return the metadata of a field that the JSON object calls otherwise: the first of `names` it has counts."""
    return {"names": names}


@attrs.frozen
class Model:
    """One JSON object that Refold answered."""

    raw: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False, eq=False, kw_only=True)
    """The JSON object as it came."""


@attrs.frozen
class Result(Model):
    """What a call gave, or one member of a list that it gave."""

    request_id: str | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)
    """Refold's id of the request whose response this came in, to quote to support; None where Refold gave none."""
