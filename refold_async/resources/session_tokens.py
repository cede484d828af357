"""`refold.session_tokens`: tokens that stand for one linked account, and scopes that look after their own."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Final, TypeVar

import attrs

from refold_async.config.secret import hide
from refold_async.config.settings import Timeout, resolve_timeout
from refold_async.config.validation import (
    check_bool,
    check_header_value,
    check_seconds,
    check_secret,
    problem_with_secret,
)
from refold_async.errors import APIResponseValidationError, AuthenticationError, RefoldError
from refold_async.faults import Fault
from refold_async.models.confirmations import TokenRevocation
from refold_async.models.model import Result
from refold_async.pipeline.credentials import Credentials
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.headers import account_headers
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.protocol.responses import Parser, Response, request_id_of
from refold_async.resources.account import AccountScope
from refold_async.resources.resource import Resource, Send

__all__ = ["SessionToken", "SessionTokens"]

T = TypeVar("T")

# As good as a read: what comes back is the token there is, or one more.
_CREATE: Final = Endpoint("POST", "/api/v2/public/session-token", "the session token", kind="read")
_REVOKE: Final = Endpoint("POST", "/api/v2/public/session-token/revoke", "the session token", kind="idempotent")


@attrs.frozen(eq=False, repr=False)
class SessionToken(Result):
    """A token that stands for one linked account, in place of the API key. Its `repr` does not show it."""

    token: str = attrs.field(repr=False)
    """What `account_from_session_token()` takes."""
    refresh_token: str | None = attrs.field(default=None, repr=False)
    """Refold's token to renew it by; `create(..., force_refresh=True)` does so too."""
    expires_in: float | None = None
    """Seconds until it expires, from when it was handed out."""
    refresh_expires_in: float | None = None
    """Seconds until the refresh token expires."""
    is_api_token: bool | None = None
    """Whether it is a token for the API."""


def _parse_token(response: Response, request: Request) -> SessionToken:
    try:
        token = parse_model(SessionToken)(response, request)
        problem = problem_with_secret("its token", token.token)
    except APIResponseValidationError:
        problem = "it may hold a token"
    else:
        if problem is None:
            return token
        del token
    error = APIResponseValidationError(
        f"The answer about the session token (HTTP {response.status}) cannot be read, nor shown: "
        f"{problem.rstrip('.')}.",
        status_code=response.status,
    )
    error.fault = Fault.UNREADABLE
    error.request_id = request_id_of(response.headers, {})
    raise error


