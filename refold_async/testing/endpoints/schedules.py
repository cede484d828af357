"""Schedules of one linked account. The mock keeps them; it does not run their workflows."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import OBJECT, TEXT, Fields, checked, list_of, one_of
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account by key", error_field="error_code")
_SCHEDULE: Final = "/api/v1/workflow/public/scheduled"

_FIELDS: Final[Fields] = {
    "trigger_type": one_of("cron", "interval"),
    "regex": TEXT,
    "interval_dates": list_of(OBJECT, at_least=1),
    "startDate": TEXT,
    "endDate": TEXT,
    "tz": TEXT,
    "payload": OBJECT,
}
_OF_PAGES: Final = ("docs", "totalDocs", "limit", "page", "totalPages", "hasNextPage")
"""What Refold returns of a page of schedules."""


@GROUP.route("GET", _SCHEDULE)
async def list_schedules(call: EndpointCall) -> Reply:
    """List the schedules, a page at a time, with the names of their workflows."""
    page = paginate(_schedules(call).all(), *page_number_and_limit(call.query))
    page["docs"] = [{**_shown(schedule), "workflow": _workflow(call, schedule)} for schedule in page["docs"]]
    return json_reply({name: page[name] for name in _OF_PAGES})


@GROUP.route("POST", _SCHEDULE)
async def create_schedule(call: EndpointCall) -> Reply:
    """Schedule a workflow."""
    headers = checked(call.headers, dict.fromkeys(_HEADERS, TEXT), _HEADERS)
    fields = checked(call.json_object(), _FIELDS, ("trigger_type",))
    needed = {"cron": "regex", "interval": "interval_dates"}[fields["trigger_type"]]
    checked(fields, _FIELDS, (needed,))
    workflow = call.account.workflows.find(headers["workflow_id_alias"])
    if workflow is None or not workflow.belongs_to(headers["slug"]):
        raise Refused(400, "Workflow not found")
    schedule = _schedules(call).create(
        {
            "event_id": call.account.documents("event of a schedule").create({})["_id"],
            "workflow": workflow.workflow_id,
            "config_id": headers["config_id"],
            "linked_account_id": call.account.linked_account_id,
            "environment": ENVIRONMENT,
            "org_id": ORGANISATION_ID,
            "trigger_interval": [],
            "status": "running",
            "inactive": False,
            "registered_by_api": True,
            **_kept(fields, {}),
        }
    )
    return json_reply(_shown(schedule))


@GROUP.route("PUT", _SCHEDULE + "/{schedule_id}")
async def update_schedule(call: EndpointCall) -> Reply:
    """Change the given fields of a schedule."""
    schedule = _schedule(call)
    fields = checked(call.json_object(), _FIELDS)
    return _changed(call, schedule, _kept(fields, schedule["options"]))


@GROUP.route("DELETE", _SCHEDULE + "/{schedule_id}")
async def delete_schedule(call: EndpointCall) -> Reply:
    """Delete a schedule."""
    _schedules(call).delete(_schedule(call))
    return json_reply({"message": "Scheduled Job Deleted Successfully"})


@GROUP.route("PUT", _SCHEDULE + "/{schedule_id}/pause")
async def pause_schedule(call: EndpointCall) -> Reply:
    """Pause a schedule."""
    return _changed(call, _schedule(call), {"status": "paused", "inactive": True})


@GROUP.route("PUT", _SCHEDULE + "/{schedule_id}/resume")
async def resume_schedule(call: EndpointCall) -> Reply:
    """Resume a schedule."""
    return _changed(call, _schedule(call), {"status": "running", "inactive": False})


_HEADERS: Final = ("slug", "workflow_id_alias", "config_id")
_NAMES: Final[Mapping[str, str]] = {"regex": "cron_patten", "interval_dates": "trigger_interval"}
"""The fields that Refold returns under other names than it takes them."""
_OPTIONS: Final = ("startDate", "endDate", "tz", "trigger_type")


def _kept(fields: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a schedule for those that a caller chose; `options` are its options so far."""
    chosen = {_NAMES.get(name, name): fields[name] for name in (*_NAMES, "trigger_type", "payload") if name in fields}
    return {**chosen, "options": {**options, **{name: fields[name] for name in _OPTIONS if name in fields}}}


def _schedules(call: EndpointCall) -> Documents:
    return call.account.documents("schedule")


def _schedule(call: EndpointCall) -> dict[str, Any]:
    schedule = _schedules(call).find(call.path_parameters["schedule_id"])
    if schedule is None:
        raise Refused(404, "Scheduled Job Not Found", "RESOURCE_NOT_FOUND")
    return schedule


def _changed(call: EndpointCall, schedule: dict[str, Any], fields: Mapping[str, Any]) -> Reply:
    return json_reply(_shown(_schedules(call).change(schedule, fields)))


def _shown(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schedule as the API shows it: without the times that all documents of the mock have."""
    return {name: value for name, value in schedule.items() if name not in ("createdAt", "updatedAt")}


def _workflow(call: EndpointCall, schedule: Mapping[str, Any]) -> Any:
    """Return the workflow of a schedule as lists show it: only its id if it was deleted."""
    workflow = call.account.workflows.find(schedule["workflow"])
    if workflow is None:
        return schedule["workflow"]
    app = call.state.catalogue.app(workflow.slug)
    application = {"_id": app.app_id, "name": app.name}
    return {"_id": workflow.workflow_id, "name": workflow.name, "associated_application": application}
