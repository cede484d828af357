"""Configs of apps, their fields and their workflows: what Refold returns, and what it takes."""

from typing import Any, Required, TypedDict

import attrs

from refold_async.models.applications import InputOption
from refold_async.models.model import Model, Result, named

__all__ = [
    "Config",
    "ConfigEntry",
    "ConfigField",
    "ConfigFieldError",
    "ConfigFieldInput",
    "ConfigFieldProblem",
    "ConfigWorkflow",
    "ConfigWorkflowInput",
]


class ConfigFieldInput(TypedDict, total=False):
    """A field of a config, as a call sends it: its id, what should change, and any other field that Refold knows."""

    id: Required[str]
    """The id of the field."""
    value: Any
    """The value: any JSON value."""
    name: str
    """The display name of the field."""
    field_type: str
    """The type of the field, such as `select`."""
    required: bool
    """Whether a value is required."""
    multiple: bool
    """Whether the field takes several values."""
    hidden: bool
    """Whether users do not see the field."""
    help_text: str
    """The explanation to show to users."""
    parent: str
    """The id of the field on which this one depends."""
    options: list[dict[str, Any]]
    """The values to choose from, each with `name` and `value`."""
    labels: Any
    """Of a field mapping, the labels to map."""
    mapping: dict[str, Any]
    """Of a field mapping, how the fields are mapped."""
    rule_columns: list[dict[str, Any]]
    """Of a rule engine, the columns of its rules."""
    data_source: dict[str, Any]
    """Where the options come from."""
    dynamic_slot_identifier: str
    """What the data source fills in, such as `options`."""
    associated_page: str
    """The page on which the field is shown."""
    defaultValue: Any
    """The value that applies while none is set."""


class ConfigWorkflowInput(TypedDict, total=False):
    """A workflow of a config, as a call sends it."""

    id: Required[str]
    """The id of the workflow."""
    enabled: bool
    """Whether the workflow runs for this config."""
    fields: list[ConfigFieldInput]
    """The fields of the workflow."""


@attrs.frozen(eq=False, repr=False)
class ConfigField(Result):
    """A setting of an app or of a workflow that each config has a value for."""

    field_id: str = attrs.field(metadata=named("id", "_id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The display name of the field."""
    field_type: str | None = None
    """The type of the field, such as `text`, `select`, `map` (a field mapping) or `rule_engine`."""
    value: Any = None
    """The value; None if none is set."""
    default_value: Any = attrs.field(default=None, metadata=named("defaultValue", "default_value"))
    """The value that applies while none is set."""
    required: bool | None = None
    """Whether a value is required."""
    multiple: bool | None = None
    """Whether the field takes several values."""
    hidden: bool | None = None
    """Whether users do not see the field."""
    options: list[InputOption] = attrs.field(factory=list[InputOption])
    """The values to choose from; empty if any value is allowed, or if the call left options out."""
    help_text: str | None = None
    """The explanation to show to users."""
    placeholder: str | None = None
    """The text to show while the field is empty."""
    parent: str | None = None
    """The id of the field on which this one depends."""
    labels: Any = None
    """Of a field mapping, the labels to map: an object, or a list of objects with `name` and `value`."""
    mapping: dict[str, Any] | None = None
    """Of a field mapping, how the fields are mapped."""
    rule_columns: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """Of a rule engine, the columns of its rules. `config_fields.get_rule_options()` takes one of them."""
    data_source: dict[str, Any] | None = None
    """Where the options come from."""
    dynamic_slot_identifier: str | None = None
    """What the data source fills in, such as `options`."""
    associated_page: str | None = None
    """The page on which the field is shown."""


@attrs.frozen(eq=False, repr=False)
class ConfigWorkflow(Result):
    """A workflow of a config."""

    workflow_id: str = attrs.field(metadata=named("id", "_id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The display name of the workflow."""
    description: str | None = None
    """What the workflow does."""
    icon: str | None = None
    """The URL of the icon."""
    enabled: bool | None = None
    """Whether the workflow runs for this config."""
    fields: list[ConfigField] = attrs.field(factory=list[ConfigField])
    """The fields of the workflow."""
    data_slots: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """The fields as Refold stores them. Only `set_workflow_enabled()` returns them."""
    associated_page: str | None = None
    """The page on which the workflow is shown."""


@attrs.frozen(eq=False, repr=False)
class ConfigFieldProblem(Model):
    """Why a field could not be read."""

    message: str | None = None
    """What went wrong."""
    error: Any = None
    """What the data source of the field returned."""


@attrs.frozen(eq=False, repr=False)
class ConfigFieldError(Model):
    """A field that could not be read, for example because the app did not return its options."""

    field_id: str | None = attrs.field(default=None, metadata=named("id", "field_id"))
    """The id of the field."""
    name: str | None = None
    """The display name of the field."""
    error: ConfigFieldProblem | None = None
    """Why the field could not be read."""


@attrs.frozen(eq=False, repr=False)
class Config(Result):
    """How one linked account uses an app: the values of its fields, and which workflows are enabled."""

    slug: str
    """The app."""
    config_id: str | None = None
    """The id of the config: your own, or the id of the linked account."""
    fields: list[ConfigField] = attrs.field(factory=list[ConfigField])
    """The fields of the app."""
    workflows: list[ConfigWorkflow] = attrs.field(factory=list[ConfigWorkflow])
    """The workflows of the app."""
    field_errors: list[ConfigFieldError] = attrs.field(factory=list[ConfigFieldError])
    """The fields that could not be read."""


@attrs.frozen(eq=False, repr=False)
class ConfigEntry(Result):
    """A config in the list of an app's configs."""

    config_id: str
    """The id to pass to other calls."""
    installation_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's id for the record of the config."""
    tenant_config: bool | None = None
    """True for a config of the tenant."""
