"""Executions of workflows, as Refold returns them."""

from datetime import datetime
from typing import Any, Final

import attrs

from refold_async.models.model import STRICT, Model, Result, named
from refold_async.models.references import Reference

__all__ = ["FINAL", "GOING_ON", "Batch", "Execution", "ExecutionNode", "ExecutionResponse"]

GOING_ON: Final = frozenset({"RUNNING", "STOPPING", "QUEUED"})
"""The statuses of executions that have not ended."""
FINAL: Final = frozenset({"COMPLETED", "ERRORED", "FAILED", "STOPPED", "TIMED_OUT", "TERMINATED", "DUPLICATE"})
"""The statuses of executions that have ended. A status in neither set may be of either kind."""
_NODE_FAILED: Final = frozenset({"errored", "failed", "rejected", "timed_out"})


@attrs.frozen(eq=False, repr=False)
class ExecutionNode(Model):
    """The result of one node of a workflow in an execution."""

    node_id: str | None = attrs.field(default=None, metadata=named("node_id", "id"))
    """The id of the node in the workflow."""
    node_name: str | None = None
    """The display name of the node."""
    node_type: str | None = None
    """The type of the node, such as `start`."""
    node_status: str | None = None
    """How the node ended, such as `Success` or `Errored`."""
    is_batch: bool | None = None
    """Whether the node works in batches, which `executions.batches()` lists."""
    attempts_made: int | None = None
    """How many attempts Refold made."""
    execution_time: float | None = None
    """How long the node took, in milliseconds."""
    input_data: Any = None
    """The input of the node."""
    latest_output: Any = None
    """The output of the node, or the error it ended with."""
    maximum_attempts: int | None = None
    """How many attempts Refold makes at most."""


@attrs.frozen(eq=False, repr=False)
class Execution(Result):
    """An execution of a workflow.

    Its `status` says whether it is still running, and what to do once it has ended:

    - `QUEUED`, `RUNNING`, `STOPPING`: it has not ended. Wait for it with `executions.wait()`.
    - `COMPLETED`: it succeeded.
    - `DUPLICATE`: Refold treated it as a repeat of another execution, and ran nothing.
    - `ERRORED`, `FAILED`, `STOPPED`, `TIMED_OUT`, `TERMINATED` (by a node of that type): a part of it may have run.
      Check `nodes` for what was done before you `rerun` it.
    - Any other status is one that this version does not know. It is treated as not ended: check the Refold Console.
    """

    execution_id: str = attrs.field(metadata=named("_id", "id", "execution_id", "instance_id"))
    """Refold's id for the execution."""
    name: str | None = None
    """The display name of the execution."""
    status: str | None = attrs.field(default=None, metadata=STRICT)
    """How far the execution is, or how it ended: see above."""
    completion_percentage: float | None = None
    """How far the execution is, from 0 to 100."""
    linked_account_id: str | None = None
    """The linked account that the workflow runs for."""
    config_id: str | None = None
    """The config that the workflow runs with."""
    environment: str | None = None
    """`test` or `production`."""
    type_of_execution: str | None = None
    """How the execution was started, such as `ASYNC`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the execution started."""
    completion_time: datetime | None = None
    """When the execution ended."""
    nodes: list[ExecutionNode] = attrs.field(factory=list[ExecutionNode])
    """The nodes of the execution; empty in lists."""
    return_value: Any = None
    """What the workflow returned, if `run_workflow` or `executions.wait()` waited for it. For other executions, call
    `executions.response()`."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the execution was last updated."""
    associated_application: Reference | None = None
    """The app that the workflow belongs to."""
    associated_workflow: Reference | None = None
    """The workflow of this execution."""
    associated_trigger_application: dict[str, Any] | None = None
    """The app whose trigger started the execution, as Refold returns it: `_id`, `name`, `icon`, `app_type`,
    `origin_trigger`."""
    trigger_application_event: str | None = None
    """The event that started the execution, such as `Schedule`."""
    associated_event_id: str | None = None
    """Refold's id for the event that started the execution."""
    custom_application_id: str | None = None
    """Refold's id for the custom app whose trigger started the execution."""
    custom_trigger_id: str | None = None
    """Refold's id for the custom trigger that started the execution."""
    instance_execution_time: float | None = None
    """How long the execution took, in milliseconds."""
    store_variables: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The variables of the execution; not shown in the `repr`."""
    linked_account_data: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The data of the linked account that the execution received; not shown in the `repr`."""
    custom_field_values: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The values of the config's fields; not shown in the `repr`."""
    is_child_instance: bool | None = None
    """Whether another execution started this one."""
    executed_by_thanos: bool | None = None
    """Whether Refold's engine of this name ran the workflow."""
    is_seed: bool | None = None
    """Whether Refold created the execution as a sample."""
    org_id: str | None = None
    """Refold's id for your organisation."""

    @property
    def is_final(self) -> bool:
        """Whether the execution has ended. An unknown status is treated as not ended."""
        return (self.status or "").upper() in FINAL

    @property
    def failed_nodes(self) -> list[ExecutionNode]:
        """The nodes that ended with an error. Executions in lists have no nodes: `get()` the execution first."""
        return [node for node in self.nodes if (node.node_status or "").lower() in _NODE_FAILED]


@attrs.frozen(eq=False, repr=False)
class ExecutionResponse(Result):
    """What an asynchronous execution returned."""

    response: Any = None
    """The return value."""
    status: Any = None
    """The status, as Refold or the workflow set it."""


@attrs.frozen(eq=False, repr=False)
class Batch(Result):
    """One batch of a node that works in batches."""

    batch_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id for the batch."""
    batch_index: int | None = attrs.field(default=None, metadata=named("batch_index", "batch_number"))
    """The position of the batch among the others."""
    status: str | None = None
    """How the batch ended, such as `Success`."""
    output: Any = None
    """The output of the batch."""
