"""What the handlers of actions and workflows are given, and what they may answer or raise."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

__all__ = [
    "ActionContext",
    "ActionHandler",
    "AppError",
    "FileAnswer",
    "WorkflowAnswer",
    "WorkflowContext",
    "WorkflowEnd",
    "WorkflowHandler",
]


@attrs.frozen
class ActionContext:
    """Where an action runs.

    Attributes:
        linked_account_id: Whose connection is used.
        slug: The app.
        store: What the app remembers for this linked account: a dict, empty at first, for the handlers to use as they
            like; all actions and workflows of the app share it.
        connection_id: From the request's `connection_id` header.
    """

    linked_account_id: str
    slug: str
    store: dict[str, Any]
    connection_id: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class FileAnswer:
    """What an action's handler returns to answer with a file instead of JSON.

    Args:
        content: The bytes of the file.
        content_type: Value of the `Content-Type` header.
        file_name: Its name, for the `Content-Disposition` header; None sends none.
    """

    content: bytes = attrs.field(validator=attrs.validators.instance_of(bytes), repr=False)
    content_type: str = "application/octet-stream"
    file_name: str | None = None


@attrs.frozen
class WorkflowContext(ActionContext):
    """Where a workflow runs.

    Attributes:
        execution_id: The execution this run belongs to.
        config_id: From the request's `config_id` header, else the linked account id.
        instance_tag: From the request's `instance_tag` header.
    """

    execution_id: str
    config_id: str
    instance_tag: str | None


@attrs.frozen
class WorkflowAnswer:
    """What a workflow's handler returns to do as a Response node does: choose the HTTP status of a synchronous run.

    Args:
        status: HTTP status code, 200 to 599.
        return_value: The workflow's result.
    """

    status: int = attrs.field(
        validator=attrs.validators.and_(
            attrs.validators.instance_of(int), attrs.validators.ge(200), attrs.validators.le(599)
        )
    )
    return_value: Any = None


@attrs.frozen
class WorkflowEnd:
    """What a workflow's handler returns to end its execution in another way than `COMPLETED`, as a Terminate node does.

    Args:
        status: How the execution ends, such as `TERMINATED` or `TIMED_OUT`; any word will do.
        return_value: The workflow's result.
        error: What went wrong, which a synchronous caller is told; None for nothing.
    """

    status: str
    return_value: Any = None
    error: dict[str, Any] | None = None


class AppError(Exception):
    """Raise this from an action's handler when the app refuses the call.

    The caller then gets HTTP 200 with `node_status` Errored, this status and this data. Raised from a workflow's
    handler it makes the execution fail.

    Args:
        http_status: The app's own HTTP status.
        data: The app's own error body.
    """

    def __init__(self, http_status: int, data: Any = None) -> None:
        super().__init__(http_status, data)
        self.http_status = http_status
        self.data = data


ActionHandler = Callable[[ActionContext, dict[str, Any]], Awaitable[Any]]
WorkflowHandler = Callable[[WorkflowContext, Any], Awaitable[Any]]
