"""Environment variables: their definitions and their values, as Refold returns them."""

from datetime import datetime

import attrs

from refold_async.models.model import Result, named

__all__ = ["EnvironmentVariable", "EnvironmentVariableDefinition", "EnvironmentVariableValue"]


@attrs.frozen(eq=False, repr=False)
class EnvironmentVariableDefinition(Result):
    """The definition of an environment variable, made in the Refold Console."""

    definition_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The name of the variable, such as `API_BASE_URL`."""
    description: str | None = None
    """The purpose of the variable."""
    scope: str | None = None
    """What has a value of its own: `org`, `workspace`, `linked_account` or `workflow`."""
    var_format: str | None = None
    """What values look like: `string`, `number` or `url`."""
    encrypted: bool | None = None
    """Whether Refold encrypts the values, and so returns none of them in plain text."""
    org_id: str | None = None
    """Refold's id for your organisation."""
    created_by: str | None = None
    """The user who created the definition."""
    updated_by: str | None = None
    """The user who last updated the definition."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the definition was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the definition was last updated."""


@attrs.frozen(eq=False, repr=False)
class EnvironmentVariable(Result):
    """An environment variable with its value in one scope. The `repr` does not show the value."""

    definition_id: str = attrs.field(metadata=named("variable_definition_id"))
    """The id of the definition."""
    name: str | None = None
    """The name of the variable."""
    scope: str | None = None
    """What the value belongs to: `org`, `workspace`, `linked_account` or `workflow`."""
    encrypted: bool | None = None
    """Whether Refold encrypts the value."""
    value: str | None = attrs.field(default=None, repr=False)
    """The value; `[REDACTED]` if Refold encrypts it."""


@attrs.frozen(eq=False, repr=False)
class EnvironmentVariableValue(Result):
    """A stored value of an environment variable. The `repr` does not show the value."""

    value_id: str = attrs.field(metadata=named("_id", "id"))
    """The id of the value, which `delete_value()` takes."""
    value: str | None = attrs.field(default=None, repr=False)
    """The value. If Refold encrypts it, this is `[REDACTED]`, or the encrypted value that was just stored."""
    definition: EnvironmentVariableDefinition | None = attrs.field(
        default=None, metadata=named("variable_definition_id")
    )
    """The definition, if the response contains it, as that of a list does."""
    linked_account_id: str | None = None
    """The linked account that the value is for, if it is for one."""
    workflow_id: str | None = None
    """The workflow that the value is for, if it is for one."""
    environment: str | None = None
    """`test` or `production`."""
    org_id: str | None = None
    """Refold's id for your organisation."""
    created_by: str | None = None
    """The user who created the value."""
    updated_by: str | None = None
    """The user who last updated the value."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the value was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the value was last updated."""

    @property
    def definition_id(self) -> str | None:
        """The id of the definition."""
        shown: object = self.raw.get("variable_definition_id")
        if isinstance(shown, str):
            return shown
        return None if self.definition is None else self.definition.definition_id
