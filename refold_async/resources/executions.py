"""`account.executions`: runs of workflows; follow them, wait for them, stop them, run them again."""

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
    "Check its id, and that it is a run of this linked account: executions.list() gives those there are."
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
    """The runs of one linked account's workflows, as `account.executions`."""

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
        """Iterate over the runs, newest first: `async for execution in account.executions.list()`.

        Runs that begin meanwhile move the others to later pages; each comes once all the same. The next page is
        fetched while the present one is read. Refold page: *List Executions*.

        Args:
            slug: Only those of workflows of this app.
            status: Only those with this status, such as `ERRORED`.
            workflow_id: Only those of this workflow.
            workflow_name: Only those of workflows of this name.
            execution_id: Only this one.
            start_date: Only those begun then or later; a datetime needs a time zone.
            end_date: Only those begun then or earlier; a datetime needs a time zone.
            execution_type: Only those started in this way, such as `ASYNC`.
            execution_source: Only those that this started.
            oldest_first: Begin with the oldest.
            page_size: How many to ask for at once.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The runs, without their nodes.
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
        """Read one run with its nodes. Refold page: *Get Execution*.

        Args:
            execution_id: The run's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The run, without its `return_value`: `wait` and `response` give that.

        Raises:
            NotFoundError: There is no such run of this linked account.
            APITimeoutError: No response in time; Refold leaves some questions about unknown ids without any.
        """
        return await self._send(_GET.request(execution_id), parse_model(Execution, execution_id=execution_id), timeout)

    async def response(self, execution_id: str, *, timeout: Timeout | float | None = None) -> ExecutionResponse:
        """Read what a run gave back that nobody waited for on its request. Refold page: *Get Execution Response*.

        `wait` and `run_workflow` do so by themselves, once the run has ended. While it goes on, `response` is None and
        `status` is `RUNNING`: wait first.

        Args:
            execution_id: The run's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The return value, as `response`; None also where the run gave nothing back.

        Raises:
            NotFoundError: There is no such run of this linked account, or Refold keeps no response of it.
        """
        return await self._send(_RESPONSE.request(execution_id), _parse_response, timeout)

    async def stop(self, execution_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Have a run stopped. Refold page: *Stop Execution*.

        What its nodes have done is not undone. `wait` tells when it has stopped, by a `WorkflowFailedError`.

        Args:
            execution_id: The run's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            What Refold says of it.

        Raises:
            BadRequestError: It has ended.
            NotFoundError: There is no such run of this linked account.
        """
        return await self._send(_STOP.request(execution_id), parse_told(Confirmation), timeout)

    async def rerun(self, execution_id: str, *, timeout: Timeout | float | None = None) -> Execution:
        """Start a workflow again with what a run was given. Refold page: *Rerun Execution*.

        A write: never sent again once the new run may have begun.

        Args:
            execution_id: The earlier run's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The new run: its `execution_id`, and in `status` what Refold says of the start.

        Raises:
            NotFoundError: There is no such run of this linked account.
            APIConnectionError: No response; `effect` says whether the new run may have begun.
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
            execution_id: The run's id.
            node_id: The node's id, of one whose `is_batch` is set.
            status: Only those with this status.
            page_size: How many to ask for at once.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The batches.

        Raises:
            InternalServerError: HTTP 501, the node does not work in batches.
            NotFoundError: There is no such run of this linked account, or no such node.
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
        """Wait for a run to end, and fetch what it gave back. Refold pages: *Get Execution*, *Get Execution Response*.

        Looks at the run again and again, with pauses that grow and are random, each look within the client's rate
        limit. A look that fails or gets no response is followed by another.

        Args:
            execution_id: The run's id.
            timeout: Seconds to wait for the end; `math.inf` for ever. To fetch the return value may then take another
                30 seconds.
            poll_interval: Seconds of the first pause; later ones grow to 15 seconds.
            return_value: Whether to fetch what the run gave back; False saves a call.

        Returns:
            The run with its nodes, whose status is `COMPLETED`, and with its `return_value`, or None where it gave
            nothing back, or that was not to be fetched. `request_id` is that of the last look.

        Raises:
            WorkflowFailedError: The run ended otherwise; the message names the nodes that failed, and `.execution` has
                them all. `effect` is `"none"` where Refold took it for a duplicate, which it does not run.
            ExecutionTimeoutError: It has not ended in time, and may go on; also a `TimeoutError`. So too where its
                status is a word that this version does not know: `status_known` is False then, and a WARNING tells of
                one that no longer changes.
            NotFoundError: There is no such run of this linked account.
            RefoldError: Whatever else went wrong. The effect `"done"` means that the run has completed, and only its
                return value could not be fetched: a note on the error says so, and `response` gives it.
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
        """Iterate over the changes of a run's status and percentage, until it has ended. Refold page: *Get Execution*.

        What it gave back is not fetched: `response` gives that.

        Args:
            execution_id: The run's id.
            timeout: Seconds to watch; `math.inf` for ever.
            poll_interval: Seconds of the first pause between two looks; later ones grow to 15 seconds.

        Yields:
            The run as it is now, and whenever it has changed; at last as it ended, however that was.

        Raises:
            ExecutionTimeoutError: It has not ended in time, and may go on; also a `TimeoutError`.
            NotFoundError: There is no such run of this linked account.
        """
        known: tuple[str | None, float | None] | None = None
        async for execution, _ in self._look(execution_id, timeout, poll_interval):
            if (execution.status, execution.completion_percentage) != known:
                known = execution.status, execution.completion_percentage
                yield execution

    def _look(
        self, execution_id: str, timeout: float, poll_interval: float
    ) -> AsyncGenerator[tuple[Execution, int], None]:
        """Give the run as it is, and how many looks it took so far, again and again, until it has ended."""
        request, parse = _GET.request(execution_id), parse_model(Execution, execution_id=execution_id)
        unknown = UnknownStatuses()

        async def look(limits: Timeout) -> Execution:
            execution = await self._send(request, parse, limits)
            unknown.see(execution)
            return execution

        def end(execution: Execution | None, count: int) -> RefoldError:
            error = too_late(execution_id, execution, count)
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
    """Parse what a run gave back; no answer at all, or null, is nothing."""
    if response.status in SUCCESS and response.body_error is None and response.body.strip() in {b"", b"null"}:
        return ExecutionResponse(meta=response.meta(request_id_of(response.headers, {})))
    return parse_model(ExecutionResponse)(response, request)
