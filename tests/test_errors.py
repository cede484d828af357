"""The errors themselves: their tree, what they carry, how they read, and that they can be copied and pickled."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, Final

import pytest
from multidict import CIMultiDict

import refold_async
from refold_async import ActionResult, Application, InternalServerError, WorkflowExecution, errors
from refold_async.faults import Fault
from support.cases import each_case

PARENTS: Final[dict[str, tuple[type[BaseException], ...]]] = {
    "RefoldError": (Exception,),
    "ConfigurationError": (errors.RefoldError,),
    "ParameterError": (errors.RefoldError,),
    "ClientClosedError": (errors.RefoldError,),
    "APIConnectionError": (errors.RefoldError,),
    "APITimeoutError": (errors.APIConnectionError, TimeoutError),
    "APIStatusError": (errors.RefoldError,),
    "BadRequestError": (errors.APIStatusError,),
    "AuthenticationError": (errors.APIStatusError,),
    "PermissionDeniedError": (errors.APIStatusError,),
    "NotFoundError": (errors.APIStatusError,),
    "ConflictError": (errors.APIStatusError,),
    "UnprocessableEntityError": (errors.APIStatusError,),
    "RateLimitError": (errors.APIStatusError,),
    "InternalServerError": (errors.APIStatusError,),
    "APIResponseValidationError": (errors.RefoldError,),
    "ActionFailedError": (errors.RefoldError,),
    "ReconnectRequiredError": (errors.ActionFailedError,),
    "ExecutionTimeoutError": (errors.RefoldError, TimeoutError),
    "AppConnectionTimeoutError": (errors.RefoldError, TimeoutError),
    "WorkflowFailedError": (errors.RefoldError,),
    "FanOutStoppedError": (errors.RefoldError,),
    "JournalError": (errors.RefoldError,),
    "WebhookSignatureError": (errors.RefoldError,),
    "RecordedError": (errors.RefoldError,),
}


def classes_of_errors() -> dict[str, type[errors.RefoldError]]:
    """Return every error class of the module by its name."""
    members = vars(errors).items()
    return {name: one for name, one in members if isinstance(one, type) and issubclass(one, errors.RefoldError)}


def test_the_tree_is_complete() -> None:
    """There is no error beside those of the tree, and all are public."""
    assert classes_of_errors().keys() == PARENTS.keys()
    assert set(errors.__all__) == PARENTS.keys()


@pytest.mark.parametrize("name", PARENTS)
def test_place_in_the_tree(name: str) -> None:
    """Each error has the parents that the tree draws it under."""
    assert classes_of_errors()[name].__bases__ == PARENTS[name]


@pytest.mark.parametrize("name", PARENTS)
def test_exported_from_the_package(name: str) -> None:
    """Users import every error from `refold_async`."""
    assert name in refold_async.__all__
    assert getattr(refold_async, name) is getattr(errors, name)


@pytest.mark.parametrize("name", PARENTS)
def test_drawn_in_the_docstring(name: str) -> None:
    """The tree in the module's docstring has them all."""
    drawing = (errors.__doc__ or "").split("```")[1]
    assert name in drawing.replace("─", " ").split()


def test_timeouts_are_timeout_errors() -> None:
    """`except TimeoutError` catches a call that took too long, as it does for asyncio."""
    assert isinstance(errors.APITimeoutError("late"), TimeoutError)


RAW: Final = {"node_status": "Errored", "data": {"message": "no"}, "http_status": 409, "new_field": [1, 2]}
RESULT: Final = ActionResult("Errored", {"message": "no"}, 409, raw=RAW)
EXECUTION: Final = WorkflowExecution(
    "exec_1", None, {"total": 3}, True, 500, {"message": "no"}, raw={"execution_id": "exec_1"}
)


def status_error(error_class: type[errors.APIStatusError], status: int) -> errors.APIStatusError:
    """Return a status error with everything a response can tell."""
    return error_class(
        "Refold answered.",
        status_code=status,
        error_code="VALIDATION_ERROR",
        http_error_type="Bad Request",
        request_id="req_1",
        body={"message": "Required parameter 'email' is missing", "details": [1, None]},
        headers=CIMultiDict({"Content-Type": "application/json", "Retry-After": "7"}),
    )


