"""The scope of one linked account: the four calls, and the resources that hold all others."""

import asyncio
import copy
import os
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from refold_async.config.client_options import environment_of
from refold_async.config.settings import RetryPolicy, Timeout, resolve_synchronous_timeout, resolve_timeout
from refold_async.config.validation import check_header_value, check_positive, check_seconds, check_secret
from refold_async.errors import ExecutionTimeoutError, RefoldError, WorkflowFailedError
from refold_async.models.results import ActionResult, WorkflowExecution
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.headers import account_headers
from refold_async.protocol.requests import UNSET
from refold_async.protocol.responses import Parser
from refold_async.resources.connect_urls import ConnectUrls
from refold_async.resources.raw_requests import RawRequests
from refold_async.runtime.log import logger

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from refold_async.codec.pydantic_models import PydanticModel
    from refold_async.limits.lanes import Lane
    from refold_async.limits.slot_interfaces import SlotPool
    from refold_async.models.executions import Execution
    from refold_async.models.saved_file import SavedFile
    from refold_async.protocol.pages import AwaitableListing
    from refold_async.resources.actions import Action, ActionParameters
    from refold_async.resources.applications import Applications
    from refold_async.resources.events import Events
    from refold_async.resources.executions import Executions
    from refold_async.resources.workflows import Workflows

__all__ = ["AccountScope"]

T = TypeVar("T")


