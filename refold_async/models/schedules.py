"""Schedules of workflows, as Refold returns them."""

from typing import Any, cast

import attrs

from refold_async.models.model import Result, named

__all__ = ["Schedule"]


@attrs.frozen(eq=False, repr=False)
class Schedule(Result):
    """When Refold runs a workflow for a linked account."""

    schedule_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    workflow: Any = None
    """The workflow: its id or, in lists, an object with its `_id`, its `name` and its `associated_application`."""
    trigger_type: str | None = None
    """`cron` if the schedule recurs, `interval` if it has specific times."""
    cron_expression: str | None = attrs.field(default=None, metadata=named("cron_patten", "cron_pattern", "regex"))
    """When a schedule runs that recurs, such as `0 9 * * 1`; Refold's name for it is `cron_patten`."""
    trigger_interval: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """When a schedule with specific times runs, as `interval_dates` has them."""
    status: str | None = None
    """`running` or `paused`."""
    inactive: bool | None = None
    """Whether the schedule is paused."""
    payload: dict[str, Any] | None = None
    """The input of every run."""
    options: dict[str, Any] | None = None
    """The time zone and the first and last day, as Refold returns them: `tz`, `startDate`, `endDate`."""
    config_id: str | None = None
    """The config that the workflow runs with."""
    linked_account_id: str | None = None
    """The linked account that the workflow runs for."""
    event_id: str | None = None
    """Refold's id for the event that starts the workflow."""
    registered_by_api: bool | None = None
    """Whether a call created the schedule, and not the workflow."""
    environment: str | None = None
    """`test` or `production`."""
    org_id: str | None = None
    """Refold's id for your organisation."""

    @property
    def workflow_id(self) -> str | None:
        """The id of the workflow."""
        workflow = self.workflow
        known = cast("dict[str, Any]", workflow).get("_id") if isinstance(workflow, dict) else workflow
        return known if isinstance(known, str) else None
