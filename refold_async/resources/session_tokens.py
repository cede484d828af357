"""`refold.session_tokens`: tokens for one linked account each, and scopes that renew their token automatically."""

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
        """Return the session token of a linked account, or create one. Refold page: *Generate Session Token*.

        Args:
            linked_account_id: Your own id for the customer.
            force_refresh: Create a new token even if there is one that has not expired.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The token, for `refold.account_from_session_token()` or for a browser.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: There is no such linked account.
            RefoldError: The call failed in another way.
        """
        request = session_token_request(linked_account_id, force_refresh=check_bool("force_refresh", force_refresh))
        return await self._send(request, parse_session_token, timeout)

    async def revoke(self, session_token: str, *, timeout: Timeout | float | None = None) -> TokenRevocation:
        """Revoke a session token. Refold page: *Revoke Session Token*.

        Args:
            session_token: The token.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation. Its fields are None if the response was lost and a retry showed that the token is
            revoked.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            AuthenticationError: This is not a session token, or it was already invalid.
            RefoldError: The call failed in another way.
        """
        session_token = hide(session_token)
        headers = account_headers(None, None, check_secret("session_token", session_token))
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        try:
            parse = parse_told(TokenRevocation)
            return await self._pipeline.send(_REVOKE.request(), parse, headers, None, limits)
        except AuthenticationError as error:
            # An earlier attempt, whose response was lost, may have revoked the token.
            if error.effect == "none":
                raise
            return TokenRevocation()

    def account(self, linked_account_id: str, *, renew_before: float = 300.0) -> AccountScope:
        """Return a scope with its own, automatically renewed session token.

        Refold page: *Generate Session Token*.

        Create the scope once per account, because each scope has its own token. Creating it does no I/O: the first call
        fetches the token, once for all calls that wait for it. If Refold still refuses the token, the scope renews it
        and makes the call once more, except for synchronous workflows.

        Args:
            linked_account_id: Your own id for the customer.
            renew_before: How many seconds before it expires the token is renewed; at most half of its lifetime. By
                default 300.

        Returns:
            The scope.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        linked_account_id = check_header_value("linked_account_id", linked_account_id)
        check_seconds("renew_before", renew_before)
        own_token = OwnToken(self._send, self._pipeline.timeout, linked_account_id, renew_before)
        return _SelfRenewingScope(self._pipeline, linked_account_id, own_token)


class _SelfRenewingScope(AccountScope):
    """A scope that uses its own session token."""

    __slots__ = ("_own_token",)

    def __init__(self, pipeline: Pipeline, linked_account_id: str, own_token: OwnToken) -> None:
        super().__init__(pipeline, linked_account_id=linked_account_id)
        self._own_token = own_token

    def __repr__(self) -> str:
        return f"<AccountScope {self.linked_account_id!r}, with its own session tokens>"

    def _annotate(self, error: RefoldError, request: Request) -> None:
        self._pipeline.annotate_and_redact(error, request, self.linked_account_id, self._own_token.headers or {})

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        return self._pipeline.send(request, parse, {}, self.linked_account_id, limits, self._own_token)

    _send_by_token = _send
