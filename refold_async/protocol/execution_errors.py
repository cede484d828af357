"""Makes errors from the results of actions and workflows that did not succeed. Imported at the first one."""

from http import HTTPStatus
from typing import Any, Final

from refold_async.codec.excerpts import shortened
from refold_async.errors import (
    ActionFailedError,
    APIResponseValidationError,
    ReconnectRequiredError,
    RefoldError,
    WorkflowFailedError,
)
from refold_async.faults import Fault
from refold_async.models.results import ActionResult
from refold_async.models.workflow_execution import WorkflowExecution
from refold_async.protocol.endpoints import Request
from refold_async.protocol.error_mapping import (
    FROM_A_CONNECTION,
    IN_MESSAGES,
    NOT_CONNECTED,
    by_connection,
    check_connection,
    how_to,
    status_name,
    type_name,
    wait_as_asked,
    with_fault,
)
from refold_async.protocol.responses import Response, fields_of
from refold_async.protocol.retry_after import read_retry_after

__all__ = ["action_error", "data_error", "no_file_error", "said_by_app", "unsaved_data_error", "workflow_error"]

_EARLIER_NODES: Final = "Earlier nodes ran: check what they did before you run it again."
_ITS_DATA: Final = "The data is in .result."
_ITS_DATA_ALONE: Final = "The data is in .result; do not repeat the call to get it."


def action_error(result: ActionResult[Any], response: Response, request: Request) -> RefoldError:
    """Return the error for an action that Refold ran, and that did not succeed."""
    http_status = result.http_status
    said = said_by_app(result.data)
    subject = f"{_capital(request.target.subject)}{by_connection(request)}"
    message = f"{subject} did not succeed: node_status {result.node_status!r}"
    if http_status is not None:
        message += f", the app returned {status_name(http_status)}"
    message += f": {shortened(said, IN_MESSAGES).removesuffix('.')}." if said else "."
    fault = Fault.APP_UNCLEAR
    if NOT_CONNECTED in said:
        fault = Fault.NOT_CONNECTED
    elif http_status is not None and http_status >= 500:
        fault = Fault.APP_FAILED
    elif http_status is not None and http_status >= 400 and result.node_status in {"Errored", "Failed"}:
        fault = Fault.APP_RATE_LIMITED if http_status == HTTPStatus.TOO_MANY_REQUESTS else Fault.APP_REFUSED
    error: ActionFailedError
    if fault is Fault.NOT_CONNECTED:
        message = f"{message} {how_to('connect the app, or reconnect it')}{check_connection(request)}"
        error = ReconnectRequiredError(message, result=result)
    elif http_status == 401:
        message = f"{message} {how_to('reconnect the app')}{check_connection(request)}"
        error = ReconnectRequiredError(message, result=result)
    elif fault is Fault.APP_RATE_LIMITED:
        advice = f"Too many calls for the app: {wait_as_asked(response)}, or set account_rate_limit=."
        error = ActionFailedError(f"{message} {advice}", result=result)
    elif fault is Fault.APP_REFUSED and http_status in FROM_A_CONNECTION:
        error = ActionFailedError(f"{message}{check_connection(request)}", result=result)
    else:
        error = ActionFailedError(message, result=result)
    error.request_id = result.request_id
    if result.raw.get("http_status") is not None:
        error.retry_after = read_retry_after(response.headers)
    return with_fault(error, fault)


def data_error(
    result: ActionResult[Any], into: Any, problem: str, response: Response, request: Request
) -> APIResponseValidationError:
    """Return the error for an action that succeeded, but whose data does not fit the requested type."""
    return _useless_answer_error(result, f"its data does not fit into={type_name(into)}: {problem}", response, request)


def no_file_error(
    result: ActionResult[Any], problem: str, response: Response, request: Request
) -> APIResponseValidationError:
    """Return the error for an action that succeeded, but returned no file that could be saved."""
    return _useless_answer_error(
        result,
        f"it returned JSON whose `data` {problem}, so there is no file for save_to=: leave out save_to=",
        response,
        request,
    )


def unsaved_data_error(result: ActionResult[Any], response: Response, request: Request) -> APIResponseValidationError:
    """Return the error for an action that succeeded, but whose data could not be written to a file."""
    return _useless_answer_error(result, f"its data was not saved: {response.saved}", response, request)


def _useless_answer_error(
    result: ActionResult[Any], problem: str, response: Response, request: Request
) -> APIResponseValidationError:
    error = APIResponseValidationError(
        f"{_capital(request.target.subject)} succeeded, but {problem}. "
        f"{_ITS_DATA if request.kind == 'idempotent' else _ITS_DATA_ALONE}",
        status_code=response.status,
        body=result.raw,
        result=result,
    )
    error.request_id = result.request_id
    return with_fault(error, Fault.MISFIT)


def workflow_error(execution: WorkflowExecution, response: Response, request: Request) -> RefoldError:
    """Return the error for a synchronous workflow that stopped at an error, or that returned an error status."""
    run = f"{_capital(request.target.subject)}{by_connection(request)} (execution {execution.execution_id})"
    if execution.errored:
        said = said_by_app(execution.execution_error) or said_by_app(execution.return_value)
        message = f"{run} stopped at an error{': ' + shortened(said, IN_MESSAGES) if said else ''}. {_EARLIER_NODES}"
        fault = Fault.WORKFLOW_ERRORED
    else:
        message = f"{run} ran, and returned {status_name(response.status)}, which it chose itself; see .execution."
        fault = Fault.WORKFLOW_SET_STATUS
    error = WorkflowFailedError(message, execution=execution)
    error.request_id = execution.request_id
    return with_fault(error, fault)


def said_by_app(data: Any, depth: int = 3) -> str:
    """Return the readable part of an app's error, which may have any shape. Search at most `depth` objects deep."""
    if isinstance(data, str):
        return data
    if depth == 0:
        return ""
    if isinstance(data, list):
        return said_by_app(data[0] if data else None, depth - 1)
    fields = fields_of(data)
    names = ("message", "error", "error_description", "detail", "errorMessage")
    return next((said for name in names if (said := said_by_app(fields.get(name), depth - 1))), "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
