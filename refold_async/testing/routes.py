"""The table of everything the mock serves, and the way from a request to its row."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote

from attrs import define, field, frozen

from .authentication import Access
from .call import Call
from .endpoints import (
    actions,
    applications,
    events,
    executions,
    linked_accounts,
    session_tokens,
    webhooks,
    workflow_authoring,
    workflows,
)
from .replies import ErrorField, Reply

__all__ = ["ROUTES", "Match", "Route", "RouteName", "Router"]

RouteName = Literal[
    "list_actions",
    "get_action_parameters",
    "execute_action",
    "execute_workflow",
    "list_workflows",
    "get_workflow",
    "list_enabled_workflows",
    "get_request_structure",
    "create_workflow",
    "get_workflow_draft",
    "publish_workflow",
    "list_workflow_versions",
    "delete_workflow",
    "list_executions",
    "get_execution",
    "stop_execution",
    "rerun_execution",
    "list_node_batches",
    "list_applications",
    "get_application",
    "trigger_event",
    "list_linked_accounts",
    "get_linked_account",
    "create_linked_account",
    "upsert_linked_account",
    "delete_linked_account",
    "create_session_token",
    "revoke_session_token",
    "create_webhook",
    "list_webhooks",
    "get_webhook",
    "update_webhook",
    "delete_webhook",
]


class Route(NamedTuple):
    """One row of the table.

    Attributes:
        name: Its name in scripts and recorded requests.
        method: HTTP method.
        path: Path with `{names}` for the parts that vary.
        access: What credentials it asks for.
        error_field: The field in which this service puts its error code.
        endpoint: Answers it.
    """

    name: RouteName
    method: str
    path: str
    access: Access
    error_field: ErrorField
    endpoint: Callable[[Call], Awaitable[Reply]]


_ACTIONS: Final = "/api/v2/integration-schema/{slug}/actions"
_PUBLIC: Final = "/api/v2/public"
_WORKFLOW: Final = f"{_PUBLIC}/workflow"
_EXECUTION: Final = f"{_PUBLIC}/execution"
_ACCOUNT: Final = f"{_PUBLIC}/linked-account"
_WEBHOOK: Final = f"{_PUBLIC}/webhook"

_ORGANISATION: Final = "organisation"
_LINKED: Final = "linked account"

# fmt: off
ROUTES: Final = (
    Route("list_actions", "GET", _ACTIONS, _LINKED, "error_code", actions.list_actions),
    Route("get_action_parameters", "GET", _ACTIONS + "/{action_id}", _LINKED, "error_code",
          actions.get_action_parameters),
    Route("execute_action", "POST", _ACTIONS + "/{action_id}/execute", _LINKED, "error_code", actions.execute_action),
    Route("execute_workflow", "POST", _WORKFLOW + "/{workflow_id}/execute", _LINKED, "error",
          workflows.execute_workflow),
    Route("list_workflows", "GET", _WORKFLOW, _LINKED, "error", workflows.list_workflows),
    Route("list_enabled_workflows", "GET", _WORKFLOW + "/enabled", _LINKED, "error", workflows.list_enabled_workflows),
    Route("get_request_structure", "GET", _WORKFLOW + "/request-structure/{workflow_id}", _LINKED, "error",
          workflows.get_request_structure),
    Route("get_workflow", "GET", _WORKFLOW + "/{workflow_id}", _LINKED, "error", workflows.get_workflow),
    Route("create_workflow", "POST", _WORKFLOW, _LINKED, "error", workflow_authoring.create_workflow),
    Route("get_workflow_draft", "GET", _WORKFLOW + "/{workflow_id}/edit", _LINKED, "error",
          workflow_authoring.get_workflow_draft),
    Route("publish_workflow", "PUT", _WORKFLOW + "/{workflow_id}/publish", _LINKED, "error",
          workflow_authoring.publish_workflow),
    Route("list_workflow_versions", "GET", _WORKFLOW + "/versions/{workflow_id}", _LINKED, "error",
          workflow_authoring.list_workflow_versions),
    Route("delete_workflow", "DELETE", _WORKFLOW + "/{workflow_id}", _LINKED, "error",
          workflow_authoring.delete_workflow),
    Route("list_executions", "GET", _EXECUTION, _LINKED, "error", executions.list_executions),
    Route("get_execution", "GET", _EXECUTION + "/{execution_id}", _LINKED, "error", executions.get_execution),
    Route("stop_execution", "POST", _EXECUTION + "/{execution_id}/stop", _LINKED, "error", executions.stop_execution),
    Route("rerun_execution", "POST", _EXECUTION + "/{execution_id}/rerun", _LINKED, "error",
          executions.rerun_execution),
    Route("list_node_batches", "GET", _EXECUTION + "/{execution_id}/nodes/{node_id}/batches", _LINKED, "error",
          executions.list_node_batches),
    Route("list_applications", "GET", f"{_PUBLIC}/application", _LINKED, "error_code", applications.list_applications),
    Route("get_application", "GET", _PUBLIC + "/application/{slug}", _LINKED, "error_code",
          applications.get_application),
    Route("trigger_event", "POST", f"{_PUBLIC}/event/trigger", _LINKED, "error_code", events.trigger_event),
    Route("list_linked_accounts", "GET", _ACCOUNT, _ORGANISATION, "error_code", linked_accounts.list_linked_accounts),
    Route("create_linked_account", "POST", _ACCOUNT, _ORGANISATION, "error_code",
          linked_accounts.create_linked_account),
    Route("upsert_linked_account", "PUT", _ACCOUNT, _ORGANISATION, "error_code", linked_accounts.upsert_linked_account),
    Route("get_linked_account", "GET", _ACCOUNT + "/{linked_account_id}", _ORGANISATION, "error_code",
          linked_accounts.get_linked_account),
    Route("delete_linked_account", "DELETE", _ACCOUNT + "/{linked_account_id}", _ORGANISATION, "error_code",
          linked_accounts.delete_linked_account),
    Route("create_session_token", "POST", f"{_PUBLIC}/session-token", _ORGANISATION, "error_code",
          session_tokens.create_session_token),
    Route("revoke_session_token", "POST", f"{_PUBLIC}/session-token/revoke", "session token", "error_code",
          session_tokens.revoke_session_token),
    Route("create_webhook", "POST", _WEBHOOK, _ORGANISATION, "error_code", webhooks.create_webhook),
    Route("list_webhooks", "GET", _WEBHOOK, _ORGANISATION, "error_code", webhooks.list_webhooks),
    Route("get_webhook", "GET", _WEBHOOK + "/{webhook_id}", _ORGANISATION, "error_code", webhooks.get_webhook),
    Route("update_webhook", "PUT", _WEBHOOK + "/{webhook_id}", _ORGANISATION, "error_code", webhooks.update_webhook),
    Route("delete_webhook", "DELETE", _WEBHOOK + "/{webhook_id}", _ORGANISATION, "error_code",
          webhooks.delete_webhook),
)
# fmt: on


@frozen
class Match:
    """A route and the decoded parts of the path that vary."""

    route: Route
    path_parameters: dict[str, str]


@define(eq=False)
class _Segment:
    """A node of the tree of paths: what may follow a segment, and what is served here."""

    fixed: dict[str, "_Segment"] = field(factory=dict[str, "_Segment"])
    variable: "_Segment | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(factory=dict[str, tuple[Route, tuple[str, ...]]])


class Router:
    """Finds the route of a request by walking a tree of path segments.

    Args:
        routes: The table; where a fixed and a variable segment both fit, the fixed one is taken.
    """

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._root = _Segment()
        for route in routes:
            node, names = self._root, list[str]()
            for segment in route.path.split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    node.variable = node = node.variable or _Segment()
                else:
                    node = node.fixed.setdefault(segment, _Segment())
            node.routes[route.method] = route, tuple(names)

    def match(self, method: str, path: str) -> Match | int:
        """Find the route of a request.

        Args:
            method: HTTP method.
            path: The path as it came over the wire, without the query.

        Returns:
            The match, or the HTTP status that refuses it: 404 for an unknown path, 405 for a method it does not take.
        """
        node, values = self._root, list[str]()
        for segment in path.split("/"):
            following = node.fixed.get(segment)
            if following is None:
                following = node.variable if segment else None
                if following is None:
                    return 404
                values.append(unquote(segment) if "%" in segment else segment)
            node = following
        found = node.routes.get(method)
        if found is None:
            return 405 if node.routes else 404
        route, names = found
        return Match(route, dict(zip(names, values, strict=True)))