class AccountScope(RawRequests, ConnectUrls):
    """Calls for one linked account. Made by `AsyncRefold.account()`: without I/O, so make one wherever you need it.

    Every method raises `RefoldError`: see `refold_async.errors` for the tree, and `effect` for what became of the
    action. Concurrent calls on one scope are fine.
    """

    __slots__ = ("_api_key", "_headers", "_pipeline", "_session_token", "linked_account_id")

    linked_account_id: str | None
    """The linked account; None where only a session token names it."""

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
        # After the rest: error reporters ask even for the repr of what could not be made.
        if linked_account_id is not None:
            self.linked_account_id = check_header_value("linked_account_id", linked_account_id)
        if session_token is not None:
            check_secret("session_token", session_token)

    def __repr__(self) -> str:
        names = [] if self.linked_account_id is None else [repr(self.linked_account_id)]
        names += [] if self._session_token is None else ["by session token"]
        return f"<AccountScope {', '.join(names)}>"

    def with_options(self, *, timeout: Timeout | float | None = None, retry: RetryPolicy | None = None) -> Self:
        """Return a scope of the same linked account whose calls have other defaults. Does no I/O.

        Of a scope that looks after a session token of its own, both have the same token.

        Args:
            timeout: Limits of time for its calls, as if they were passed to each; by default this scope's.
            retry: How often and how patiently its calls are tried again; by default as this scope's. How long refusals
                make other calls wait at most, `max_retry_after`, stays what the client has.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        derived = copy.copy(self)
        derived._pipeline = self._pipeline.with_options(timeout, retry)
        return derived

    @property
    def applications(self) -> "Applications":
        """The apps, and whether this linked account is connected to them."""
        from refold_async.resources.applications import Applications

        return Applications(self._send, self._pipeline.pause, self._annotate, self._naming_account)

    @property
    def events(self) -> "Events":
        """Events that start workflows."""
        from refold_async.resources.events import Events

        return Events(self._send)

    @property
    def executions(self) -> "Executions":
        """Runs of workflows: follow them, wait for them, stop them, run them again."""
        from refold_async.resources.executions import Executions

        return Executions(self._send, self._pipeline.pause, self._annotate)

    @property
    def workflows(self) -> "Workflows":
        """Workflows: find them, read what they ask for, make, publish and delete private ones."""
        from refold_async.resources.workflows import Workflows

        return Workflows(self._send, environment_of(self._api_key), by_key=self._api_key is not None)

    def list_actions(self, slug: str, *, timeout: Timeout | float | None = None) -> "AwaitableListing[Action]":
        """List the actions of an app. Refold page: *List Actions*.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The actions in Refold's order: `await` gives a plain `list`, `async for` goes through them.

        Raises:
            NotFoundError: There is no such app.
        """
        from refold_async.protocol.pages import AwaitableListing, parse_only_page
        from refold_async.resources.actions import parse_actions

        parse = parse_only_page(parse_actions)
        return AwaitableListing(lambda: self._send(requests.list_actions(slug), parse, timeout))

    async def get_action_parameters(
        self, slug: str, action_id: str, *, timeout: Timeout | float | None = None
    ) -> "ActionParameters":
        """Read the parameter schema of an action. Refold page: *Get Action Parameters*.

        Args:
            slug: The app, such as `hubspot`.
            action_id: The action, such as `create_contact`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The parameters, a sequence with `validate()` and `json_schema()`.

        Raises:
            NotFoundError: There is no such app, or the app has no such action.
        """
        from refold_async.resources.actions import parse_action_parameters

        request = requests.get_action_parameters(slug, action_id)
        return await self._send(request, parse_action_parameters(slug, action_id), timeout)

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
    ) -> ActionResult[Any]:
        """Execute an action, a read or a write, in the connected app. Refold page: *Execute Action*.

        The client cannot tell a read from a write, so unless you pass `idempotent=True` it sends again only what
        certainly did not run.

        Args:
            slug: The app, such as `hubspot`.
            action_id: The action, such as `create_contact`.
            parameters: The action's parameters, one key each; JSON values and pydantic models only. Or a pydantic
                model, sent by its aliases; a field that is None is sent only if it was set to None, and a secret of
                pydantic's only if the model's own serializer reveals it.
            into: The type to structure `data` into: an attrs class, dataclass, pydantic model, TypedDict, `list[...]`,
                `X | None`, … Nothing is coerced: pydantic validates strictly. By default `data` stays as JSON gave it.
                Of responses of 256 KB and more, your classes are made in a thread; pydantic makes each model without
                letting other threads go on, so of many, rather ask for a dataclass with a list of them. `bytes` is for
                actions that give files, such as a PDF or a CSV: an answer that is not JSON is the data as it came, and
                a text in Refold's JSON its UTF-8. A page in HTML is no file, unless its `Content-Disposition` is
                `attachment`: gateways and login pages answer with HTTP 200 too, and would pass for an action that
                succeeded.
            save_to: A path to save such a file to while it comes, however long it is: `max_response_bytes` is no limit.
                Anything there is replaced once the file is whole, and stays as it was if it does not come so far.
                `timeout` must last for the whole file: such as `Timeout(total=600, attempt=600)`.
            idempotent: You vouch that it does no harm to send this twice, as with any read.
            connection_id: The connection to act by, where the linked account has several to the app.
            headers: Headers beside those the client sets.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The result, whose `node_status` is `Success`. With `save_to`, its `data` is the `SavedFile`.

        Raises:
            ActionFailedError: Refold answered, and the action did not succeed; `.result` holds the app's error.
            ReconnectRequiredError: The linked account is not connected, or its credentials no longer work.
            NotFoundError: There is no such app, or the app has no such action.
            ParameterError: `parameters` are no JSON; nothing was sent.
            APIResponseValidationError: `data` does not fit `into`; the action ran, `.result` holds its data. Or the
                file could not be written; `effect` says whether the action is known to have run.
            ConfigurationError: No file can be made at `save_to`, or another argument is wrong; nothing was sent.
            APIConnectionError: No response; `effect` says whether the action may have run.
        """
        request = requests.execute_action(
            slug, action_id, parameters, idempotent=idempotent, connection_id=connection_id, headers=headers
        )
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
    ) -> WorkflowExecution:
        """Start a workflow, or with `sync=True` run it and wait for what it returns. Refold page: *Execute Workflow*.

        Never sent again once it may have started.

        Args:
            workflow_id: The workflow's id or alias. It must be published, and the linked account must own it.
            slug: The app the workflow belongs to.
            payload: The input, sent as `{"payload": payload}`; by default an empty object.
            body: Instead of `payload`: the whole body, sent as it is.
            sync: Wait for the run to end.
            config_id: The config to run under; by default the linked account's id.
            instance_tag: A label for the run.
            include_headers: Have sanitised request headers in the response (in `.raw`).
            connection_id: The connection to run by, where the config spans several.
            headers: Headers beside those the client sets.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's. With `sync=True` a number
                is the limit of the one attempt too, and the default is 300 seconds unless the client was given
                limits of its own.

        Returns:
            The run: its `execution_id`, and with `sync=True` its `return_value`. Refold's answer to a synchronous run
            carries no status, so one that was stopped, terminated, timed out or taken for a duplicate may look like one
            that gave nothing back. Where that matters use `run_workflow`, or ask `executions.get(execution_id).status`.

        Raises:
            WorkflowFailedError: A synchronous run stopped at an error, or answered with an error status of its own.
            BadRequestError: The workflow is not published: publish it first. Or Refold refused something else.
            NotFoundError: There is no such workflow for this linked account.
            APIConnectionError: No response; `effect` says whether the workflow may have started.
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
        """Start a workflow, and wait for what it gives back. Refold pages: *Execute Workflow*, *Get Execution*.

        Started once, never again. For runs that may take longer than connections live; `execute_workflow(...,
        sync=True)` waits on one request. To keep the `execution_id` from the first moment, call `execute_workflow()`
        and `executions.wait()` one after the other: it comes to the same.

        Args:
            workflow_id: The workflow's id or alias. It must be published, and the linked account must own it.
            slug: The app the workflow belongs to.
            payload: The input, sent as `{"payload": payload}`; by default an empty object.
            body: Instead of `payload`: the whole body, sent as it is.
            config_id: The config to run under; by default the linked account's id.
            instance_tag: A label for the run.
            connection_id: The connection to run by, where the config spans several.
            headers: Headers beside those the client sets, for the start.
            timeout: Seconds to wait, once it was started; `math.inf` for ever. The start may take as long, within the
                client's limits.
            poll_interval: Seconds between the first two looks at the run; later pauses grow to 15 seconds.

        Returns:
            The run with its nodes, whose status is `COMPLETED`, and with its `return_value`, or None where it gave
            nothing back. Once it has ended, to fetch that may take another 30 seconds. `request_id` is that of the last
            look at the run, not of its start.

        Raises:
            WorkflowFailedError: The run ended otherwise; the message names the nodes that failed, and `.execution` has
                them all. `effect` is `"none"` where Refold took it for a duplicate, which it does not run.
            ExecutionTimeoutError: It has not ended in time, and may go on: `.execution_id`. So too where its status is
                a word that this version does not know: `status_known` is False then, and a WARNING tells of one that no
                longer changes.
            BadRequestError: The workflow is not published: publish it first. Or Refold refused something else.
            NotFoundError: There is no such workflow for this linked account.
            RefoldError: Whatever else went wrong; `effect` says whether the workflow may have started, and a note on
                the error has the run's id. `"done"` means that it has completed, and only its return value could not be
                fetched.
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
        executions = self.executions
        try:
            try:
                ended = await executions.wait(
                    started.execution_id, timeout=timeout, poll_interval=poll_interval, return_value=False
                )
            except (WorkflowFailedError, ExecutionTimeoutError) as error:
                if connection_id is not None and isinstance(error, WorkflowFailedError):
                    from refold_async.pipeline.error_details import add_to_message

                    add_to_message(error, f"It ran by connection {connection_id!r}: check connection_id.")
                raise
            except (RefoldError, asyncio.CancelledError) as error:
                note = f"Workflow {workflow_id!r} was started, as execution {started.execution_id}; it may be running."
                logger.warning("%s (linked account %r)", note, self.linked_account_id)
                error.add_note(note)
                if isinstance(error, RefoldError):
                    error.effect = "unknown"
                raise
            from refold_async.resources.execution_waits import with_return_value

            return await with_return_value(ended, executions.response)
        except RefoldError as error:
            error.slug = slug  # what asks after a run does not name its app
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

    def _send_by_token(self, request: Request, parse: Parser[T], timeout: Timeout) -> Awaitable[T]:
        if self._session_token is not None:
            return self._send(request, parse, timeout)
        from refold_async.resources.own_tokens import OwnToken

        organisation = AccountScope(self._pipeline, api_key=self._api_key)
        own_token = OwnToken(organisation._send, timeout, self.linked_account_id or "", shared=False)
        return self._pipeline.send(request, parse, {}, self.linked_account_id, timeout, own_token)

    def _lane(self, slots: "SlotPool") -> "Lane | None":
        """Return where the items of a fan-out wait for this account, or None if nothing limits that."""
        account = self.linked_account_id
        if account is None and self._session_token is not None:
            account = account_headers(None, None, self._session_token)["Authorization"]
        return self._pipeline.lane(account, slots)
