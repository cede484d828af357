"""What is made of the response to `execute_workflow`, where a workflow may choose the status itself."""

from typing import Any

import pytest

from refold_async import (
    APIResponseValidationError,
    APIStatusError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RefoldError,
    WorkflowExecution,
    WorkflowFailedError,
)
from refold_async.faults import Fault
from refold_async.protocol.endpoints import Request
from refold_async.protocol.workflow_executions import parse_workflow_execution
from refold_async.retry_table import RULES
from support.responses import ASYNCHRONOUS_WORKFLOW, SYNCHRONOUS_WORKFLOW, error_from, json_response, raw_response


def test_started_workflow() -> None:
    """An asynchronous start gives the id of the run."""
    value = {"message": "Workflow execution started", "execution_id": "exec_1", "queue": "fast"}
    execution = parse_workflow_execution(json_response(value), ASYNCHRONOUS_WORKFLOW)
    assert execution == WorkflowExecution("exec_1", message="Workflow execution started")
    assert execution.raw == value


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize("return_value", [{"total": 3}, [1], "x", 0, None], ids=repr)
def test_ended_workflow(status: int, return_value: Any) -> None:
    """A synchronous run gives what it returned; the workflow may choose any 2xx."""
    value = {"execution_id": "exec_1", "return_value": return_value, "errored": False, "status_code": status}
    execution = parse_workflow_execution(json_response(value, status), SYNCHRONOUS_WORKFLOW)
    assert execution == WorkflowExecution("exec_1", return_value=return_value, errored=False, status_code=status)
    assert execution.raw == value


@pytest.mark.parametrize("sent", [ASYNCHRONOUS_WORKFLOW, SYNCHRONOUS_WORKFLOW], ids=["asynchronous", "synchronous"])
@pytest.mark.parametrize(
    "value", [None, [], {}, {"message": "x"}, {"execution_id": None}, {"execution_id": [5]}], ids=repr
)
def test_workflow_of_another_shape(value: Any, sent: Request) -> None:
    """Without an id of the run nobody knows whether it began."""
    error = error_from(APIResponseValidationError, parse_workflow_execution, json_response(value), sent)
    assert (error.body, error.fault) == (value, Fault.UNREADABLE)
    assert "workflow 'wf_1'" in error.message


def test_other_spellings_of_an_id() -> None:
    """The id of a run that was started must not be lost: it may be a number, or go by another name."""
    for given in (
        {"execution_id": 5},
        {"_id": "5"},
        {"id": 5},
        {"instance_id": "5"},
        {"execution_id": None, "id": "5"},
    ):
        execution = parse_workflow_execution(json_response({"message": "started", **given}), ASYNCHRONOUS_WORKFLOW)
        assert (execution.execution_id, execution.raw) == ("5", {"message": "started", **given})
    # What a synchronous workflow gives back may be anything, with an id of its own.
    for given in ({"_id": "contact"}, {"id": "contact"}):
        error_from(APIResponseValidationError, parse_workflow_execution, json_response(given), SYNCHRONOUS_WORKFLOW)


@pytest.mark.parametrize("status", [302, 400, 401, 404, 408, 409, 429, 500, 501, 503])
def test_status_that_a_workflow_chose(status: int) -> None:
    """Whatever carries an execution_id comes from a workflow that ran, be the status what it may."""
    value = {"execution_id": "exec_1", "return_value": {"reason": "no stock"}, "status_code": status, "message": "x"}
    error = error_from(
        WorkflowFailedError, parse_workflow_execution, json_response(value, status), SYNCHRONOUS_WORKFLOW
    )
    assert error.fault is Fault.WORKFLOW_SET_STATUS
    assert RULES[error.fault].effect == "done"
    assert error.execution == WorkflowExecution(
        "exec_1", message="x", return_value={"reason": "no stock"}, status_code=status
    )
    assert error.execution is not None
    assert error.execution.raw == value
    assert "exec_1" in error.message
    assert f"HTTP {status}" in error.message


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("said", ["It broke", {"message": "It broke"}], ids=repr)
def test_workflow_that_stopped_at_an_error(said: Any, status: int) -> None:
    """A run that stopped may have done part of its work."""
    value = {"execution_id": "exec_1", "errored": True, "execution_error": said}
    error = error_from(
        WorkflowFailedError, parse_workflow_execution, json_response(value, status), SYNCHRONOUS_WORKFLOW
    )
    assert error.fault is Fault.WORKFLOW_ERRORED
    assert RULES[error.fault].effect == "unknown"
    assert error.execution == WorkflowExecution("exec_1", errored=True, execution_error=said)
    assert "exec_1" in error.message
    assert "It broke" in error.message


@pytest.mark.parametrize(
    ("status", "error_class"), [(400, BadRequestError), (404, NotFoundError), (500, InternalServerError)]
)
def test_errors_of_refold_about_a_synchronous_workflow(status: int, error_class: type[APIStatusError]) -> None:
    """What carries no execution_id comes from Refold, and the workflow did not set it."""
    body = {"status_code": status, "message": "Workflow not found", "error_code": "SERVER_ERROR"}
    error = error_from(error_class, parse_workflow_execution, json_response(body, status), SYNCHRONOUS_WORKFLOW)
    assert error.error_code == "SERVER_ERROR"
    assert error.fault in {Fault.REFUSED, Fault.SERVER_ERROR}


@pytest.mark.parametrize("status", [400, 500])
def test_an_asynchronous_workflow_chooses_no_status(status: int) -> None:
    """Nobody waited for the run, so an error status is Refold's own."""
    response = json_response({"execution_id": "exec_1", "message": "no"}, status)
    with pytest.raises(APIStatusError):
        parse_workflow_execution(response, ASYNCHRONOUS_WORKFLOW)


def test_the_odd_400_of_execute_workflow() -> None:
    """Its own 400 has the reason where others have a code: both are told."""
    body = {"message": "Server Error", "error": "Workflow ID and slug are required"}
    error = error_from(BadRequestError, parse_workflow_execution, json_response(body, 400), ASYNCHRONOUS_WORKFLOW)
    assert "Server Error: Workflow ID and slug are required" in error.message
    assert error.body == body
    assert error.fault is Fault.REFUSED


@pytest.mark.parametrize("status", [400, 404, 429])
def test_a_cut_response_of_a_synchronous_workflow(status: int) -> None:
    """The part that is lost may have held the execution_id: the run cannot be ruled out."""
    response = raw_response(b'{"execution_id":"exec_1","return_value":{"reas', status, body_error="it broke off")
    with pytest.raises(RefoldError) as caught:
        parse_workflow_execution(response, SYNCHRONOUS_WORKFLOW)
    assert caught.value.fault is not None
    assert RULES[caught.value.fault].effect == "unknown"
    assert not RULES[caught.value.fault].write


def test_a_synchronous_workflows_response_that_broke_off_is_unclear_whatever_it_says() -> None:
    """That a credential is missing may be said by a node of the workflow, after others ran."""
    response = raw_response(
        b"Application Authentication not found for linked_account_id X and app Y", 400, body_error="it broke off"
    )
    with pytest.raises(BadRequestError) as caught:
        parse_workflow_execution(response, SYNCHRONOUS_WORKFLOW)
    assert caught.value.fault is Fault.WORKFLOW_UNCLEAR
