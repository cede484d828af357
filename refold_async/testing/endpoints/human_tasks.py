"""Forms with which workflows ask a person: anyone who has the id of one may submit it, once."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import OBJECT, checked
from refold_async.testing.protocol.replies import Refused, Reply, json_reply

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="anybody", error_field="error_code")
_TASK: Final = "/api/v2/public/human-tasks/{task_id}"
_ENDED: Final[Mapping[str, str]] = {"SUBMITTED": "Form has already been submitted", "TIMEOUT": "Form has expired"}


@GROUP.route("GET", _TASK)
async def get_human_task(call: EndpointCall) -> Reply:
    """Return a form."""
    return json_reply(_task(call))


@GROUP.route("POST", _TASK)
async def submit_human_task(call: EndpointCall) -> Reply:
    """Submit a form."""
    task = _task(call)
    if task["status"] in _ENDED:
        raise Refused(400, _ENDED[task["status"]])
    data: dict[str, Any] = checked(call.json_object(), {"data": OBJECT}, ("data",))["data"]
    form: Mapping[str, Any] = task["form_structure"]
    missing = [name for name in form.get("required", ()) if data.get(name, task["data"].get(name)) is None]
    if missing:
        raise Refused(400, f"Missing required fields: {', '.join(missing)}")
    for name, field in form.get("properties", {}).items():
        if field.get("readOnly") and name in data and data[name] != task["data"].get(name):
            raise Refused(400, f"{name} is read-only")
    call.state.documents("human task").change(task, {"status": "SUBMITTED", "data": {**task["data"], **data}})
    return json_reply({"message": "Form submitted successfully"})


def _task(call: EndpointCall) -> dict[str, Any]:
    task = call.state.documents("human task").find(call.path_parameters["task_id"])
    if task is None:
        raise Refused(404, "Specified Form Not Found")
    return task
