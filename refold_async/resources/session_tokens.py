"""`refold.session_tokens`: tokens that stand for one linked account, and scopes that look after their own."""

from collections.abc import Awaitable
from typing import Final, TypeVar

from refold_async.config.secret import hide
from refold_async.config.settings import Timeout, resolve_timeout
from refold_async.config.validation import check_bool, check_header_value, check_seconds, check_secret
from refold_async.errors import AuthenticationError, RefoldError
from refold_async.models.confirmations import TokenRevocation
from refold_async.models.session_tokens import SessionToken
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.headers import account_headers
from refold_async.protocol.parsers import parse_told
from refold_async.protocol.responses import Parser
from refold_async.resources.account import AccountScope
from refold_async.resources.own_tokens import OwnToken, parse_session_token, session_token_request
from refold_async.resources.resource import Resource, Send

__all__ = ["SessionTokens"]

T = TypeVar("T")

_REVOKE: Final = Endpoint("POST", "/api/v2/public/session-token/revoke", "the session token", kind="idempotent")


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
        request = session_token_request(linked_account_id, force_refresh=check_bool("force_refresh", force_refresh))
        return await self._send(request, parse_session_token, timeout)

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
        own_token = OwnToken(self._send, self._pipeline.timeout, linked_account_id, renew_before)
        return _SelfRenewingScope(self._pipeline, linked_account_id, own_token)


class _SelfRenewingScope(AccountScope):
    """A scope that calls with a session token of its own."""

    __slots__ = ("_own_token",)

    def __init__(self, pipeline: Pipeline, linked_account_id: str, own_token: OwnToken) -> None:
        super().__init__(pipeline, linked_account_id=linked_account_id)
        self._own_token = own_token

    def __repr__(self) -> str:
        return f"<AccountScope {self.linked_account_id!r}, by session tokens of its own>"

    def _annotate(self, error: RefoldError, request: Request) -> None:
        self._pipeline.annotate_and_redact(error, request, self.linked_account_id, self._own_token.headers or {})

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        return self._pipeline.send(request, parse, {}, self.linked_account_id, limits, self._own_token)

    _send_by_token = _send
