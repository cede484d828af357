"""Everything this library raises.

```
RefoldError
├── ConfigurationError             wrong or missing key, URL, option; raised before anything is sent
├── ParameterError                 parameters that do not fit the action's schema, or are not JSON
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
├── ActionFailedError              Refold answered, the action did not succeed
│   └── ReconnectRequiredError     the linked account is not connected, or its credentials no longer work
├── WorkflowFailedError            the workflow ran and did not succeed
├── ExecutionTimeoutError          a workflow has not ended in the time to wait for it; also a TimeoutError
├── AppConnectionTimeoutError      nobody has connected an app in the time to wait for it; also a TimeoutError
├── FanOutStoppedError             a fan-out ended before all items were taken, by `stop_after=` or `job_timeout=`
├── JournalError                   the journal of a job cannot be used, or could not be written
├── WebhookSignatureError          a webhook that was not signed with your API key
└── RecordedError                  what an earlier run of a job recorded in its journal about an item
```

Every error says in `effect` what became of the action: `"none"`, it did not run; `"done"`, it ran; `"unknown"`, it
may have run. No error holds an API key, a session token or an open response, and all of them pickle.
"""

import builtins
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from refold_async.faults import THROTTLED, Effect, Fault
from refold_async.models.response_meta import ResponseMeta
from refold_async.runtime.foreign_errors import error_name

if TYPE_CHECKING:
    from refold_async.models.applications import Application
    from refold_async.models.executions import Execution, ExecutionNode
    from refold_async.models.results import ActionResult, WorkflowExecution

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
"""How many characters of the id of a request are shown: whatever stands before Refold may name one."""


def named_request_id(request_id: str | None) -> str:
    """Return `, request id …` as it ends a line of an error or of the log, or nothing where no response named one."""
    if not request_id:
        return ""
    shown = request_id if len(request_id) <= _LONGEST_REQUEST_ID else f"{request_id[:_LONGEST_REQUEST_ID]}…"
    return f", request id {shown if shown.isprintable() else ascii(shown)}"


class RefoldError(Exception):
    """The root of all errors of this library.

    Attributes:
        message: What happened and what to do about it.
        effect: What became of the action: `"none"`, it did not run; `"done"`, it ran; `"unknown"`, it may have run.
        method: The HTTP method of the call, or None if the error came before there was one.
        url: The full URL of the call, or None.
        linked_account_id: The linked account the call was for, or None.
        slug: The app the call was about, or None.
        action_id: The action the call was about, or None.
        attempts: How often the request was handed to the network.
        meta: The attempts, seconds, status and headers of the call; of an error that none made, it tells 0 attempts.
        request_id: Refold's id of the request, to quote to support, or None where no response named one.
        retry_after: Seconds after which the response says to come back, or None if it did not say.
        fault: The row of the retry table that the error falls under, or None if it came before anything was sent.
    """

    effect: Effect = "none"
    method: str | None = None
    url: str | None = None
    linked_account_id: str | None = None
    slug: str | None = None
    action_id: str | None = None
    attempts: int = 0
    meta: ResponseMeta = ResponseMeta()
    request_id: str | None = None
    retry_after: float | None = None
    fault: Fault | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """What happened and what to do about it."""
        return str(self.args[0]) if self.args else ""

    @property
    def throttled(self) -> bool:
        """Whether Refold, a gateway before it or the connected app refused because calls came too fast."""
        return self.fault in THROTTLED

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Tell whether it is an error of one of these classes, as `except` would.

        A `RecordedError` tells it of the error that was recorded, so the same question serves what an earlier run of a
        job left and what happened in this one.
        """
        return isinstance(self, kinds)

    def __str__(self) -> str:
        if self.method is None:
            return self.message
        account = "" if self.linked_account_id is None else f", linked account {self.linked_account_id!r}"
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        named = named_request_id(self.request_id)
        return f"{self.message} [{self.method} {self.url}{account}, {attempts}, effect: {self.effect}{named}]"


class ConfigurationError(RefoldError):
    """A wrong or missing key, URL, id or option. Raised before anything is sent; the message names it and the fix."""


class ParameterError(RefoldError):
    """Parameters that do not fit the action's schema, or that cannot be sent as JSON. Nothing was sent.

    Attributes:
        missing: Names of required parameters that were not given.
        unknown: Names of given parameters that the action does not have.
    """

    def __init__(self, message: str = "", *, missing: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing
        self.unknown = unknown


class ClientClosedError(RefoldError):
    """The client was used after `aclose()`, or closed while the call waited to be sent."""


class APIConnectionError(RefoldError):
    """No response came: the connection could not be made, or broke. `effect` says whether the action may have run."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No response came in time. `effect` says whether the action may have run."""


