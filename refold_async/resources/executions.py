"""`account.executions`: executions of workflows; read them, wait for them, stop them, rerun them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import date, datetime
from typing import Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_bool
from refold_async.errors import RefoldError
from refold_async.models.confirmations import Confirmation
from refold_async.models.executions import Batch, Execution, ExecutionResponse
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.protocol.responses import SUCCESS, Response, request_id_of
from refold_async.resources.execution_waits import UnknownStatuses, failure, too_late, with_return_value
from refold_async.resources.polling import looks
from refold_async.resources.resource import Resource, Send, dates

__all__ = ["Executions"]

_EXECUTION: Final = "execution {execution_id!r}"
_CHECK_THE_ID: Final = (
    "Check its id, and that it belongs to this linked account: executions.list() gives all its executions."
)

_LIST: Final = Endpoint("GET", "/api/v2/public/execution", "the list of executions")
_GET: Final = Endpoint("GET", "/api/v2/public/execution/{execution_id}", _EXECUTION, _CHECK_THE_ID)
_RESPONSE: Final = Endpoint(
    "GET", "/api/v1/execution/{execution_id}/response", "the response of execution {execution_id!r}", _CHECK_THE_ID
)
_STOP: Final = Endpoint("POST", "/api/v2/public/execution/{execution_id}/stop", _EXECUTION, _CHECK_THE_ID)
_RERUN: Final = Endpoint("POST", "/api/v2/public/execution/{execution_id}/rerun", _EXECUTION, _CHECK_THE_ID)
_BATCHES: Final = Endpoint(
    "GET",
    "/api/v2/public/execution/{execution_id}/nodes/{node_id}/batches",
    "the batches of node {node_id!r} of execution {execution_id!r}",
    _CHECK_THE_ID,
)


class Executions(Resource):
    """The workflow executions of one linked account, as `account.executions`."""

    __slots__ = ("_annotate", "_pause")

    def __init__(
        self,
        send: Send,
        pause: Callable[[float], Awaitable[object]],
        annotate: Callable[[RefoldError, Request], None],
    ) -> None:
        super().__init__(send)
        self._pause = pause
        self._annotate = annotate

    def list(
        self,
        *,
        slug: str | None = None,
        status: str | None = None,
        workflow_id: str | None = None,
        workflow_name: str | None = None,
        execution_id: str | None = None,
        start_date: datetime | date | str | None = None,
        end_date: datetime | date | str | None = None,
        execution_type: str | None = None,
        execution_source: str | None = None,
        oldest_first: bool | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[Execution]:
        """Iterate over the executions, newest first. Refold page: *List Executions*.

        ```python
        async for execution in account.executions.list(): ...
        ```

        Executions that start during the iteration move others to later pages; each one is still returned only once. The
        next page is fetched while you process the current one.

        Args:
            slug: Only executions of workflows of this app.
            status: Only executions with this status, such as `ERRORED`.
            workflow_id: Only executions of this workflow.
            workflow_name: Only executions of workflows with this name.
            execution_id: Only this execution.
            start_date: Only executions that started at this time or later; a datetime needs a time zone.
            end_date: Only executions that started at this time or earlier; a datetime needs a time zone.
            execution_type: Only executions that were started in this way, such as `ASYNC`.
            execution_source: Only executions that this source started.
            oldest_first: True to start with the oldest.
            page_size: How many executions to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The executions, without their nodes.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST,
            model=Execution,
            key=lambda execution: execution.execution_id,
            page_size=page_size,
            timeout=timeout,
            query={
                "sortAsc": None if oldest_first is None else check_bool("oldest_first", oldest_first),
                **dates(start_date=start_date, end_date=end_date),
                **given_texts(
                    slug=slug,
                    status=status,
                    workflow_id=workflow_id,
                    workflow_name=workflow_name,
                    execution_id=execution_id,
                    execution_type=execution_type,
                    execution_source=execution_source,
                ),
            },
        )

    async def get(self, execution_id: str, *, timeout: Timeout | float | None = None) -> Execution:
        """Read one execution with its nodes. Refold page: *Get Execution*.

        Args:
            execution_id: The id of the execution.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The execution, without its `return_value`: use `wait` or `response` for that.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: This linked account has no such execution.
            APITimeoutError: No response in time. Refold does not respond to some requests about unknown ids.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(execution_id), parse_model(Execution, execution_id=execution_id), timeout)

    async def response(self, execution_id: str, *, timeout: Timeout | float | None = None) -> ExecutionResponse:
        """Read the return value of an asynchronous execution. Refold page: *Get Execution Response*.

        `wait` and `run_workflow` do this automatically when the execution has ended. While it is running, `response` is
        None and `status` is `RUNNING`: wait first.

        Args:
            execution_id: The id of the execution.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The return value, as `response`. It is also None if the workflow returned nothing.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: This linked account has no such execution, or Refold has not stored its response.
            RefoldError: The call failed in another way.
        """
        return await self._send(_RESPONSE.request(execution_id), _parse_response, timeout)

    async def stop(self, execution_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Stop an execution. Refold page: *Stop Execution*.

        This does not undo what its nodes have done. When the execution has stopped, `wait` raises a
        `WorkflowFailedError`.

        Args:
            execution_id: The id of the execution.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: The execution has already ended.
            NotFoundError: This linked account has no such execution.
            RefoldError: The call failed in another way; `effect` says whether the execution may have been stopped.
        """
        return await self._send(_STOP.request(execution_id), parse_told(Confirmation), timeout)

    async def rerun(self, execution_id: str, *, timeout: Timeout | float | None = None) -> Execution:
        """Start a workflow again with the input of an earlier execution. Refold page: *Rerun Execution*.

        This is a write: the client never retries it after the new execution may have started.

        Args:
            execution_id: The id of the earlier execution.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The new execution: its `execution_id`, and what Refold says about the start as its `status`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: This linked account has no such execution.
            RefoldError: The call failed in another way; `effect` says whether the new execution may have started.
        """
        return await self._send(_RERUN.request(execution_id), parse_model(Execution), timeout)

    def batches(
        self,
        execution_id: str,
        node_id: str,
        *,
        status: str | None = None,
        page_size: int = 100,
        timeout: Timeout | float | None = None,
    ) -> Listing[Batch]:
        """Iterate over the batches of a node. Refold page: *List Node Batches*.

        Args:
            execution_id: The id of the execution.
            node_id: The id of a node whose `is_batch` is True.
            status: Only batches with this status.
            page_size: How many batches to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The batches.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            InternalServerError: HTTP 501: the node does not work in batches.
            NotFoundError: This linked account has no such execution, or the execution has no such node.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _BATCHES,
            execution_id,
            node_id,
            model=Batch,
            key=lambda batch: batch.batch_index if batch.batch_id is None else batch.batch_id,
            page_size=page_size,
            timeout=timeout,
            query=given_texts(status=status),
        )

    async def wait(
        self,
        execution_id: str,
        *,
        timeout: float = 300.0,
        poll_interval: float = 0.5,
        return_value: bool = True,
    ) -> Execution:
        """Wait until an execution ends, and fetch its return value.

        Refold pages: *Get Execution*, *Get Execution Response*.

        Polls the execution, with random pauses that grow. Each poll obeys the client's rate limit. If a poll fails or
        gets no response, the client polls again later.

        Args:
            execution_id: The id of the execution.
            timeout: Seconds to wait for the end; `math.inf` for no limit. To fetch the return value may then take
                another 30 seconds.
            poll_interval: Seconds of the first pause; later pauses grow up to 15 seconds.
            return_value: Whether to fetch the return value; False saves a call.

        Returns:
            The execution with its nodes and the status `COMPLETED`. Its `return_value` is None if the workflow returned
            nothing, or if you passed `return_value=False`. Its `request_id` is that of the last poll.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            WorkflowFailedError: The execution did not complete. The message names the nodes that failed; `.execution`
                has all nodes. `effect` is `"none"` if Refold treated the execution as a duplicate, and so did not run
                it.
            ExecutionTimeoutError: The execution did not end in time, and may still be running; also a `TimeoutError`.
                This error is also raised if this version does not know the status. `status_known` is then False, and a
                WARNING is logged when the status no longer changes.
            NotFoundError: This linked account has no such execution.
            RefoldError: Something else went wrong. The effect `"done"` means that the execution has completed, but its
                return value could not be fetched: a note on the error says so, and `response` returns the value.
        """
        check_bool("return_value", return_value)
        execution, looks = Execution(execution_id), 0
        async for execution, looks in self._look(execution_id, timeout, poll_interval):  # noqa: B007 - the last counts
            pass
        if (execution.status or "").upper() != "COMPLETED":
            error = failure(execution, looks)
            self._annotate(error, _GET.request(execution_id))
            raise error
        return await with_return_value(execution, self.response) if return_value else execution

    async def watch(
        self, execution_id: str, *, timeout: float = 300.0, poll_interval: float = 0.5
    ) -> AsyncGenerator[Execution, None]:
        """Iterate over the changes of an execution's status or percentage until it ends. Refold page: *Get Execution*.

        This does not fetch the return value: use `response` for that.

        Args:
            execution_id: The id of the execution.
            timeout: Seconds to watch; `math.inf` for no limit.
            poll_interval: Seconds of the first pause between two polls; later pauses grow up to 15 seconds.

        Yields:
            The execution as it is now, then again after each change, and last as it ended, whether it succeeded or not.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            ExecutionTimeoutError: The execution did not end in time, and may still be running; also a `TimeoutError`.
            NotFoundError: This linked account has no such execution.
            RefoldError: The call failed in another way.
        """
        known: tuple[str | None, float | None] | None = None
        async for execution, _ in self._look(execution_id, timeout, poll_interval):
            if (execution.status, execution.completion_percentage) != known:
                known = execution.status, execution.completion_percentage
                yield execution

    def _look(
        self, execution_id: str, timeout: float, poll_interval: float
    ) -> AsyncGenerator[tuple[Execution, int], None]:
        """Yield the execution and the number of polls so far, for each poll, until it ends."""
        request, parse = _GET.request(execution_id), parse_model(Execution, execution_id=execution_id)
        unknown = UnknownStatuses()

        async def look(limits: Timeout) -> Execution:
            execution = await self._send(request, parse, limits)
            unknown.see(execution)
            return execution

        def end(execution: Execution | None, count: int, problem: RefoldError | None) -> RefoldError:
            error = too_late(execution_id, execution, count, problem)
            self._annotate(error, request)
            return error

        return looks(
            look,
            done=lambda execution: execution.is_final,
            too_late=end,
            timeout=timeout,
            poll_interval=poll_interval,
            pause=self._pause,
        )


def _parse_response(response: Response, request: Request) -> ExecutionResponse:
    """Parse the return value of an execution; an empty body or null means nothing."""
    if response.status in SUCCESS and response.body_error is None and response.body.strip() in {b"", b"null"}:
        return ExecutionResponse(meta=response.meta(request_id_of(response.headers, {})))
    return parse_model(ExecutionResponse)(response, request)
