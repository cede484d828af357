"""Workflows, their drafts and versions, as Refold answers them."""

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
    """How long a run may take, as Refold has it."""
    caching: dict[str, Any] | None = None
    """What is cached."""
    workflow_response: dict[str, Any] | None = None
    """What a synchronous run answers."""
    incremental_sync_settings: dict[str, Any] | None = None
    """How incremental syncs go on."""


@attrs.frozen(eq=False, repr=False)
class _WorkflowFields(Result):
    """What Refold says of a workflow, a draft and a version alike."""

    name: str | None = attrs.field(default=None, kw_only=True)
    """Its name for people."""
    description: str | None = attrs.field(default=None, kw_only=True)
    """What it does."""
    slug: str | None = attrs.field(default=None, kw_only=True)
    """The app it belongs to, or a name of its own."""
    published: bool | None = attrs.field(default=None, kw_only=True)
    """Whether it can be executed."""
    workflow_alias: str | None = attrs.field(default=None, kw_only=True)
    """A name that may stand for the id when it is executed."""
    associated_workflow: str | None = attrs.field(default=None, kw_only=True)
    """Of a draft: the workflow it is a draft of."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"), kw_only=True)
    """When it was made."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"), kw_only=True)
    """When it was changed last."""
    nodes: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """Its nodes, as Refold has them; none in lists."""
    edges: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """What leads from node to node, as Refold has it; none in lists."""
    settings: WorkflowSettings | None = attrs.field(default=None, kw_only=True)
    """How it runs."""
    json_schema: dict[str, Any] | None = attrs.field(default=None, kw_only=True)
    """The JSON Schema of its payload."""
    manual_execution_payload: Any = attrs.field(default=None, kw_only=True)
    """A sample payload."""
    environment: str | None = attrs.field(default=None, kw_only=True)
    """`test` or `production`."""
    linked_account_id: str | None = attrs.field(default=None, kw_only=True)
    """The linked account that alone has it."""
    org_id: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id of your organisation."""
    associated_application: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id of the app it belongs to."""
    associated_project: str | None = attrs.field(default=None, kw_only=True)
    """Refold's id of the project it belongs to."""
    current_version: int | None = attrs.field(default=None, kw_only=True)
    """Which version is published."""
    icon: str | None = attrs.field(default=None, kw_only=True)
    """The URL of its icon."""
    group: str | None = attrs.field(default=None, kw_only=True)
    """The group it is in."""
    index_order: int | None = attrs.field(default=None, kw_only=True)
    """Its place among the others."""
    when_to_use: str | None = attrs.field(default=None, kw_only=True)
    """When an agent is to use it."""
    data_slots: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]], kw_only=True)
    """Its data slots, as Refold has them."""
    enable_schema_validation: bool | None = attrs.field(default=None, kw_only=True)
    """Whether Refold checks payloads by the schema."""
    auto_enable: bool | None = attrs.field(default=None, metadata=named("autoEnable", "auto_enable"), kw_only=True)
    """Whether linked accounts have it enabled from the start."""
    hide_in_config: bool | None = attrs.field(default=None, kw_only=True)
    """Whether configs do not show it."""
    public_access_workflow: bool | None = attrs.field(default=None, kw_only=True)
    """Whether linked accounts may make and change it."""
    expose_as_node: bool | None = attrs.field(default=None, kw_only=True)
    """Whether other workflows may have it as a node."""
    udf_filter: str | None = attrs.field(default=None, kw_only=True)
    """Which linked accounts it is for, by a user-defined field."""
    udf_filter_operator: str | None = attrs.field(default=None, kw_only=True)
    """How `udf_filter` is compared."""
    event_schema_guidelines: str | None = attrs.field(default=None, kw_only=True)
    """What is said of the schema of its events."""
    test_instance_meta_data: dict[str, Any] | None = attrs.field(default=None, kw_only=True)
    """What is said of its test run."""
    workflow_builder_version: str | None = attrs.field(default=None, kw_only=True)
    """The version of the builder it was made with."""
    is_v2: bool | None = attrs.field(default=None, kw_only=True)
    """Whether it is of the second generation of workflows."""
    is_agentic_flow: bool | None = attrs.field(default=None, kw_only=True)
    """Whether an agent runs it."""
    created_by_ai: bool | None = attrs.field(default=None, kw_only=True)
    """Whether it was made by an AI."""


@attrs.frozen(eq=False, repr=False)
class Workflow(_WorkflowFields):
    """A workflow, or a draft of one."""

    workflow_id: str = attrs.field(metadata=named("_id", "id"))
    """What other calls name it by."""
    version: int | None = None
    """Which version it is."""


@attrs.frozen(eq=False, repr=False)
class WorkflowVersion(_WorkflowFields):
    """What a workflow was when it was published, which is its `created_at`."""

    version: int
    """Its number; the first is 1."""
    version_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id of it."""


@attrs.frozen(eq=False, repr=False)
class EnabledWorkflow(Result):
    """A workflow that the linked account has enabled."""

    workflow_id: str = attrs.field(metadata=named("id", "_id"))
    """What other calls name it by."""
    name: str | None = None
    """Its name for people."""
    description: str | None = None
    """What it does."""
    icon: str | None = None
    """The URL of its icon."""
    config_id: str | None = None
    """The config it runs under."""
    application: Reference | None = None
    """The app it belongs to."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it was made."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""
