"""What a run gave back: `executions.response()`, and the return value that `run_workflow` comes with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    AsyncRefold,
    ConfigurationError,
    Execution,
    ExecutionResponse,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RefoldError,
    RetryPolicy,
)
from refold_async.testing import Answer, MockRefold, Silence
from support.waiting import until

RUN: Final = "6a314c54d4616e99e7fa5a02"
PATH: Final = f"/api/v1/execution/{RUN}/response"
Run = Callable[[AccountScope], Awaitable[Execution]]
COMPLETED: Final = {"_id": RUN, "status": "COMPLETED", "linked_account_id": "user_12345"}


def script(mock: MockRefold, *answers: Answer) -> None:
    """Have a run started, seen completed, and asked for its return value, which is answered so."""
    mock.script(Answer(200, json={"message": "Workflow execution started", "execution_id": RUN}), calls=1)
    mock.script(Answer(200, json=COMPLETED), calls=2)
    for number, answer in enumerate(answers, 3):
        mock.script(answer, calls=number)


async def run(account: AccountScope) -> Execution:
    """Run it."""
    return await account.run_workflow("w", slug="hubspot", poll_interval=0.01)


async def start_and_wait(account: AccountScope) -> Execution:
    """Run it in two steps."""
    started = await account.execute_workflow("w", slug="hubspot")
    return await account.executions.wait(started.execution_id, poll_interval=0.01)


ways = pytest.mark.parametrize("run", [run, start_and_wait])


async def test_without_a_return_value(mock: MockRefold, account: AccountScope) -> None:
    """A wait that is not to fetch it makes no call for it."""
    mock.script(Answer(200, json=COMPLETED))
    execution = await account.executions.wait(RUN, return_value=False)
    assert (execution.status, execution.return_value) == ("COMPLETED", None)
    assert len(mock.requests) == 1
    with pytest.raises(ConfigurationError, match="return_value"):
        await account.executions.wait(RUN, return_value="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_response(mock: MockRefold, account: AccountScope) -> None:
    """The return value and the status come as they are, by a read."""
    mock.script(Answer(503), calls=1)
    mock.script(Answer(200, json={"response": {"total": 3}, "status": 201}))
    response = await account.executions.response(RUN)
    assert type(response) is ExecutionResponse
    assert (response.response, response.status) == ({"total": 3}, 201)
    assert [f"{request.method} {request.path}" for request in mock.requests] == [f"GET {PATH}"] * 2


@pytest.mark.parametrize("status", [404, 501])
async def test_a_response_that_is_not_there(mock: MockRefold, account: AccountScope, status: int) -> None:
    """Whoever asks for it is told."""
    mock.script(Answer(status))
    with pytest.raises(NotFoundError if status == 404 else InternalServerError, match=f"response of execution '{RUN}'"):
        await account.executions.response(RUN)


@ways
@pytest.mark.parametrize("value", [{"total": 3}, [1], "text", 0, False, None])
async def test_the_return_value_of_a_run(mock: MockRefold, account: AccountScope, run: Run, value: Any) -> None:
    """Whoever waits for the end of a run gets it too."""
    script(mock, Answer(200, json={"response": value, "status": "COMPLETED"}))
    done = await run(account)
    assert (done.execution_id, done.status, done.return_value) == (RUN, "COMPLETED", value)
    assert [request.path for request in mock.requests][2:] == [PATH]


@ways
@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(501),
        Answer(400, json={"message": "Not found", "error_code": "RESOURCE_NOT_FOUND"}),
        Answer(204),
        Answer(200, body=""),
        Answer(200, json=None),
    ],
    ids=repr,
)
async def test_a_run_that_gave_nothing_back(mock: MockRefold, account: AccountScope, run: Run, answer: Answer) -> None:
    """Where there is none, the return value is None."""
    script(mock, answer)
    done = await run(account)
    assert (done.status, done.return_value, len(mock.requests)) == ("COMPLETED", None, 3)


@ways
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403), PermissionDeniedError),
        (Answer(500), InternalServerError),
        (Answer(200, body="<html>"), APIResponseValidationError),
        (Answer(200, json=[5]), APIResponseValidationError),
    ],
    ids=repr,
)
async def test_a_return_value_that_cannot_be_fetched(
    mock: MockRefold, caplog: pytest.LogCaptureFixture, run: Run, answer: Answer, error: type[RefoldError]
) -> None:
    """The run is done all the same: the effect says so, and a note tells which it is and how to get the value."""
    script(mock, answer)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        with pytest.raises(error) as caught:
            await run(refold.account("user_12345"))
    assert caught.value.effect == "done"
    (note,) = caught.value.__notes__
    assert f"Execution {RUN} (linked account 'user_12345') has completed" in note
    assert f"executions.response('{RUN}')" in note
    assert [note in record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [True]
    assert len(mock.requests) == 3


@ways
async def test_a_caller_that_is_cancelled_while_it_is_fetched(
    mock: MockRefold, account: AccountScope, run: Run
) -> None:
    """Whoever waits no longer hears that the run is done."""
    mock.script(Answer(200, json={"execution_id": RUN}), calls=1)
    mock.script(Answer(200, json=COMPLETED), calls=2)
    mock.script(Silence(), calls=3)
    running = asyncio.ensure_future(run(account))
    await until(lambda: len(mock.requests) == 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    (note,) = [note for note in caught.value.__notes__ if RUN in note]
    assert f"Execution {RUN} (linked account 'user_12345') has completed" in note


async def test_a_job_of_runs_whose_values_cannot_be_fetched(mock: MockRefold) -> None:
    """In a fan-out such a run is no unknown one: it is done."""
    script(mock, Answer(500))

    async def call(scope: AccountScope, item: str) -> Execution:
        return await run(scope)

    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        (outcome,) = (await refold.fan_out(["user_12345"], call).collect()).outcomes
    assert isinstance(outcome.error, RefoldError)
    assert (outcome.status, outcome.error.effect) == ("failed", "done")
