"""Following runs of workflows to their end: wait, watch and run_workflow."""

import asyncio
import gc
import math
import pickle
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    ClientClosedError,
    ConfigurationError,
    Execution,
    ExecutionTimeoutError,
    Fault,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    RefoldError,
    RetryPolicy,
    Timeout,
    WorkflowFailedError,
)
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser
from refold_async.resources.executions import Executions
from refold_async.testing import (
    SAMPLE_WORKFLOW_ID,
    Answer,
    AppError,
    MockExecution,
    MockRefold,
    Reset,
    Silence,
    Trouble,
    Truncated,
    WorkflowContext,
)
from support import virtual_time
from support.responses import json_response
from support.retry_policies import IMPATIENT
from support.waiting import until

T = TypeVar("T")

JANE: Final = {"email": "jane@example.com"}


def warnings_of_ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in the log. On a slow machine asyncio complains beside them."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("refold_async") and record.levelname == "WARNING"
    ]


# In virtual time, without a server


class Silent:
    """Stands for a look that gets no response."""


class Refold:
    """Answers looks at the run `e1`, one after the other; the last response stands for all later ones."""

    def __init__(self, *responses: dict[str, Any] | RefoldError | Silent) -> None:
        self._responses = list(responses)
        self.looks: list[tuple[float, Timeout]] = []
        self.pauses: list[float] = []
        self.paths: set[str] = set()
        self.executions = Executions(self.send, self.pause, self.annotate)

    @staticmethod
    def annotate(error: RefoldError, request: Request) -> None:
        """Tell what an error is about."""
        error.linked_account_id = "user_12345"

    async def send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> T:
        """Look at the run, or fetch what it gave back."""
        assert isinstance(timeout, Timeout)
        if request.target.path == "/api/v1/execution/e1/response":
            return parse(json_response({"response": {"total": 3}, "status": "COMPLETED"}), request)
        self.looks.append((asyncio.get_running_loop().time(), timeout))
        self.paths.add(f"{request.target.method} {request.target.path}")
        response = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        if isinstance(response, Silent):
            await asyncio.sleep(min(timeout.total, timeout.attempt))
            raise APITimeoutError("no answer")
        if isinstance(response, RefoldError):
            raise response
        return parse(json_response(response), request)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        self.pauses.append(seconds)
        await asyncio.sleep(seconds)


