"""What the mock answers where the request is as it should be, and something else goes wrong."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

import aiohttp

from contract.calls.call import ACCOUNT
from contract.exchanges import Exchange, Recorder, recording
from refold_async.testing import Answer, AppError, Errored, ExpiredConnection, MockRefold, WorkflowAnswer

__all__ = ["recorded_failures", "recorded_troubles"]

_ACTION: Final = "/api/v2/integration-schema/hubspot/actions/get_contact/execute"
_WORKFLOW: Final = "/api/v2/public/workflow/{}/execute"
_HEADERS: Final = {"x-api-key": "tk_test", "linked_account_id": ACCOUNT, "slug": "hubspot", "sync_execution": "true"}


@asynccontextmanager
async def _calling() -> AsyncGenerator[tuple[MockRefold, Recorder, aiohttp.ClientSession]]:
    """A mock, what records its answers, and what calls it through that."""
    async with (
        MockRefold() as mock,
        recording(mock.base_url) as recorder,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield mock, recorder, session


async def _post(session: aiohttp.ClientSession, recorder: Recorder, path: str) -> Any:
    async with session.post(recorder.base_url + path, headers=_HEADERS, json={"limit": "1"}) as response:
        return await response.json()


@cache
def recorded_failures() -> Sequence[Exchange]:
    """Return the answers to actions whose app fails, to workflows that fail, and to questions about these."""
    return asyncio.run(_failures())


async def _failures() -> Sequence[Exchange]:
    async with _calling() as (mock, recorder, session):

        @mock.catalogue.workflow("hubspot", "refused")
        async def refused(*_: object) -> None:  # pyright: ignore[reportUnusedFunction]
            raise AppError(404, {"message": "no such contact"})

        @mock.catalogue.workflow("hubspot", "broken")
        async def broken(*_: object) -> None:  # pyright: ignore[reportUnusedFunction]
            raise RuntimeError("a fault of its own")

        @mock.catalogue.workflow("hubspot", "answering")
        async def answering(*_: object) -> WorkflowAnswer:  # pyright: ignore[reportUnusedFunction]
            return WorkflowAnswer(200, {"made": True})

        for workflow_id in ("refused", "broken", "answering"):
            started = await _post(session, recorder, _WORKFLOW.format(workflow_id))
            path = f"{recorder.base_url}/api/v2/public/execution/{started['execution_id']}"
            async with session.get(path, headers=_HEADERS) as response:
                await response.read()
        for trouble in (Errored(404, {"message": "no"}), Errored(), Errored(500, "no", "Failed"), ExpiredConnection()):
            mock.clear()
            mock.script(trouble)
            await _post(session, recorder, _ACTION)
        return recorder.taken()


@cache
def recorded_troubles() -> Sequence[Exchange]:
    """Return what the mock answers to too many requests, for unknown paths, and where it is told to fail or does."""
    return asyncio.run(_troubles())


async def _troubles() -> Sequence[Exchange]:
    async with _calling() as (mock, recorder, session):

        @mock.catalogue.action("hubspot", "get_contact")
        async def broken(*_: object) -> None:  # pyright: ignore[reportUnusedFunction]
            raise RuntimeError("a fault of its own")

        for path in ("/nowhere", _ACTION.removesuffix("/execute"), _ACTION):  # the second is no POST
            await _post(session, recorder, path)
        for status in (400, 401, 403, 404, 409, 422, 429, 500, 501, 503):
            mock.clear()
            mock.script(Answer(status))
            await _post(session, recorder, _ACTION)
        mock.clear()
        mock.limit_rate(1, per=3600)
        for _ in range(2):
            await _post(session, recorder, _ACTION)
        return recorder.taken()
