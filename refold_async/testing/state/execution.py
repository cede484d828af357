"""One run of a workflow, and how the API shows it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import attrs

from refold_async.testing.catalogue.apps import MockWorkflow
from refold_async.testing.catalogue.handlers import AppError, WorkflowAnswer, WorkflowContext
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.accounts import MockAccount

__all__ = ["MockExecution"]

_NODE_STATUS: Final = {
    "COMPLETED": "Success",
    "ERRORED": "Errored",
    "STOPPED": "Stopped",
    "TIMED_OUT": "Timed_Out",
    "DUPLICATE": "Rejected",
}


@attrs.define(eq=False)
class MockExecution:
    """One run of a workflow.

    A test may set `status` and `completion_percentage` while it runs, to let it be seen in any state.

    Attributes:
        execution_id: Its id.
        number: Its serial number in this mock, from 0.
        workflow: What runs.
        account: For whom.
        payload: What it was given.
        config_id: The config it belongs to.
        instance_tag: The label it was given, or None.
        source: What started it, such as `API Call`.
        synchronous: Whether its caller waits for the result.
        started: When it started, in seconds of the mock's clock.
        seconds: How long it takes before its handler runs.
        status: How it stands, in Refold's words or any other. When its handler ends, `RUNNING` becomes `COMPLETED` or
            `ERRORED`; another word that a test set is kept.
        completion_percentage: How far it is; None goes by the time it has taken.
        status_code: The HTTP status a Response node chose, or None.
        return_value: The result, once completed.
        error: What went wrong, once errored or stopped.
        finished: When it came to its end, in seconds of the mock's clock; None while it runs.
    """

    execution_id: str
    number: int
    workflow: MockWorkflow
    account: MockAccount
    payload: Any
    config_id: str
    instance_tag: str | None
    source: str
    synchronous: bool
    started: float
    seconds: float
    _clock: Callable[[], float] = attrs.field(alias="clock", repr=False)
    status: str = "RUNNING"
    completion_percentage: int | None = None
    status_code: int | None = None
    return_value: Any = None
    error: dict[str, Any] | None = None
    finished: float | None = None
    _held: asyncio.Event | None = attrs.field(default=None, init=False, repr=False)
    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def type_of_execution(self) -> str:
        """Whether its caller waits for the result: `SYNC` or `ASYNC`."""
        return "SYNC" if self.synchronous else "ASYNC"

    @property
    def created_at(self) -> str:
        """When it started, as the API tells it."""
        return timestamp(self.number)

    def run(self, *, held: bool = False) -> asyncio.Task[None]:
        """Start the task that runs it; called by the mock.

        Args:
            held: Whether its handler waits for `release`.
        """
        if held:
            self._held, self.completion_percentage = asyncio.Event(), 0
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    def release(self) -> None:
        """Let its handler run now, if it was held."""
        if self._held is not None:
            self._held.set()

    def end(self, status: str, *, error: dict[str, Any] | None = None) -> None:
        """End it now, whatever its handler is about; once it has ended this does nothing.

        Args:
            status: How it stands from now on, such as `TIMED_OUT`.
            error: What went wrong, which a synchronous caller is told.
        """
        if self.finished is None:
            self.status, self.error, self.finished = status, error, self._clock()
            if self._task is not None:
                self._task.cancel()

    async def ended(self) -> None:
        """Wait until it has come to its end; it goes on when the waiting is cancelled."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def summary(self) -> dict[str, Any]:
        """Return the execution as a list shows it."""
        workflow = self.workflow
        document: dict[str, Any] = {
            "_id": self.execution_id,
            "name": workflow.name,
            "status": self.status,
            "completion_percentage": self._percentage(),
            "linked_account_id": self.account.linked_account_id,
            "config_id": self.config_id,
            "environment": "test",
            "type_of_execution": self.type_of_execution,
            "execution_source": self.source,
            "associated_workflow": {"_id": workflow.workflow_id, "name": workflow.name},
            "createdAt": self.created_at,
        }
        if self.instance_tag is not None:
            document["instance_tag"] = self.instance_tag
        if self.finished is not None:
            document["completion_time"] = timestamp(self.number + self.finished - self.started)
        return document

    def document(self) -> dict[str, Any]:
        """Return the execution with its nodes."""
        return {**self.summary(), "nodes": self.nodes()}

    def nodes(self) -> list[dict[str, Any]]:
        """Return the nodes of the workflow and how far they are."""
        milliseconds = round(self._elapsed() * 1000)
        output = self.return_value if self.error is None else self.error
        nodes = [self._node("trigger", "Manual trigger", "trigger", "Success", 0, self.payload, self.payload)]
        status = _NODE_STATUS.get(self.status, "Waiting")
        if self.workflow.batch_node:
            nodes.append(self._node("batch", "Each item", "batch", status, milliseconds, self.payload, output))
        nodes.append(self._node("run", self.workflow.name, "action", status, milliseconds, self.payload, output))
        return nodes

    def batches(self) -> list[dict[str, Any]]:
        """Return the batches of the batch node: the mock works everything off in one."""
        status = _NODE_STATUS.get(self.status, "Waiting")
        return [{"_id": f"{self.execution_id}-1", "batch_number": 1, "status": status, "input_data": self.payload}]

    async def _run(self) -> None:
        if self._held is None:
            await asyncio.sleep(self.seconds)
        else:
            await self._held.wait()
        workflow, account = self.workflow, self.account
        context = WorkflowContext(
            linked_account_id=account.linked_account_id,
            slug=workflow.slug,
            store=account.store(workflow.slug),
            execution_id=self.execution_id,
            config_id=self.config_id,
            instance_tag=self.instance_tag,
        )
        try:
            result = await workflow.handler(context, self.payload)
        except AppError as error:
            failure = {"message": "The app refused the call", "http_status": error.http_status, "data": error.data}
            self._finish("ERRORED", error=failure)
        except Exception as error:  # noqa: BLE001 - whatever a workflow raises is its own failure, not the mock's
            self._finish("ERRORED", error={"message": str(error) or type(error).__name__})
        else:
            self._finish("COMPLETED", result)

    def _finish(self, status: str, result: Any = None, *, error: dict[str, Any] | None = None) -> None:
        if self.finished is not None:
            return
        if isinstance(result, WorkflowAnswer):
            self.status_code, result = result.status, result.return_value
        if self.status == "RUNNING":
            self.status = status
        self.return_value, self.error, self.finished = result, error, self._clock()

    def _elapsed(self) -> float:
        return (self._clock() if self.finished is None else self.finished) - self.started

    def _percentage(self) -> int:
        if self.status == "COMPLETED":
            return 100
        if self.completion_percentage is not None:
            return self.completion_percentage
        return min(99, int(100 * self._elapsed() / self.seconds)) if self.seconds else 0

    def _node(
        self, node_id: str, name: str, kind: str, status: str, milliseconds: int, given: Any, output: Any
    ) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "node_name": name,
            "node_type": kind,
            "node_status": status,
            "is_batch": kind == "batch",
            "attempts_made": 1,
            "execution_time": milliseconds,
            "input_data": given,
            "latest_output": output,
        }