RUNNING: Final = {"_id": "e1", "status": "RUNNING"}
COMPLETED: Final = {"_id": "e1", "status": "COMPLETED", "completion_percentage": 100}


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a test in virtual time; a task that is left, or an error that nobody was told, fails it."""

    async def watched() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await main()
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not complaints

    virtual_time.run(watched())


def test_pauses_grow_and_are_random() -> None:
    """The first pause is at most `poll_interval`, later ones grow to 15 seconds, and no two waits are alike."""

    async def main() -> None:
        waits = [Refold(*[RUNNING] * 30, COMPLETED) for _ in range(2)]
        for refold in waits:
            execution = await refold.executions.wait("e1")
            assert (execution.status, execution.return_value, len(refold.looks)) == ("COMPLETED", {"total": 3}, 31)
            assert refold.paths == {"GET /api/v2/public/execution/e1"}
            assert 0.25 <= refold.pauses[0] <= 0.5
            assert all(7.5 <= pause <= 15 for pause in refold.pauses[10:])
            assert all(later <= 3 * pause for pause, later in zip(refold.pauses, refold.pauses[1:], strict=False))
        assert waits[0].pauses != waits[1].pauses

    run(main)


@pytest.mark.parametrize("poll_interval", [0.001, 2, 60])
def test_the_poll_interval_is_the_first_pause(poll_interval: float) -> None:
    """Pauses begin with the interval asked for, and are never longer where that is more than 15 seconds."""

    async def main() -> None:
        refold = Refold(*[RUNNING] * 30, COMPLETED)
        await refold.executions.wait("e1", poll_interval=poll_interval, timeout=math.inf)
        assert poll_interval / 2 <= refold.pauses[0] <= poll_interval
        assert max(refold.pauses) <= max(15, poll_interval)

    run(main)


@pytest.mark.parametrize("looks", [1, 3, 10])
def test_looks_without_a_response(looks: int) -> None:
    """Looks that Refold leaves unanswered end by themselves, and others follow."""

    async def main() -> None:
        refold = Refold(*[Silent()] * looks, RUNNING, *[Silent()] * looks, COMPLETED)
        assert (await refold.executions.wait("e1", timeout=3600)).status == "COMPLETED"
        assert len(refold.looks) == 2 * looks + 2
        assert all(limits.attempt <= 10 and limits.total <= 30 for _, limits in refold.looks)

    run(main)


def because(fault: Fault, error: RefoldError) -> RefoldError:
    """Return an error of this fault."""
    error.fault = fault
    return error


TROUBLES: Final = (
    because(Fault.SERVER_ERROR, InternalServerError("HTTP 503", status_code=503)),
    because(Fault.RATE_LIMITED, RateLimitError("HTTP 429", status_code=429)),
    because(Fault.LOST, APIConnectionError("reset")),
    APITimeoutError("too late"),
)


def test_looks_that_fail() -> None:
    """Looks that fail for a reason that passes are followed by others."""

    async def main() -> None:
        refold = Refold(*TROUBLES, RUNNING, *TROUBLES, COMPLETED)
        assert (await refold.executions.wait("e1")).status == "COMPLETED"
        assert len(refold.looks) == 10

    run(main)


@pytest.mark.parametrize(
    "error",
    [
        because(Fault.REFUSED, NotFoundError("gone", status_code=404)),
        because(Fault.REFUSED, AuthenticationError("no", status_code=401)),
        because(Fault.REFUSED, InternalServerError("not implemented", status_code=501)),
        because(Fault.CERTIFICATE, APIConnectionError("wrong certificate")),
        ClientClosedError(),
    ],
)
def test_looks_that_fail_for_good(error: RefoldError) -> None:
    """What another look would not mend is raised at once."""

    async def main() -> None:
        refold = Refold(RUNNING, error, COMPLETED)
        with pytest.raises(type(error)) as caught:
            await refold.executions.wait("e1")
        assert caught.value is error

    run(main)


@pytest.mark.parametrize("status", ["PONDERING", "complete", "", None])
def test_words_nobody_knows(status: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """A status that is not known is none of the final ones; that it no longer changes is told once."""

    async def main() -> None:
        refold = Refold(*[{"_id": "e1", "status": status, "linked_account_id": "user_1"}] * 5, COMPLETED)
        assert (await refold.executions.wait("e1")).status == "COMPLETED"
        assert len(refold.looks) == 6

    run(main)
    (warning,) = warnings_of_ours(caplog)
    assert f"Execution e1 (linked account 'user_1') remains at status {status!r}" in warning


def test_words_that_change(caplog: pytest.LogCaptureFixture) -> None:
    """Each word that is not known is told once it stays; none while the run goes on, nor any that is known."""

    async def main() -> None:
        moving = [{"_id": "e1", "status": "PONDERING", "completion_percentage": number} for number in range(5)]
        looks: list[dict[str, Any] | RefoldError] = [
            *moving,
            *[RUNNING] * 3,
            *moving[-1:] * 4,
            {"_id": "e1", "status": "RESTING"},
            RUNNING,
        ]
        looks += [{"_id": "e1", "status": "DONE"}, TROUBLES[0], *[{"_id": "e1", "status": "DONE"}] * 3, *moving[:1] * 3]
        refold = Refold(*looks, COMPLETED)
        await refold.executions.wait("e1")
        assert len(refold.looks) == len(looks) + 1

    run(main)
    words = ["'PONDERING'", "'DONE'"]
    assert [word in warning for word, warning in zip(words, warnings_of_ours(caplog), strict=True)] == [True, True]


def test_a_word_nobody_knows_until_the_end() -> None:
    """Out of time, the error says that the status is not known, and that the run may have ended."""

    async def main() -> None:
        refold = Refold({"_id": "e1", "status": "FINISHED"})
        with pytest.raises(ExecutionTimeoutError, match=r"its status was FINISHED\. This .* may have ended") as caught:
            await refold.executions.wait("e1", timeout=60)
        assert (caught.value.attempts, caught.value.status_known) == (len(refold.looks), False)

    run(main)


@pytest.mark.parametrize("status", ["queued", "QUEUED", "RUNNING", "STOPPING"])
def test_words_of_runs_that_go_on(status: str, caplog: pytest.LogCaptureFixture) -> None:
    """A run that waits for its turn, runs or stops is waited for, without a word."""

    async def main() -> None:
        refold = Refold(*[{"_id": "e1", "status": status}] * 5, COMPLETED)
        assert (await refold.executions.wait("e1")).status == "COMPLETED"

    run(main)
    assert warnings_of_ours(caplog) == []


@pytest.mark.parametrize(
    ("status", "effect"),
    [*((word, "unknown") for word in ("ERRORED", "FAILED", "STOPPED", "TIMED_OUT", "TERMINATED", "terminated")),
     ("DUPLICATE", "none"), ("duplicate", "none")],
)  # fmt: skip
def test_words_of_runs_that_have_ended(status: str, effect: str) -> None:
    """Each is final; a duplicate ran nothing. `attempts` counts the looks, those that failed too."""

    async def main() -> None:
        refold = Refold(RUNNING, TROUBLES[0], {"_id": "e1", "status": status})
        with pytest.raises(WorkflowFailedError, match=f"ended as {status}") as caught:
            await refold.executions.wait("e1")
        assert (caught.value.effect, caught.value.attempts, len(refold.looks)) == (effect, 3, 3)
        assert ("ran nothing" in str(caught.value)) == (effect == "none")

    run(main)


def test_out_of_time() -> None:
    """When the time is over, the error tells how the run was last seen, and which it is."""

    async def main() -> None:
        seen = {**RUNNING, "completion_percentage": 40, "linked_account_id": "user_12345"}
        refold, began = Refold(RUNNING, seen), asyncio.get_running_loop().time()
        with pytest.raises(
            ExecutionTimeoutError,
            match=r"e1 .* in time: when last polled, its status was RUNNING \(40 %\)\. It may still be running",
        ) as caught:
            await refold.executions.wait("e1", timeout=60)
        error = caught.value
        assert asyncio.get_running_loop().time() - began == pytest.approx(60)
        assert isinstance(error, TimeoutError)
        assert (error.execution_id, error.effect, error.linked_account_id) == ("e1", "unknown", "user_12345")
        assert error.status_known
        assert error.execution is not None
        assert error.execution.completion_percentage == 40
        assert error.__cause__ is None
        restored = pickle.loads(pickle.dumps(error))
        assert (restored.execution_id, restored.execution, str(restored)) == ("e1", error.execution, str(error))

    run(main)


@pytest.mark.parametrize(
    ("response", "cause"), [(Silent(), APITimeoutError), ({"_id": "e1", "status": [5]}, APIResponseValidationError)]
)
def test_out_of_time_without_a_response(response: Any, cause: type[RefoldError]) -> None:
    """Where no look was answered, or none could be read, the error says so, and what became of the last."""

    async def main() -> None:
        refold, began = Refold(response), asyncio.get_running_loop().time()
        with pytest.raises(ExecutionTimeoutError, match=r"its status could not be read\.") as caught:
            await refold.executions.wait("e1", timeout=100)
        assert asyncio.get_running_loop().time() - began == pytest.approx(100)
        assert (caught.value.execution_id, caught.value.execution) == ("e1", None)
        assert isinstance(caught.value.__cause__, cause)
        assert all(limits.total <= began + 100.001 - at for at, limits in refold.looks)

    run(main)


DOWN: Final = because(Fault.SERVER_ERROR, InternalServerError("down", status_code=503))


@pytest.mark.parametrize(
    ("first", "says"), [(RUNNING, "its status was RUNNING. It may"), (DOWN, "The last poll failed: down")]
)
def test_a_last_poll_that_is_cut_short(first: dict[str, Any] | RefoldError, says: str) -> None:
    """If the end of the wait cuts the last poll short, the error reports the poll before it."""

    async def main() -> None:
        refold = Refold(first, Silent())
        with pytest.raises(ExecutionTimeoutError, match=re.escape(says)) as caught:
            await refold.executions.wait("e1", timeout=5, poll_interval=2)
        assert len(refold.looks) == 2
        assert caught.value.__cause__ is (first if isinstance(first, RefoldError) else None)

    run(main)


def test_less_time_than_a_pause() -> None:
    """A wait is no longer than its time, however long the pauses."""

    async def main() -> None:
        refold, began = Refold(RUNNING), asyncio.get_running_loop().time()
        with pytest.raises(ExecutionTimeoutError):
            await refold.executions.wait("e1", timeout=5, poll_interval=60)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5)

    run(main)


def test_watching() -> None:
    """Each change of status or percentage comes once, and the end last, however the run ended."""

    async def main() -> None:
        def seen(status: str, percentage: float | None) -> dict[str, Any]:
            return {"_id": "e1", "status": status, "completion_percentage": percentage}

        changes = [seen("RUNNING", None), seen("RUNNING", 0), seen("RUNNING", 50), seen("STOPPING", 50)]
        refold = Refold(*(one for change in changes for one in (change, TROUBLES[0], change)), seen("STOPPED", 50))
        found = [(one.status, one.completion_percentage) async for one in refold.executions.watch("e1")]
        assert found == [*((one["status"], one["completion_percentage"]) for one in changes), ("STOPPED", 50)]

    run(main)


def test_watching_for_too_long() -> None:
    """A watch that is out of time says so after what it saw."""

    async def main() -> None:
        watching = Refold(RUNNING).executions.watch("e1", timeout=30)
        assert (await anext(watching)).status == "RUNNING"
        with pytest.raises(ExecutionTimeoutError, match="its status was RUNNING"):
            await anext(watching)

    run(main)


@pytest.mark.parametrize("close", [False, True])
def test_watching_no_longer(close: bool) -> None:
    """Whoever breaks off, or closes a watch, looks no more."""

    async def main() -> None:
        refold = Refold(RUNNING, {**RUNNING, "completion_percentage": 1}, {**RUNNING, "completion_percentage": 2})
        watching = refold.executions.watch("e1")
        async for execution in watching:
            if execution.completion_percentage == 1:
                break
        if close:
            await watching.aclose()
        await asyncio.sleep(1000)
        assert len(refold.looks) == 2

    run(main)


@pytest.mark.parametrize("after", [0, 5, 12, 100])
@pytest.mark.parametrize("how", ["wait", "watch"])
def test_cancelling(how: str, after: float) -> None:
    """A wait or a watch can be cancelled in a look or between; then nobody looks any more."""

    async def main() -> None:
        refold = Refold(Silent(), RUNNING)

        async def follow() -> None:
            if how == "wait":
                await refold.executions.wait("e1")
            else:
                async for _ in refold.executions.watch("e1"):
                    pass

        task = asyncio.create_task(follow())
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        looks = len(refold.looks)
        await asyncio.sleep(1000)
        assert len(refold.looks) == looks

    run(main)


# Through the mock


async def started(account: AccountScope, mock: MockRefold, workflow_id: str = SAMPLE_WORKFLOW_ID) -> MockExecution:
    """Start a run that is held."""
    mock.hold_executions()
    return mock.execution((await account.execute_workflow(workflow_id, slug="hubspot", payload=JANE)).execution_id)


async def looked(mock: MockRefold, times: int = 1) -> None:
    """Return when a run was looked at so often."""
    await until(lambda: len(mock.requests_to("get_execution")) >= times)


async def test_a_run_that_completes(account: AccountScope, mock: MockRefold) -> None:
    """It is started once, looked at until it has ended, and comes with its nodes."""
    execution = await account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.01)
    assert type(execution) is Execution
    assert (execution.status, execution.is_final, execution.failed_nodes) == ("COMPLETED", True, [])
    assert execution.nodes is not None
    assert execution.nodes[-1].latest_output["created"] is True
    assert mock.requests[0].json == {"payload": JANE}
    path = f"/execution/{execution.execution_id}"
    assert {request.path for request in mock.requests[1:-1]} == {f"/api/v2/public{path}"}
    assert mock.requests[-1].path == f"/api/v1{path}/response"
    assert len(mock.requests_to("execute_workflow")) == 1


async def test_a_body_of_ones_own(account: AccountScope, mock: MockRefold) -> None:
    """The whole body can be given instead of the payload."""
    await account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", body=JANE, poll_interval=0.01)
    assert mock.requests[0].json == JANE


async def test_watching_a_run(account: AccountScope, mock: MockRefold) -> None:
    """What a run is seen as comes as it changes."""
    run = await started(account, mock)
    seen: list[tuple[str | None, float | None]] = []
    async for execution in account.executions.watch(run.execution_id, poll_interval=0.01):
        seen.append((execution.status, execution.completion_percentage))
        if len(seen) == 1:
            run.completion_percentage = 50
        elif len(seen) == 2:
            run.status = "PONDERING"
        elif len(seen) == 3:
            run.end("STOPPED")
    assert seen == [("RUNNING", 0), ("RUNNING", 50), ("PONDERING", 50), ("STOPPED", 50)]


@pytest.mark.parametrize("status", ["STOPPED", "TIMED_OUT", "TERMINATED"])
async def test_a_run_that_ends_otherwise(account: AccountScope, mock: MockRefold, status: str) -> None:
    """Every other end than COMPLETED is an error, and what the run did before is not known."""
    run = await started(account, mock)
    run.end(status)
    with pytest.raises(WorkflowFailedError, match=f"{run.execution_id} ended as {status}") as caught:
        await account.executions.wait(run.execution_id)
    error = caught.value
    assert (error.effect, error.linked_account_id) == ("unknown", "user_12345")
    assert isinstance(error.execution, Execution)
    assert (error.execution.status, error.execution_id) == (status, run.execution_id)
    assert error.message.startswith("Workflow 'Welcome a contact' did not complete: execution ")
    assert error.execution.nodes
    restored = pickle.loads(pickle.dumps(error))
    assert (str(restored), restored.execution) == (str(error), error.execution)
    assert len(mock.requests_to("get_execution")) == 1


async def test_a_run_that_errs(account: AccountScope, mock: MockRefold) -> None:
    """The error names the nodes that failed, with what they said; it was started once."""

    @mock.catalogue.workflow("hubspot", "errs", name="Charge the card")
    async def errs(context: WorkflowContext, payload: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        raise AppError(402, {"message": "card declined"})

    with pytest.raises(
        WorkflowFailedError, match=r"ERRORED; node 'Charge the card' \(run\) Errored: .+ may have run"
    ) as caught:
        await account.run_workflow("errs", slug="hubspot", payload=JANE, poll_interval=0.01)
    assert caught.value.effect == "unknown"
    assert isinstance(caught.value.execution, Execution)
    assert [node.node_id for node in caught.value.execution.failed_nodes] == ["run"]
    assert caught.value.execution.failed_nodes[0].latest_output["data"] == {"message": "card declined"}
    assert len(mock.requests_to("execute_workflow")) == 1


async def test_many_nodes_that_fail(account: AccountScope, mock: MockRefold) -> None:
    """Of many failed nodes the first are named, each shortly."""
    nodes = [
        {"node_id": f"n{number}", "node_status": status, "latest_output": {"error": {"message": "long " * 1000}}}
        for number, status in enumerate(["Errored", "Failed", "Rejected", "Timed_Out", "Success", "Ready"] * 3)
    ]
    mock.script(Answer(200, json={"_id": "e1", "status": "ERRORED", "nodes": nodes}))
    with pytest.raises(WorkflowFailedError) as caught:
        await account.executions.wait("e1")
    assert "'n0' (n0) Errored: long" in str(caught.value)
    assert "'n4'" not in str(caught.value)
    assert len(str(caught.value)) < 2500
    assert isinstance(caught.value.execution, Execution)
    assert len(caught.value.execution.failed_nodes) == 12


@pytest.mark.parametrize(
    "trouble", [Answer(503), Answer(429, retry_after=0), Reset("after"), Answer(502, body="<html>")], ids=repr
)
async def test_trouble_during_a_run(mock: MockRefold, trouble: Trouble) -> None:
    """Looks that fail, more often than a call is tried, end neither the wait nor the run, and start nothing."""
    mock.script(trouble, route="get_execution", calls=range(1, 4))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        execution = await refold.account("user_12345").run_workflow(
            SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.01
        )
    assert execution.status == "COMPLETED"
    assert len(mock.requests_to("get_execution")) >= 4
    assert len(mock.requests_to("execute_workflow")) == 1


async def test_a_run_that_is_never_told_of(account: AccountScope, mock: MockRefold) -> None:
    """Where Refold leaves looks unanswered, the wait ends by its own time all the same."""
    mock.script(Silence())
    with pytest.raises(ExecutionTimeoutError, match=r"'?no_such_run'? .*its status could not be read") as caught:
        await account.executions.wait("no_such_run", timeout=0.1)
    assert caught.value.execution is None


async def test_why_no_poll_succeeded(account: AccountScope, mock: MockRefold) -> None:
    """The error of a wait says why its poll failed, also if the end of the wait cuts a retry of that poll short."""
    started = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot")
    mock.script(Truncated(0.5), calls=1)
    mock.script(Silence())
    with pytest.raises(ExecutionTimeoutError, match=r"its status could not be read\..* The last poll failed: ") as cut:
        await account.executions.wait(started.execution_id, timeout=1)
    assert cut.value.execution is None
    assert isinstance(cut.value.__cause__, APITimeoutError)


async def test_waiting_again(account: AccountScope, mock: MockRefold) -> None:
    """A run that takes longer than one waits goes on, and can be waited for again; it was started once."""
    mock.hold_executions()
    with pytest.raises(ExecutionTimeoutError, match="It may still be running") as caught:
        await account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, timeout=1, poll_interval=0.01)
    assert caught.value.effect == "unknown"
    mock.release_executions()
    again = await account.executions.wait(caught.value.execution_id, poll_interval=0.01)
    assert again.status == "COMPLETED"
    assert len(mock.requests_to("execute_workflow")) == 1


async def test_stopping_a_run_that_is_waited_for(account: AccountScope, mock: MockRefold) -> None:
    """Whoever waits hears that somebody else stopped it."""
    run = await started(account, mock)
    waiting = asyncio.create_task(account.executions.wait(run.execution_id, poll_interval=0.01))
    await looked(mock)
    await account.executions.stop(run.execution_id)
    with pytest.raises(WorkflowFailedError, match="STOPPED"):
        await waiting
    again = await account.executions.rerun(run.execution_id)
    assert again.execution_id != run.execution_id
    mock.release_executions()
    assert (await account.executions.wait(again.execution_id, poll_interval=0.01)).status == "COMPLETED"


@pytest.mark.parametrize("silent", [False, True])
async def test_closing_the_client_ends_a_wait_at_once(mock: MockRefold, silent: bool) -> None:
    """Neither a look nor a pause of 15 seconds and more keeps a wait when the client is closed."""
    refold = AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT)
    account = refold.account("user_12345")
    run = await started(account, mock)
    if silent:
        mock.script(Silence(), route="get_execution")
    waiting = asyncio.create_task(account.executions.wait(run.execution_id, poll_interval=60))
    await looked(mock)
    if not silent:
        await until(lambda: mock.requests[-1].status is not None)
        await asyncio.sleep(0.05)
    await refold.aclose()
    async with asyncio.timeout(5):  # half of a look, a sixth of a pause
        with pytest.raises(ClientClosedError):
            await waiting
    assert len(mock.requests_to("get_execution")) == 1


# What is left of a run whose waiting ended early


async def test_a_run_whose_caller_is_cancelled(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """The run's id is not lost: it is in a note on the CancelledError, and in a WARNING."""
    mock.hold_executions()
    task = asyncio.create_task(account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE))
    await looked(mock)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    (run,) = [execution.execution_id async for execution in account.executions.list()]
    (warning,) = warnings_of_ours(caplog)
    assert run in warning
    assert "'user_12345'" in warning
    assert [run in note and "may still be running" in note for note in caught.value.__notes__] == [True]
    assert mock.execution(run).status == "RUNNING"


