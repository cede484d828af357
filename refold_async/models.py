"""What Refold answers, as frozen attrs classes: the root of them all, and what executing gives.

Fields that an answer lacks are None; fields that Refold adds later are in `raw`, the JSON object as it came.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import attrs

__all__ = ["STRICT", "ActionResult", "Model", "WorkflowExecution", "named"]

T_co = TypeVar("T_co", covariant=True)

_NOTHING: Mapping[str, Any] = {}


STRICT: Final[Mapping[str, Any]] = {"strict": True}
"""The metadata of an optional field that decisions hang on: what does not fit makes the answer unreadable."""


def named(*names: str) -> dict[str, Any]:
    """Return the metadata of a field that the JSON object calls otherwise: the first of `names` it has counts."""
    return {"names": names}


@attrs.frozen
class Model:
    """One JSON object that Refold answered."""

    raw: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False, eq=False, kw_only=True)
    """The JSON object as it came."""


@attrs.frozen
class ActionResult(Model, Generic[T_co]):
    """What an action gave: `data` in the app's own shape, or in the type asked for with `into=`."""

    node_status: str
    """How the action ended; `Success` in every result that is returned rather than carried by an error."""
    data: T_co
    """The app's answer."""
    http_status: int | None = None
    """The app's own HTTP status, where Refold passes it on."""


@attrs.frozen
class WorkflowExecution(Model):
    """A run of a workflow: just started, or, where it was run with `sync=True`, ended."""

    execution_id: str
    """Refold's id of the run."""
    message: str | None = None
    """What Refold says of an asynchronous start."""
    return_value: Any = None
    """What a synchronous run gave back."""
    errored: bool | None = None
    """Whether a synchronous run stopped at an error."""
    status_code: int | None = None
    """The HTTP status that the workflow chose for its answer."""
    execution_error: Any = None
    """The error a synchronous run stopped at."""