MAKERS: Final[dict[str, Callable[[], errors.RefoldError]]] = {
    "RefoldError": lambda: errors.RefoldError("Something."),
    "ConfigurationError": lambda: errors.ConfigurationError("max_connections must be a whole number."),
    "ParameterError": lambda: errors.ParameterError("No fit.", missing=("email",), unknown=("e_mail", "zip")),
    "ClientClosedError": lambda: errors.ClientClosedError("Closed."),
    "APIConnectionError": lambda: errors.APIConnectionError("Broke."),
    "APITimeoutError": lambda: errors.APITimeoutError("Late."),
    "APIStatusError": lambda: status_error(errors.APIStatusError, 418),
    "BadRequestError": lambda: status_error(errors.BadRequestError, 400),
    "AuthenticationError": lambda: status_error(errors.AuthenticationError, 401),
    "PermissionDeniedError": lambda: status_error(errors.PermissionDeniedError, 403),
    "NotFoundError": lambda: status_error(errors.NotFoundError, 404),
    "ConflictError": lambda: status_error(errors.ConflictError, 409),
    "UnprocessableEntityError": lambda: status_error(errors.UnprocessableEntityError, 422),
    "RateLimitError": lambda: status_error(errors.RateLimitError, 429),
    "InternalServerError": lambda: status_error(errors.InternalServerError, 500),
    "APIResponseValidationError": lambda: errors.APIResponseValidationError(
        "No fit.", status_code=200, body=RAW, result=RESULT
    ),
    "ActionFailedError": lambda: errors.ActionFailedError("Failed.", result=RESULT),
    "ReconnectRequiredError": lambda: errors.ReconnectRequiredError("Reconnect.", result=RESULT),
    "ExecutionTimeoutError": lambda: errors.ExecutionTimeoutError("Late.", execution_id="exec_1"),
    "AppConnectionTimeoutError": lambda: errors.AppConnectionTimeoutError("Late.", application=Application("hubspot")),
    "WorkflowFailedError": lambda: errors.WorkflowFailedError("Failed.", execution=EXECUTION),
    "FanOutStoppedError": lambda: errors.FanOutStoppedError("Stopped."),
    "JournalError": lambda: errors.JournalError("In use."),
    "WebhookSignatureError": lambda: errors.WebhookSignatureError("In use."),
    "RecordedError": lambda: errors.RecordedError("Failed then.", error_type="NotFoundError"),
}


def pickled(protocol: int) -> Callable[[Any], Any]:
    """Return a function that pickles a value by a protocol and makes it anew."""
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


