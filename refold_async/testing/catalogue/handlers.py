"""What the handlers of actions and workflows get, and what they may return or raise."""

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
    """The context in which an action runs.

    Attributes:
        linked_account_id: The linked account whose connection is used.
        slug: The app.
        store: The app's data for this linked account: a dict, empty at first, which your handlers may use in any way.
            All actions and workflows of the app share it.
        connection_id: The value of the request's `connection_id` header.
    """

    linked_account_id: str
    slug: str
    store: dict[str, Any]
    connection_id: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class FileAnswer:
    """Return this from an action's handler to respond with a file instead of JSON.

    Args:
        content: The bytes of the file.
        content_type: Value of the `Content-Type` header.
        file_name: Its name, for the `Content-Disposition` header; None sends no such header.
    """

    content: bytes = attrs.field(validator=attrs.validators.instance_of(bytes), repr=False)
    content_type: str = "application/octet-stream"
    file_name: str | None = None


@attrs.frozen
class WorkflowContext(ActionContext):
    """The context in which a workflow runs.

    Attributes:
        execution_id: The execution that this run belongs to.
        config_id: The value of the request's `config_id` header, or else the linked account id.
        instance_tag: The value of the request's `instance_tag` header.
    """

    execution_id: str
    config_id: str
    instance_tag: str | None


@attrs.frozen
class WorkflowAnswer:
    """Return this from a workflow's handler to set the HTTP status of a synchronous execution, as a Response node does.

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
    """Return this from a workflow's handler to end the execution with another status than `COMPLETED`.

    A Terminate node does the same in Refold.

    Args:
        status: How the execution ends, such as `TERMINATED` or `TIMED_OUT`; any word is allowed.
        return_value: The workflow's result.
        error: What went wrong, for a synchronous caller; None for nothing.
    """

    status: str
    return_value: Any = None
    error: dict[str, Any] | None = None


class AppError(Exception):
    """Raise this from an action's handler when the app refuses the call.

    The caller then gets HTTP 200 with `node_status` Errored, this status and this data. If a workflow's handler raises
    it, the execution fails.

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
