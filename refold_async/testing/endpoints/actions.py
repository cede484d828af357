"""Actions: list them, read their parameters, execute them."""

from typing import Final
from urllib.parse import quote

from refold_async.testing.catalogue.apps import MockAction, MockApp
from refold_async.testing.catalogue.handlers import ActionContext, AppError, FileAnswer
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.faults.troubles import Errored, ExpiredConnection
from refold_async.testing.protocol.replies import Refused, Reply, json_reply

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_ACTIONS: Final = "/api/v2/integration-schema/{slug}/actions"


@GROUP.route("GET", _ACTIONS)
async def list_actions(call: EndpointCall) -> Reply:
    """List the actions of an app."""
    return json_reply([action.summary() for action in _app(call).actions.values()])


@GROUP.route("GET", _ACTIONS + "/{action_id}")
async def get_action_parameters(call: EndpointCall) -> Reply:
    """Return the parameter schema of an action."""
    return json_reply(_action(call, _app(call)).parameters)


@GROUP.route("POST", _ACTIONS + "/{action_id}/execute")
async def execute_action(call: EndpointCall) -> Reply:
    """Run an action for the linked account.

    Whatever the app responds, success or failure, is sent with HTTP 200.
    """
    app = _app(call)
    action = _action(call, app)
    parameters = call.json_object()
    for name in action.required:
        if parameters.get(name) in (None, ""):
            raise Refused(400, f"Required parameter '{name}' is missing", "VALIDATION_ERROR")
    account = call.account
    linked_account_id = account.linked_account_id
    connection = account.connection(app.slug, call.headers.get("connection_id") or None)
    if connection == "disconnected":
        message = f"Application Authentication not found for linked_account_id {linked_account_id} and app {app.slug}"
        raise Refused(400, message)
    if connection == "expired" or isinstance(call.app_trouble, ExpiredConnection):
        return _errored(Errored(401, app.expired_data))
    if call.app_trouble is not None:
        return _errored(call.app_trouble)
    if not call.state.app_rate_limits.take(app.slug, linked_account_id):
        return _errored(Errored(429, app.rate_limited_data))
    context = ActionContext(
        linked_account_id, app.slug, account.store(app.slug), connection_id=call.headers.get("connection_id") or None
    )
    try:
        data = await action.handler(context, parameters)
    except AppError as error:
        return _errored(Errored(error.http_status, error.data))
    if isinstance(data, FileAnswer):
        return _file(data)
    try:
        return json_reply({"node_status": "Success", "data": data})
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the handler of action {action.action_id!r} returned {type(data).__name__} that is not JSON ({error}): "
            "return JSON, or a FileAnswer"
        ) from None


def _file(answer: FileAnswer) -> Reply:
    headers: dict[str, str] = {}
    if answer.file_name is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(answer.file_name, safe='')}"
    return Reply(200, answer.content, headers, answer.content_type)


def _errored(trouble: Errored) -> Reply:
    body = {"node_status": trouble.node_status, "data": trouble.data}
    if trouble.http_status is not None:
        body["http_status"] = trouble.http_status
    return json_reply(body)


def _app(call: EndpointCall) -> MockApp:
    slug = call.path_parameters["slug"]
    app = call.state.catalogue.apps.get(slug)
    if app is None:
        raise Refused(404, f"Application app_type '{slug}' not found")
    return app


def _action(call: EndpointCall, app: MockApp) -> MockAction:
    action_id = call.path_parameters["action_id"]
    action = app.actions.get(action_id)
    if action is None:
        raise Refused(404, f"Action {action_id} not found in Application {app.slug}")
    return action