async def test_a_start_that_is_cancelled(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancelled before Refold answered, nobody knows an id; that it may run is told."""
    mock.script(Silence())
    task = asyncio.create_task(account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE))
    await until(lambda: mock.requests and mock.requests[0].body is not None)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert len(caught.value.__notes__) == len(warnings_of_ours(caplog)) == 1
    assert "It may have run" in caught.value.__notes__[0]


@pytest.mark.parametrize("status", [401, 404])
async def test_a_run_that_cannot_be_looked_at(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """The error of a look does not hide that the workflow was started: the effect, a note and a WARNING tell."""
    mock.script(Answer(status), route="get_execution")
    with pytest.raises(RefoldError, match=f"HTTP {status}") as caught:
        await account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE)
    (run,) = [execution.execution_id async for execution in account.executions.list()]
    assert caught.value.effect == "unknown"
    assert [run in note for note in caught.value.__notes__] == [True]
    assert [run in warning for warning in warnings_of_ours(caplog)] == [True]


async def test_closing_the_client_during_a_run(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """A run that is waited for when the client is closed is told of."""
    mock.hold_executions()
    refold = AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT)
    account = refold.account("user_12345")
    task = asyncio.create_task(account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=60))
    await looked(mock)
    await refold.aclose()
    async with asyncio.timeout(15):
        with pytest.raises(RefoldError) as caught:
            await task
    assert caught.value.effect == "unknown"
    assert "was started for linked account 'user_12345' as execution" in caught.value.__notes__[0]
    assert len(warnings_of_ours(caplog)) == 1


async def test_errors_that_tell_the_run_themselves(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that failed, and one that takes too long, are told by their errors: no note, no WARNING."""
    mock.hold_executions()
    for end in ("TIMED_OUT", None):
        task = asyncio.create_task(
            account.run_workflow(
                SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.01, timeout=60 if end else 1
            )
        )
        mock.clear()
        if end:
            await looked(mock)
            (run,) = [execution.execution_id async for execution in account.executions.list()]
            mock.execution(run).end(end)
        with pytest.raises(WorkflowFailedError if end else ExecutionTimeoutError) as caught:
            await task
        assert not hasattr(caught.value, "__notes__")
    assert warnings_of_ours(caplog) == []


# Within limits, and for many


async def test_every_look_is_within_the_rate_limit(mock: MockRefold) -> None:
    """The limiter is asked before the start and before every look."""

    class Limiter:
        """Lets everybody through, and counts them."""

        def __init__(self) -> None:
            self.asked = 0

        async def acquire(self) -> None:
            self.asked += 1

    limiter = Limiter()
    mock.hold_executions()
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limiter) as refold:
        account = refold.account("user_12345")
        running = asyncio.create_task(
            account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.001)
        )
        await looked(mock, 2)
        (run,) = [execution.execution_id async for execution in account.executions.list()]
        mock.execution(run).end("COMPLETED")
        await running
    assert limiter.asked == len(mock.requests) >= 3


