"""A web service that acts in its customers' apps: one client for its whole life, several calls in parallel per request.

    python examples/web_app.py --port 8000
    curl http://127.0.0.1:8000/accounts/user_12345/overview
    curl http://127.0.0.1:8000/accounts/user_12345/contacts -d '{"email": "jane@example.com"}'

Without `REFOLD_API_KEY` it talks to a mock. A real service would take the linked account from the session of the
logged-in user, not from the URL: so it would check which accounts a user may use.
"""

import argparse
import asyncio
import logging
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from refold_async import (
    AccountScope,
    ActionFailedError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    NotFoundError,
    ParameterError,
    PermissionDeniedError,
    ReconnectRequiredError,
    RefoldError,
    Timeout,
)
from service import open_refold

REFOLD = web.AppKey("refold", AsyncRefold)
SECONDS = web.AppKey("seconds", float)

logger = logging.getLogger("web_app")


def application(*, seconds: float = 10.0) -> web.Application:
    """Make the application. It responds to every request within `seconds`."""
    app = web.Application(middlewares=[answer_errors])
    app[SECONDS] = seconds
    app.cleanup_ctx.append(keep_client)
    app.router.add_get("/accounts/{linked_account_id}/overview", overview)
    app.router.add_post("/accounts/{linked_account_id}/contacts", create_contact)
    return app


async def keep_client(app: web.Application) -> AsyncIterator[None]:
    """Open one client when the service starts, and close it after the last request."""
    # Shorter than the service's own limit, so that a slow call ends with an error that says what became of the action.
    timeout = Timeout(total=0.8 * app[SECONDS], attempt=0.4 * app[SECONDS])
    async with open_refold(timeout=timeout) as refold:
        app[REFOLD] = refold
        yield


async def overview(request: web.Request) -> web.Response:
    """Show contacts, channels and connections of a customer, read in parallel."""
    account = account_of(request)
    # If one fails, the group cancels the others: nothing keeps running after the response.
    async with asyncio.TaskGroup() as group:
        contacts = group.create_task(account.execute_action("hubspot", "get_contact", {"limit": "10"}, idempotent=True))
        channels = group.create_task(account.execute_action("slack", "list_channels", idempotent=True))
        apps = group.create_task(account.request("GET", "/api/v2/public/application"))
    return web.json_response(
        {
            "contacts": contacts.result().data["results"],
            "channels": channels.result().data["channels"],
            "connected": [app["slug"] for app in apps.result() if app.get("connected")],
        }
    )


async def create_contact(request: web.Request) -> web.Response:
    """Create a contact in the customer's HubSpot from the JSON object in the body."""
    account = account_of(request)
    try:
        contact: Any = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="The body must be JSON.") from None
    created = await account.execute_action("hubspot", "create_contact", contact)
    return web.json_response({"id": created.data["id"]}, status=201)


def account_of(request: web.Request) -> AccountScope:
    """Return the scope of the linked account in the URL."""
    try:
        return request.app[REFOLD].account(request.match_info["linked_account_id"])
    except ConfigurationError as error:
        raise web.HTTPBadRequest(text=error.message) from None


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Limit the time of a request, and turn errors of Refold into responses."""
    try:
        async with asyncio.timeout(request.app[SECONDS]):
            return await handler(request)
    except* RefoldError as group:  # raised directly, or in the group of a TaskGroup
        error = next(leaves(group))
    except* TimeoutError:
        # A write that was cancelled in flight may have happened.
        error = APITimeoutError("The request took too long.")  # its effect is `unknown`
    logger.warning("%s %s: %s", request.method, request.path, error)
    return answer_to(error, wrote=request.method != "GET")


def leaves(group: BaseExceptionGroup[RefoldError]) -> Iterator[RefoldError]:
    """Yield the errors in a group and in the groups within it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def answer_to(error: RefoldError, *, wrote: bool) -> web.Response:
    """Return this service's response to an error."""
    repeatable = error.effect == "none" or not wrote
    match error:
        case ParameterError() | BadRequestError():
            status, problem = 400, error.message  # what our caller sent does not fit the action
        case ReconnectRequiredError():
            status, problem = 409, "Reconnect the app, then try again."
        case _ if repeatable and (error.throttled or isinstance(error, ClientClosedError)):
            status, problem = 503, "Busy. Try again later."  # not 429: it was not our caller that was too fast
        case ActionFailedError(effect="none"):
            status, problem = 422, "The app refused this."
        case APITimeoutError():
            status, problem = 504, "No response in time."
        case ConfigurationError() | AuthenticationError() | PermissionDeniedError() | NotFoundError():
            status, problem = 500, "This service is not configured correctly."  # our key, or an id in our code
        case _:
            status, problem = 502, "Refold or the app failed."
    body = {"problem": problem}
    headers: dict[str, str] = {}
    if wrote:
        body["effect"] = error.effect
    if error.retry_after is not None and repeatable:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return web.json_response(body, status=status, headers=headers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve an API that acts in customers' apps.")
    parser.add_argument("--port", type=int, default=8000, help="the port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds for a request (default: %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    # On SIGINT or SIGTERM it accepts no more connections, and finishes the requests in progress.
    web.run_app(
        application(seconds=arguments.seconds),
        host="127.0.0.1",
        port=arguments.port,
        shutdown_timeout=arguments.seconds,
    )
