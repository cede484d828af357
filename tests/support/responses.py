"""Answers, and the calls they answer, for tests of what is made of them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy

from refold_async.protocol import requests
from refold_async.protocol.responses import Response

ACTION: Final = requests.execute_action("hubspot", "create_contact", {"email": "ada@example.com"})
SYNCHRONOUS_WORKFLOW: Final = requests.execute_workflow("wf_1", slug="hubspot", sync=True)
ASYNCHRONOUS_WORKFLOW: Final = requests.execute_workflow("wf_1", slug="hubspot")
LISTING: Final = requests.list_actions("hubspot")
DESCRIPTION: Final = requests.get_action_parameters("hubspot", "create_contact")
ANY_CALL: Final = requests.arbitrary("GET", "/api/v2/public/execution")


def raw_answer(
    body: bytes,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
    body_error: str | None = None,
) -> Response:
    """Return an answer with this body, and with headers of the kind that aiohttp gives."""
    all_headers = CIMultiDict({"Content-Type": content_type, **(headers or {})})
    return Response(status, CIMultiDictProxy(all_headers), body, body_error)


def json_answer(value: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with this JSON value as its body."""
    return raw_answer(json.dumps(value).encode(), status, headers=headers)