async def test_runs_against_a_server_that_limits(mock: MockRefold) -> None:
    """Ten runs at once on a server that takes few calls a second: each is started once, and all complete."""
    mock.limit_rate(60, burst=5, retry_after=0)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:

        async def run(scope: AccountScope, item: str) -> str | None:
            done = await scope.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.05)
            return done.status

        report = await refold.fan_out([f"user_{number}" for number in range(10)], run).collect()
    assert [outcome.value for outcome in report.outcomes] == ["COMPLETED"] * 10
    assert mock.rate_limited > 0
    answered = [request for request in mock.requests_to("execute_workflow") if request.status == 200]
    assert len(answered) == 10


async def test_runs_in_a_fan_out(mock: MockRefold, refold: AsyncRefold) -> None:
    """A run that failed or was lost is unknown, one that never began or ran nothing failed; the others go on."""
    duplicate = {"_id": "e", "status": "DUPLICATE"}
    mock.script(Answer(200, json=duplicate), route="get_execution", linked_account_id="repeated")
    mock.script(Reset("after"), route="execute_workflow", linked_account_id="lost")
    mock.script(Answer(404), route="execute_workflow", linked_account_id="missing")
    mock.script(Answer(404), route="get_execution", linked_account_id="unseen")

    async def run(scope: AccountScope, item: str) -> str | None:
        payload = {} if item == "failing" else JANE
        done = await scope.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=payload, poll_interval=0.01)
        return done.status

    items = ["fine", "failing", "lost", "missing", "unseen", "repeated"]
    report = await refold.fan_out(items, run).collect()
    statuses = {outcome.item: outcome.status for outcome in report.outcomes}
    unknown = dict.fromkeys(["failing", "lost", "unseen"], "unknown")
    assert statuses == {"fine": "ok", **unknown, "missing": "failed", "repeated": "failed"}
    kinds = {outcome.item: type(outcome.error) for outcome in report.outcomes}
    assert (kinds["failing"], kinds["unseen"]) == (WorkflowFailedError, NotFoundError)
    assert {len(mock.requests_to("execute_workflow", item)) for item in items} == {1}


