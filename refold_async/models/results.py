"""The results of executing: the result of an action, and an execution of a workflow."""

from typing import Any, Generic, TypeVar

import attrs

from refold_async.models.model import STRICT, Result, named

__all__ = ["ActionResult", "WorkflowExecution"]

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(eq=False, repr=False)
class ActionResult(Result, Generic[T_co]):
    """The result of an action: `data` has the app's own shape, or the type that you asked for with `into=`."""

    node_status: str
    """How the action ended. It is `Success` in every result that a call returns; a result in an error may differ."""
    data: T_co
    """The app's response."""
    http_status: int | None = None
    """The HTTP status of the app's response, if Refold passes it on."""


@attrs.frozen(eq=False, repr=False)
class WorkflowExecution(Result):
    """An execution of a workflow: just started or, with `sync=True`, ended."""

    execution_id: str = attrs.field(metadata=named("execution_id"))
    """Refold's id for the execution."""
    message: str | None = None
    """Refold's message about an asynchronous start."""
    return_value: Any = None
    """What a synchronous execution returned."""
    errored: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether a synchronous execution stopped at an error."""
    status_code: int | None = None
    """The HTTP status that the workflow set for its response."""
    execution_error: Any = None
    """The error at which a synchronous execution stopped."""
    executed_by_thanos: bool | None = None
    """Whether Refold's engine of this name ran the workflow."""
