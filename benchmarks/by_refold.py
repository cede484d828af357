"""The calls with this library."""

import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Final

from api import ACTIONS_BODY, KEY
from contestants import CONCURRENCY, Parameters

from refold_async import AccountScope, Action, AsyncRefold, RetryPolicy
from refold_async.protocol.requests import list_actions
from refold_async.protocol.responses import Response
from refold_async.resources.actions import parse_actions


class RefoldClient:
    """This library, with its default deadlines and checks."""

    def __init__(self, refold: AsyncRefold) -> None:
        self._refold = refold

    async def execute(
        self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False
    ) -> object:
        """Execute an action."""
        scope = self._refold.account(account)
        return await scope.execute_action("hubspot", action_id, parameters, idempotent=idempotent)

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        for action in await self._refold.account(account).list_actions("hubspot"):
            _ = action.action_id, action.name, action.description, action.tag

    async def fan_out(self, items: Iterable[str], parameters: Parameters) -> None:
        """Execute an action for many accounts."""
        jobs = self._refold.fan_out_action(items, "hubspot", "get_contact", parameters, concurrency=CONCURRENCY)
        async with jobs as outcomes:
            async for outcome in outcomes:
                assert outcome.status == "ok", outcome


@contextlib.asynccontextmanager
async def refold(url: str, connections: int) -> AsyncGenerator[RefoldClient]:
    """Open this library's client, with the same delay before retries as in the calls by hand."""
    async with AsyncRefold(
        KEY, base_url=url, max_connections=connections, retry=RetryPolicy(initial_delay=0)
    ) as client:
        yield RefoldClient(client)


def read_actions() -> None:
    """Read a response with 500 actions without any transport, and every field of them."""
    response = Response(200, {"Content-Type": "application/json"}, ACTIONS_BODY)
    for action in parse_actions(response, LIST_ACTIONS):
        _ = action.action_id, action.name, action.description, action.tag


def make_actions() -> None:
    """Make the same models from the same response without checking it, and read every field of them."""
    for fields in json.loads(ACTIONS_BODY):
        action = Action(
            fields["action_id"], fields.get("name"), fields.get("description"), fields.get("tag"), raw=fields
        )
        _ = action.action_id, action.name, action.description, action.tag


LIST_ACTIONS: Final = list_actions("hubspot")


@contextlib.asynccontextmanager
async def make_account() -> AsyncGenerator[Callable[[str], AccountScope]]:
    """Open a client, and yield the function that makes the scope of a linked account."""
    async with AsyncRefold(KEY) as client:
        yield client.account
