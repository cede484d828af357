"""The requests of the four main calls and of `request()`: pure functions that build them for any account."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from refold_async.config.validation import check_bool, check_header_value, check_path
from refold_async.errors import ConfigurationError, ParameterError
from refold_async.faults import Kind
from refold_async.protocol.encoding import encode_json, with_query
from refold_async.protocol.endpoints import NO_HEADERS, Endpoint, Request, Target
from refold_async.protocol.headers import added_headers, execution_headers, workflow_headers

if TYPE_CHECKING:
    from refold_async.codec.pydantic_models import PydanticModel

__all__ = [
    "UNSET",
    "as_parameters",
    "execute_action",
    "execute_workflow",
    "get_action_parameters",
    "list_actions",
    "raw_request",
]

UNSET: Any = ...
"""Marks a `body=` that was not passed, because None means JSON's null."""

_CHECK_THE_ACTION = "Check the slug and the action_id: list_actions(slug) lists the app's actions with their exact ids."
_CHECK_THE_PATH = "Check the path, the ids in it, and base_url."
_IF_FILE = "If the response is a file, pass into=bytes, or save_to= with a path"

LIST_ACTIONS = Endpoint(
    "GET",
    "/api/v2/integration-schema/{slug}/actions",
    "app {slug!r}",
    "Check the slug in the Refold Console. With the right slug, list_actions(slug) lists the app's actions.",
    name="list_actions",
)
GET_ACTION_PARAMETERS = Endpoint(
    "GET",
    "/api/v2/integration-schema/{slug}/actions/{action_id}",
    "action {action_id!r} of app {slug!r}",
    _CHECK_THE_ACTION,
    name="get_action_parameters",
)
EXECUTE_ACTION = Endpoint(
    "POST",
    "/api/v2/integration-schema/{slug}/actions/{action_id}/execute",
    "action {action_id!r} of app {slug!r}",
    _CHECK_THE_ACTION,
    _IF_FILE,
    name="execute_action",
)
EXECUTE_WORKFLOW = Endpoint(
    "POST",
    "/api/v2/public/workflow/{workflow_id}/execute",
    "workflow {workflow_id!r}",
    "Check its id or alias, that it is published, and that this linked account owns it.",
    name="execute_workflow",
)

_WORKFLOW_ARGUMENTS = {
    "slug": "slug",
    "config_id": "config_id",
    "instance_tag": "instance_tag",
    "sync_execution": "sync",
    "include-headers": "include_headers",
    "connection_id": "connection_id",
}
"""The arguments that set headers of a workflow run, by the name of the header."""

_READS = frozenset({"GET", "HEAD"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def list_actions(slug: str) -> Request:
    """Build the request that lists an app's actions."""
    return Request(LIST_ACTIONS.target(slug))


def get_action_parameters(slug: str, action_id: str) -> Request:
    """Build the request that reads an action's parameter schema."""
    return Request(GET_ACTION_PARAMETERS.target(slug, action_id))


def execute_action(
    slug: str,
    action_id: str,
    parameters: "Mapping[str, Any] | PydanticModel | None" = None,
    *,
    idempotent: bool = False,
    connection_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build the request that executes an action."""
    if parameters is None:
        parameters = {}
    elif not isinstance(parameters, dict):
        parameters = as_parameters(parameters)
    return Request(
        EXECUTE_ACTION.target(slug, action_id),
        "idempotent" if check_bool("idempotent", idempotent) else "write",
        encode_json(parameters, "parameters"),
        NO_HEADERS if connection_id is None and headers is None else execution_headers(connection_id, headers),
    )


def as_parameters(parameters: Any) -> dict[str, Any]:
    """Return parameters, which are a mapping or a pydantic model, as a dict.

    Raises:
        ParameterError: They are something else, or the model cannot be turned into JSON.
    """
    if isinstance(parameters, Mapping):
        return dict(cast("Mapping[str, Any]", parameters))
    from refold_async.codec.pydantic_models import dumped, is_pydantic_model, is_pydantic_one, not_json

    kind = type(parameters).__name__
    if is_pydantic_one(parameters):
        raise ParameterError(f"parameters cannot be sent as JSON: {not_json(parameters)}.")
    if not is_pydantic_model(parameters):
        raise ParameterError(f"parameters must be a mapping of names to values, or a pydantic model, not {kind}.")
    try:
        fields = dumped(parameters)
    except TypeError as error:
        reason = str(error)
    else:
        if isinstance(fields, dict):
            return cast("dict[str, Any]", fields)
        reason = f"{kind} is not a JSON object with one key per parameter"
    raise ParameterError(f"parameters cannot be sent as JSON: {reason}.")


def execute_workflow(
    workflow_id: str,
    *,
    slug: str,
    payload: Any = None,
    body: Any = UNSET,
    sync: bool = False,
    config_id: str | None = None,
    instance_tag: str | None = None,
    include_headers: bool = False,
    connection_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build the request that runs a workflow."""
    sent = workflow_headers(slug=check_header_value("slug", slug), config_id=config_id, instance_tag=instance_tag)
    if check_bool("sync", sync):
        sent["sync_execution"] = "true"
    if check_bool("include_headers", include_headers):
        sent["include-headers"] = "true"
    sent.update(execution_headers(connection_id, headers, _WORKFLOW_ARGUMENTS))
    if body is UNSET:
        encoded = encode_json({"payload": {} if payload is None else payload})
    elif payload is None:
        encoded = encode_json(body, "body")
    else:
        raise ParameterError("Pass either payload or body: payload=x sends {'payload': x}, body=x sends x.")
    return Request(EXECUTE_WORKFLOW.target(workflow_id), "write", encoded, sent, synchronous=sync)


def raw_request(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    idempotent: bool = False,
) -> Request:
    """Build the request of `request()`, for any endpoint. Only GET and HEAD count as reads."""
    if not isinstance(method, str) or (method := method.upper()) not in _METHODS:
        raise ConfigurationError(f"method must be one of {', '.join(sorted(_METHODS))}, got {method!r}.")
    wire_path = check_path("path", path)
    for name, value in (("query", query), ("headers", headers)):
        if value is not None and not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a mapping, not {type(value).__name__}.")
    if query:
        wire_path = with_query(wire_path, query)
    kind: Kind = "read" if method in _READS else "write"
    if check_bool("idempotent", idempotent) and kind == "write":
        kind = "idempotent"
    if json is not None and kind == "read":
        raise ConfigurationError(f"json cannot be sent with {method}: pass query={{...}}.")
    return Request(
        Target(method, wire_path, f"{method} {path}", _CHECK_THE_PATH, if_file=_IF_FILE),
        kind,
        None if json is None else encode_json(json, "json"),
        added_headers(headers) if headers else NO_HEADERS,
    )