async def test_leaving_a_fan_out_of_runs(
    mock: MockRefold, refold: AsyncRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """Runs that have not ended when a fan-out is left are listed, and a WARNING tells the id of each."""
    mock.hold_executions()

    async def run(scope: AccountScope, item: str) -> None:
        await scope.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=60)

    job = refold.fan_out(["a", "b"], run, grace=0)
    async with job:
        await looked(mock, 2)
    assert sorted(unfinished.item for unfinished in job.unfinished) == ["a", "b"]
    assert all(unfinished.attempts == 2 for unfinished in job.unfinished)
    for item in ("a", "b"):
        (run_id,) = [execution.execution_id async for execution in refold.account(item).executions.list()]
        assert any(run_id in warning for warning in warnings_of_ours(caplog))


async def test_by_session_token(mock: MockRefold, refold: AsyncRefold) -> None:
    """A run is started and followed with a session token alone."""
    account = refold.account_from_session_token(mock.session_token("user_12345"))
    done = await account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, poll_interval=0.01)
    assert done.status == "COMPLETED"
    assert all("x-api-key" not in request.headers for request in mock.requests)


@pytest.mark.parametrize("poll_interval", [0, -1, math.inf, math.nan, "1", True, None])
async def test_poll_intervals_that_are_none(account: AccountScope, mock: MockRefold, poll_interval: Any) -> None:
    """They are told before a workflow is started."""
    for call in (
        account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", poll_interval=poll_interval),
        account.executions.wait("e1", poll_interval=poll_interval),
    ):
        with pytest.raises(ConfigurationError, match="poll_interval"):
            await call
    assert not mock.requests


