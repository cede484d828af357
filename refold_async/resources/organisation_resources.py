"""The resources of an organisation, each a group of calls. They load when they are first used."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from refold_async.config.settings import Timeout, resolve_timeout
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser
from refold_async.resources.account import AccountScope

if TYPE_CHECKING:
    from refold_async.resources.auth_structure import AuthStructure
    from refold_async.resources.datarefs import OrganisationDatarefs
    from refold_async.resources.environment_variables import EnvironmentVariables
    from refold_async.resources.event_definitions import EventDefinitions
    from refold_async.resources.human_tasks import HumanTasks
    from refold_async.resources.linked_accounts import LinkedAccounts
    from refold_async.resources.session_tokens import SessionTokens
    from refold_async.resources.webhooks import Webhooks

__all__ = ["OrganisationResources"]

T = TypeVar("T")


class OrganisationResources:
    """The resources of a client. `AsyncRefold` has its methods."""

    _pipeline: Pipeline

    @property
    def auth_structure(self) -> "AuthStructure":
        """Which credentials each app needs."""
        from refold_async.resources.auth_structure import AuthStructure

        return AuthStructure(self._send_without_credentials)

    @property
    def datarefs(self) -> "OrganisationDatarefs":
        """The datarefs of all linked accounts: records that workflows keep under a name."""
        from refold_async.resources.datarefs import OrganisationDatarefs

        return OrganisationDatarefs(self._send)

    @property
    def environment_variables(self) -> "EnvironmentVariables":
        """Environment variables: their definitions, and their values, which workflows read."""
        from refold_async.resources.environment_variables import EnvironmentVariables

        return EnvironmentVariables(self._send)

    @property
    def event_definitions(self) -> "EventDefinitions":
        """The events that your application can trigger. To trigger one, use `account.events`."""
        from refold_async.resources.event_definitions import EventDefinitions

        return EventDefinitions(self._send)

    @property
    def human_tasks(self) -> "HumanTasks":
        """Forms with which workflows ask a person. They need no API key, and none is sent."""
        from refold_async.resources.human_tasks import HumanTasks

        return HumanTasks(self._send_without_credentials)

    @property
    def linked_accounts(self) -> "LinkedAccounts":
        """The linked accounts of your organisation, and the apps that each has connected."""
        from refold_async.resources.linked_accounts import LinkedAccounts

        return LinkedAccounts(self._send, self.account)

    @property
    def session_tokens(self) -> "SessionTokens":
        """Session tokens, each valid for one linked account, and scopes that renew their token automatically."""
        from refold_async.resources.session_tokens import SessionTokens

        return SessionTokens(self._send, self._pipeline)

    @property
    def webhooks(self) -> "Webhooks":
        """The URLs that Refold sends webhooks to."""
        from refold_async.resources.webhooks import Webhooks

        return Webhooks(self._send)

    def account(self, linked_account_id: str) -> AccountScope:
        """Return the scope of one linked account."""
        raise NotImplementedError

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request for the organisation."""
        raise NotImplementedError

    def _send_without_credentials(
        self, request: Request, parse: Parser[T], timeout: Timeout | float | None
    ) -> Awaitable[T]:
        """Send a request for which Refold requires no credentials. It sends none."""
        return self._pipeline.send(request, parse, {}, None, resolve_timeout(timeout, self._pipeline.timeout))