class APIStatusError(RefoldError):
    """Refold, or a gateway before it, answered with an error status.

    Attributes:
        status_code: The HTTP status.
        error_code: Refold's code for the error, such as `VALIDATION_ERROR`, or None.
        http_error_type: Refold's name for the status, such as `Bad Request`, or None.
        body: The response: parsed JSON, else text, shortened where it was long, else None.
        headers: The response's headers; names are case-insensitive.
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
    """HTTP 400: Refold could not accept the request, such as a required parameter that is missing."""


class AuthenticationError(APIStatusError):
    """HTTP 401: the API key or session token is missing, wrong, revoked or expired."""


class PermissionDeniedError(APIStatusError):
    """HTTP 403: the key or token is known, but may not do this."""


class NotFoundError(APIStatusError):
    """HTTP 404: no such app, action, workflow, execution or linked account. Of webhooks, 400 `RESOURCE_NOT_FOUND`."""


class ConflictError(APIStatusError):
    """HTTP 409: the request collides with the present state."""


class UnprocessableEntityError(APIStatusError):
    """HTTP 422: the request was understood and its content refused."""


class RateLimitError(APIStatusError):
    """HTTP 429: too many calls. `retry_after` holds the seconds after which to come back, where the response told."""


class InternalServerError(APIStatusError):
    """HTTP 5xx: Refold or a gateway before it failed. A write may have happened all the same: see `effect`."""


class APIResponseValidationError(RefoldError):
    """A response that is not what the API promises, or does not fit the `into=` asked for, or could not be saved.

    Attributes:
        status_code: The HTTP status of the response.
        body: The response: parsed JSON, else text, shortened where it was long, else None.
        result: The action's result with its data as it came, where the action succeeded and only `into=` did not fit,
            or a text in its data could not be saved.
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
    """Refold answered, and the action did not succeed in the connected app.

    Attributes:
        result: What Refold answered, with the app's own status and error; None where Refold refused before it got
            so far as to call the app.
    """

    def __init__(self, message: str = "", *, result: "ActionResult[Any] | None" = None) -> None:
        super().__init__(message)
        self.result = result


class ReconnectRequiredError(ActionFailedError):
    """The linked account is not connected to the app, or its credentials no longer work: its owner must reconnect.

    `(await account.connect_url()).hosted_url` is the link to give to that owner.
    """


class WorkflowFailedError(RefoldError):
    """A workflow ran and did not succeed, or the Response node of a synchronous one answered with an error status.

    Or Refold took the run for a repeat of another, status `DUPLICATE`, and ran nothing: its `effect` is `"none"`.

    Attributes:
        execution: What Refold answered about the run: a `WorkflowExecution` from `execute_workflow(..., sync=True)`, an
            `Execution` with its nodes from `run_workflow` and `executions.wait`.
    """

    def __init__(self, message: str = "", *, execution: "WorkflowExecution | Execution | None" = None) -> None:
        super().__init__(message)
        self.execution = execution

    @property
    def execution_id(self) -> str | None:
        """The run's id, as `executions.get()` takes it."""
        return None if self.execution is None else self.execution.execution_id

    @property
    def failed_nodes(self) -> "list[ExecutionNode]":
        """The nodes that ended with an error; none where Refold did not show the nodes, as of synchronous runs."""
        return getattr(self.execution, "failed_nodes", [])


class ExecutionTimeoutError(RefoldError, TimeoutError):
    """A run of a workflow did not end in the time that was given to wait for it. It may go on.

    Attributes:
        execution_id: The run's id, to wait again.
        execution: The run when it was last seen, or None.
        status_known: False where the status last seen is a word that this version does not know: the run may have
            ended. The Refold Console tells.
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
    """A linked account was not connected to an app in the time that was given to wait for it.

    Attributes:
        application: The app, with the state of the connection when it was last seen, or None.
    """

    def __init__(self, message: str = "", *, application: "Application | None" = None) -> None:
        super().__init__(message)
        self.application = application


class FanOutStoppedError(RefoldError):
    """A fan-out ended before all items were taken, because `stop_after=` or `job_timeout=` said so.

    Raised after the outcomes of the items that were taken. Those that had not ended are in the fan-out's `unfinished`.
    """


class JournalError(RefoldError):
    """A journal cannot be used: it belongs to another job, is in use, is no journal, or could not be written.

    Raised before anything is sent, or, where writing fails half way, once what was in flight has ended. What was
    recorded stays recorded.
    """


class WebhookSignatureError(RefoldError):
    """A webhook is not signed, or was signed with another key, or is not as it was signed: believe nothing of it."""


class RecordedError(RefoldError):
    """Why an item did not succeed in an earlier run of a job, as the journal has it.

    It has the message of the error of then, its `effect` and, where a call had failed, its `method`, `url`,
    `linked_account_id`, `attempts` and `request_id`. `matches()` tells of which class that was.

    Attributes:
        error_type: The name of the error's class then: of a class of this library or of Python alone, such as
            `NotFoundError`, of others with its module, such as `myapp.errors.CustomerGone`. None for an item that was
            in flight when that run ended.
    """

    def __init__(self, message: str = "", *, error_type: str | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type

    @property
    def throttled(self) -> bool:
        """Whether it was a `RateLimitError`. Journals do not record whether it was the app that refused."""
        return self.matches(RateLimitError)

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.error_type is None else f"{self.error_type}: {text}"

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Tell whether what was recorded was an error of one of these classes, or of one derived from them.

        A class of your own is found by its module and name, where your program has loaded it.
        """
        name = self.error_type
        if name is None:
            return isinstance(self, kinds)
        known = globals()[name] if name in __all__ else getattr(builtins, name, None)
        if isinstance(known, type):
            return issubclass(known, kinds)
        # Of classes that are neither ours nor Python's, journals used to hold the bare name.
        return any(name in (error_name(kind), kind.__name__) for kind in _with_subclasses(kinds))


def _with_subclasses(kinds: tuple[Any, ...]) -> Iterator[type[BaseException]]:
    """Give classes, also such as `isinstance()` takes in tuples within, and all that are derived from them."""
    pending = list(kinds)
    seen: set[type[BaseException]] = set()
    while pending:
        kind = pending.pop()
        if isinstance(kind, tuple):
            pending.extend(kind)  # pyright: ignore[reportUnknownArgumentType]
        elif kind not in seen:
            seen.add(kind)
            yield kind
            pending += kind.__subclasses__()
