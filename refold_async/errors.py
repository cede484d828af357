"""All exceptions of this library.

```
RefoldError
├── ConfigurationError             wrong or missing key, URL, option; raised before anything is sent
├── ParameterError                 parameters that do not fit the action's schema, or cannot be sent as JSON
├── ClientClosedError              the client was used after aclose()
├── APIConnectionError             no response
│   └── APITimeoutError            no response in time; also a TimeoutError
├── APIStatusError                 a response with an error status
│   ├── BadRequestError            400
│   ├── AuthenticationError        401
│   ├── PermissionDeniedError      403
│   ├── NotFoundError              404
│   ├── ConflictError              409
│   ├── UnprocessableEntityError   422
│   ├── RateLimitError             429
│   └── InternalServerError        5xx
├── APIResponseValidationError     a response that is not what the API promises, or does not fit `into=`
├── ActionFailedError              Refold responded, but the action did not succeed
│   └── ReconnectRequiredError     the linked account is not connected, or its credentials no longer work
├── WorkflowFailedError            the workflow ran and did not succeed
├── ExecutionTimeoutError          a workflow did not end within the time to wait; also a TimeoutError
├── AppConnectionTimeoutError      an app was not connected within the time to wait; also a TimeoutError
├── FanOutStoppedError             a fan-out ended before all items were read, by `stop_after=` or `job_timeout=`
├── JournalError                   the journal of a job cannot be used, or could not be written
├── WebhookSignatureError          a webhook that was not signed with your API key
└── RecordedError                  what an earlier run of a job recorded in its journal about an item
```

The `effect` of every error says what became of the action: `"none"`, it did not run; `"done"`, it ran; `"unknown"`, it
may have run. No error contains an API key, a session token or an open response. All errors can be pickled.
"""

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from refold_async.faults import THROTTLED, Effect, Fault
from refold_async.models.response_meta import ResponseMeta
from refold_async.runtime.foreign_errors import copied, error_name, with_subclasses

if TYPE_CHECKING:
    from refold_async.models.applications import Application
    from refold_async.models.executions import Execution, ExecutionNode
    from refold_async.models.results import ActionResult
    from refold_async.models.workflow_execution import WorkflowExecution

__all__ = [
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "ActionFailedError",
    "AppConnectionTimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ExecutionTimeoutError",
    "FanOutStoppedError",
    "InternalServerError",
    "JournalError",
    "NotFoundError",
    "ParameterError",
    "PermissionDeniedError",
    "RateLimitError",
    "ReconnectRequiredError",
    "RecordedError",
    "RefoldError",
    "UnprocessableEntityError",
    "WebhookSignatureError",
    "WorkflowFailedError",
]

_LONGEST_REQUEST_ID = 100
"""How many characters of a request id are shown. Any gateway in front of Refold can set the id, to a text of any
length."""


def named_request_id(request_id: str | None) -> str:
    """Return `, request id …`, to end a line about an error or of the log; an empty text without a request id."""
    if not request_id:
        return ""
    shown = request_id if len(request_id) <= _LONGEST_REQUEST_ID else f"{request_id[:_LONGEST_REQUEST_ID]}…"
    return f", request id {shown if shown.isprintable() else ascii(shown)}"


