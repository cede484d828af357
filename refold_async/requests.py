"""Pure functions that build a call: what goes on the wire but for the account it goes out for."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlencode

import attrs

from refold_async import json_codec
from refold_async.errors import ConfigurationError, ParameterError
from refold_async.faults import Kind
from refold_async.validation import check_bool, check_header_value, check_path, quote_segment

__all__ = ["Call", "Target", "arbitrary", "execute_action", "execute_workflow", "get_action_parameters", "list_actions"]

NO_HEADERS: Mapping[str, str] = {}
NO_BODY: Any = ...
"""Stands for a `body=` that was not given, where None would be JSON's null."""

_ACTIONS = "/api/v2/integration-schema"
_READS = frozenset({"GET", "HEAD"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_OURS = frozenset(
    {
        "x-api-key",
        "linked_account_id",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@attrs.frozen
class Target:
    """Where a call goes, and how messages speak of it. Made once per endpoint and its ids."""

    method: str
    path: str
    """Below the base URL, quoted, with the query."""
    subject: str
    """What the call is about, such as `action 'get_contact' of app 'hubspot'`."""
    if_not_found: str = ""
    """What to do about a 404."""


@attrs.define(eq=False)
class Call:
    """One call, ready to be sent for any account."""

    target: Target
    kind: Kind = "read"
    body: bytes | None = None
    """JSON, or None for no body."""
    headers: Mapping[str, str] = NO_HEADERS
    """Headers beside those that name the account."""
    synchronous: bool = False
    """Whether a workflow's own answer comes back, with a status of its choosing."""


@lru_cache(maxsize=1024)
def _app_target(slug: str) -> Target:
    return Target(
        "GET",
        f"{_ACTIONS}/{quote_segment('slug', slug)}/actions",
        f"app {str.__str__(slug)!r}",
        "Check the slug in the Refold Console; once it is right, list_actions(slug) gives the app's actions.",
    )


@lru_cache(maxsize=1024)
def _action_target(slug: str, action_id: str, *, execute: bool) -> Target:
    path = f"{_ACTIONS}/{quote_segment('slug', slug)}/actions/{quote_segment('action_id', action_id)}"
    return Target(
        "POST" if execute else "GET",
        f"{path}/execute" if execute else path,
        f"action {str.__str__(action_id)!r} of app {str.__str__(slug)!r}",
        "Check the slug and the action_id: list_actions(slug) gives an app's actions, and their exact ids.",
    )


@lru_cache(maxsize=1024)
def _workflow_target(workflow_id: str) -> Target:
    return Target(
        "POST",
        f"/api/v2/public/workflow/{quote_segment('workflow_id', workflow_id)}/execute",
        f"workflow {str.__str__(workflow_id)!r}",
        "Check its id or alias, that it is published, and that this linked account owns it.",
    )


def _named(make: Any, *ids: object, **options: bool) -> Target:
    """Call a cached target function; an unhashable id gets the error any id of the wrong type gets."""
    try:
        return make(*ids, **options)  # type: ignore[no-any-return]
    except TypeError:
        return make.__wrapped__(*ids, **options)  # type: ignore[no-any-return]


def encode_parameters(name: str, value: Any, envelope: str | None = None) -> bytes:
    """Return `value`, as the one field of an object if `envelope` names it, as JSON bytes.

    Raises:
        ParameterError: Names the place in `value` that is no JSON.
    """
    try:
        return json_codec.encode(value if envelope is None else {envelope: value})
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    message = f"{_first_unsendable(name, value)} cannot be sent as JSON: {reason}."
    raise ParameterError(message.encode(errors="backslashreplace").decode())


def _first_unsendable(path: str, value: Any) -> str:
    """Return the path of the first part of `value` that is no JSON by itself, else the path of the whole."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", part) for key, part in cast("dict[str, Any]", value).items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(cast("Sequence[Any]", value))]
    for part_path, part in parts:
        try:
            json_codec.encode(part)
        except (TypeError, ValueError, RecursionError) as error:
            # A cycle is part of itself all the way down.
            cyclic = isinstance(error, RecursionError) or "Circular" in str(error)
            return part_path if cyclic else _first_unsendable(part_path, part)
    return path


def list_actions(slug: str) -> Call:
    """Build the call that lists an app's actions."""
    return Call(_named(_app_target, slug))


def get_action_parameters(slug: str, action_id: str) -> Call:
    """Build the call that reads an action's parameter schema."""
    return Call(_named(_action_target, slug, action_id, execute=False))


def execute_action(
    slug: str, action_id: str, parameters: Mapping[str, Any] | None = None, *, idempotent: bool = False
) -> Call:
    """Build the call that executes an action."""
    if parameters is None:
        parameters = {}
    elif not isinstance(parameters, dict):
        parameters = _as_dict(parameters)
    return Call(
        _named(_action_target, slug, action_id, execute=True),
        "idempotent" if check_bool("idempotent", idempotent) else "write",
        encode_parameters("parameters", parameters),
    )


def _as_dict(parameters: Any) -> dict[str, Any]:
    if isinstance(parameters, Mapping):
        return dict(cast("Mapping[str, Any]", parameters))
    raise ParameterError(f"parameters must be a mapping, one key per parameter, not {type(parameters).__name__}.")


def execute_workflow(
    workflow_id: str,
    *,
    slug: str,
    payload: Any = None,
    body: Any = NO_BODY,
    sync: bool = False,
    config_id: str | None = None,
    instance_tag: str | None = None,
    include_headers: bool = False,
) -> Call:
    """Build the call that runs a workflow."""
    headers = {"slug": check_header_value("slug", slug)}
    if config_id is not None:
        headers["config_id"] = check_header_value("config_id", config_id)
    if check_bool("sync", sync):
        headers["sync_execution"] = "true"
    if instance_tag is not None:
        headers["instance_tag"] = check_header_value("instance_tag", instance_tag)
    if check_bool("include_headers", include_headers):
        headers["include-headers"] = "true"
    if body is NO_BODY:
        encoded = encode_parameters("payload", {} if payload is None else payload, envelope="payload")
    elif payload is None:
        encoded = encode_parameters("body", body)
    else:
        raise ParameterError("payload and body exclude each other: payload=x sends {'payload': x}, body=x sends x.")
    return Call(_named(_workflow_target, workflow_id), "write", encoded, headers, synchronous=sync)


def arbitrary(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    idempotent: bool = False,
) -> Call:
    """Build the call of `request()`: any endpoint. Only GET and HEAD count as reads."""
    if not isinstance(method, str) or (method := method.upper()) not in _METHODS:
        raise ConfigurationError(f"method must be one of {', '.join(sorted(_METHODS))}, got {method!r}.")
    wire_path = check_path("path", path)
    for name, value in (("query", query), ("headers", headers)):
        if value is not None and not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a mapping, not {type(value).__name__}.")
    if query:
        wire_path += "?" + urlencode(_query_pairs(query))
    kind: Kind = "read" if method in _READS else "write"
    if check_bool("idempotent", idempotent) and kind == "write":
        kind = "idempotent"
    if json is not None and kind == "read":
        raise ConfigurationError(f"json cannot be sent with {method}: pass query={{...}}.")
    return Call(
        Target(method, wire_path, f"{method} {path}"),
        kind,
        None if json is None else encode_parameters("json", json),
        _extra_headers(headers) if headers else NO_HEADERS,
    )


def _query_pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Spell query values as Refold reads them: true and false in lower case, a list as repeated names, no None."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,)
        pairs += [(_query_text("query's names", name), _query_value(name, one)) for one in values if one is not None]
    return pairs


def _query_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _query_text(f"query[{name!r}]", value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    raise ConfigurationError(f"query[{name!r}] must hold str, int, finite float, bool or None, got {value!r}.")


def _query_text(what: str, value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"{what} must be str without lone surrogates, got {value!r}.")
    return str.__str__(value)


def _extra_headers(headers: Mapping[str, str]) -> dict[str, str]:
    extra: dict[str, str] = {}
    for name, value in headers.items():
        check_header_value("a header's name", name)
        if name.lower() in _OURS:
            raise ConfigurationError(f"headers may not set {name!r}: the client sets it, for the account of the call.")
        if not all(
            character.isascii() and (character.isalnum() or character in "!#$%&'*+-.^_`|~") for character in name
        ):
            raise ConfigurationError(f"headers holds {name!r}, which is no header name.")
        extra[name] = check_header_value(f"headers[{name!r}]", value)
    return extra