async def test_errors_of_waiting_tell_what_they_are_about(account: AccountScope, mock: MockRefold) -> None:
    """Method, URL, account, and how often it was looked."""
    mock.hold_executions()
    started = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot")
    mock.clear()
    with pytest.raises(ExecutionTimeoutError) as late:
        await account.executions.wait(started.execution_id, timeout=1, poll_interval=0.01)
    await until(lambda: late.value.attempts == len(mock.requests))
    mock.execution(started.execution_id).end("TIMED_OUT")
    with pytest.raises(WorkflowFailedError) as failed:
        await account.executions.wait(started.execution_id)
    assert failed.value.attempts == 1
    for error in (late.value, failed.value):
        assert (error.method, error.linked_account_id) == ("GET", account.linked_account_id)
        assert str(error.url).endswith(f"/api/v2/public/execution/{started.execution_id}")
        assert (error.meta.status, error.meta.request_id) == (200, error.request_id)


@pytest.mark.parametrize("body", [{"status": "RUNNING"}, {"message": "ok"}, {}])
async def test_a_new_run_whose_id_is_not_told(account: AccountScope, mock: MockRefold, body: Any) -> None:
    """It may run, and nobody could follow it: that is an error."""
    mock.script(Answer(200, json=body), route="rerun_execution")
    with pytest.raises(APIResponseValidationError) as caught:
        await account.executions.rerun("e1")
    assert caught.value.effect == "unknown"
    mock.clear()
    mock.script(Answer(200, json={"instance_id": 5}), route="rerun_execution")
    assert (await account.executions.rerun("e1")).execution_id == "5"


async def test_a_wait_in_a_fan_out_ends_in_time(mock: MockRefold, refold: AsyncRefold) -> None:
    """Also where Refold refuses every look: the time of a wait is that of the clock."""
    mock.script(Answer(429, retry_after=0), route="get_execution")

    async def wait(scope: AccountScope, item: str) -> None:
        await scope.executions.wait("e1", timeout=0.3, poll_interval=0.01)

    (outcome,) = (await refold.fan_out(["user_1"], wait).collect()).outcomes
    assert isinstance(outcome.error, ExecutionTimeoutError)
    assert "refusals of its linked account may have kept it waiting" in str(outcome.error)
    assert outcome.status == "unknown"


def test_the_last_look_is_near_the_end() -> None:
    """A run that ends after a long pause has begun is seen before the time is over."""

    async def main() -> None:
        refold = Refold(RUNNING, COMPLETED)
        assert (await refold.executions.wait("e1", timeout=20, poll_interval=60)).status == "COMPLETED"
        assert [at for at, _ in refold.looks] == [pytest.approx(refold.looks[0][0]), refold.looks[0][0] + 19]

    run(main)
