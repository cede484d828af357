"""`account.schedules`: when Refold runs the workflows of one linked account."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.errors import ConfigurationError
from refold_async.models.confirmations import Confirmation
from refold_async.models.schedules import Schedule
from refold_async.protocol.arguments import (
    Checks,
    called,
    day,
    line,
    list_of,
    mapping,
    mapping_of,
    one_of,
    whole_number,
)
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.resources.resource import Resource, Send, changes

__all__ = ["Schedules"]

_SCHEDULE: Final = "schedule {schedule_id!r}"
_CHECK_THE_ID: Final = "Check its id: schedules.list() gives all schedules of this linked account."
_PARTS: Final = ("year", "month", "day", "hour", "minute")

_parts_of_a_time: Final = mapping_of(whole_number(at_least=0), one_of(*_PARTS))


def _time(name: str, value: Any) -> dict[str, Any]:
    """A time of an interval, to the minute, in the time zone of the schedule."""
    if not isinstance(value, datetime):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a datetime, not {type(value).__name__}.")
        return _parts_of_a_time(name, value)  # type: ignore[no-any-return]
    if value.tzinfo is not None:
        raise ConfigurationError(
            f"{name} has a time zone: pass the time of day in the time zone tz, without tzinfo. A schedule has one tz."
        )
    if value.second or value.microsecond:
        raise ConfigurationError(f"{name} has seconds, and Refold schedules to the minute: leave them out.")
    return {part: getattr(value, part) for part in _PARTS}


_FIELDS: Final[Checks] = {
    "trigger_type": line,
    "regex": called("cron_expression", line),
    "interval_dates": list_of(_time, at_least=1),
    "startDate": called("start_date", day),
    "endDate": called("end_date", day),
    "tz": line,
    "payload": mapping,
}
"""What both a new and a changed schedule can have."""

_LIST: Final = Endpoint("GET", "/api/v1/workflow/public/scheduled", "the list of schedules")
_CREATE: Final = Endpoint(
    "POST",
    "/api/v1/workflow/public/scheduled",
    "the new schedule",
    takes={**_FIELDS, "slug": line, "workflow_id_alias": called("workflow_id", line), "config_id": line},
    required=("slug", "workflow_id_alias"),
)
_UPDATE: Final = Endpoint(
    "PUT", "/api/v1/workflow/public/scheduled/{schedule_id}", _SCHEDULE, _CHECK_THE_ID, takes=_FIELDS
)
_DELETE: Final = Endpoint("DELETE", "/api/v1/workflow/public/scheduled/{schedule_id}", _SCHEDULE, _CHECK_THE_ID)
_PAUSE: Final = Endpoint(
    "PUT", "/api/v1/workflow/public/scheduled/{schedule_id}/pause", _SCHEDULE, _CHECK_THE_ID, kind="idempotent"
)
_RESUME: Final = Endpoint(
    "PUT", "/api/v1/workflow/public/scheduled/{schedule_id}/resume", _SCHEDULE, _CHECK_THE_ID, kind="idempotent"
)


class Schedules(Resource):
    """The schedules of one linked account, as `account.schedules`. Refold accepts only an API key for them."""

    __slots__ = ("_linked_account_id",)

    def __init__(self, send: Send, linked_account_id: str | None) -> None:
        super().__init__(send)
        self._linked_account_id = linked_account_id

    def list(self, *, page_size: int = 100, timeout: Timeout | float | None = None) -> Listing[Schedule]:
        """Iterate over the schedules of the linked account. Refold page: *List Schedules*.

        Args:
            page_size: How many schedules to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The schedules. Each is returned only once.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST, model=Schedule, key=lambda schedule: schedule.schedule_id, page_size=page_size, timeout=timeout
        )

    async def create(
        self,
        workflow_id: str,
        *,
        slug: str,
        cron_expression: str | None = None,
        interval_dates: Sequence[datetime | Mapping[str, int]] | None = None,
        tz: str | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        payload: Mapping[str, Any] | None = None,
        config_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> Schedule:
        """Schedule a workflow: regularly, or at specific times. Refold page: *Register Schedule*.

        Pass either `cron_expression` or `interval_dates`.

        Args:
            workflow_id: The id of the workflow.
            slug: The app that the workflow belongs to.
            cron_expression: When to run the workflow regularly, such as `0 9 * * 1` for every Monday at 9:00. Refold's
                name for it is `regex`.
            interval_dates: The times at which to run the workflow, to the minute: datetimes without a time zone, or
                objects such as `{"day": 1, "month": 7, "year": 2026, "hour": 9, "minute": 0}`.
            tz: The time zone of the schedule, such as `UTC` or `America/New_York`.
            start_date: The first day on which the workflow may run.
            end_date: The last day on which the workflow may run.
            payload: The input of every run.
            config_id: The config to run with; by default the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The schedule, which is running.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            BadRequestError: Refold refused a value.
            RefoldError: The call failed in another way; `effect` says whether the schedule may have been created.
        """
        if cron_expression is None and interval_dates is None:
            raise ConfigurationError("Say when to run the workflow: pass cron_expression or interval_dates.")
        request = _CREATE.request(
            headers={
                "slug": slug,
                "workflow_id_alias": workflow_id,
                "config_id": self._linked_account_id if config_id is None else config_id,
            },
            body=_fields(cron_expression, interval_dates, tz, start_date, end_date, payload),
        )
        return await self._send(request, parse_model(Schedule), timeout)

    async def update(
        self,
        schedule_id: str,
        *,
        cron_expression: str | None = None,
        interval_dates: Sequence[datetime | Mapping[str, int]] | None = None,
        tz: str | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        payload: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = None,
    ) -> Schedule:
        """Change a schedule: when it runs, or with which payload. Refold page: *Update Schedule*.

        What you do not pass remains as it is. The workflow of a schedule cannot be changed.

        Args:
            schedule_id: The id of the schedule.
            cron_expression: When to run the workflow regularly, as for `create`.
            interval_dates: The times at which to run the workflow, as for `create`.
            tz: The time zone of the schedule.
            start_date: The first day on which the workflow may run.
            end_date: The last day on which the workflow may run.
            payload: The input of every run.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The schedule.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: The linked account has no such schedule.
            RefoldError: The call failed in another way; `effect` says whether the schedule may have been changed.
        """
        fields = _fields(cron_expression, interval_dates, tz, start_date, end_date, payload)
        request = _UPDATE.request(schedule_id, body=changes(fields, "cron_expression, tz"))
        return await self._send(request, parse_model(Schedule), timeout)

    async def delete(self, schedule_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Delete a schedule. Refold page: *Delete Schedule*.

        Args:
            schedule_id: The id of the schedule.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: The linked account has no such schedule.
            RefoldError: The call failed in another way; `effect` says whether the schedule may have been deleted.
        """
        return await self._send(_DELETE.request(schedule_id), parse_told(Confirmation), timeout)

    async def pause(self, schedule_id: str, *, timeout: Timeout | float | None = None) -> Schedule:
        """Pause a schedule: it does not run until you resume it. Refold page: *Pause Schedule*.

        To pause it twice has the same effect as once, so the client retries this call.

        Args:
            schedule_id: The id of the schedule.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The schedule, whose `status` is `paused`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: The linked account has no such schedule.
            RefoldError: The call failed in another way; `effect` says whether the schedule may have been paused.
        """
        return await self._send(_PAUSE.request(schedule_id), parse_model(Schedule), timeout)

    async def resume(self, schedule_id: str, *, timeout: Timeout | float | None = None) -> Schedule:
        """Resume a paused schedule. Refold page: *Resume Schedule*.

        To resume it twice has the same effect as once, so the client retries this call.

        Args:
            schedule_id: The id of the schedule.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The schedule, whose `status` is `running`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            NotFoundError: The linked account has no such schedule.
            RefoldError: The call failed in another way; `effect` says whether the schedule may have been resumed.
        """
        return await self._send(_RESUME.request(schedule_id), parse_model(Schedule), timeout)


def _fields(
    cron_expression: str | None,
    interval_dates: Sequence[datetime | Mapping[str, int]] | None,
    tz: str | None,
    start_date: date | str | None,
    end_date: date | str | None,
    payload: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the fields of a schedule. Its trigger type follows from which of two times is given."""
    if cron_expression is not None and interval_dates is not None:
        raise ConfigurationError("Pass either cron_expression or interval_dates: a schedule has one kind of times.")
    return {
        "trigger_type": "cron" if cron_expression is not None else "interval" if interval_dates is not None else None,
        "regex": cron_expression,
        "interval_dates": interval_dates,
        "startDate": start_date,
        "endDate": end_date,
        "tz": tz,
        "payload": payload,
    }
