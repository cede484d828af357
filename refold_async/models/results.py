"""The result of an action."""

from typing import Generic, TypeVar

import attrs

from refold_async.models.model import Result

__all__ = ["ActionResult"]

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


def __getattr__(name: str) -> type:
    """Load the class that pickles of earlier versions look for here."""
    if name != "WorkflowExecution":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from refold_async.models.workflow_execution import WorkflowExecution

    return WorkflowExecution
