"""The public surface as a type checker sees it in a user's program. Checked by mypy and pyright; never run."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, assert_never, assert_type

import attrs
from multidict import CIMultiDict
from pydantic import BaseModel

from refold_async import (
    CANNOT_TELL,
    NOT_DONE,
    AccountScope,
    Action,
    ActionFailedError,
    ActionParameter,
    ActionParameters,
    ActionResult,
    APIStatusError,
    AppConnectionTimeoutError,
    Application,
    AsyncRefold,
    AwaitableListing,
    Confirmation,
    ConnectionState,
    ConnectUrl,
    Done,
    Effect,
    EnabledWorkflow,
    Execution,
    ExecutionNode,
    ExecutionResponse,
    Failed,
    FanOut,
    FanOutReport,
    Finding,
    Journal,
    JournalEntry,
    JournalPart,
    JournalSummary,
    Limiter,
    LinkedAccount,
    Listing,
    OAuthUrl,
    Ok,
    Outcome,
    OutcomeWriter,
    Page,
    PostgresJournal,
    Progress,
    RateLimit,
    Reconcile,
    RedisRateLimit,
    Reference,
    RefoldError,
    ResponseMeta,
    RetryPolicy,
    SavedFile,
    SessionToken,
    Timeout,
    TokenRevocation,
    Unknown,
    UnknownWrite,
    UserDefinedField,
    WebhookSubscription,
    Workflow,
    WorkflowDeletion,
    WorkflowExecution,
    WorkflowFailedError,
    webhooks,
)
from refold_async.observers import AttemptEnd, CallEnd, CallStart, Observer, Retry
from refold_async.telemetry import OpenTelemetryObserver
from refold_async.testing import MockRefold, ReceivedRequest


@attrs.frozen
class Contact:
    """An attrs class."""

    id: str


@dataclass
class Company:
    """A dataclass."""

    name: str


class Deal(TypedDict):
    """A TypedDict."""

    amount: float


class Ticket(BaseModel):
    """A pydantic model."""

    subject: str


@attrs.frozen
class Row:
    """An item that is no id."""

    customer_id: str
    email: str


class Turnstile:
    """A limiter of the user's own."""

    async def acquire(self) -> None:
        """Let everybody through."""


class OrderedTurnstile:
    """A limiter of the user's own that distinguishes calls."""

    async def acquire(self, *, priority: str = "interactive", waiting: int = 1) -> None:
        """Let everybody through."""


async def calls(account: AccountScope) -> None:
    """The four calls."""
    assert_type(await account.list_actions("hubspot"), list[Action])
    parameters = await account.get_action_parameters("hubspot", "get_contact")
    assert_type(parameters, ActionParameters)
    assert_type(parameters[0], ActionParameter)
    assert_type(parameters[1:], Sequence[ActionParameter])
    assert_type(parameters[0].required, bool | None)
    assert_type(await account.execute_action("hubspot", "get_contact"), ActionResult[Any])
    assert_type(await account.execute_action("hubspot", "get_contact", into=None), ActionResult[Any])
    contact = await account.execute_action("hubspot", "get_contact", {"limit": "1"}, into=Contact, idempotent=True)
    assert_type(contact, ActionResult[Contact])
    assert_type(contact.data.id, str)
    assert_type(await account.execute_action("hubspot", "x", into=Company), ActionResult[Company])
    assert_type(await account.execute_action("hubspot", "x", into=Deal), ActionResult[Deal])
    assert_type(await account.execute_action("hubspot", "x", into=list[Contact]), ActionResult[list[Contact]])
    assert_type(await account.execute_action("hubspot", "x", into=Contact | None), ActionResult[Contact | None])
    assert_type(await account.execute_action("hubspot", "x", into=dict[str, int]), ActionResult[dict[str, int]])
    assert_type(await account.execute_action("hubspot", "x", into=bytes), ActionResult[bytes])
    saved = await account.execute_action("hubspot", "x", save_to="report.pdf", idempotent=True)
    assert_type(saved, ActionResult[SavedFile])
    assert_type(saved.data.path, Path)
    run = await account.execute_workflow("w", slug="hubspot", payload={"a": 1}, sync=True, timeout=600)
    assert_type(run, WorkflowExecution)
    assert_type(run.execution_id, str)
    assert_type(run.request_id, str | None)
    for meta in (run.meta, contact.meta, parameters.meta):
        assert_type(meta, ResponseMeta)
        assert_type(meta.attempts, int)
        assert_type(meta.elapsed, float)
        assert_type(meta.status, int | None)
        assert_type(meta.headers, Mapping[str, str])


