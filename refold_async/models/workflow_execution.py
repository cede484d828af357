"""An execution of a workflow, as the call returns it that starts one."""

from typing import Any

import attrs

from refold_async.models.model import STRICT, Result, named

__all__ = ["WorkflowExecution"]


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
