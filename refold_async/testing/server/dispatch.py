"""The handling of one request: it is recorded, limited, and runs into trouble or gets its response."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any

import attrs
from aiohttp import web

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.routes import ROUTES
from refold_async.testing.faults.rate_limits import RefusingTokenBucket
from refold_async.testing.faults.scripts import NO_TROUBLE, Plan, Scripts
from refold_async.testing.faults.troubles import Answer, Drip, Errored, ExpiredConnection, Reset, Silence, Truncated
from refold_async.testing.protocol.replies import Refused, Reply, RequestIdPlace, error_reply, json_reply
from refold_async.testing.server.authentication import authenticate, linked_account_id_of
from refold_async.testing.server.connections import ServerConnection
from refold_async.testing.server.received_requests import ReceivedRequest
from refold_async.testing.server.router import RouteMatch, Router
from refold_async.testing.server.sending import hang_up, send_reply
from refold_async.testing.state.mock_state import MockState

__all__ = ["Dispatcher"]

_INDEX = json_reply(
    {"service": "mock Refold", "routes": {route.name: f"{route.method} {route.path}" for route in ROUTES}}
)

_log = logging.getLogger(__name__)


@attrs.define(eq=False)
class Dispatcher:
    """Handles every request.

    Attributes:
        state: What the endpoints work on.
        keep_requests: How many requests are kept, the latest; None means all.
        request_id_in: Where replies have the id of the request.
        scripts: Which requests run into which trouble.
        requests: The requests received, in order of arrival.
        request_count: How many requests arrived.
        in_flight: How many are being handled now.
        rate_limited: How many the rate limit refused.
        bucket: The rate limit, or None.
        retry_after: Seconds sent as `Retry-After` with a refusal; None sends no such header.
    """

    state: MockState
    keep_requests: int | None
    request_id_in: Collection[RequestIdPlace]
    scripts: Scripts = attrs.field(factory=Scripts, init=False)
    requests: list[ReceivedRequest] = attrs.field(factory=list[ReceivedRequest], init=False)
    request_count: int = attrs.field(default=0, init=False)
    in_flight: int = attrs.field(default=0, init=False)
    rate_limited: int = attrs.field(default=0, init=False)
    bucket: RefusingTokenBucket | None = attrs.field(default=None, init=False)
    retry_after: float | None = attrs.field(default=None, init=False)
    _router: Router = attrs.field(factory=Router, init=False)
    _tasks: set[asyncio.Task[Any]] = attrs.field(factory=set[asyncio.Task[Any]], init=False)

    async def handle(self, request: web.BaseRequest, connection: ServerConnection | None) -> web.StreamResponse:
        """Respond to one request, or break its connection.

        Args:
            request: The request; its body has not been read.
            connection: Its connection; None if that has already ended.
        """
        task = asyncio.current_task()
        if task is None or connection is None:
            return hang_up()
        self._tasks.add(task)
        self.in_flight += 1
        try:
            return await self._respond(request, connection)
        except ConnectionError:  # the client has disconnected
            return hang_up()
        except web.RequestPayloadError:  # a body that breaks the rules of HTTP
            connection.reset()
            return hang_up()
        finally:
            self.in_flight -= 1
            self._tasks.discard(task)

    async def aclose(self) -> None:
        """Cut off all requests that are being handled."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _respond(self, request: web.BaseRequest, connection: ServerConnection) -> web.StreamResponse:
        path, has_query, _ = request.raw_path.partition("?")
        match = self._router.match(request.method, path)
        self.request_count += 1
        request_id = f"00000000-0000-4000-8000-{self.request_count:012x}"
        route = match.route if isinstance(match, RouteMatch) else None
        query = dict(request.query) if has_query else {}
        received = ReceivedRequest(
            number=self.request_count,
            route=None if route is None else route.name,
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            linked_account_id=linked_account_id_of(request.headers, query, route, self.state),
            time=asyncio.get_running_loop().time(),
            connection=connection.number,
            request_id=request_id,
            action_id=match.path_parameters.get("action_id") if isinstance(match, RouteMatch) else None,
        )
        self._keep(received)
        refused = self.bucket is not None and not self.bucket.take()
        plan = NO_TROUBLE
        if not refused:
            plan = self.scripts.plan_for(received.route, received.linked_account_id, received.action_id)
        trouble = plan.trouble
        if isinstance(trouble, Reset) and trouble.when == "before":
            await asyncio.sleep(plan.delay)
            connection.reset()
            return hang_up()
        received.body = await _read_body(request, connection)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        if isinstance(trouble, Silence):
            await connection.lost()
            return hang_up()
        id_in_body = request_id if "body" in self.request_id_in else None
        if refused:
            self.rate_limited += 1
            reply = Answer(429, retry_after=self.retry_after).reply(id_in_body)
        else:
            reply = await self._reply(received, match, plan, id_in_body)
        headers: dict[str, str] = {place: request_id for place in self.request_id_in if place != "body"}
        on_the_way = trouble if isinstance(trouble, Drip | Reset | Truncated) else None
        return await send_reply(request, connection, received, reply, headers, on_the_way)

    def _keep(self, received: ReceivedRequest) -> None:
        if self.keep_requests != 0:
            self.requests.append(received)
            if self.keep_requests is not None:
                del self.requests[: -self.keep_requests]

    async def _reply(
        self, received: ReceivedRequest, match: RouteMatch | int, plan: Plan, request_id: str | None
    ) -> Reply:
        trouble = plan.trouble
        if isinstance(trouble, Answer):
            return trouble.reply(request_id)
        if not isinstance(match, RouteMatch):
            if received.path == "/" and received.method == "GET":
                return _INDEX
            message = f"Cannot {received.method} {received.path}"
            return error_reply(match, message, code="NOT_FOUND", request_id=request_id)
        route = match.route
        try:
            linked_account, session_token = authenticate(
                received.headers, received.linked_account_id, route.access, self.state
            )
            call = EndpointCall(
                state=self.state,
                headers=received.headers,
                path_parameters=match.path_parameters,
                query=received.query,
                body=received.body or b"",
                linked_account=linked_account,
                session_token=session_token,
                app_trouble=trouble if isinstance(trouble, Errored | ExpiredConnection) else None,
            )
            return await route.endpoint(call)
        except Refused as refused:
            refusal = refused
        except Exception as error:  # noqa: BLE001 - a handler of the user's own may raise anything
            # Logged where the user sees it, and sent as a real server would.
            _log.exception("%s failed", route.name)
            refusal = Refused(500, f"{type(error).__name__}: {error}")
        return error_reply(
            refusal.status,
            refusal.message,
            code=refusal.code,
            error_type=refusal.error_type,
            error_field=refusal.error_field or route.error_field,
            request_id=request_id,
        )


async def _read_body(request: web.BaseRequest, connection: ServerConnection) -> bytes:
    if request.headers.get("Expect", "").lower() == "100-continue":
        connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # Not `request.read()`: that refuses bodies of more than 1 MiB.
    return await request.content.read()