class SessionTokens(Resource):
    """The session tokens of linked accounts, as `refold.session_tokens`."""

    __slots__ = ("_pipeline",)

    def __init__(self, send: Send, pipeline: Pipeline) -> None:
        super().__init__(send)
        self._pipeline = pipeline

    async def create(
        self, linked_account_id: str, *, force_refresh: bool = False, timeout: Timeout | float | None = None
    ) -> SessionToken:
        """Return the session token of a linked account, made if there is none. Refold page: *Generate Session Token*.

        Args:
            linked_account_id: Your own id of the customer.
            force_refresh: Make a new one although there is one that has not expired.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The token, for `refold.account_from_session_token()` or for a browser.

        Raises:
            BadRequestError: There is no such linked account.
        """
        request = _CREATE.request(
            query={"force_refresh": True} if check_bool("force_refresh", force_refresh) else None,
            body={"linked_account_id": check_header_value("linked_account_id", linked_account_id)},
        )
        return await self._send(request, _parse_token, timeout)

    async def revoke(self, session_token: str, *, timeout: Timeout | float | None = None) -> TokenRevocation:
        """Make a session token worthless. Refold page: *Revoke Session Token*.

        Args:
            session_token: The token.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            What Refold says of it; without values where the response was lost and the token is worthless.

        Raises:
            AuthenticationError: It is no session token, or was worthless before.
        """
        session_token = hide(session_token)
        headers = account_headers(None, None, check_secret("session_token", session_token))
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        try:
            parse = parse_told(TokenRevocation)
            return await self._pipeline.send(_REVOKE.request(), parse, headers, None, limits)
        except AuthenticationError as error:
            # An earlier attempt, whose response was lost, may have revoked it already.
            if error.effect == "none":
                raise
            return TokenRevocation()

    def account(self, linked_account_id: str, *, renew_before: float = 300.0) -> AccountScope:
        """Return a scope that calls with a session token of its own, and gets a new one before that expires.

        Make it once for an account: the token is this scope's. Does no I/O: the first call fetches the token, once for
        all calls that wait for it. Where Refold refuses it all the same, the scope renews it and calls once more, but
        for synchronous workflows. Refold page: *Generate Session Token*.

        Args:
            linked_account_id: Your own id of the customer.
            renew_before: How long before it expires the token is renewed, in seconds; half its life, if that is less.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        linked_account_id = check_header_value("linked_account_id", linked_account_id)
        check_seconds("renew_before", renew_before)

        async def create(renew: bool) -> SessionToken:
            # As long as anybody waits for it; each of them has a deadline.
            patient = self._pipeline.timeout.with_total(math.inf)
            return await self.create(linked_account_id, force_refresh=renew, timeout=patient)

        return _SelfRenewingScope(self._pipeline, linked_account_id, _OwnToken(create, renew_before))


class _OwnToken(Credentials):
    """A token that is fetched when it is needed, once for all who wait, and again before it expires."""

    def __init__(self, create: Callable[[bool], Awaitable[SessionToken]], renew_before: float) -> None:
        self._create = create
        self._renew_before = renew_before
        self.headers: Mapping[str, str] | None = None
        self._renew_at = -math.inf
        self._fetching: asyncio.Task[Mapping[str, str]] | None = None
        self._waiting = 0

    def at_hand(self) -> Mapping[str, str] | None:
        """Return the headers with the token, or None where one is to be fetched."""
        return self.headers if asyncio.get_running_loop().time() < self._renew_at else None

    def refused(self, headers: Mapping[str, str]) -> None:
        """Note that Refold refused a token: unless there is another by now, it is to be renewed."""
        if self.headers is not None and headers["Authorization"] == self.headers["Authorization"]:
            self._renew_at = -math.inf

    async def fetch(self) -> Mapping[str, str]:
        """Return the headers with a new token, fetched together with all others who want one now."""
        if self._fetching is None:
            # Not an attempt of the item that happens to be first; but as patient as items are, if that is who waits.
            context, item = copy_context(), current_item.get()
            patient = None if item is None else ItemContext(max_refusal_wait=item.refusal_wait_left)
            context.run(current_item.set, patient)
            self._fetching = asyncio.get_running_loop().create_task(
                self._fetch(), name="refold_async session token", context=context
            )
            self._fetching.add_done_callback(self._fetched)
        fetching = self._fetching
        self._waiting += 1
        try:
            await asyncio.wait([fetching])  # unlike `await fetching`, this ends for one who is cancelled, not for all
            return fetching.result()
        finally:
            self._waiting -= 1
            if not self._waiting and not fetching.done():
                fetching.cancel()
                self._fetching = None

    async def _fetch(self) -> Mapping[str, str]:
        began = asyncio.get_running_loop().time()
        created = await self._create(self.headers is not None)
        life = math.inf if created.expires_in is None else created.expires_in
        self.headers = account_headers(None, None, created.token)
        self._renew_at = began + max(life - self._renew_before, life / 2)
        return self.headers

    def _fetched(self, fetching: asyncio.Task[Mapping[str, str]]) -> None:
        if self._fetching is fetching:
            self._fetching = None
        if not fetching.cancelled():
            fetching.exception()  # those who waited were told


class _SelfRenewingScope(AccountScope):
    """A scope that calls with a session token of its own."""

    __slots__ = ("_own_token",)

    def __init__(self, pipeline: Pipeline, linked_account_id: str, own_token: _OwnToken) -> None:
        super().__init__(pipeline, linked_account_id=linked_account_id)
        self._own_token = own_token

    def __repr__(self) -> str:
        return f"<AccountScope {self.linked_account_id!r}, by session tokens of its own>"

    def _annotate(self, error: RefoldError, request: Request) -> None:
        self._pipeline.annotate_and_redact(error, request, self.linked_account_id, self._own_token.headers or {})

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        return self._pipeline.send(request, parse, {}, self.linked_account_id, limits, self._own_token)
