"""A receiver of Refold's webhooks, which keeps a list of the customers who must reconnect an app.

    python examples/webhooks.py --port 8000
    body='{"event": "Connection Expired", "linked_account_id": "user_7", "slug": "hubspot"}'
    signature=$(printf %s "$body" | openssl dgst -sha256 -hmac tk_example -r | cut -d" " -f1)
    curl http://127.0.0.1:8000/refold -H "x-cobalt-signature: $signature" -d "$body"
    curl http://127.0.0.1:8000/reconnect

Without `REFOLD_API_KEY` it talks to a mock, whose key is `tk_example`. While you replace your API key, set
`REFOLD_PREVIOUS_API_KEY` too, because webhooks signed with the old key may still arrive.

A real service would store its list in a database instead of in memory, and show it only to authorised users.
"""

import argparse
import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Sequence
from weakref import WeakValueDictionary

from aiohttp import web

from refold_async import (
    APIResponseValidationError,
    AsyncRefold,
    NotFoundError,
    RefoldError,
    WebhookSignatureError,
    webhooks,
)
from service import open_refold

logger = logging.getLogger("webhooks")


class Handled:
    """The keys of the deliveries that were handled: the last `size`, each for `seconds`."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._since: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        since = self._since.get(key)
        return since is not None and asyncio.get_running_loop().time() < since + self._seconds

    def add(self, key: str) -> None:
        """Add a key; if there are too many, remove the oldest."""
        self._since[key] = asyncio.get_running_loop().time()
        self._since.move_to_end(key)
        if len(self._since) > self._size:
            self._since.popitem(last=False)


API_KEYS = web.AppKey("api_keys", list[str])
HANDLED = web.AppKey("handled", Handled)
LOCKS = web.AppKey("locks", WeakValueDictionary[Hashable, asyncio.Lock])
RECONNECT = web.AppKey("reconnect", set[tuple[str, str]])
REFOLD = web.AppKey("refold", AsyncRefold)


def make_app(api_keys: Sequence[str], *, size: int = 10_000, seconds: float = 3600.0) -> web.Application:
    """Make the application.

    Args:
        api_keys: A webhook may be signed with any of these.
        size: How many handled deliveries are remembered.
        seconds: For how many seconds they are remembered.
    """
    app = web.Application(client_max_size=256 * 1024)  # no event is larger; aiohttp responds with 413
    app[API_KEYS] = list(api_keys)
    app[HANDLED] = Handled(size, seconds)
    app[LOCKS] = WeakValueDictionary()
    app[RECONNECT] = set()
    app.cleanup_ctx.append(keep_client)
    app.router.add_post("/refold", receive)
    app.router.add_get("/reconnect", show_reconnect)
    return app


async def keep_client(app: web.Application) -> AsyncIterator[None]:
    """Open one client when the service starts, and close it after the last request."""
    async with open_refold(timeout=5.0) as refold:  # short, because Refold waits for our response
        app[REFOLD] = refold
        yield


async def receive(request: web.Request) -> web.Response:
    """Receive a webhook. Respond with 200 only if it was handled: Refold sends all others again."""
    app = request.app
    body = await request.read()
    try:
        event = webhooks.unwrap(body, request.headers, app[API_KEYS])
    except WebhookSignatureError:
        raise web.HTTPUnauthorized(text="The signature is not valid.") from None
    except APIResponseValidationError as error:
        raise web.HTTPBadRequest(text=error.message) from None
    key = webhooks.delivery_key(body)
    # A copy that arrives meanwhile waits: if it got a 200 and the first one failed, the event would be lost.
    async with lock(app, key):
        if key not in app[HANDLED]:
            try:
                await handle(app, event)
            except RefoldError as error:
                logger.warning("%s was not handled: %s", event.event, error)
                raise web.HTTPServiceUnavailable(text="Send it again.") from None
            app[HANDLED].add(key)
    return web.Response()


async def handle(app: web.Application, event: webhooks.WebhookEvent) -> None:
    """React to an event. It may be old, so read the current state; then it also does no harm to do this twice."""
    match event:
        case webhooks.ConnectionCreated() | webhooks.ConnectionDeleted() | webhooks.ConnectionExpired():
            connection = event.linked_account_id, event.slug
            # One at a time, or an older response could overwrite a newer one.
            async with lock(app, connection):
                account = app[REFOLD].account(event.linked_account_id)
                try:
                    state = (await account.applications.get(event.slug)).state
                except NotFoundError:  # the account or the app no longer exists
                    state = "connect"
                if state == "reconnect":
                    app[RECONNECT].add(connection)
                else:
                    app[RECONNECT].discard(connection)
        case webhooks.WorkflowErrored() | webhooks.WorkflowTimedOut():
            logger.warning("Execution %s failed for %s", event.execution_id, event.linked_account_id)
        case webhooks.WorkflowCompleted() | webhooks.WorkflowStopped():
            pass
        case webhooks.UnknownEvent():
            logger.info("Ignored an unknown kind of event: %r", event.event)


def lock(app: web.Application, key: Hashable) -> asyncio.Lock:
    """Return the lock of this key; it exists as long as somebody holds it or waits for it."""
    return app[LOCKS].setdefault(key, asyncio.Lock())


async def show_reconnect(request: web.Request) -> web.Response:
    """List who must reconnect which app. Send these customers the link of `account.connect_url()`."""
    connections = request.app[RECONNECT]
    return web.json_response([{"linked_account_id": account, "slug": slug} for account, slug in sorted(connections)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Receive Refold's webhooks.")
    parser.add_argument("--port", type=int, default=8000, help="the port on 127.0.0.1 (default: %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    keys = [os.environ.get("REFOLD_API_KEY") or "tk_example", os.environ.get("REFOLD_PREVIOUS_API_KEY")]
    # On SIGINT or SIGTERM it accepts no more connections, and finishes the webhooks in progress.
    web.run_app(make_app([key for key in keys if key]), host="127.0.0.1", port=arguments.port, shutdown_timeout=10)
