"""All executions of a mock: started, found and, at the end of the mock, cut off."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import attrs

from refold_async.testing.catalogue.apps import MockWorkflow
from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.execution import MockExecution

__all__ = ["ExecutionStore"]

_FIRST_ID: Final = 0x6A314C54D4616E99E7FA5A02


@attrs.define(eq=False)
class ExecutionStore:
    """All executions of a mock. They run as tasks, which `aclose` ends.

    Args:
        catalogue: The apps that their workflows belong to.
        clock: A monotonic clock in seconds.
        seconds: Seconds before the handler of each runs.
        stop_seconds: Seconds for which each is `STOPPING` once it is stopped.

    Attributes:
        held_as: The status with which new executions wait to be released; None lets them run.
        end_as: The status with which new executions end immediately, without running anything; None lets them run.
    """

    catalogue: Catalogue
    clock: Callable[[], float]
    seconds: float
    stop_seconds: float = 0.0
    held_as: str | None = attrs.field(default=None, init=False)
    end_as: str | None = attrs.field(default=None, init=False)
    _by_account: dict[str, dict[str, MockExecution]] = attrs.field(
        factory=dict[str, dict[str, MockExecution]], init=False
    )
    _tasks: dict[asyncio.Task[None], MockExecution] = attrs.field(
        factory=dict[asyncio.Task[None], MockExecution], init=False
    )
    _started: int = attrs.field(default=0, init=False)

    def start(
        self,
        workflow: MockWorkflow,
        account: MockAccount,
        payload: Any,
        *,
        config_id: str | None = None,
        instance_tag: str | None = None,
        connection_id: str | None = None,
        source: str = "API Call",
        event: str | None = None,
        synchronous: bool = False,
    ) -> MockExecution:
        """Start an execution of a workflow.

        Args:
            workflow: The workflow to run.
            account: The linked account to run it for.
            payload: Its payload.
            config_id: The config it belongs to; None uses the linked account id.
            instance_tag: A label for it.
            connection_id: The connection that the caller chose.
            source: What starts it.
            event: The name of the event that starts it.
            synchronous: Whether the caller waits for the result.
        """
        execution = MockExecution(
            execution_id=f"{_FIRST_ID + self._started:024x}",
            number=self._started,
            workflow=workflow,
            app=self.catalogue.app(workflow.slug),
            account=account,
            payload=payload,
            config_id=config_id or account.linked_account_id,
            instance_tag=instance_tag,
            connection_id=connection_id,
            source=source,
            event=event,
            synchronous=synchronous,
            started=self.clock(),
            seconds=self.seconds,
            clock=self.clock,
        )
        self._started += 1
        self._by_account.setdefault(account.linked_account_id, {})[execution.execution_id] = execution
        if self.end_as is None:
            self._keep(execution.run(held_as=self.held_as), execution)
        else:
            execution.end(self.end_as)
        return execution

    def stop(self, execution: MockExecution) -> None:
        """Stop an execution, which takes `stop_seconds`.

        Args:
            execution: The execution.
        """
        task = execution.stop(self.stop_seconds)
        if task is not None:
            self._keep(task, execution)

    def release(self) -> None:
        """Release all executions that are held, and hold no more."""
        self.held_as = None
        for execution in self._tasks.values():
            execution.release()

    def find(self, account: MockAccount, execution_id: str) -> MockExecution | None:
        """Return an execution of this account, or None."""
        return self._by_account.get(account.linked_account_id, {}).get(execution_id)

    def get(self, execution_id: str) -> MockExecution:
        """Return an execution of any account.

        Raises:
            LookupError: No execution has this id.
        """
        for executions in self._by_account.values():
            if execution_id in executions:
                return executions[execution_id]
        raise LookupError(f"no execution {execution_id!r}")

    def of(self, account: MockAccount) -> list[MockExecution]:
        """Return the executions of this account, oldest first."""
        return list(self._by_account.get(account.linked_account_id, {}).values())

    async def aclose(self) -> None:
        """Cancel what still runs and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, task: asyncio.Task[None], execution: MockExecution) -> None:
        self._tasks[task] = execution
        task.add_done_callback(self._tasks.pop)
