"""Everything that a mock keeps in memory, in one place."""

import time
from collections.abc import Collection

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.faults.rate_limits import AppRateLimits
from refold_async.testing.state.accounts import AccountStore
from refold_async.testing.state.connect_links import ConnectLinkStore
from refold_async.testing.state.documents import Documents
from refold_async.testing.state.execution_store import ExecutionStore
from refold_async.testing.state.fired_events import FiredEvent
from refold_async.testing.state.session_tokens import SessionTokenStore
from refold_async.testing.state.webhooks import WebhookStore

__all__ = ["MockState"]


class MockState:
    """Everything that a mock keeps in memory; `MockRefold` describes the arguments.

    Attributes:
        api_keys: The API keys that are accepted; None accepts any.
        catalogue: Apps, actions and workflows.
        accounts: Linked accounts.
        session_tokens: Session tokens.
        connect_links: Links to the pages that connect apps.
        base_url: The mock's URL, with which those links begin; empty until it listens.
        executions: Executions of workflows.
        app_rate_limits: The limits that the apps themselves set.
        webhooks: Webhook subscriptions of the organisation's own servers.
        events: The events that were fired, in order.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        api_keys: Collection[str] | None,
        known_accounts_only: bool,
        session_token_seconds: float,
        workflow_seconds: float,
        stop_seconds: float,
    ) -> None:
        self.api_keys = None if api_keys is None else frozenset(api_keys)
        self.catalogue = catalogue
        self.accounts = AccountStore(catalogue, known_accounts_only)
        self.session_tokens = SessionTokenStore(time.monotonic, session_token_seconds)
        self.connect_links = ConnectLinkStore(time.monotonic)
        self.base_url = ""
        self.executions = ExecutionStore(catalogue, time.monotonic, workflow_seconds, stop_seconds)
        self.app_rate_limits = AppRateLimits(time.monotonic)
        self.webhooks = WebhookStore()
        self.events: list[FiredEvent] = []
        self._documents: dict[str, Documents] = {}

    def documents(self, kind: str) -> Documents:
        """Return the organisation's documents of one kind."""
        return self._documents.setdefault(kind, Documents(kind))
