"""Runs of workflows: started, watched, stopped and run again."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field

from .accounts import MockAccount
from .apps import MockWorkflow
from .execution import Execution, ExecutionStatus
from .handlers import AppError, WorkflowAnswer, WorkflowContext

__all__ = ["Executions"]

_FIRST_ID: Final = 0x6A314C54D4616E99E7FA5A02


@define(eq=False)
class Executions:
    """All executions of a mock; they run as tasks, which `aclose` ends.

    Args:
        clock: A monotonic clock in seconds.
        seconds: How long each takes before its handler runs.
    """

    clock: Callable[[], float]
    seconds: float
    _by_account: dict[str, dict[str, Execution]] = field(factory=dict[str, dict[str, Execution]], init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(factory=dict[str, asyncio.Task[None]], init=False)
    _started: int = field(default=0, init=False)

    def start(
        self,
        workflow: MockWorkflow,
        account: MockAccount,
        payload: Any,
        *,
        config_id: str | None = None,
        instance_tag: str | None = None,
        synchronous: bool = False,
    ) -> Execution:
        """Start a run of a workflow.

        Args:
            workflow: What to run.
            account: For whom.
            payload: What to give it.
            config_id: The config it belongs to; the linked account id when None.
            instance_tag: A label for it.
            synchronous: Whether the caller waits for the result.
        """
        execution = Execution(
            execution_id=f"{_FIRST_ID + self._started:024x}",
            number=self._started,
            workflow=workflow,
            account=account,
            payload=payload,
            config_id=config_id or account.linked_account_id,
            instance_tag=instance_tag,
            synchronous=synchronous,
            started=self.clock(),
            seconds=self.seconds,
        )
        self._started += 1
        self._by_account.setdefault(account.linked_account_id, {})[execution.execution_id] = execution
        task = asyncio.get_running_loop().create_task(self._run(execution))
        self._tasks[execution.execution_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(execution.execution_id, None))
        return execution

    async def finished(self, execution: Execution) -> None:
        """Wait until an execution has come to its end; it goes on when the waiting is cancelled."""
        task = self._tasks.get(execution.execution_id)
        if task is not None:
            await asyncio.wait([task])

    def stop(self, execution: Execution) -> bool:
        """Stop an execution; False when it has already come to its end."""
        if execution.status != "RUNNING":
            return False
        self._finish(execution, "STOPPED", error={"message": "The execution was stopped"})
        self._tasks[execution.execution_id].cancel()
        return True

    def find(self, account: MockAccount, execution_id: str) -> Execution | None:
        """Return an execution of this account, or None."""
        return self._by_account.get(account.linked_account_id, {}).get(execution_id)

    def of(self, account: MockAccount) -> list[Execution]:
        """Return the executions of this account, oldest first."""
        return list(self._by_account.get(account.linked_account_id, {}).values())

    async def aclose(self) -> None:
        """Cancel what still runs and wait for it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, execution: Execution) -> None:
        await asyncio.sleep(self.seconds)
        workflow, account = execution.workflow, execution.account
        context = WorkflowContext(
            linked_account_id=account.linked_account_id,
            slug=workflow.slug,
            store=account.store(workflow.slug),
            execution_id=execution.execution_id,
            config_id=execution.config_id,
            instance_tag=execution.instance_tag,
        )
        try:
            result = await workflow.handler(context, execution.payload)
        except AppError as error:
            failure = {"message": "The app refused the call", "http_status": error.http_status, "data": error.data}
            self._finish(execution, "ERRORED", error=failure)
        except Exception as error:  # noqa: BLE001 - whatever a workflow raises is its own failure, not the mock's
            self._finish(execution, "ERRORED", error={"message": str(error) or type(error).__name__})
        else:
            self._finish(execution, "COMPLETED", result)

    def _finish(
        self, execution: Execution, status: ExecutionStatus, result: Any = None, *, error: dict[str, Any] | None = None
    ) -> None:
        if execution.status != "RUNNING":
            return
        if isinstance(result, WorkflowAnswer):
            execution.status_code, result = result.status, result.return_value
        execution.status = status
        execution.return_value = result
        execution.error = error
        execution.finished = self.clock()
