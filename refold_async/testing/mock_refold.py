"""The mock Refold: a real HTTP server on this machine."""

import math
import ssl as tls
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self, get_args

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.sample_catalogue import sample_catalogue
from refold_async.testing.faults.rate_limits import Rate, RefusingTokenBucket
from refold_async.testing.faults.scripts import Script
from refold_async.testing.faults.troubles import Trouble
from refold_async.testing.protocol.replies import X_TRACE_ID, RequestIdPlace
from refold_async.testing.protocol.route_names import RouteName
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.server.dispatch import Dispatcher
from refold_async.testing.server.listener import Listener
from refold_async.testing.server.received_requests import ReceivedRequest
from refold_async.testing.server.webhook_delivery import WebhookDelivery, deliver_event
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.execution import MockExecution
from refold_async.testing.state.fired_events import FiredEvent
from refold_async.testing.state.mock_state import MockState
from refold_async.testing.state.session_tokens import SESSION_SECONDS

__all__ = ["MockRefold"]

_APPROVAL: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["approved"],
    "properties": {"approved": {"type": "boolean", "title": "Approve?"}},
}
_SECONDS_TO_SUBMIT: Final = 4 * 24 * 3600


class MockRefold:
    """A mock Refold for tests: an HTTP server on this machine, with state, recorded requests and scripted failures.

    ```python
    async with MockRefold() as mock:
        mock.script(Answer(503), route="execute_action", calls=1)
        ...  # point the client at mock.base_url
        assert [request.status for request in mock.requests] == [503, 200]
    ```

    Every linked account id exists as soon as a request names it. The account is connected to every app and starts with
    the same sample data. Use a mock once: it cannot be started again after it was closed.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0, the default, picks a free one.
        api_keys: The API keys that are accepted; None accepts any key that is not empty.
        catalogue: Apps, actions and workflows; None uses `sample_catalogue()`.
        ssl: The context to serve HTTPS with; None serves HTTP.
        workflow_seconds: Seconds that each execution of a workflow takes; by default 0.05.
        keepalive_timeout: Seconds after which an idle connection is closed; by default 75.
        session_token_seconds: Seconds for which session tokens are valid. Their `expires_in` is in whole seconds, as in
            Refold; if less than a minute is left, it has fractions down to milliseconds.
        known_accounts_only: Refuse linked accounts that were not created by a call or by `account`.
        stop_seconds: Seconds for which a stopped execution is `STOPPING` before it is `STOPPED`; by default 0. With
            `math.inf` it stays `STOPPING` until you call `MockExecution.end`.
        request_id_in: Where responses have the id of the request: any of the headers `X-Trace-ID` (the default) and
            `x-request-id`, and `body`, which is the `request_id` of errors. Refold itself uses different ones.
        record: Keep every request in `requests`. False keeps only counts, for load tests.
        keep_requests: Keep only this many requests in `requests`, the latest; None keeps all.

    Attributes:
        catalogue: Apps, actions and workflows. You may add to it at any time.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Collection[str] | None = None,
        catalogue: Catalogue | None = None,
        ssl: tls.SSLContext | None = None,
        workflow_seconds: float = 0.05,
        keepalive_timeout: float = 75.0,
        session_token_seconds: float = SESSION_SECONDS,
        known_accounts_only: bool = False,
        stop_seconds: float = 0.0,
        request_id_in: Collection[RequestIdPlace] = X_TRACE_ID,
        record: bool = True,
        keep_requests: int | None = None,
    ) -> None:
        if isinstance(api_keys, str):
            raise TypeError("api_keys must be a collection of keys, not one key")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535, not {port!r}")
        if not 0 <= workflow_seconds < math.inf:
            raise ValueError(f"workflow_seconds must be 0 or more, not {workflow_seconds!r}")
        if not stop_seconds >= 0:
            raise ValueError(f"stop_seconds must be 0 or more, not {stop_seconds!r}")
        if isinstance(request_id_in, str) or not set(request_id_in) <= set(get_args(RequestIdPlace)):
            raise ValueError(f"request_id_in must be a collection of {get_args(RequestIdPlace)}, not {request_id_in!r}")
        if keep_requests is not None and (type(keep_requests) is not int or keep_requests < 1):
            raise ValueError(f"keep_requests must be a whole number, 1 or more, not {keep_requests!r}")
        if not 0 < session_token_seconds < math.inf:
            raise ValueError(f"session_token_seconds must be a positive number, not {session_token_seconds!r}")
        self.catalogue = sample_catalogue() if catalogue is None else catalogue
        self._state = MockState(
            self.catalogue,
            api_keys=api_keys,
            known_accounts_only=known_accounts_only,
            session_token_seconds=session_token_seconds,
            workflow_seconds=workflow_seconds,
            stop_seconds=stop_seconds,
        )
        self._dispatcher = Dispatcher(self._state, keep_requests if record else 0, tuple(request_id_in))
        self._listener = Listener(self._dispatcher.handle, host, port, ssl, keepalive_timeout)

    def __repr__(self) -> str:
        try:
            return f"<MockRefold {self.base_url}>"
        except RuntimeError:
            return "<MockRefold, not started>"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Start to listen. `async with` does this for you.

        Raises:
            RuntimeError: It was started before.
            OSError: The address is not available.
        """
        await self._listener.start()
        self._state.base_url = self._listener.base_url

    async def aclose(self) -> None:
        """Stop immediately: requests and executions in progress are cut off. You may call it more than once."""
        await self._listener.stop()
        await self._dispatcher.aclose()
        await self._state.executions.aclose()
        await self._listener.aclose()

    @property
    def base_url(self) -> str:
        """The URL to give to the client, such as `http://127.0.0.1:54321`."""
        return self._listener.base_url

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The recorded requests, in order of arrival; with `keep_requests`, the latest of them."""
        return self._dispatcher.requests

    @property
    def events(self) -> list[FiredEvent]:
        """The events that were fired, in order."""
        return self._state.events

    @property
    def request_count(self) -> int:
        """How many requests arrived, recorded or not."""
        return self._dispatcher.request_count

    @property
    def in_flight(self) -> int:
        """How many requests are being handled now."""
        return self._dispatcher.in_flight

    @property
    def rate_limited(self) -> int:
        """How many requests the rate limit refused."""
        return self._dispatcher.rate_limited

    @property
    def app_rate_limited(self) -> int:
        """How many calls the rate limits of the apps refused."""
        return self._state.app_rate_limits.refused

    @property
    def connections_opened(self) -> int:
        """How many TCP connections were opened."""
        return self._listener.connections_opened

    @property
    def connections_open(self) -> int:
        """How many TCP connections are open now."""
        return self._listener.connections_open

    def requests_to(
        self,
        route: RouteName | None = None,
        linked_account_id: str | None = None,
        action_id: str | None = None,
    ) -> list[ReceivedRequest]:
        """Return the recorded requests to a route, for a linked account or of an action, or any combination of these.

        Args:
            route: The name of the route; None means any.
            linked_account_id: The linked account that the request is for; None means any, or none.
            action_id: The action in the request's path; None means any, or none.
        """
        return [
            request
            for request in self.requests
            if route in (None, request.route)
            and linked_account_id in (None, request.linked_account_id)
            and action_id in (None, request.action_id)
        ]

    def script(
        self,
        trouble: Trouble,
        *troubles: Trouble,
        route: RouteName | None = None,
        linked_account_id: str | None = None,
        action_id: str | None = None,
        calls: int | Collection[int] | None = None,
    ) -> Script:
        """Make requests fail in a scripted way.

        Scripts are tried in the order in which they were added, and only the first one that matches applies. Requests
        that the rate limit refuses do not reach the scripts.

        Args:
            trouble: What happens to the requests.
            *troubles: What happens after it, if `trouble` is a `Delay`.
            route: The name of the route; None means any, unknown paths included.
            linked_account_id: The linked account that the request names, by header or by session token; None means any,
                or none.
            action_id: Only requests that execute this action or, with the route `get_action_parameters`, read its
                parameters. The catalogue need not have the action. None means any.
            calls: Which of the matching requests fail, counted from 1: a number or several numbers. None means all.

        Returns:
            The script. It counts its requests, and you can remove it.

        Raises:
            ValueError: The arguments do not fit together, or one is not valid.
        """
        return self._dispatcher.scripts.add((trouble, *troubles), route, linked_account_id, action_id, calls)

    def clear(self) -> None:
        """Delete all scripts, recorded requests and fired events. Counts, state and rate limits stay."""
        self._dispatcher.scripts.clear()
        self._dispatcher.requests.clear()
        self._state.events.clear()

    def account(self, linked_account_id: str) -> MockAccount:
        """Return a linked account, to change its connections or to read its state. It is created if it is new.

        Args:
            linked_account_id: Your own id of the account.
        """
        return self._state.accounts.get_or_create(linked_account_id)

    def session_token(self, linked_account_id: str, expires_in: float | None = None) -> str:
        """Return a new session token.

        Args:
            linked_account_id: The linked account that the token is for.
            expires_in: Seconds until it expires; 0 makes an expired token, None means `session_token_seconds`.
        """
        self._state.accounts.get_or_create(linked_account_id)
        return self._state.session_tokens.mint(linked_account_id, expires_in).token

    def human_task(
        self,
        name: str = "Approval",
        form_structure: Mapping[str, Any] = _APPROVAL,
        *,
        data: Mapping[str, Any] | None = None,
        status: Literal["WAITING", "SUBMITTED", "TIMEOUT"] = "WAITING",
    ) -> str:
        """Return the id of a new form with which a workflow asks a person.

        Args:
            name: The title of the form.
            form_structure: The JSON Schema of what to submit. Its `required` fields must be submitted; those that are
                `readOnly` may not be changed.
            data: The values that the form starts with.
            status: `SUBMITTED` or `TIMEOUT` makes a form that was already submitted or has expired.
        """
        document = {
            "name": name,
            "description": "",
            "form_structure": dict(form_structure),
            "ui_structure": {},
            "data": dict(data or {}),
            "expire_in": timestamp(_SECONDS_TO_SUBMIT),
            "receiver_emails": ["approver@example.com"],
            "status": status,
        }
        return str(self._state.documents("human task").create(document)["_id"])

    def execution(self, execution_id: str) -> MockExecution:
        """Return an execution of a workflow, to read its state or to set its status and progress.

        ```python
        mock.hold_executions()
        ...  # a workflow is executed
        execution = mock.execution(execution_id)
        execution.completion_percentage = 50  # the API reports this from now on
        execution.release()  # or: execution.end("TIMED_OUT")
        ```

        Args:
            execution_id: Its id. A workflow's handler has it as `context.execution_id`.

        Raises:
            LookupError: No execution has this id.
        """
        return self._state.executions.get(execution_id)

    def hold_executions(self, status: str = "RUNNING") -> None:
        """Hold executions that start from now on before their handler runs, at 0 %, until you release them.

        Args:
            status: The status of held executions, such as `QUEUED`. Once released they are `RUNNING`.
        """
        self._state.executions.held_as = status

    def release_executions(self) -> None:
        """Release all executions that are held, and hold no more."""
        self._state.executions.release()

    def end_executions(self, status: str | None) -> None:
        """End executions that start from now on immediately with a status; their handlers do not run.

        Args:
            status: The status they end with, such as `DUPLICATE` or `TIMED_OUT`; None lets executions run again.
        """
        self._state.executions.end_as = status

    async def deliver_webhook(
        self, event: Mapping[str, Any], *, api_key: str | None = None, timeout: float = 5.0
    ) -> list[WebhookDelivery]:
        """Send an event to the enabled webhooks that subscribed to its name, as Refold does.

        The header `x-cobalt-signature` has its signature: the hexadecimal HMAC-SHA256 of the body. If a receiver does
        not respond with 200, or not in time, the event is sent up to three more times without a pause. Nothing is sent
        to other machines, and redirects are not followed.

        Args:
            event: The event, for example from `connection_event` or `workflow_event`.
            api_key: The key to sign it with; None means the key that each webhook was created with.
            timeout: Seconds to wait for each response; by default 5.

        Returns:
            The responses of each webhook, the oldest webhook first.

        Raises:
            ValueError: The event has no name, or a webhook has the URL of another machine.
        """
        return await deliver_event(event, self._state.webhooks.all(), api_key, timeout)

    def limit_rate(
        self, rate: float | None, *, per: float = 1.0, burst: int = 1, retry_after: float | None = None
    ) -> None:
        """Refuse requests that come too fast, with HTTP 429.

        Args:
            rate: Requests accepted in `per` seconds on average; None removes the limit.
            per: The seconds to which `rate` refers; by default 1.
            burst: Requests accepted in one burst after a pause; by default 1.
            retry_after: Seconds to send as `Retry-After`; None sends no such header.

        Raises:
            ValueError: An argument is not valid.
        """
        if retry_after is not None and not 0 <= retry_after < math.inf:
            raise ValueError(f"retry_after must be a number of seconds, 0 or more, not {retry_after!r}")
        bucket = None if rate is None else RefusingTokenBucket(Rate(rate, per, burst), time.monotonic)
        self._dispatcher.bucket, self._dispatcher.retry_after = bucket, retry_after

    def limit_app_rate(self, slug: str, rate: float | None, *, per: float = 1.0, burst: int = 1) -> None:
        """Make an app refuse actions that come too fast for one linked account: Errored, with `http_status` 429.

        Args:
            slug: The app.
            rate: Actions accepted in `per` seconds for each linked account on average; None removes the limit.
            per: The seconds to which `rate` refers; by default 1.
            burst: Actions accepted in one burst after a pause; by default 1.
        """
        self.catalogue.app(slug)
        self._state.app_rate_limits.limit(slug, None if rate is None else Rate(rate, per, burst))
