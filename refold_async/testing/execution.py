"""One run of a workflow, and how the API shows it."""

from typing import Any, Final, Literal

from attrs import define

from .accounts import MockAccount
from .apps import MockWorkflow
from .timestamps import timestamp

__all__ = ["Execution", "ExecutionStatus"]

ExecutionStatus = Literal["RUNNING", "COMPLETED", "ERRORED", "STOPPED"]

_NODE_STATUS: Final[dict[ExecutionStatus, str]] = {
    "RUNNING": "Waiting",
    "COMPLETED": "Success",
    "ERRORED": "Errored",
    "STOPPED": "Stopped",
}


@define(eq=False)
class Execution:
    """One run of a workflow.

    Attributes:
        execution_id: Its id.
        number: Its serial number in this mock, from 0.
        workflow: What runs.
        account: For whom.
        payload: What it was given.
        config_id: The config it belongs to.
        instance_tag: The label it was given, or None.
        synchronous: Whether its caller waits for the result.
        started: When it started, in seconds of the mock's clock.
        seconds: How long it takes before its handler runs.
        status: How it stands.
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
    synchronous: bool
    started: float
    seconds: float
    status: ExecutionStatus = "RUNNING"
    status_code: int | None = None
    return_value: Any = None
    error: dict[str, Any] | None = None
    finished: float | None = None

    def summary(self, now: float) -> dict[str, Any]:
        """Return the execution as a list shows it.

        Args:
            now: The mock's clock in seconds.
        """
        workflow = self.workflow
        document: dict[str, Any] = {
            "_id": self.execution_id,
            "name": workflow.name,
            "status": self.status,
            "completion_percentage": self._percentage(now),
            "linked_account_id": self.account.linked_account_id,
            "config_id": self.config_id,
            "environment": "test",
            "type_of_execution": "SYNC" if self.synchronous else "ASYNC",
            "execution_source": "API Call",
            "associated_workflow": {"_id": workflow.workflow_id, "name": workflow.name},
            "createdAt": timestamp(self.number),
        }
        if self.instance_tag is not None:
            document["instance_tag"] = self.instance_tag
        if self.finished is not None:
            document["completion_time"] = timestamp(self.number + self.finished - self.started)
        return document

    def document(self, now: float) -> dict[str, Any]:
        """Return the execution with its nodes.

        Args:
            now: The mock's clock in seconds.
        """
        return {**self.summary(now), "nodes": self.nodes(now)}

    def nodes(self, now: float) -> list[dict[str, Any]]:
        """Return the nodes of the workflow and how far they are.

        Args:
            now: The mock's clock in seconds.
        """
        milliseconds = round(((self.finished or now) - self.started) * 1000)
        output = self.return_value if self.error is None else self.error
        nodes = [self._node("trigger", "Manual trigger", "trigger", "Success", 0, self.payload, self.payload)]
        status = _NODE_STATUS[self.status]
        if self.workflow.batch_node:
            nodes.append(self._node("batch", "Each item", "batch", status, milliseconds, self.payload, output))
        nodes.append(self._node("run", self.workflow.name, "action", status, milliseconds, self.payload, output))
        return nodes

    def batches(self) -> list[dict[str, Any]]:
        """Return the batches of the batch node: the mock works everything off in one."""
        status = _NODE_STATUS[self.status]
        return [{"_id": f"{self.execution_id}-1", "batch_number": 1, "status": status, "input_data": self.payload}]

    def _percentage(self, now: float) -> int:
        if self.status == "COMPLETED":
            return 100
        elapsed = (self.finished or now) - self.started
        return min(99, int(100 * elapsed / self.seconds)) if self.seconds else 0

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
