"""What executing gives: the result of an action, and a run of a workflow that was started."""

from typing import Any, Generic, TypeVar

import attrs

from refold_async.models.model import STRICT, Result, named

__all__ = ["ActionResult", "WorkflowExecution"]

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(eq=False, repr=False)
class ActionResult(Result, Generic[T_co]):
    """What an action gave: `data` in the app's own shape, or in the type asked for with `into=`."""

    node_status: str
    """How the action ended; `Success` in every result that is returned rather than carried by an error."""
    data: T_co
    """The app's response."""
    http_status: int | None = None
    """The app's own HTTP status, where Refold passes it on."""


@attrs.frozen(eq=False, repr=False)
class WorkflowExecution(Result):
    """A run of a workflow: just started, or, where it was run with `sync=True`, ended."""

    execution_id: str = attrs.field(metadata=named("execution_id"))
    """Refold's id of the run."""
    message: str | None = None
    """What Refold says of an asynchronous start."""
    return_value: Any = None
    """What a synchronous run gave back."""
    errored: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether a synchronous run stopped at an error."""
    status_code: int | None = None
    """The HTTP status that the workflow chose for its response."""
    execution_error: Any = None
    """The error a synchronous run stopped at."""
    executed_by_thanos: bool | None = None
    """Whether Refold's engine of that name ran it."""
