"""The scope of one linked account: its most used calls, and the resources with all others."""

import asyncio
import copy
import os
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from refold_async.config.settings import RetryPolicy, Timeout, resolve_synchronous_timeout, resolve_timeout
from refold_async.config.validation import check_header_value, check_positive, check_seconds, check_secret
from refold_async.errors import ConfigurationError, ExecutionTimeoutError, RefoldError, WorkflowFailedError
from refold_async.models.results import ActionResult
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.headers import account_headers
from refold_async.protocol.requests import UNSET
from refold_async.protocol.responses import Parser
from refold_async.resources.account_resources import AccountResources
from refold_async.resources.action_descriptions import ActionDescriptions
from refold_async.resources.connect_urls import ConnectUrls
from refold_async.resources.raw_requests import RawRequests

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from refold_async.codec.pydantic_models import PydanticModel
    from refold_async.limits.lanes import Lane
    from refold_async.limits.slot_interfaces import SlotPool
    from refold_async.models.executions import Execution
    from refold_async.models.saved_file import SavedFile
    from refold_async.models.workflow_execution import WorkflowExecution
    from refold_async.pipeline.reconciling.reconcile import Reconcile

__all__ = ["AccountScope"]

T = TypeVar("T")


class AccountScope(ActionDescriptions, RawRequests, ConnectUrls, AccountResources):
    """Calls for one linked account. `AsyncRefold.account()` creates it without I/O, so create one wherever you need it.

    If a call fails, its method raises a `RefoldError`. `refold_async.errors` lists its subclasses; the error's `effect`
    says what became of the action. A wrong argument raises a `ConfigurationError` before anything is sent. You can make
    several calls on one scope at the same time.
    """

    __slots__ = ("_api_key", "_headers", "_pipeline", "_session_token", "linked_account_id")

    linked_account_id: str | None
    """The id of the linked account; None if only a session token identifies it."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        api_key: str | None = None,
        linked_account_id: str | None = None,
        session_token: str | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._api_key = api_key
        self._session_token = session_token
        self._headers: dict[str, str] | None = None
        self.linked_account_id = linked_account_id
        # After the rest: if this raises, error reporters still call the repr.
        if linked_account_id is not None:
            self.linked_account_id = check_header_value("linked_account_id", linked_account_id)
        if session_token is not None:
            check_secret("session_token", session_token)

    def __repr__(self) -> str:
        names = [] if self.linked_account_id is None else [repr(self.linked_account_id)]
        names += [] if self._session_token is None else ["with a session token"]
        return f"<AccountScope {', '.join(names)}>"

    def with_options(self, *, timeout: Timeout | float | None = None, retry: RetryPolicy | None = None) -> Self:
        """Return a scope of the same linked account whose calls have other defaults. Does no I/O.

        A scope that renews its session token automatically shares that token with the new scope.

        Args:
            timeout: The time limits of its calls, as if you passed them to each call: a `Timeout`, or seconds for the
                whole call; by default the same as this scope's.
            retry: How often to retry, and how long to wait before each retry; by default the same as this scope's. Its
                `max_retry_after` applies to the new scope's own calls. How long a refusal can pause other calls remains
                as the client has it.

        Returns:
            The new scope.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        derived = copy.copy(self)
        derived._pipeline = self._pipeline.with_options(timeout, retry)
        return derived

    @overload
    async def execute_action(
        self,
        slug: str,
        action_id: str,
        parameters: "Mapping[str, Any] | PydanticModel | None" = None,
        *,
        into: None = None,
        save_to: None = None,
        idempotent: bool = False,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
        reconcile: "Reconcile | None" = None,
    ) -> ActionResult[Any]: ...

    @overload
    async def execute_action(
        self,
        slug: str,
        action_id: str,
        parameters: "Mapping[str, Any] | PydanticModel | None" = None,
        *,
        into: "TypeForm[T]",
        save_to: None = None,
        idempotent: bool = False,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
        reconcile: "Reconcile | None" = None,
    ) -> ActionResult[T]: ...

    @overload
    async def execute_action(
        self,
        slug: str,
        action_id: str,
        parameters: "Mapping[str, Any] | PydanticModel | None" = None,
        *,
        into: None = None,
        save_to: str | os.PathLike[str],
        idempotent: bool = False,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
    ) -> "ActionResult[SavedFile]": ...

    async def execute_action(
        self,
        slug: str,
        action_id: str,
        parameters: "Mapping[str, Any] | PydanticModel | None" = None,
        *,
        into: Any = None,
        save_to: str | os.PathLike[str] | None = None,
        idempotent: bool = False,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
        reconcile: "Reconcile | None" = None,
    ) -> ActionResult[Any]:
        """Execute an action, a read or a write, in the connected app. Refold page: *Execute Action*.

        The client cannot know whether an action has side effects. So unless you pass `idempotent=True`, it retries only
        if the action certainly did not run.

        Args:
            slug: The app, such as `hubspot`.
            action_id: The action, such as `create_contact`.
            parameters: The parameters of the action: a mapping of names to JSON values or pydantic models, or a single
                pydantic model. A model is sent with its aliases. A field with the value None is sent only if you set
                it to None. A pydantic secret is sent only if the model's own serializer reveals it.
            into: The type to convert `data` into: an attrs class, dataclass, pydantic model, TypedDict, `list[...]`,
                `X | None` and so on. Values are not coerced: pydantic validates in strict mode. By default `data` is
                plain JSON. For responses of 256 KB and more, the objects are created in a thread. pydantic blocks
                other threads while it creates a model, so for many models ask for a dataclass with a list of them.
                `bytes` is for actions that return files, such as a PDF or a CSV. A response that is not JSON becomes
                `data` unchanged, and a text in Refold's JSON is encoded as UTF-8. An HTML page counts as a file only
                if its `Content-Disposition` is `attachment`: gateways and login pages respond with HTTP 200 too, and
                would be mistaken for an action that succeeded.
            save_to: A path to save such a file to while it arrives. The file may be of any length, because
                `max_response_bytes` does not apply. An existing file is replaced when the new one is complete, and
                remains unchanged if that fails. `timeout` must be long enough for the whole file, such as
                `Timeout(total=600, attempt=600)`.
            idempotent: Pass True if executing the action twice does no harm, as with any read. The client then also
                retries after failures in which the action may have run.
            connection_id: The connection to use, if the linked account has several to the app.
            headers: Extra headers, in addition to those that the client sets.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.
            reconcile: For a write: a `Reconcile`, which says how to find out whether it ran if its response is lost.
                The client then looks for it, and sends it once more if it did not run. All that must fit into the
                `total` of `timeout`; otherwise the call raises the error of the write.

        Returns:
            The result, whose `node_status` is `Success`. With `save_to`, its `data` is a `SavedFile`. With `reconcile`,
            its `meta.reconciled` says whether a look found the write, and `data` is then what the look returned.

        Raises:
            ActionFailedError: Refold responded, but the action did not succeed; `.result` has the app's error.
            ReconnectRequiredError: The linked account is not connected, or its credentials no longer work.
            NotFoundError: There is no such app, or the app has no such action.
            ParameterError: `parameters` cannot be encoded as JSON; nothing was sent.
            APIResponseValidationError: `data` does not fit `into`: the action ran, and `.result` has its data. Or the
                file could not be written: `effect` says whether the action is known to have run.
            ConfigurationError: No file can be created at `save_to`, or another argument is wrong; nothing was sent.
            RefoldError: The call failed in another way, such as no response or HTTP 5xx; `effect` says whether the
                action may have run.
        """
        request = requests.execute_action(
            slug, action_id, parameters, idempotent=idempotent, connection_id=connection_id, headers=headers
        )
        if reconcile is not None:
            from refold_async.resources.reconciled_calls import ReconciledCall

            call = ReconciledCall(self, self._send, self._pipeline.pause, request, self._limits(timeout))
            return await call.run(reconcile, into, save_to)
        if save_to is None:
            return await self._send(request, parse_action_result(into), timeout)
        from refold_async.resources.saving import save_action_file

        return await self._send(request, save_action_file(request, into, save_to), timeout)

    async def execute_workflow(
        self,
        workflow_id: str,
        *,
        slug: str,
        payload: Any = None,
        body: Any = UNSET,
        sync: bool = False,
        config_id: str | None = None,
        instance_tag: str | None = None,
        include_headers: bool = False,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
    ) -> "WorkflowExecution":
        """Start a workflow, or with `sync=True` run it and wait for its return value. Refold page: *Execute Workflow*.

        The client never retries this call after the workflow may have started.

        Args:
            workflow_id: The id or alias of the workflow. It must be published, and the linked account must own it.
            slug: The app that the workflow belongs to.
            payload: The input, sent as `{"payload": payload}`; by default an empty object.
            body: The whole body to send unchanged, instead of `payload`.
            sync: Wait for the execution to end.
            config_id: The config to run with; by default the id of the linked account.
            instance_tag: A label for the execution.
            include_headers: Ask Refold to include sanitised request headers in the response, in `.raw`.
            connection_id: The connection to use, if the config has several.
            headers: Extra headers, in addition to those that the client sets.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's. With `sync=True`, a number
                also limits the one attempt, and the default is 300 seconds unless you gave the client other limits.

        Returns:
            The execution: its `execution_id` and, with `sync=True`, its `return_value`. Refold's response about a
            synchronous execution contains no status. So an execution that was stopped, terminated, timed out or treated
            as a duplicate may look like one that returned nothing. If that matters, use `run_workflow`, or read
            `executions.get(execution_id).status`.

        Raises:
            WorkflowFailedError: A synchronous execution stopped at an error, or responded with its own error status.
            BadRequestError: The workflow is not published: publish it first. Or Refold refused something else.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: The call failed in another way, such as no response or HTTP 5xx; `effect` says whether the
                workflow may have started.
        """
        from refold_async.protocol.workflow_executions import parse_workflow_execution

        request = requests.execute_workflow(
            workflow_id,
            slug=slug,
            payload=payload,
            body=body,
            sync=sync,
            config_id=config_id,
            instance_tag=instance_tag,
            include_headers=include_headers,
            connection_id=connection_id,
            headers=headers,
        )
        if sync:
            timeout = resolve_synchronous_timeout(timeout, self._pipeline.synchronous_timeout)
        return await self._send(request, parse_workflow_execution, timeout)

    async def run_workflow(
        self,
        workflow_id: str,
        *,
        slug: str,
        payload: Any = None,
        body: Any = UNSET,
        config_id: str | None = None,
        instance_tag: str | None = None,
        connection_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 300.0,
        poll_interval: float = 0.5,
    ) -> "Execution":
        """Start a workflow and wait for its return value. Refold pages: *Execute Workflow*, *Get Execution*.

        Use it for executions that may take longer than a connection lasts; `execute_workflow(..., sync=True)` waits on
        a single request. The client starts the workflow only once. To know the `execution_id` from the start, call
        `execute_workflow()` and then `executions.wait()`, which is equivalent.

        Args:
            workflow_id: The id or alias of the workflow. It must be published, and the linked account must own it.
            slug: The app that the workflow belongs to.
            payload: The input, sent as `{"payload": payload}`; by default an empty object.
            body: The whole body to send unchanged, instead of `payload`.
            config_id: The config to run with; by default the id of the linked account.
            instance_tag: A label for the execution.
            connection_id: The connection to use, if the config has several.
            headers: Extra headers for the start, in addition to those that the client sets.
            timeout: Seconds to wait after the start; `math.inf` for no limit. The start itself may take as long again,
                within the client's limits.
            poll_interval: Seconds between the first two polls; later pauses grow up to 15 seconds.

        Returns:
            The execution with its nodes and the status `COMPLETED`. Its `return_value` is None if the workflow returned
            nothing; to fetch it may take another 30 seconds after the end. Its `request_id` is that of the last poll,
            not of the start.

        Raises:
            WorkflowFailedError: The execution did not complete. The message names the nodes that failed; `.execution`
                has all nodes. `effect` is `"none"` if Refold treated the execution as a duplicate, and so did not run
                it.
            ExecutionTimeoutError: The execution did not end in time, and may still be running: see `.execution_id`.
                This error is also raised if this version does not know the status. `status_known` is then False, and a
                WARNING is logged when the status no longer changes.
            BadRequestError: The workflow is not published: publish it first. Or Refold refused something else.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: Something else went wrong. `effect` says whether the workflow may have started, and a note on
                the error contains the id of the execution. `"done"` means that the execution has completed, but its
                return value could not be fetched.
        """
        check_positive("timeout", timeout)
        check_seconds("poll_interval", poll_interval)
        started = await self.execute_workflow(
            workflow_id,
            slug=slug,
            payload=payload,
            body=body,
            config_id=config_id,
            instance_tag=instance_tag,
            connection_id=connection_id,
            headers=headers,
            timeout=min(timeout, self._pipeline.timeout.total),
        )
        from refold_async.resources.execution_waits import note_connection, note_start, with_return_value

        try:
            try:
                ended = await self.executions.wait(
                    started.execution_id, timeout=timeout, poll_interval=poll_interval, return_value=False
                )
            except (WorkflowFailedError, ExecutionTimeoutError) as error:
                note_connection(error, connection_id)
                raise
            except (RefoldError, asyncio.CancelledError) as error:
                note_start(error, workflow_id, started.execution_id, self.linked_account_id)
                raise
            return await with_return_value(ended, self.executions.response)
        except RefoldError as error:
            error.slug = slug  # requests about an execution do not name its app
            raise

    def _annotate(self, error: RefoldError, request: Request) -> None:
        self._pipeline.annotate_and_redact(error, request, self.linked_account_id, self._headers or {})

    def _limits(self, timeout: Timeout | float | None) -> Timeout:
        return resolve_timeout(timeout, self._pipeline.timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        pipeline = self._pipeline
        limits = pipeline.timeout if timeout is None else resolve_timeout(timeout, pipeline.timeout)
        if self._headers is None:
            self._headers = account_headers(self._api_key, self.linked_account_id, self._session_token)
        return pipeline.send(request, parse, self._headers, self.linked_account_id, limits)

    def _send_by_key(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        if self._api_key is None:
            raise ConfigurationError(
                f"Refold accepts only an API key for {request.target.subject}, and this scope has a session token: use "
                f"the scope of a client that has an API key."
            )
        return self._send(request, parse, timeout)

    def _send_by_token(self, request: Request, parse: Parser[T], timeout: Timeout) -> Awaitable[T]:
        if self._session_token is not None:
            return self._send(request, parse, timeout)
        from refold_async.resources.own_tokens import OwnToken

        organisation = AccountScope(self._pipeline, api_key=self._api_key)
        own_token = OwnToken(organisation._send, timeout, self.linked_account_id or "", shared=False)
        return self._pipeline.send(request, parse, {}, self.linked_account_id, timeout, own_token)

    def _lane(self, slots: "SlotPool") -> "Lane | None":
        """Return where items of a fan-out wait for this account, or None if nothing limits the account."""
        account = self.linked_account_id
        if account is None and self._session_token is not None:
            account = account_headers(None, None, self._session_token)["Authorization"]
        return self._pipeline.lane(account, slots)
