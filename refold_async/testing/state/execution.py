"""One run of a workflow."""

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
    """One run of a workflow.

    A test may set `status` and `completion_percentage` while it runs, to let it be seen in any state.

    Attributes:
        execution_id: Its id.
        number: Its serial number in this mock, from 0.
        workflow: What runs.
        app: The app it belongs to.
        account: For whom.
        payload: What it was given.
        config_id: The config it belongs to.
        instance_tag: The label it was given, or None.
        connection_id: The connection its caller asked for, or None.
        source: What started it, such as `API Call`.
        event: Name of the event that started it, or None.
        synchronous: Whether its caller waits for the result.
        started: When it started, in seconds of the mock's clock.
        seconds: How long it takes before its handler runs.
        status: How it stands, in Refold's words or any other. When its handler ends, `RUNNING` becomes `COMPLETED`,
            `ERRORED` or what a `WorkflowEnd` says; another word that a test set is kept.
        completion_percentage: How far it is; None goes by the time it has taken.
        status_code: The HTTP status a Response node chose, or None.
        return_value: The result, once completed.
        error: What went wrong, once errored or stopped.
        finished: When it came to its end, in seconds of the mock's clock; None while it runs.
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
        """When it started, as the API tells it."""
        return timestamp(self.number)

    @property
    def elapsed(self) -> float:
        """How long it has run, or ran, in seconds."""
        return (self._clock() if self.finished is None else self.finished) - self.started

    @property
    def percentage(self) -> int:
        """How far the API says it is."""
        if self.status == "COMPLETED":
            return 100
        if self.completion_percentage is not None:
            return self.completion_percentage
        return min(99, int(100 * self.elapsed / self.seconds)) if self.seconds else 0

    def run(self, *, held_as: str | None = None) -> asyncio.Task[None]:
        """Start the task that runs it; called by the mock.

        Args:
            held_as: The status with which its handler waits for `release`; None runs it now.
        """
        if held_as is not None:
            self._held, self.completion_percentage = asyncio.Event(), 0
            self.status = self._held_as = held_as
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

    def stop(self, seconds: float) -> asyncio.Task[None] | None:
        """Stop it: its handler is cancelled now, and it is `STOPPED` after a while; called by the mock.

        Args:
            seconds: How long it is `STOPPING` first.

        Returns:
            The task that ends it; None when that was done at once, or is under way.
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
        """Wait until it has come to its end; it goes on when the waiting is cancelled."""
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
