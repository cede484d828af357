"""Session tokens that the client manages automatically: fetched when needed, and renewed before they expire."""

import asyncio
import math
from collections.abc import Mapping
from contextvars import copy_context
from typing import Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_header_value, problem_with_secret
from refold_async.models.session_tokens import SessionToken
from refold_async.pipeline.credentials import Credentials
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.headers import account_headers
from refold_async.protocol.parsers import parse_unshown
from refold_async.resources.resource import Send

__all__ = ["OwnToken", "parse_session_token", "session_token_request"]

# Treated as a read: it returns the existing token, or one more.
_CREATE: Final = Endpoint("POST", "/api/v2/public/session-token", "the session token", kind="read")

parse_session_token: Final = parse_unshown(
    SessionToken, "a token", lambda token: problem_with_secret("its token", token.token)
)


def session_token_request(linked_account_id: str, *, force_refresh: bool) -> Request:
    """Return the request for the session token of a linked account: the existing one, or a new one."""
    return _CREATE.request(
        query={"force_refresh": True} if force_refresh else None,
        body={"linked_account_id": check_header_value("linked_account_id", linked_account_id)},
        subject=f"the session token of linked account {linked_account_id!r}",
    )


class OwnToken(Credentials):
    """A token that is fetched when it is needed, once for all calls that wait for it, and renewed before it expires.

    Args:
        send: Sends requests for the organisation.
        limits: The time limits of these requests. For a shared token, `total` applies only to items of fan-outs: any
            other call that waits has its own deadline, and may have more time.
        linked_account_id: The linked account that the token belongs to.
        renew_before: How many seconds before it expires the token is renewed; at most half of its lifetime.
        shared: Whether more than one call may wait for the token.
    """

    def __init__(
        self,
        send: Send,
        limits: Timeout,
        linked_account_id: str,
        renew_before: float = 300.0,
        *,
        shared: bool = True,
    ) -> None:
        self._send = send
        self._limits = limits
        self._limits_for_calls = limits.with_total(math.inf) if shared else limits
        self._linked_account_id = linked_account_id
        self._renew_before = renew_before
        self.headers: Mapping[str, str] | None = None
        self._renew_at = -math.inf
        self._fetching: asyncio.Task[Mapping[str, str]] | None = None
        self._waiting = 0

    def at_hand(self) -> Mapping[str, str] | None:
        """Return the headers with the token, or None if one must be fetched."""
        return self.headers if asyncio.get_running_loop().time() < self._renew_at else None

    def refused(self, headers: Mapping[str, str]) -> None:
        """Record that Refold refused a token, so that it is renewed unless it was already replaced."""
        if self.headers is not None and headers["Authorization"] == self.headers["Authorization"]:
            self._renew_at = -math.inf

    async def fetch(self) -> Mapping[str, str]:
        """Return the headers with a new token, fetched together with all other calls that need one now."""
        if self._fetching is None:
            # This is not an attempt of the item that needs it first, but it waits out refusals as long as an item does.
            context, item = copy_context(), current_item.get()
            patient = None if item is None else ItemContext(max_refusal_wait=item.refusal_wait_left)
            context.run(current_item.set, patient)
            self._fetching = asyncio.get_running_loop().create_task(
                self._fetch(self._limits_for_calls if item is None else self._limits),
                name="refold_async session token",
                context=context,
            )
            self._fetching.add_done_callback(self._fetched)
        fetching = self._fetching
        self._waiting += 1
        try:
            await asyncio.wait([fetching])  # unlike `await fetching`, a cancellation here ends only one caller's wait
            return fetching.result()
        finally:
            self._waiting -= 1
            if not self._waiting and not fetching.done():
                fetching.cancel()
                self._fetching = None

    async def _fetch(self, limits: Timeout) -> Mapping[str, str]:
        began = asyncio.get_running_loop().time()
        request = session_token_request(self._linked_account_id, force_refresh=self.headers is not None)
        created = await self._send(request, parse_session_token, limits)
        life = math.inf if created.expires_in is None else created.expires_in
        self.headers = account_headers(None, None, created.token)
        self._renew_at = began + max(life - self._renew_before, life / 2)
        return self.headers

    def _fetched(self, fetching: asyncio.Task[Mapping[str, str]]) -> None:
        if self._fetching is fetching:
            self._fetching = None
        if not fetching.cancelled():
            fetching.exception()  # mark it as retrieved: the calls that waited have received it
