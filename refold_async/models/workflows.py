"""Workflows, their drafts and versions, as Refold returns them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Model, Result, named
from refold_async.models.references import Reference

__all__ = ["EnabledWorkflow", "Workflow", "WorkflowSettings", "WorkflowVersion"]


@attrs.frozen(eq=False, repr=False)
class WorkflowSettings(Model):
    """How a workflow runs."""

    timeout: int | None = None
    """How long an execution may take, as Refold returns it."""
    caching: dict[str, Any] | None = None
    """The settings for caching."""
    workflow_response: dict[str, Any] | None = None
    """The response of a synchronous execution."""
    incremental_sync_settings: dict[str, Any] | None = None
    """The settings for incremental syncs."""


@attrs.frozen(eq=False, repr=False)
class _WorkflowFields(Result):
    """The fields that workflows, drafts and versions have in common."""

    name: str | None = attrs.field(default=None, kw_only=True)
    """The display name of the workflow."""
    description: str | None = attrs.field(default=None, kw_only=True)
    """What the workflow does."""
    slug: str | None = attrs.field(default=None, kw_only=True)
    """The app that the workflow belongs to, or a name of its own."""
    published: bool | None = attrs.field(default=None, kw_only=True)
    """Whether the workflow can be executed."""
    workflow_alias: str | None = attrs.field(default=None, kw_only=True)
    """A name to use instead of the id to execute the workflow."""
    associated_workflow: str | None = attrs.field(default=None, kw_only=True)
    """For a draft: the workflow that it is a draft of."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"), kw_only=True)
    """When it was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"), kw_only=True)
    """When it was last updated."""
    nodes: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """The nodes of the workflow, as Refold returns them; empty in lists."""
    edges: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """The connections between the nodes, as Refold returns them; empty in lists."""
    settings: WorkflowSettings | None = attrs.field(default=None, kw_only=True)
    """How the workflow runs."""
    json_schema: dict[str, Any] | None = attrs.field(default=None, kw_only=True)
    """The JSON Schema of the payload."""
    manual_execution_payload: Any = attrs.field(default=None, kw_only=True)
    """A sample payload."""
    environment: str | None = attrs.field(default=None, kw_only=True)
    """`test` or `production`."""
    linked_account_id: str | None = attrs.field(default=None, kw_only=True)
    """The linked account that owns the workflow, if it is private."""
    org_id: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id for your organisation."""
    associated_application: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id for the app that the workflow belongs to."""
    associated_project: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id for the project that the workflow belongs to."""
    current_version: int | None = attrs.field(default=None, kw_only=True)
    """The number of the published version."""
    icon: str | None = attrs.field(default=None, kw_only=True)
    """The URL of the icon."""
    group: str | None = attrs.field(default=None, kw_only=True)
    """The group that the workflow belongs to."""
    index_order: int | None = attrs.field(default=None, kw_only=True)
    """The position of the workflow among the others."""
    when_to_use: str | None = attrs.field(default=None, kw_only=True)
    """When an agent should use the workflow."""
    data_slots: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """The data slots of the workflow, as Refold returns them."""
    enable_schema_validation: bool | None = attrs.field(default=None, kw_only=True)
    """Whether Refold validates payloads against the schema."""
    auto_enable: bool | None = attrs.field(default=None, metadata=named("autoEnable", "auto_enable"), kw_only=True)
    """Whether the workflow is enabled for linked accounts from the start."""
    hide_in_config: bool | None = attrs.field(default=None, kw_only=True)
    """Whether configs hide the workflow."""
    public_access_workflow: bool | None = attrs.field(default=None, kw_only=True)
    """Whether linked accounts may create and change the workflow."""
    expose_as_node: bool | None = attrs.field(default=None, kw_only=True)
    """Whether other workflows can use it as a node."""
    udf_filter: str | None = attrs.field(default=None, kw_only=True)
    """The user-defined field that decides which linked accounts the workflow is for."""
    udf_filter_operator: str | None = attrs.field(default=None, kw_only=True)
    """How `udf_filter` is compared."""
    event_schema_guidelines: str | None = attrs.field(default=None, kw_only=True)
    """Guidelines for the schema of the workflow's events."""
    test_instance_meta_data: dict[str, Any] | None = attrs.field(default=None, kw_only=True)
    """Data about the test execution."""
    workflow_builder_version: str | None = attrs.field(default=None, kw_only=True)
    """The version of the builder with which the workflow was created."""
    is_v2: bool | None = attrs.field(default=None, kw_only=True)
    """Whether the workflow belongs to the second generation of workflows."""
    is_agentic_flow: bool | None = attrs.field(default=None, kw_only=True)
    """Whether an agent runs the workflow."""
    created_by_ai: bool | None = attrs.field(default=None, kw_only=True)
    """Whether an AI created the workflow."""


@attrs.frozen(eq=False, repr=False)
class Workflow(_WorkflowFields):
    """A workflow, or a draft of one."""

    workflow_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    version: int | None = None
    """The number of this version."""


@attrs.frozen(eq=False, repr=False)
class WorkflowVersion(_WorkflowFields):
    """A workflow as it was when this version was published, at `created_at`."""

    version: int
    """The number of the version; the first is 1."""
    version_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id for the version."""


@attrs.frozen(eq=False, repr=False)
class EnabledWorkflow(Result):
    """A workflow that the linked account has enabled."""

    workflow_id: str = attrs.field(metadata=named("id", "_id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The display name of the workflow."""
    description: str | None = None
    """What the workflow does."""
    icon: str | None = None
    """The URL of the icon."""
    config_id: str | None = None
    """The config that the workflow runs with."""
    application: Reference | None = None
    """The app that the workflow belongs to."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the workflow was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the workflow was last updated."""