class RefoldError(Exception):
    """The base class of all errors of this library.

    Attributes:
        message: What happened, and what to do about it.
        effect: What became of the action: `"none"`, it did not run; `"done"`, it ran; `"unknown"`, it may have run. It
            is `"unknown"` too if nobody set it, for example because Celery rebuilt the error from its message.
        method: The HTTP method of the call; None if the error was raised before there was a request.
        url: The full URL of the call, or None.
        linked_account_id: The linked account that the call was for, or None.
        slug: The app that the call was about, or None.
        action_id: The action that the call was about, or None.
        attempts: How many attempts the call made.
        sent_at: When its last attempt was about to be sent, in UTC; None if none was, or if that is not known.
        meta: The attempts, duration in seconds, status and headers of the call. If no call was made, `meta.attempts` is
            0.
        request_id: Refold's id for the request, to quote when you contact support; None if no response contained one.
        retry_after: How many seconds the response asks you to wait before the next call; None if it does not say.
        fault: The kind of fault, which decides about retries; None if the error was raised before anything was sent.
    """

    effect: Effect = "unknown"  # of an error that another program rebuilds from its class and message, as Celery does
    method: str | None = None
    url: str | None = None
    linked_account_id: str | None = None
    slug: str | None = None
    action_id: str | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    meta: ResponseMeta = ResponseMeta()
    request_id: str | None = None
    retry_after: float | None = None
    fault: Fault | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """What happened, and what to do about it."""
        return str(self.args[0]) if self.args else ""

    @property
    def throttled(self) -> bool:
        """Whether Refold, a gateway in front of it or the connected app refused because calls came too fast."""
        return self.fault in THROTTLED

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Return whether this error is an instance of one of these classes, as `except` would decide.

        For a `RecordedError`, the classes are compared with the error that was recorded. So the same check works for an
        error from an earlier run of a job and for a new one.

        Args:
            kinds: The classes.
        """
        return isinstance(self, kinds)

    def __copy__(self) -> Self:
        return copied(self)

    def __str__(self) -> str:
        if self.method is None:
            return self.message
        account = "" if self.linked_account_id is None else f", linked account {self.linked_account_id!r}"
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        named = named_request_id(self.request_id)
        return f"{self.message} [{self.method} {self.url}{account}, {attempts}, effect: {self.effect}{named}]"


class ConfigurationError(RefoldError):
    """A wrong or missing key, URL, id or option. Raised before anything is sent; the message says what to change."""

    effect: Effect = "none"


class ParameterError(RefoldError):
    """Parameters that do not fit the action's schema, or that cannot be sent as JSON. Nothing was sent.

    Attributes:
        missing: The names of required parameters that were not given.
        unknown: The names of parameters that were given but that the action does not have.
        mistyped: The names of parameters whose values have the wrong type.
    """

    effect: Effect = "none"
    mistyped: tuple[str, ...] = ()

    def __init__(self, message: str = "", *, missing: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing
        self.unknown = unknown


class ClientClosedError(RefoldError):
    """The client was used after `aclose()`, or was closed while the call waited to be sent."""


class APIConnectionError(RefoldError):
    """No response came: the connection failed or broke. `effect` says whether the action may have run."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No response came in time. `effect` says whether the action may have run."""


class APIStatusError(RefoldError):
    """Refold, or a gateway in front of it, responded with an error status.

    Attributes:
        status_code: The HTTP status.
        error_code: Refold's code for the error, such as `VALIDATION_ERROR`, or None.
        http_error_type: Refold's name for the status, such as `Bad Request`, or None.
        body: The body of the response: parsed JSON, or text, which is shortened if it is long; None if there was no
            body.
        headers: The headers of the response; their names are case-insensitive.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        error_code: str | None = None,
        http_error_type: str | None = None,
        request_id: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.error_code = error_code
        self.http_error_type = http_error_type
        self.request_id = request_id
        self.body = body
        self.headers: Mapping[str, str] = {} if headers is None else headers


class BadRequestError(APIStatusError):
    """HTTP 400: Refold did not accept the request, for example because a required parameter is missing."""


class AuthenticationError(APIStatusError):
    """HTTP 401: the API key or session token is missing, wrong, revoked or expired."""


class PermissionDeniedError(APIStatusError):
    """HTTP 403: Refold knows the key or token, but it does not permit this call."""


class NotFoundError(APIStatusError):
    """HTTP 404: no such app, action, workflow, execution or linked account. For webhooks, 400 `RESOURCE_NOT_FOUND`."""


class ConflictError(APIStatusError):
    """HTTP 409: the request conflicts with the current state."""


class UnprocessableEntityError(APIStatusError):
    """HTTP 422: Refold understood the request but refused its content."""


class RateLimitError(APIStatusError):
    """HTTP 429: too many calls. `retry_after` is the number of seconds to wait, if the response contains it."""


class InternalServerError(APIStatusError):
    """HTTP 5xx: Refold or a gateway in front of it failed. A write may still have happened: check `effect`."""


class APIResponseValidationError(RefoldError):
    """A response that is not what the API promises, does not fit the requested `into=`, or could not be saved.

    Attributes:
        status_code: The HTTP status of the response.
        body: The body of the response: parsed JSON, or text, which is shortened if it is long; None if there was no
            body.
        result: The result of the action, with its data as Refold sent it. It is set if the action succeeded but its
            data does not fit `into=`, or a text in its data could not be saved; otherwise None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        body: Any = None,
        result: "ActionResult[Any] | None" = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.body = body
        self.result = result


class ActionFailedError(RefoldError):
    """Refold responded, but the action did not succeed in the connected app.

    Attributes:
        result: Refold's response, with the app's own status and error; None if Refold refused before it called the app.
    """

    def __init__(self, message: str = "", *, result: "ActionResult[Any] | None" = None) -> None:
        super().__init__(message)
        self.result = result


