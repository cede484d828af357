"""What an endpoint is given: one authenticated request and the state it works on."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from attrs import define, field, frozen

from .accounts import Accounts, MockAccount
from .catalogue import Catalogue
from .executions import Executions
from .fired_events import FiredEvent
from .rate_limits import AppRateLimits
from .replies import Refused
from .session_tokens import SessionTokens
from .trouble import Errored, ExpiredConnection
from .webhooks import Webhooks

__all__ = ["Call", "State"]


@frozen
class State:
    """All that a mock remembers.

    Attributes:
        api_keys: The API keys that are accepted; None accepts any.
        catalogue: Apps, actions and workflows.
        accounts: Linked accounts.
        session_tokens: Session tokens.
        executions: Runs of workflows.
        app_rate_limits: The limits the apps themselves set.
        webhooks: Subscriptions of the organisation's own servers.
        events: The events that were fired, in order.
    """

    api_keys: frozenset[str] | None
    catalogue: Catalogue
    accounts: Accounts
    session_tokens: SessionTokens
    executions: Executions
    app_rate_limits: AppRateLimits
    webhooks: Webhooks = field(factory=Webhooks)
    events: list[FiredEvent] = field(factory=list[FiredEvent])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


@define
class Call:
    """One request that has passed authentication.

    Attributes:
        state: What the endpoint works on.
        headers: The request's headers, names in any case.
        path_parameters: The decoded parts of the path that vary.
        query: The decoded query string.
        body: The request's body.
        linked_account: Whom the call is for; None for the organisation.
        app_trouble: What an execute-action meets instead of the app.
    """

    state: State
    headers: Mapping[str, str]
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    linked_account: MockAccount | None
    app_trouble: Errored | ExpiredConnection | None = None

    @property
    def account(self) -> MockAccount:
        """The linked account of a call on account level."""
        if self.linked_account is None:
            raise LookupError("this call is for the organisation, not for a linked account")
        return self.linked_account

    def json(self) -> Any:
        """Decode the body; an empty one is an empty object.

        Raises:
            Refused: It is no JSON.
        """
        if not self.body:
            return {}
        try:
            return _decoder.decode(self.body.decode())
        except (ValueError, RecursionError):
            raise Refused(400, "The request body is not valid JSON", "INVALID_JSON") from None

    def json_object(self) -> dict[str, Any]:
        """Decode the body, which must be an object; an empty one is an empty object.

        Raises:
            Refused: It is no JSON object.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Refused(400, "The request body must be a JSON object", "VALIDATION_ERROR")
        return cast("dict[str, Any]", value)

    def flag(self, header: str) -> bool:
        """Tell whether a header says `true`."""
        return self.headers.get(header, "").lower() == "true"