COPIES: Final[dict[str, Callable[[Any], Any]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle protocol {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


def sent(error: errors.RefoldError) -> errors.RefoldError:
    """Fill in what an error carries once its call was sent."""
    error.method = "POST"
    error.url = "https://app.refold.ai/api/v2/integration-schema/hubspot/actions/create_contact/execute"
    error.linked_account_id = "ada+test@example.com"
    error.attempts = 2
    error.effect = "unknown"
    error.retry_after = 7.5
    error.fault = Fault.SERVER_ERROR
    error.add_note("for customer 12345")
    return error


@each_case("way", COPIES)
@each_case("name", PARENTS)
def test_copies_have_everything(name: str, way: str) -> None:
    """A pickled or copied error is the same in class, message, attributes and notes: it can cross processes."""
    original = sent(MAKERS[name]())
    twin = COPIES[way](original)
    assert twin is not original
    assert type(twin) is type(original)
    assert type(twin).__name__ == name
    assert twin.args == original.args
    assert vars(twin) == vars(original)
    assert str(twin) == str(original)
    assert twin.__notes__ == ["for customer 12345"]


@pytest.mark.usefixtures("pickled_by_dask")
@each_case("name", PARENTS)
def test_copies_share_no_attributes(name: str) -> None:
    """What is set on a copy, such as the linked account that it is about, stays off the original."""
    original = sent(MAKERS[name]())
    twin = copy.copy(original)
    assert vars(twin) == vars(original)
    twin.linked_account_id = "user_2"
    twin.add_note("for another customer")
    assert (original.linked_account_id, original.__notes__) == ("ada+test@example.com", ["for customer 12345"])


@pytest.mark.parametrize("way", COPIES)
def test_copies_keep_results_as_they_came(way: str) -> None:
    """The app's response goes along, with fields that the models do not know."""
    failed = COPIES[way](errors.ActionFailedError("Failed.", result=RESULT))
    assert failed.result == RESULT
    assert failed.result.raw == RAW
    execution = COPIES[way](errors.WorkflowFailedError("Failed.", execution=EXECUTION)).execution
    assert execution == EXECUTION
    assert execution.raw == {"execution_id": "exec_1"}


@pytest.mark.parametrize("way", COPIES)
def test_copies_keep_headers_case_insensitive(way: str) -> None:
    """Headers can be asked for in any case, in a copy too."""
    error = COPIES[way](status_error(errors.RateLimitError, 429))
    assert error.headers["retry-after"] == "7"


NOTHING_RAN: Final = {"ConfigurationError", "ParameterError", "WebhookSignatureError"}


@pytest.mark.parametrize("name", PARENTS)
def test_made_from_its_message_alone(name: str) -> None:
    """Nobody said what became of the action, as when Celery rebuilds an error: then it is unknown, never `none`.

    Only of errors that are always raised before anything is sent, the class says enough.
    """
    error = classes_of_errors()[name]("Set max_connections to 1 or more.")
    assert error.effect == ("none" if name in NOTHING_RAN else "unknown")
    assert (error.attempts, error.retry_after, error.fault) == (0, None, None)
    assert (error.method, error.url, error.linked_account_id) == (None, None, None)
    assert str(error) == error.message == "Set max_connections to 1 or more."


@pytest.mark.parametrize("name", PARENTS)
def test_without_a_message(name: str) -> None:
    """An error of the caller's own making needs no arguments."""
    error = classes_of_errors()[name]()
    assert str(error) == error.message == ""


@pytest.mark.parametrize("name", PARENTS)
def test_text_of_a_call_that_failed(name: str) -> None:
    """The text says what was called, for whom, how often and what became of it; `message` stays what it was.

    Of an error that was recorded it also says of which class that was, which tracebacks tell of others.
    """
    error = sent(MAKERS[name]())
    message = MAKERS[name]().message
    assert error.message == message
    request_id = "" if error.request_id is None else ", request id req_1"
    recorded_as = "NotFoundError: " if name == "RecordedError" else ""
    assert str(error) == (
        f"{recorded_as}{message} [POST "
        "https://app.refold.ai/api/v2/integration-schema/hubspot/actions/create_contact/execute, "
        f"linked account 'ada+test@example.com', 2 attempts, effect: unknown{request_id}]"
    )


@pytest.mark.parametrize(
    ("request_id", "shown"),
    [
        ("req_1", "req_1"),
        ("é 1", "é 1"),
        ("a\nb", "'a\\nb'"),
        ("\ud800", "'\\ud800'"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "…"),
    ],
    ids=ascii,
)
def test_text_with_a_request_id(request_id: str, shown: str) -> None:
    """It ends the text, in one line and no longer than anybody needs; `request_id` has it as it came."""
    error = sent(InternalServerError("It failed.", request_id=request_id))
    assert str(error).endswith(f", effect: unknown, request id {shown}]")
    assert error.request_id == request_id


def test_text_with_one_attempt_and_no_account() -> None:
    """What does not apply is left out, and one is singular."""
    error = errors.APIConnectionError("Broke.")
    error.method, error.url, error.attempts = "GET", "https://app.refold.ai/x", 1
    assert str(error) == "Broke. [GET https://app.refold.ai/x, 1 attempt, effect: unknown]"


def test_attributes_without_values() -> None:
    """What a response did not tell is None or empty, never missing."""
    status = errors.APIStatusError("x")
    assert (status.status_code, status.error_code, status.http_error_type, status.request_id) == (0, None, None, None)
    assert status.body is None
    assert status.headers == {}
    parameters = errors.ParameterError("x")
    assert (parameters.missing, parameters.unknown) == ((), ())
    assert errors.ActionFailedError("x").result is None
    assert errors.APIResponseValidationError("x").result is None
    assert errors.WorkflowFailedError("x").execution is None


@pytest.mark.parametrize("fault", Fault)
def test_faults_pickle_by_name(fault: Fault) -> None:
    """Another version of the library, with other words for a fault, can read what this one pickled."""
    pickled = pickle.dumps(fault)
    assert pickle.loads(pickled) is fault
    assert copy.deepcopy(fault) is fault
    assert fault.name.encode() in pickled
    assert fault.value.encode() not in pickled