async def pydantic_models(refold: AsyncRefold, account: AccountScope, ids: list[str]) -> None:
    """Models are types to structure into, and parameters."""
    ticket = await account.execute_action("zendesk", "create_ticket", Ticket(subject="Help"), into=Ticket)
    assert_type(ticket.data.subject, str)
    assert_type(await account.request("GET", "/x", into=list[Ticket] | None), list[Ticket] | None)
    (await account.get_action_parameters("zendesk", "create_ticket")).validate(Ticket(subject="Help"))
    refold.fan_out_action(ids, "zendesk", "create_ticket", Ticket(subject="Help"))
    made = refold.fan_out_action(ids, "zendesk", "x", lambda item: Ticket(subject=item), into=Ticket)
    assert_type(made, FanOut[str, ActionResult[Ticket]])
    await account.execute_action("zendesk", "create_ticket", Contact("1"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def everything_else(refold: AsyncRefold, account: AccountScope) -> None:
    """request(), of the client and of a scope."""
    assert_type(await account.request("GET", "/api/v2/public/execution", query={"page": 1}), Any)
    assert_type(await account.request("GET", "/x", into=list[Contact], timeout=Timeout(total=5)), list[Contact])
    assert_type(await refold.request("POST", "/x", json={"a": [1]}, into=Deal, idempotent=True), Deal)
    assert_type(await account.request("GET", "/x", into=bytes), bytes)
    assert_type(await refold.request("GET", "/x", save_to=Path("report.pdf")), SavedFile)
    assert_type((await account.request("POST", "/x", save_to="report.pdf")).content_type, str | None)
    assert_type(refold.account("user_1"), AccountScope)
    assert_type(refold.account_from_session_token("t", linked_account_id="user_1"), AccountScope)
    assert_type(refold.account("user_1").linked_account_id, str | None)


async def connecting(account: AccountScope) -> None:
    """Links that connect apps, and the wait for it."""
    link = await account.connect_url({"redirect_url": "https://example.com", "anything": [1]}, config_id="c", timeout=5)
    assert_type(link, ConnectUrl)
    assert_type(link.hosted_url, str)
    assert_type(await account.applications.oauth_url("hubspot", fields={"shop": "x"}), OAuthUrl)
    try:
        assert_type(await account.applications.wait_connected("hubspot", timeout=math.inf), Application)
    except AppConnectionTimeoutError as error:
        assert_type(error.application, Application | None)
    assert_type(await account.applications.disconnect("hubspot", auth_type="oauth2"), LinkedAccount)


async def fan_outs(refold: AsyncRefold, ids: list[str], companies: AsyncIterator[Company]) -> None:
    """Fan-outs keep the types of items and values."""

    async def count(scope: AccountScope, company: Company) -> int:
        return len(company.name)

    counted = refold.fan_out(companies, count, account=lambda company: company.name)
    assert_type(counted, FanOut[Company, int])
    async with counted as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[Company, int])
            assert_type(outcome.value, int | None)
            assert_type(outcome.item, Company)
    found = refold.fan_out_action(ids, "hubspot", "get_contact", {"limit": "1"}, into=Contact)
    assert_type(found, FanOut[str, ActionResult[Contact]])
    assert_type(await found.collect(), FanOutReport[str, ActionResult[Contact]])
    files = refold.fan_out_action(ids, "hubspot", "export", into=bytes)
    assert_type(files, FanOut[str, ActionResult[bytes]])
    plain = refold.fan_out_action(
        [Company("a")], "hubspot", "x", lambda company: {"n": company.name}, account=lambda company: company.name
    )
    assert_type(plain, FanOut[Company, ActionResult[Any]])


def outcomes_by_status(outcome: Outcome[str, int]) -> None:
    """`status`, and whether there is an error, tell which of the three an outcome is."""
    assert_type(outcome, Ok[str, int] | Failed[str] | Unknown[str])
    assert_type(outcome.effect, Effect)
    assert_type(outcome.error, BaseException | None)
    if outcome.status == "ok":
        assert_type(outcome, Ok[str, int])
        assert_type(outcome.value, int)
        assert_type(outcome.error, None)
    elif outcome.status == "failed":
        assert_type(outcome, Failed[str])
        assert_type(outcome.error, BaseException)
        assert_type(outcome.effect, Effect)
        assert_type(outcome.matches(ActionFailedError, TimeoutError), bool)
    else:
        assert_type(outcome, Unknown[str])
    if outcome.status != "ok":
        assert_type(outcome.error, BaseException)
        assert_type(outcome.value, None)
    if outcome.error is None:
        assert_type(outcome.value, int)


def outcomes_by_class(outcome: Outcome[str, int]) -> None:
    """So do `isinstance()` and `match`, which sees when one was forgotten."""
    if isinstance(outcome, Ok):
        assert_type(outcome.value, int)
    match outcome:
        case Ok(value):
            assert_type(value, int)
        case Failed(error, effect="none"):
            assert_type(error, BaseException)
        case Failed(error=error) | Unknown(error=error):
            assert_type(error, BaseException)
        case _:
            assert_never(outcome)
    match outcome.status:
        case "ok":
            assert_type(outcome.value, int)
        case "failed" | "unknown":
            assert_type(outcome.error, BaseException)


def reports(report: FanOutReport[str, int]) -> None:
    """The lists of a report hold one kind each, and an outcome of something is one of anything."""

    def show(outcomes: Sequence[Outcome[object, object]]) -> None: ...

    assert_type(report.outcomes, tuple[Outcome[str, int], ...])
    assert_type(report.ok, list[Ok[str, int]])
    assert_type([outcome.value for outcome in report.ok], list[int])
    assert_type(report.failed, list[Failed[str]])
    assert_type(report.unknown, list[Unknown[str]])
    show(report.outcomes)
    for bad in [*report.failed, *report.unknown]:
        assert_type(bad.error, BaseException)
        print(bad.status, bad.effect, bad.matches(RefoldError))
    for ended in [*report.ok, *report.failed]:
        print(ended.status, ended.effect, ended.error, ended.item)
    assert_type(report.to_dicts(status="failed"), list[dict[str, Any]])
    report.to_csv("failures.csv", status=["failed", "unknown"])
    report.to_csv("failures.csv", status="lost")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with OutcomeWriter("failures.csv") as failures:
        for outcome in report.outcomes:
            failures.write(outcome)


async def jobs(refold: AsyncRefold, ids: list[str]) -> None:
    """Jobs, their progress and their journal."""

    def show(progress: Progress) -> None:
        assert_type(progress.time_left, float | None)

    async def show_later(progress: Progress) -> None:
        assert_type(progress.done, int)

    journal = Journal("june.sqlite", job="june", results=True, durability="power")
    job = refold.fan_out_action(
        ids, "hubspot", "get_contact", into=Contact, journal=journal, key=str.lower, progress=show, stop_after=0.5
    )
    assert_type(job, FanOut[str, ActionResult[Contact]])
    job.stop()
    refold.fan_out_action(ids, "hubspot", "get_contact", progress=show_later, job_timeout=3600)
    refold.fan_out_action(ids, "hubspot", "get_contact", progress=True, retry_failed=True, journal=journal)
    assert_type(journal.summary(), JournalSummary)
    for entry in journal.entries(status="failed"):
        assert_type(entry, JournalEntry)
        assert_type(entry.effect, Effect | None)


async def jobs_in_parts(refold: AsyncRefold, ids: list[str]) -> None:
    """Jobs that several processes share, in a directory or in PostgreSQL."""
    for journal in (
        Journal("june", job="june", parts=16),
        PostgresJournal("service=refold", job="june", parts=256, schema="jobs", patience=60, lease=20, results=True),
        PostgresJournal(job="june", parts=256, dsn_file="dsn"),
    ):
        assert_type(journal, Journal | PostgresJournal)
        async for part in journal.claim():
            assert_type(part, JournalPart)
            assert_type(part.number, int)
            refold.fan_out_action(ids, "hubspot", "get_contact", journal=part)
            await part.close()
        assert_type(journal.summary().closed_parts, int)
        for entry in journal.entries(status="unknown"):
            assert_type(entry, JournalEntry)
        if isinstance(journal, PostgresJournal):
            await journal.create_schema()
            refold.fan_out(ids, count_actions, journal=journal)


async def reconciled(refold: AsyncRefold, account: AccountScope, rows: list[Row]) -> None:
    """Looks for writes that may have run."""

    async def look(scope: AccountScope, write: UnknownWrite) -> Finding:
        assert_type(write.key, str | None)
        assert_type(write.error, RefoldError)
        found = await scope.execute_action("hubspot", "search_contacts", {"query": write.key}, idempotent=True)
        return Done(found.data) if found.data else NOT_DONE if write.first_started_at else CANNOT_TELL

    async def forgetful(scope: AccountScope, write: UnknownWrite) -> None: ...

    reconcile = Reconcile(look, settle=30)
    created = await account.execute_action("hubspot", "create_contact", into=Contact, reconcile=reconcile)
    assert_type(created, ActionResult[Contact])
    assert_type(created.meta.reconciled, Literal["done", "sent_again"] | None)
    job = refold.fan_out_action(
        rows, "hubspot", "create_contact", account=lambda row: row.customer_id, reconcile=reconcile
    )
    for outcome in (await job.collect()).reconciled:
        assert_type(outcome.reconciled, Literal["done", "sent_again"] | None)
    Reconcile(look)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Reconcile(forgetful, settle=30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await account.execute_action("a", "b", save_to="x", reconcile=reconcile)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


async def count_actions(scope: AccountScope, item: str) -> int:
    """Call Refold for an item."""
    return len(await scope.list_actions("hubspot"))


async def options(refold: AsyncRefold, rows: list[Row], accounts: list[LinkedAccount]) -> None:
    """Functions among the options know the type of the items."""

    async def count(scope: AccountScope, row: Row) -> int:
        return len(row.customer_id)

    found = refold.fan_out(
        rows,
        count,
        account=lambda row: assert_type(row, Row).customer_id,
        key=lambda row: f"{row.customer_id}/{row.email}",
    )
    assert_type(found, FanOut[Row, int])
    refold.fan_out(rows, count, account=lambda row: refold.account(row.customer_id))
    refold.fan_out(rows, lambda scope, row: scope.list_actions(row.email), account=lambda row: accounts[0])
    structured = refold.fan_out_action(
        rows,
        "hubspot",
        "create_contact",
        lambda row: {"email": row.email},
        into=list[Contact],
        account=lambda row: row.customer_id,
        key=lambda row: row.email,
        timeout=Timeout(total=5),
        idempotent=True,
        skip_disconnected=True,
        concurrency=5,
        grace=math.inf,
        progress=lambda progress: print(progress.done),
    )
    assert_type(structured, FanOut[Row, ActionResult[list[Contact]]])


async def resources(refold: AsyncRefold, account: AccountScope) -> None:
    """What the resources give."""
    async for linked_account in refold.linked_accounts.list(connected_to="hubspot"):
        assert_type(linked_account, LinkedAccount)
        assert_type(linked_account.linked_account_id, str)
    everybody = refold.fan_out_action(refold.linked_accounts.list(), "hubspot", "get_contact", skip_disconnected=True)
    assert_type(everybody, FanOut[LinkedAccount, ActionResult[Any]])
    assert_type(await account.applications.list(), list[Application])
    assert_type((await account.applications.get("hubspot")).state, ConnectionState)
    assert_type([workflow.workflow_id async for workflow in account.workflows.list()], list[str])
    assert_type(await account.workflows.list_enabled(), list[EnabledWorkflow])
    assert_type(await account.run_workflow("w", slug="hubspot"), Execution)
    async for execution in account.executions.watch("e"):
        assert_type(execution.completion_percentage, float | None)
        assert_type(execution.nodes, list[ExecutionNode])
    assert_type(await refold.session_tokens.create("user_1"), SessionToken)
    listing = account.workflows.list()
    assert_type(listing, Listing[Workflow])
    async for page in listing.pages():
        assert_type(page, Page[Workflow])
        assert_type(page.docs, list[Workflow])
        assert_type(page.total_docs, int | None)
    assert_type(await listing.first(), Workflow | None)
    assert_type(await listing.collect(limit=5), list[Workflow])
    assert_type(account.applications.list(), AwaitableListing[Application])
    assert_type([action.tag async for action in account.list_actions("hubspot")], list[str | None])
    assert_type(await account.workflows.list_enabled().first(), EnabledWorkflow | None)
    async with asyncio.TaskGroup() as group:
        assert_type(group.create_task(account.list_actions("hubspot")), asyncio.Task[list[Action]])
    assert_type(
        await asyncio.gather(account.list_actions("a"), account.applications.list()),
        tuple[list[Action], list[Application]],
    )
    assert_type(await account.executions.response("e"), ExecutionResponse)
    assert_type((await account.executions.get("e")).associated_workflow, Reference | None)
    assert_type((await refold.linked_accounts.get("user_1")).udf, list[UserDefinedField])
    await account.workflows.create("Mine")
    await account.applications.list(ecosystem=True)


async def what_was_done(refold: AsyncRefold, account: AccountScope) -> None:
    """What is given of what was done."""
    assert_type(await account.executions.stop("e"), Confirmation)
    assert_type(await account.events.trigger("contact_created"), Confirmation)
    assert_type(await refold.linked_accounts.delete("user_1"), Confirmation)
    assert_type(await account.workflows.delete("w", environment="test"), WorkflowDeletion)
    assert_type(await refold.session_tokens.revoke("token"), TokenRevocation)
    assert_type(await refold.webhooks.delete("webhook"), list[WebhookSubscription] | None)


async def more_resources(refold: AsyncRefold, body: bytes) -> None:
    """What else the resources give."""
    assert_type(refold.session_tokens.account("user_1"), AccountScope)
    assert_type([webhook.webhook_id async for webhook in refold.webhooks.list()], list[str])
    event = webhooks.parse(body)
    assert_type(event, webhooks.WebhookEvent)
    signed = {webhooks.SIGNATURE_HEADER: webhooks.sign(body, "tk_test")}
    assert_type(webhooks.unwrap(body, signed, "tk_test"), webhooks.WebhookEvent)
    assert_type(webhooks.unwrap(body, CIMultiDict(signed), ["tk_test", "tk_old"]), webhooks.WebhookEvent)
    match event:
        case webhooks.ConnectionExpired():
            assert_type(event.slug, str)
        case webhooks.WorkflowErrored() | webhooks.WorkflowStopped() | webhooks.WorkflowTimedOut():
            assert_type(event.execution_id, str)
        case _:
            pass


def errors(error: RefoldError) -> None:
    """What errors carry."""
    assert_type(error.effect, Effect)
    assert_type(error.retry_after, float | None)
    assert_type(error.slug, str | None)
    assert_type(error.action_id, str | None)
    assert_type(error.meta, ResponseMeta)
    if isinstance(error, APIStatusError):
        assert_type(error.status_code, int)
    if isinstance(error, ActionFailedError):
        assert_type(error.result, ActionResult[Any] | None)
    if isinstance(error, WorkflowFailedError):
        assert_type(error.execution, WorkflowExecution | Execution | None)


async def settings() -> None:
    """Every setting, and the mock."""
    limiter: Limiter = Turnstile()
    AsyncRefold("tk", timeout=5, rate_limit=limiter)
    AsyncRefold("tk", rate_limit=OrderedTurnstile())
    accounts = RedisRateLimit(
        "redis://localhost", RateLimit(4), name="accounts", on_failure="local", local_share=0.5, timeout=2
    )
    async with RedisRateLimit("redis://localhost", RateLimit(20, burst=5), name="acme") as shared, accounts:
        AsyncRefold("tk", rate_limit=shared, account_rate_limit=accounts)
    RedisRateLimit("redis://localhost", RateLimit(20), name="acme", on_failure="fail")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with (
        MockRefold() as mock,
        AsyncRefold(
            "tk_test",
            base_url=mock.base_url,
            timeout=Timeout(total=60),
            retry=RetryPolicy(max_retries=0),
            rate_limit=RateLimit(20, burst=5),
            require_environment="test",
        ) as refold,
    ):
        assert_type(refold, AsyncRefold)
        assert_type(mock.requests, list[ReceivedRequest])


class Watcher:
    """An observer with every hook."""

    def on_call_start(self, call: CallStart) -> None:
        """See a call start."""
        assert_type(call.slug, str | None)
        assert_type(call.item_index, int | None)

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """See an attempt end."""
        assert_type(attempt.status, int | None)

    def on_retry(self, retry: Retry) -> None:
        """See why there is another."""
        assert_type(retry.delay, float)

    def on_call_end(self, end: CallEnd) -> None:
        """See a call end."""
        assert_type(end.effect, Effect)
        assert_type(end.error, type[BaseException] | None)

    def request_headers(self, call: CallStart) -> dict[str, str]:
        """Send something along."""
        return {"x-app": call.slug or ""}


class Ends:
    """An observer with one hook."""

    def on_call_end(self, end: CallEnd) -> None:
        """See a call end."""


class AsyncEnds:
    """No observer: its hook would not run."""

    async def on_call_end(self, end: CallEnd) -> None:
        """See nothing."""


def observers() -> None:
    """What a client takes as observers."""
    telemetry: Observer = OpenTelemetryObserver(account_ids=True)
    AsyncRefold("tk", observers=[Watcher(), Ends(), telemetry])
    AsyncRefold("tk", observers=(Ends(),))
    AsyncRefold("tk", observers=[object()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    AsyncRefold("tk", observers=[AsyncEnds()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    AsyncRefold("tk", observers=Ends())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def derived(refold: AsyncRefold, account: AccountScope) -> None:
    """Clients and scopes with other defaults are what they were."""
    assert_type(refold.with_options(timeout=5), AsyncRefold)
    assert_type(account.with_options(timeout=Timeout(total=5), retry=RetryPolicy(max_retries=0)), AccountScope)
    async with refold.with_options(retry=RetryPolicy()) as impatient:
        assert_type(impatient, AsyncRefold)
    refold.with_options(base_url="https://example.com")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def mistakes(refold: AsyncRefold, account: AccountScope) -> None:
    """What a type checker refuses; an unused comment here is an error of its own."""
    refold.account(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Timeout(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await account.execute_workflow("w")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    contact = await account.execute_action("hubspot", "x", into=Contact)
    contact.data.no_such_field  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018
    await account.workflows.delete("w", environment="staging")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await refold.linked_accounts.create("user_1", user_defined_fields={"seats": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await account.request("GET", "/x", into=bytes, save_to="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await account.request("GET", "/x", save_to=b"x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    contact.data = Contact("2")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def mistaken_options(refold: AsyncRefold, rows: list[Row]) -> None:
    """Options that are misspelled, of the wrong type, or another method's."""

    async def call(scope: AccountScope, row: Row) -> None: ...

    refold.fan_out(rows, call, concurency=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    refold.fan_out(rows, call, idempotent=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    refold.fan_out(rows, call, concurrency="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    refold.fan_out(rows, call, journal="june.sqlite")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    refold.fan_out(rows, call, key=lambda row: row.no_such_field)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    refold.fan_out(rows, call, account=lambda row: 5)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    refold.fan_out_action(rows, "hubspot", "x", concurency=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    refold.fan_out_action(rows, "hubspot", "x", idempotent="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    refold.fan_out_action(rows, "hubspot", "x", into=Contact, timeout="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    refold.fan_out_action(rows, "hubspot", "x", account=lambda row: 5)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
