"""The curl commands of Refold's documentation, word for word, against the mock."""

import asyncio
import json
import shlex
import shutil
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from refold_async.testing import MockRefold

LIST_ACTIONS = r"""
curl "https://app.refold.ai/api/v2/integration-schema/hubspot/actions" \
  -H "x-api-key: $REFOLD_API_KEY" \
  -H "linked_account_id: user_12345"
"""

GET_CONTACT = r"""
curl -X POST "https://app.refold.ai/api/v2/integration-schema/hubspot/actions/get_contact/execute" \
  -H "x-api-key: $REFOLD_API_KEY" \
  -H "linked_account_id: user_12345" \
  -H "Content-Type: application/json" \
  -d '{ "limit": "1" }'
"""

CREATE_CONTACT = r"""
curl -X POST "https://app.refold.ai/api/v2/integration-schema/hubspot/actions/create_contact/execute" \
  -H "x-api-key: $REFOLD_API_KEY" \
  -H "linked_account_id: user_12345" \
  -H "Content-Type: application/json" \
  -d '{
    "email": "jane@example.com",
    "firstname": "Jane",
    "lastname": "Doe"
  }'
"""

EXECUTE_WORKFLOW = r"""
curl -X POST "https://app.refold.ai/api/v2/public/workflow/{workflow_id}/execute" \
  -H "x-api-key: YOUR_API_KEY" \
  -H "linked_account_id: YOUR_LINKED_ACCOUNT_ID" \
  -H "slug: {slug}" \
  -H "Content-Type: application/json" \
  -d '{ "payload": { "email": "jane@example.com" } }'
"""

CONTACT_READ = """
{
  "node_status": "Success",
  "data": {
    "results": [
      {
        "id": "51",
        "properties": {
          "email": "contact@example.com",
          "firstname": "Brian",
          "lastname": "Halligan (Sample Contact)"
        },
        "createdAt": "2023-10-06T09:53:17.242Z",
        "archived": false
      }
    ],
    "paging": {}
  }
}
"""

CONTACT_CREATED = """
{
  "node_status": "Success",
  "data": {
    "id": "1510721",
    "createdAt": "2026-06-21T10:04:11.000Z"
  }
}
"""

WORKFLOW_STARTED = """
{
  "message": "Workflow execution started",
  "execution_id": "6a314c54d4616e99e7fa5a02"
}
"""


def arguments_of(command: str, base_url: str) -> list[str]:
    """Split a command as a shell would, for another host and with the API key filled in."""
    command = command.replace("https://app.refold.ai", base_url).replace("$REFOLD_API_KEY", "tk_documented")
    return shlex.split(command.replace("\\\n", " "))


async def run_curl(arguments: Sequence[str]) -> Any:
    """Run the real curl."""
    process = await asyncio.create_subprocess_exec(
        *(*arguments, "--silent", "--show-error", "--fail", "--max-time", "60"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


async def run_as_curl(arguments: Sequence[str]) -> Any:
    """Do what curl does with the few options of these commands, without its globbing."""
    method, headers, body, url = "GET", dict[str, str](), None, ""
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "-X":
            method = next(rest)
        elif argument == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif argument == "-d":
            body = next(rest).encode()
        else:
            url = argument
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.request(method, url, headers=headers, data=body) as response,
    ):
        return await response.json()


RUNNERS = [
    pytest.param(run_curl, marks=pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")),
    run_as_curl,
]


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(GET_CONTACT, CONTACT_READ, id="get_contact"),
        pytest.param(CREATE_CONTACT, CONTACT_CREATED, id="create_contact"),
        pytest.param(EXECUTE_WORKFLOW, WORKFLOW_STARTED, id="execute_workflow"),
    ],
)
async def test_command_gives_the_documented_response(mock: MockRefold, run: Any, command: str, expected: str) -> None:
    """The response is the documented one, field for field."""
    assert await run(arguments_of(command, mock.base_url)) == json.loads(expected)


@pytest.mark.parametrize("run", RUNNERS)
async def test_listing_actions(mock: MockRefold, run: Any) -> None:
    """The actions the other commands use are listed."""
    actions = await run(arguments_of(LIST_ACTIONS, mock.base_url))
    assert {"get_contact", "create_contact"} <= {action["action_id"] for action in actions}
    assert mock.requests[0].headers["x-api-key"] == "tk_documented"


async def test_placeholders_reach_the_sample_workflow(mock: MockRefold) -> None:
    """The placeholders of the workflow's command stand as they are, whether or not the braces are quoted."""
    arguments = arguments_of(EXECUTE_WORKFLOW, mock.base_url)
    for path in ("{workflow_id}", "workflow_id", "%7Bworkflow_id%7D"):
        body = await run_as_curl([argument.replace("{workflow_id}", path) for argument in arguments])
        assert body["message"] == "Workflow execution started"
    assert {request.linked_account_id for request in mock.requests} == {"YOUR_LINKED_ACCOUNT_ID"}
