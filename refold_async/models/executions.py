"""Runs of workflows, as Refold answers them."""

from datetime import datetime
from typing import Any, Final

import attrs

from refold_async.models.model import STRICT, Model, Result, named
from refold_async.models.references import Reference

__all__ = ["FINAL", "GOING_ON", "Batch", "Execution", "ExecutionNode", "ExecutionResponse"]

GOING_ON: Final = frozenset({"RUNNING", "STOPPING", "QUEUED"})
"""The statuses of runs that have not ended."""
FINAL: Final = frozenset({"COMPLETED", "ERRORED", "FAILED", "STOPPED", "TIMED_OUT", "TERMINATED", "DUPLICATE"})
"""The statuses of runs that have ended. A word in neither may be of either kind."""
_NODE_FAILED: Final = frozenset({"errored", "failed", "rejected", "timed_out"})


@attrs.frozen(eq=False, repr=False)
class ExecutionNode(Model):
    """What became of one node of a workflow in a run."""

    node_id: str | None = attrs.field(default=None, metadata=named("node_id", "id"))
    """Its id in the workflow."""
    node_name: str | None = None
    """Its name for people."""
    node_type: str | None = None
    """What kind of node it is, such as `start`."""
    node_status: str | None = None
    """How it ended, such as `Success` or `Errored`."""
    is_batch: bool | None = None
    """Whether it works in batches, which `executions.batches()` gives."""
    attempts_made: int | None = None
    """How often Refold tried it."""
    execution_time: float | None = None
    """How long it took, in milliseconds."""
    input_data: Any = None
    """What it was given."""
    latest_output: Any = None
    """What it gave, or the error it ended with."""
    maximum_attempts: int | None = None
    """How often Refold would have tried it at most."""


@attrs.frozen(eq=False, repr=False)
class Execution(Result):
    """A run of a workflow.

    Its `status` says whether it goes on, and what to do once it has ended:

    - `QUEUED`, `RUNNING`, `STOPPING`: it goes on. Wait for it, by `executions.wait()`.
    - `COMPLETED`: it did all it was to do.
    - `DUPLICATE`: Refold took it for a repeat of another run, and ran nothing.
    - `ERRORED`, `FAILED`, `STOPPED`, `TIMED_OUT`, `TERMINATED` (by a node of that kind): it may have done a part. See
      in `nodes` what it did before you `rerun` it.
    - Any other word is one that this version does not know, and counts as going on: look into the Refold Console.
    """

    execution_id: str = attrs.field(metadata=named("_id", "id", "execution_id", "instance_id"))
    """Refold's id of it."""
    name: str | None = None
    """Its name for people."""
    status: str | None = attrs.field(default=None, metadata=STRICT)
    """How far it is, or how it ended: see above."""
    completion_percentage: float | None = None
    """How far it is, from 0 to 100."""
    linked_account_id: str | None = None
    """Whom it runs for."""
    config_id: str | None = None
    """The config it runs under."""
    environment: str | None = None
    """`test` or `production`."""
    type_of_execution: str | None = None
    """How it was started, such as `ASYNC`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it began."""
    completion_time: datetime | None = None
    """When it ended."""
    nodes: list[ExecutionNode] = attrs.field(factory=list[ExecutionNode])
    """Its nodes; none in lists."""
    return_value: Any = None
    """What it gave back, where `run_workflow` or `executions.wait()` waited for it; `executions.response()` gives it of
    any other."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""
    associated_application: Reference | None = None
    """The app that its workflow belongs to."""
    associated_workflow: Reference | None = None
    """The workflow that runs."""
    associated_trigger_application: dict[str, Any] | None = None
    """The app whose trigger started it, as Refold shows it: `_id`, `name`, `icon`, `app_type`, `origin_trigger`."""
    trigger_application_event: str | None = None
    """The event that started it, such as `Schedule`."""
    associated_event_id: str | None = None
    """Refold's id of the event that started it."""
    custom_application_id: str | None = None
    """Refold's id of the custom app whose trigger started it."""
    custom_trigger_id: str | None = None
    """Refold's id of the custom trigger that started it."""
    instance_execution_time: float | None = None
    """How long it took, in milliseconds."""
    store_variables: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Its variables; not shown in its `repr`."""
    linked_account_data: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """What it was told of the linked account; not shown in its `repr`."""
    custom_field_values: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The values of the config's fields; not shown in its `repr`."""
    is_child_instance: bool | None = None
    """Whether another run started it."""
    executed_by_thanos: bool | None = None
    """Whether Refold's engine of that name ran it."""
    is_seed: bool | None = None
    """Whether Refold made it as a sample."""
    org_id: str | None = None
    """Refold's id of your organisation."""

    @property
    def is_final(self) -> bool:
        """Whether it has ended. A status that is not known counts as going on."""
        return (self.status or "").upper() in FINAL

    @property
    def failed_nodes(self) -> list[ExecutionNode]:
        """The nodes that ended with an error. Lists come without nodes: `get()` the run for them."""
        return [node for node in self.nodes if (node.node_status or "").lower() in _NODE_FAILED]


@attrs.frozen(eq=False, repr=False)
class ExecutionResponse(Result):
    """What a run that was not waited for gave back."""

    response: Any = None
    """The return value."""
    status: Any = None
    """Its status, as Refold or the workflow has it."""


@attrs.frozen(eq=False, repr=False)
class Batch(Result):
    """One batch of a node that works in batches."""

    batch_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id of it."""
    batch_index: int | None = attrs.field(default=None, metadata=named("batch_index", "batch_number"))
    """Its place among the others."""
    status: str | None = None
    """How it ended, such as `Success`."""
    output: Any = None
    """What it gave."""
