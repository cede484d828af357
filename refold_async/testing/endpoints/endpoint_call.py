"""What an endpoint gets: one request that passed authentication, and the state it works on."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

import attrs

from refold_async.testing.faults.troubles import Errored, ExpiredConnection
from refold_async.testing.protocol.replies import Refused
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.mock_state import MockState
from refold_async.testing.state.session_tokens import MockSessionToken

__all__ = ["EndpointCall"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


@attrs.define
class EndpointCall:
    """One request that has passed authentication.

    Attributes:
        state: What the endpoint works on.
        headers: The request's headers; names in upper or lower case.
        path_parameters: The decoded variable parts of the path.
        query: The decoded query string.
        body: The request's body.
        linked_account: The linked account of the call; None if it is for the organisation.
        session_token: The session token of the request; None if it has an API key.
        app_trouble: What an execute-action runs into instead of the app's call.
    """

    state: MockState
    headers: Mapping[str, str]
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    linked_account: MockAccount | None
    session_token: MockSessionToken | None = None
    app_trouble: Errored | ExpiredConnection | None = None

    @property
    def account(self) -> MockAccount:
        """The linked account of a call that is for one."""
        if self.linked_account is None:
            raise LookupError("this call is for the organisation, not for a linked account")
        return self.linked_account

    def json(self) -> Any:
        """Decode the body. An empty body is an empty object.

        Raises:
            Refused: It is not JSON.
        """
        if not self.body:
            return {}
        try:
            return _decoder.decode(self.body.decode())
        except (ValueError, RecursionError):
            raise Refused(400, "The request body is not valid JSON") from None

    def json_object(self) -> dict[str, Any]:
        """Decode the body, which must be an object. An empty body is an empty object.

        Raises:
            Refused: It is not a JSON object.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Refused(400, "The request body must be a JSON object", "VALIDATION_ERROR")
        return cast("dict[str, Any]", value)

    def flag(self, header: str) -> bool:
        """Return whether a header is `true`."""
        return self.headers.get(header, "").lower() == "true"

    @property
    def api_key(self) -> str:
        """The key of the request, or the key with which its session token was made."""
        return self.headers.get("x-api-key", "") if self.session_token is None else self.session_token.api_key
