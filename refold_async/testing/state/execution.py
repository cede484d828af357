"""One execution of a workflow."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import attrs

from refold_async.testing.catalogue.apps import MockApp, MockWorkflow
from refold_async.testing.catalogue.handlers import AppError, WorkflowAnswer, WorkflowContext, WorkflowEnd
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.accounts import MockAccount

__all__ = ["MockExecution"]

_STOPPED: Final = {"message": "The execution was stopped"}


@attrs.define(eq=False)
class MockExecution:
    """One execution of a workflow.

    A test may set `status` and `completion_percentage` while it runs, to make the API show it in any state.

    Attributes:
        execution_id: Its id.
        number: Its serial number in this mock, from 0.
        workflow: The workflow.
        app: The app that the workflow belongs to.
        account: The linked account that it runs for.
        payload: Its payload.
        config_id: The config it belongs to.
        instance_tag: Its label, or None.
        connection_id: The connection that the caller chose, or None.
        source: What started it, such as `API Call`.
        event: The name of the event that started it, or None.
        synchronous: Whether its caller waits for the result.
        started: When it started, in seconds of the mock's clock.
        seconds: Seconds before its handler runs.
        status: Its status, in Refold's words or any other word. When its handler ends, `RUNNING` becomes `COMPLETED`,
            `ERRORED` or the status of a `WorkflowEnd`; any other status that a test set stays.
        completion_percentage: Its progress; None means that it depends on the time since the start.
        status_code: The HTTP status that a Response node chose, or None.
        return_value: The result, once it is completed.
        error: What went wrong, once it failed or was stopped.
        finished: When it ended, in seconds of the mock's clock; None while it runs.
    """

    execution_id: str
    number: int
    workflow: MockWorkflow
    app: MockApp
    account: MockAccount
    payload: Any
    config_id: str
    instance_tag: str | None
    connection_id: str | None
    source: str
    event: str | None
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
    _held_as: str = attrs.field(default="RUNNING", init=False, repr=False)
    _stopping: bool = attrs.field(default=False, init=False, repr=False)
    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def type_of_execution(self) -> str:
        """Whether its caller waits for the result: `SYNC` or `ASYNC`."""
        return "SYNC" if self.synchronous else "ASYNC"

    @property
    def created_at(self) -> str:
        """When it started, in the API's format."""
        return timestamp(self.number)

    @property
    def elapsed(self) -> float:
        """How many seconds it has run, or ran."""
        return (self._clock() if self.finished is None else self.finished) - self.started

    @property
    def percentage(self) -> int:
        """Its progress as the API shows it, in percent."""
        if self.status == "COMPLETED":
            return 100
        if self.completion_percentage is not None:
            return self.completion_percentage
        if self._task is None or not self.seconds:  # without a task, it ended before it ran
            return 0
        return min(99, int(100 * self.elapsed / self.seconds))

    def run(self, *, held_as: str | None = None) -> asyncio.Task[None]:
        """Return the task that runs it, started; called by the mock.

        Args:
            held_as: The status with which it waits for `release` before its handler runs; None runs it now.
        """
        if held_as is not None:
            self._held, self.completion_percentage = asyncio.Event(), 0
            self.status = self._held_as = held_as
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    def release(self) -> None:
        """Run its handler now, if it was held."""
        if self._held is not None:
            self._held.set()

    def end(self, status: str, *, error: dict[str, Any] | None = None) -> None:
        """End it now, whatever its handler is doing. If it has already ended, this does nothing.

        Args:
            status: Its status from now on, such as `TIMED_OUT`.
            error: What went wrong, for a synchronous caller.
        """
        if self.finished is None:
            self.status, self.error, self.finished = status, error, self._clock()
            if self._task is not None:
                self._task.cancel()

    def stop(self, seconds: float) -> asyncio.Task[None] | None:
        """Stop it: cancel its handler now, and set it to `STOPPED` after a while. Called by the mock.

        Args:
            seconds: Seconds for which it is `STOPPING` first.

        Returns:
            The task that ends it; None if it has ended now, or is already being stopped.
        """
        if not seconds:
            self.end("STOPPED", error=_STOPPED)
        if self._stopping or self.finished is not None:
            return None
        self.status, self._stopping = "STOPPING", True
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._stop_later(seconds))
        return self._task

    async def ended(self) -> None:
        """Wait until it has ended. It continues if the waiting is cancelled."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        if self._held is None:
            await asyncio.sleep(self.seconds)
        else:
            await self._held.wait()
            if self.status == self._held_as:
                self.status = "RUNNING"
        workflow, account = self.workflow, self.account
        context = WorkflowContext(
            linked_account_id=account.linked_account_id,
            slug=workflow.slug,
            store=account.store(workflow.slug),
            execution_id=self.execution_id,
            config_id=self.config_id,
            instance_tag=self.instance_tag,
            connection_id=self.connection_id,
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

    async def _stop_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.end("STOPPED", error=_STOPPED)

    def _finish(self, status: str, result: Any = None, *, error: dict[str, Any] | None = None) -> None:
        if self.finished is not None or self._stopping:
            return
        if isinstance(result, WorkflowAnswer):
            self.status_code, result = result.status, result.return_value
        elif isinstance(result, WorkflowEnd):
            status, result, error = result.status, result.return_value, result.error
        if self.status == "RUNNING":
            self.status = status
        self.return_value, self.error, self.finished = result, error, self._clock()
