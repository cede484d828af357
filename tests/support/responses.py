"""Responses, requests and parsers, for tests of parsers."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from refold_async import ActionResult, RefoldError
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_value
from refold_async.protocol.responses import Parser, Response
from refold_async.protocol.workflow_executions import parse_workflow_execution
from refold_async.resources.actions import parse_action_parameters, parse_actions

E = TypeVar("E", bound=RefoldError)

ACTION: Final = requests.execute_action("hubspot", "create_contact", {"email": "ada@example.com"})
SYNCHRONOUS_WORKFLOW: Final = requests.execute_workflow("wf_1", slug="hubspot", sync=True)
ASYNCHRONOUS_WORKFLOW: Final = requests.execute_workflow("wf_1", slug="hubspot")
LISTING: Final = requests.list_actions("hubspot")
DESCRIPTION: Final = requests.get_action_parameters("hubspot", "create_contact")
RAW_REQUEST: Final = requests.raw_request("GET", "/api/v2/public/execution")

parse_result: Final[Parser[ActionResult[Any]]] = parse_action_result(Any)
parse_parameters: Final = parse_action_parameters("hubspot", "create_contact")

PARSERS: Final[dict[str, tuple[Parser[Any], Request]]] = {
    "actions": (parse_actions, LISTING),
    "parameters": (parse_parameters, DESCRIPTION),
    "action": (parse_result, ACTION),
    "action into": (parse_action_result(list[int]), ACTION),
    "asynchronous workflow": (parse_workflow_execution, ASYNCHRONOUS_WORKFLOW),
    "synchronous workflow": (parse_workflow_execution, SYNCHRONOUS_WORKFLOW),
    "any": (parse_value(Any), RAW_REQUEST),
    "any into": (parse_value(list[int]), RAW_REQUEST),
}
"""Each parser with a request that it parses the responses to."""
each_parser: Final = pytest.mark.parametrize(("parse", "sent"), PARSERS.values(), ids=PARSERS)

NOT_CONNECTED: Final = "Application Authentication not found for linked_account_id user_1 and app hubspot"


@attrs.frozen
class Contact:
    """A contact, as a caller may define it."""

    id: int
    email: str | None = None


def raw_response(
    body: bytes,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
    body_error: str | None = None,
) -> Response:
    """Return a response with this body, and with headers of the kind that aiohttp gives."""
    all_headers = CIMultiDict({"Content-Type": content_type, **(headers or {})})
    return Response(status, CIMultiDictProxy(all_headers), body, body_error)


def json_response(value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with this JSON value as its body."""
    return raw_response(json.dumps(value).encode(), status, headers=headers)


def error_from(error_class: type[E], parse: Parser[Any], response: Response, request: Request) -> E:
    """Return the error that a response raises. It must be of exactly this class and have no cause or context."""
    with pytest.raises(error_class) as caught:
        parse(response, request)
    error = caught.value
    assert type(error) is error_class
    assert error.__cause__ is None
    assert error.__context__ is None
    return error