class ReconnectRequiredError(ActionFailedError):
    """The linked account is not connected to the app, or its credentials no longer work. Its owner must reconnect it.

    Give the owner the link `(await account.connect_url()).hosted_url`.
    """


class WorkflowFailedError(RefoldError):
    """A workflow ran and did not succeed, or the Response node of a synchronous one responded with an error status.

    This error is also raised if Refold treats the execution as a repeat of another one, with status `DUPLICATE`. Refold
    then runs nothing, and `effect` is `"none"`.

    Attributes:
        execution: What Refold returned about the execution: a `WorkflowExecution` from
            `execute_workflow(..., sync=True)`, or an `Execution` with its nodes from `run_workflow` and
            `executions.wait`.
    """

    def __init__(self, message: str = "", *, execution: "WorkflowExecution | Execution | None" = None) -> None:
        super().__init__(message)
        self.execution = execution

    @property
    def execution_id(self) -> str | None:
        """The id of the execution, which `executions.get()` takes."""
        return None if self.execution is None else self.execution.execution_id

    @property
    def failed_nodes(self) -> "list[ExecutionNode]":
        """The nodes that ended with an error. Empty if Refold did not send the nodes, as for synchronous executions."""
        return getattr(self.execution, "failed_nodes", [])


class ExecutionTimeoutError(RefoldError, TimeoutError):
    """An execution of a workflow did not end within the time to wait for it. It may still be running.

    Attributes:
        execution_id: The id of the execution, to wait for it again.
        execution: The execution as last seen, or None.
        status_known: False if this version does not know the last status: the execution may have ended. Check it in the
            Refold Console.
    """

    def __init__(
        self,
        message: str = "",
        *,
        execution_id: str = "",
        execution: "Execution | None" = None,
        status_known: bool = True,
    ) -> None:
        super().__init__(message)
        self.execution_id = execution_id
        self.execution = execution
        self.status_known = status_known


class AppConnectionTimeoutError(RefoldError, TimeoutError):
    """A linked account did not connect to an app within the time to wait for it.

    Attributes:
        application: The app, with the last known state of the connection, or None.
    """

    def __init__(self, message: str = "", *, application: "Application | None" = None) -> None:
        super().__init__(message)
        self.application = application


class FanOutStoppedError(RefoldError):
    """A fan-out ended before all items were read, because of `stop_after=` or `job_timeout=`.

    It is raised after the outcomes of the items that ended. Items that were started but had not ended are in the
    fan-out's `unfinished`. `effect` is `"unknown"` if anything was sent that may have had an effect: the outcomes say
    what became of each item.
    """


class JournalError(RefoldError):
    """A journal cannot be used: it belongs to another job, is in use, is not a journal, or could not be written.

    It is raised before anything is sent, with the effect `"none"`. If writing fails later, it is raised after the items
    in flight have ended, and `effect` is `"unknown"` if any of them may have had an effect. Outcomes recorded before
    remain recorded.
    """


class WebhookSignatureError(RefoldError):
    """A webhook is not signed, is signed with another key, or was changed after it was signed: do not trust it."""

    effect: Effect = "none"


class RecordedError(RefoldError):
    """Why an item did not succeed in an earlier run of a job, as recorded in the journal.

    It has the message and the `effect` of the original error. If a call failed, it also has that call's `method`,
    `url`, `linked_account_id`, `attempts` and `request_id`. To check the class of the original error, call `matches()`.

    Attributes:
        error_type: The name of the class of the original error. A class of this library or of Python has only its name,
            such as `NotFoundError`; other classes include their module, such as `myapp.errors.CustomerGone`. None for
            an item that was in flight when that run ended.
    """

    def __init__(self, message: str = "", *, error_type: str | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type

    @property
    def throttled(self) -> bool:
        """Whether the error was a `RateLimitError`. Journals do not record whether the connected app refused."""
        return self.matches(RateLimitError)

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.error_type is None else f"{self.error_type}: {text}"

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Return whether the recorded error was an instance of one of these classes.

        A class of your own is found by its module and name, if your program has loaded it.

        Args:
            kinds: The classes.
        """
        name = self.error_type
        if name is None:
            return isinstance(self, kinds)
        known = globals()[name] if name in __all__ else getattr(builtins, name, None)
        if isinstance(known, type):
            return issubclass(known, kinds)
        # Earlier journals recorded classes that are neither ours nor Python's without their module.
        return any(name in (error_name(kind), kind.__name__) for kind in with_subclasses(kinds))
