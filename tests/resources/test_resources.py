"""Every call of every resource, as one table: what it sends, what it gives, and how it fails."""

import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final, Literal, cast

import attrs
import pytest

from contract.calls.groups import CALLS
from contract.reading import INDIRECT
from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AppConnectionTimeoutError,
    Application,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    Batch,
    ConfigurationError,
    Confirmation,
    ConflictError,
    ConnectUrl,
    EnabledWorkflow,
    Execution,
    ExecutionResponse,
    ExecutionTimeoutError,
    InternalServerError,
    LinkedAccount,
    NotFoundError,
    OAuthUrl,
    ParameterError,
    PermissionDeniedError,
    ReconnectRequiredError,
    Reference,
    RequestStructure,
    RetryPolicy,
    SessionToken,
    Timeout,
    TokenRevocation,
    UnprocessableEntityError,
    WebhookSubscription,
    Workflow,
    WorkflowDeletion,
    WorkflowVersion,
)
from refold_async.resources.resource import Resource
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, ReceivedRequest, Reset, RouteName, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

ACCOUNT: Final = "user_12345"
PUBLIC: Final = "/api/v2/public"
START: Final = datetime(2026, 6, 21, 10, 4, 11, tzinfo=UTC)
"""When everything in the mock was made."""

Kind = Literal["read", "write", "idempotent", "poll"]
FIRST_PAGE: Final[Mapping[str, str]] = {"page": "1", "limit": "100"}
HUBSPOT: Final[Mapping[str, Any]] = {"slug": "hubspot", "name": "HubSpot", "auth_type": "oauth2", "tags": ["CRM"]}
JANE: Final[Mapping[str, str]] = {"email": "jane@example.com"}
HOOK: Final = "https://example.com/hook"


def _kind_of(row: "Row") -> Kind:
    return "read" if row.sends.startswith("GET") else "write"


@attrs.frozen
class Row:
    """One call. In all its values, `{names}` stand for ids of what the test has made before."""

    name: str
    """Where it is, such as `executions.get`."""
    route: RouteName
    """What of the mock answers it."""
    sends: str
    """The method and the path it sends."""
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], kw_only=True)
    query: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True)
    headers: Mapping[str, str | None] = attrs.field(factory=dict[str, str | None], kw_only=True)
    """What it sends beside that which names the account."""
    body: Any = attrs.field(default=None, kw_only=True)
    """The JSON it sends; None for no body."""
    model: type = attrs.field(kw_only=True)
    """What it gives, or gives many of; a list where what is left comes of what there was."""
    gives: Mapping[str, Any] = attrs.field(factory=dict[str, Any], kw_only=True)
    """Fields of what it gives, or of the first of many."""
    by_token_alone: bool = attrs.field(default=False, kw_only=True)
    """Whether it takes no API key, so that one by key first fetches a token."""
    kind: Kind = attrs.field(default=attrs.Factory(_kind_of, takes_self=True), kw_only=True)
    """How it bears a lost response."""
    requests: int = attrs.field(default=1, kw_only=True)
    """How many requests it sends in all where it succeeds."""

    @property
    def for_organisation(self) -> bool:
        """Whether it is a call of the client, not of a scope."""
        return self.name.partition(".")[0] in {"linked_accounts", "session_tokens", "webhooks"}


WORKFLOW: Final = f"{PUBLIC}/workflow"
EXECUTION: Final = f"{PUBLIC}/execution"
LINKED_ACCOUNT: Final = f"{PUBLIC}/linked-account"
WEBHOOK: Final = f"{PUBLIC}/webhook"
TOKEN: Final = f"{PUBLIC}/session-token"
PAGE: Final = {"redirect_url": HOOK, "base_color": None}
"""What is kept with the link of a page."""
CREATED: Final = {"contact_id": "1510721", "created": True}
"""What the sample workflow gives back."""
TEST: Final = {"environment": "test"}
"""Sent with an API key, whose environment it is."""
ENDED: Final = {"execution_id": "{ended}", "status": "COMPLETED", "completion_percentage": 100.0}
THE_WEBHOOK: Final = {
    "webhook_url": HOOK,
    "webhook_events": ["Workflow Errored"],
    "webhook_type": "default",
    "is_enabled": True,
    "environment": "test",
    "created_at": START,
}

# fmt: off
ROWS: Final = (
    Row("applications.list", "list_applications", f"GET {PUBLIC}/application",
        model=Application, gives={**HUBSPOT, "connected": True, "reauth_required": False, "state": "connected"}),
    Row("applications.get", "get_application", f"GET {PUBLIC}/application/hubspot", ("hubspot",),
        model=Application, gives={**HUBSPOT, "type": "hubspot", "state": "connected"}),
    Row("applications.ensure_connected", "get_application", f"GET {PUBLIC}/application/hubspot", ("hubspot",),
        model=Application, gives={**HUBSPOT, "state": "connected"}),
    Row("applications.wait_connected", "get_application", f"GET {PUBLIC}/application/hubspot", ("hubspot",),
        model=Application, gives={**HUBSPOT, "state": "connected"}, kind="poll"),
    Row("applications.oauth_url", "get_oauth_url", f"GET {LINKED_ACCOUNT}/integration/oauth-url/hubspot", ("hubspot",),
        options={"fields": {"shop": "a b"}}, query={"shop": "a b"}, model=OAuthUrl),
    Row("applications.disconnect", "delete_integration", f"DELETE {LINKED_ACCOUNT}/integration/hubspot", ("hubspot",),
        options={"auth_type": "oauth2"}, query={"linked_account_id": ACCOUNT, "auth_type": "oauth2"},
        model=LinkedAccount, gives={"linked_account_id": ACCOUNT, "revision": 1}),
    Row("connect_url", "create_connect_url", f"POST {PUBLIC}/connect-url", (PAGE,), options={"config_id": "c 1"},
        query={"linked_account_id": ACCOUNT, "config_id": "c 1"}, body=PAGE, by_token_alone=True,
        model=ConnectUrl, kind="read"),
    Row("workflows.list_enabled", "list_enabled_workflows", f"GET {WORKFLOW}/enabled",
        model=EnabledWorkflow, gives={"workflow_id": SAMPLE_WORKFLOW_ID, "name": "Welcome a contact",
                                      "config_id": ACCOUNT}),
    Row("workflows.list", "list_workflows", f"GET {WORKFLOW}", query=FIRST_PAGE,
        model=Workflow, gives={"workflow_id": SAMPLE_WORKFLOW_ID, "slug": "hubspot", "published": True,
                               "workflow_alias": "welcome_contact", "created_at": START, "updated_at": START}),
    Row("workflows.get", "get_workflow", f"GET {WORKFLOW}/{SAMPLE_WORKFLOW_ID}", (SAMPLE_WORKFLOW_ID,),
        model=Workflow, gives={"workflow_id": SAMPLE_WORKFLOW_ID, "name": "Welcome a contact", "published": True}),
    Row("workflows.request_structure", "get_request_structure",
        f"GET {WORKFLOW}/request-structure/{SAMPLE_WORKFLOW_ID}", (SAMPLE_WORKFLOW_ID,),
        model=RequestStructure, gives={"payload": JANE}),
    Row("workflows.versions", "list_workflow_versions", f"GET {WORKFLOW}/versions/{{private}}", ("{private}",),
        query=FIRST_PAGE, model=WorkflowVersion, gives={"version": 1, "created_at": START}),
    Row("workflows.create", "create_workflow", f"POST {WORKFLOW}", ("Mine",),
        options={"slug": "hubspot", "description": "Ours"},
        body={"name": "Mine", "slug": "hubspot", "description": "Ours"},
        model=Workflow, gives={"name": "Mine", "slug": "hubspot", "description": "Ours", "published": False}),
    Row("workflows.get_draft", "get_workflow_draft", f"GET {WORKFLOW}/{{private}}/edit", ("{private}",),
        model=Workflow, gives={"workflow_id": "{draft}", "associated_workflow": "{private}", "published": False}),
    Row("workflows.publish", "publish_workflow", f"PUT {WORKFLOW}/{{draft}}/publish", ("{draft}",),
        headers=TEST, options={"version": 7, "description": "new"},
        body={"published": True, "version": 7, "description": "new"},
        model=Workflow, gives={"workflow_id": "{private}", "published": True}),
    Row("workflows.unpublish", "publish_workflow", f"PUT {WORKFLOW}/{{private}}/publish", ("{private}",),
        headers=TEST, body={"published": False},
        model=Workflow, gives={"workflow_id": "{private}", "published": False}),
    Row("workflows.delete", "delete_workflow", f"DELETE {WORKFLOW}/{{private}}", ("{private}",),
        headers=TEST, model=WorkflowDeletion),
    Row("executions.list", "list_executions", f"GET {EXECUTION}", options={"execution_id": "{ended}"},
        query={**FIRST_PAGE, "execution_id": "{ended}"}, model=Execution, gives={**ENDED, "nodes": []}),
    Row("executions.get", "get_execution", f"GET {EXECUTION}/{{ended}}", ("{ended}",),
        model=Execution, gives={**ENDED, "name": f"Execution for workflow {SAMPLE_WORKFLOW_ID}",
                                "linked_account_id": ACCOUNT,
                                "config_id": ACCOUNT, "environment": "test", "type_of_execution": "SYNC",
                                "is_final": True, "failed_nodes": []}),
    Row("executions.response", "get_execution_response", "GET /api/v1/execution/{ended}/response", ("{ended}",),
        model=ExecutionResponse, gives={"response": CREATED, "status": "COMPLETED"}),
    Row("executions.stop", "stop_execution", f"POST {EXECUTION}/{{running}}/stop", ("{running}",), model=Confirmation),
    Row("executions.rerun", "rerun_execution", f"POST {EXECUTION}/{{ended}}/rerun", ("{ended}",),
        model=Execution, gives={"status": "success", "is_final": False}),
    Row("executions.batches", "list_node_batches", f"GET {EXECUTION}/{{ended}}/nodes/batch/batches",
        ("{ended}", "batch"), query=FIRST_PAGE, model=Batch, gives={"status": "Success"}),
    Row("executions.wait", "get_execution", f"GET {EXECUTION}/{{ended}}", ("{ended}",),
        model=Execution, gives={**ENDED, "return_value": CREATED}, kind="poll", requests=2),
    Row("executions.watch", "get_execution", f"GET {EXECUTION}/{{ended}}", ("{ended}",),
        model=Execution, gives=ENDED, kind="poll"),
    Row("run_workflow", "execute_workflow", f"POST {WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", (SAMPLE_WORKFLOW_ID,),
        options={"slug": "hubspot", "payload": JANE, "config_id": "c 1", "instance_tag": "nightly",
                 "poll_interval": 0.01},
        headers={"slug": "hubspot", "config_id": "c 1", "instance_tag": "nightly"}, body={"payload": JANE},
        model=Execution, gives={"status": "COMPLETED", "config_id": "c 1", "linked_account_id": ACCOUNT,
                                "return_value": CREATED}),
    Row("events.trigger", "trigger_event", f"POST {PUBLIC}/event/trigger", ("contact_created", JANE),
        options={"slug": "hubspot", "config_id": "c 1", "instance_tag": "nightly"},
        headers={"slug": "hubspot", "config_id": "c 1", "instance_tag": "nightly"},
        body={"event": "contact_created", "payload": JANE}, model=Confirmation),
    Row("linked_accounts.list", "list_linked_accounts", f"GET {LINKED_ACCOUNT}", query=FIRST_PAGE,
        model=LinkedAccount, gives={"linked_account_id": ACCOUNT, "environment": "test", "created_at": START}),
    Row("linked_accounts.get", "get_linked_account", f"GET {LINKED_ACCOUNT}/ada%2B%C3%A9%40x%20%2F%201",
        ("ada+é@x / 1",), model=LinkedAccount, gives={"linked_account_id": "ada+é@x / 1", "updated_at": START}),
    Row("linked_accounts.create", "create_linked_account", f"POST {LINKED_ACCOUNT}", ("ada+é@x / 1",),
        options={"name": "Ada", "user_defined_fields": {"plan": "gold", "seats": "3"}},
        body={"linked_account_id": "ada+é@x / 1", "name": "Ada", "udf": {"plan": "gold", "seats": "3"}},
        model=LinkedAccount, gives={"linked_account_id": "ada+é@x / 1", "name": "Ada"}),
    Row("linked_accounts.upsert", "upsert_linked_account", f"PUT {LINKED_ACCOUNT}", (ACCOUNT,),
        options={"name": "Ada"}, body={"linked_account_id": ACCOUNT, "name": "Ada"},
        model=LinkedAccount, gives={"linked_account_id": ACCOUNT, "name": "Ada", "user_defined_fields": {}}),
    Row("linked_accounts.delete", "delete_linked_account", f"DELETE {LINKED_ACCOUNT}/{ACCOUNT}", (ACCOUNT,),
        model=Confirmation),
    Row("session_tokens.create", "create_session_token", f"POST {TOKEN}", (ACCOUNT,), options={"force_refresh": True},
        query={"force_refresh": "true"}, body={"linked_account_id": ACCOUNT},
        model=SessionToken, gives={"expires_in": 604800.0, "refresh_expires_in": 2592000.0}, kind="read"),
    Row("session_tokens.revoke", "revoke_session_token", f"POST {TOKEN}/revoke", ("{token}",),
        model=TokenRevocation, kind="idempotent"),
    Row("webhooks.create", "create_webhook", f"POST {WEBHOOK}", (HOOK, ("Workflow Errored",)),
        body={"webhook_url": HOOK, "webhook_events": ["Workflow Errored"], "webhook_type": "default"},
        model=WebhookSubscription, gives=THE_WEBHOOK),
    Row("webhooks.list", "list_webhooks", f"GET {WEBHOOK}",
        model=WebhookSubscription, gives={"webhook_id": "{webhook}", **THE_WEBHOOK}),
    Row("webhooks.get", "get_webhook", f"GET {WEBHOOK}/{{webhook}}", ("{webhook}",),
        model=WebhookSubscription, gives={"webhook_id": "{webhook}", **THE_WEBHOOK}),
    Row("webhooks.delete", "delete_webhook", f"DELETE {WEBHOOK}/{{webhook}}", ("{webhook}",), model=list),
)
# fmt: on

ASKED_FIRST: Final = {"create_session_token", "get_active_linked_account"}
"""What some calls send first, to have a token or to know whom it stands for."""
DONE: Final = (Confirmation, TokenRevocation, WorkflowDeletion, list)
"""What is given of what was done, of which the status alone tells."""
each_row_apart: Final = pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.by_token_alone or f"account.{row.name}" in INDIRECT],
    ids=lambda row: row.name,
)
"""Calls that send several requests; `tests/contract/test_failures.py` makes all others fail."""
NOT_IN_THE_TABLE: Final = {"session_tokens.account"}
"""It sends nothing, but gives a scope."""
TESTED_ELSEWHERE: Final = {
    *("list_actions", "get_action_parameters", "execute_action", "execute_workflow", "request", "tools"),
    *("account", "account_from_session_token", "fan_out", "fan_out_action", "with_options", "check", "aclose"),
}


class Ids(dict[str, str]):
    """What `{names}` stand for; those nobody has made stand for themselves."""

    def __missing__(self, name: str) -> str:
        return f"no-such-{name}"


def filled(value: Any, ids: Ids) -> Any:
    """Return `value` with ids in place of `{names}`."""
    if isinstance(value, str):
        return value.format_map(ids)
    if isinstance(value, tuple):
        return tuple(filled(part, ids) for part in cast("Sequence[Any]", value))
    if isinstance(value, Mapping):
        return {name: filled(part, ids) for name, part in cast("Mapping[str, Any]", value).items()}
    return value


async def made(refold: AsyncRefold, mock: MockRefold, row: Row | None = None) -> Ids:
    """Make what the rows are about: an ended and a running execution, a private workflow and its draft, a webhook."""
    token = mock.session_token(ACCOUNT)
    if row is not None and not re.search(r"{\w+}", f"{row.sends} {row.options} {row.gives}"):
        return Ids(token=token)

    @mock.catalogue.workflow("hubspot", "slow")
    async def slow(*_: object) -> None:  # pyright: ignore[reportUnusedFunction]
        await asyncio.Event().wait()

    account = refold.account(ACCOUNT)
    ended = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, sync=True)
    running = await account.execute_workflow("slow", slug="hubspot")
    draft = await account.workflows.create("Private", slug="hubspot")
    private = await account.workflows.publish(draft.workflow_id)
    webhook = await refold.webhooks.create(HOOK, ["Workflow Errored"])
    ids = Ids(
        ended=ended.execution_id,
        running=running.execution_id,
        draft=draft.workflow_id,
        private=private.workflow_id,
        webhook=webhook.webhook_id,
        token=token,
    )
    mock.clear()
    return ids


async def called(
    owner: AccountScope | AsyncRefold, name: str, args: tuple[Any, ...], options: Mapping[str, Any]
) -> Any:
    """Call a method by its name, and return what it gives: of what can be iterated over, a list."""
    target: Any = owner
    for part in name.split("."):
        target = getattr(target, part)
    result: AsyncIterable[Any] | Awaitable[Any] = target(*args, **options)
    if isinstance(result, AsyncIterable):
        return [doc async for doc in result]
    return await result


def first_of(result: Any) -> Any:
    """Return the first of a list, and anything else as it is."""
    return cast("Sequence[Any]", result)[0] if isinstance(result, list) else result


def sent_by(row: Row, mock: MockRefold) -> list[ReceivedRequest]:
    """Return what the mock received, but for what the row's call asked first."""
    return [request for request in mock.requests if request.route == row.route or request.route not in ASKED_FIRST]


def owner_of(row: Row, refold: AsyncRefold) -> AccountScope | AsyncRefold:
    """Return what the row's call is a call of: the client, or a scope by key."""
    return refold if row.for_organisation else refold.account(ACCOUNT)


async def call_row(row: Row, refold: AsyncRefold, ids: Ids, **more: Any) -> Any:
    """Make the row's call with the API key."""
    return await called(owner_of(row, refold), row.name, filled(row.args, ids), {**filled(row.options, ids), **more})


def test_the_table_has_every_public_call() -> None:
    """A method that is neither here nor among the calls of the contract is missing."""
    found: set[str] = set()
    refold = AsyncRefold("tk_test")
    for owner in (refold, refold.account(ACCOUNT)):
        for name, member in inspect.getmembers(owner):
            if isinstance(member, Resource) and not name.startswith("_"):
                methods = inspect.getmembers(member, inspect.ismethod)
                found |= {f"{name}.{method}" for method, _ in methods if not method.startswith("_")}
            elif inspect.ismethod(member) and not name.startswith("_") and name not in TESTED_ELSEWHERE:
                found.add(name)
    called_elsewhere = {call.method.partition(".")[2] for call in CALLS}
    assert found <= {row.name for row in ROWS} | NOT_IN_THE_TABLE | called_elsewhere
    assert {row.name for row in ROWS} <= found
    assert len({row.name for row in ROWS}) == len(ROWS)


BY_KEY_AND_TOKEN: Final = [
    (row, by) for row in ROWS for by in ("key", "token") if by == "key" or not row.for_organisation
]


@pytest.mark.parametrize(("row", "by"), BY_KEY_AND_TOKEN, ids=[f"{row.name}-{by}" for row, by in BY_KEY_AND_TOKEN])
async def test_what_it_sends_and_gives(mock: MockRefold, refold: AsyncRefold, row: Row, by: str) -> None:
    """The server sees the exact request, for either kind of authentication; the response comes typed, with `raw`."""
    ids = await made(refold, mock, row)
    owner, credentials = owner_of(row, refold), {"x-api-key": "tk_test", "linked_account_id": ACCOUNT}
    if by == "token" or row.name == "session_tokens.revoke":
        credentials = {"authorization": f"Bearer {ids['token']}"}
        if by == "token":
            owner = refold.account_from_session_token(ids["token"])
            row = attrs.evolve(row, headers={**row.headers, "environment": None})
    elif row.by_token_alone:
        credentials = {"authorization": f"Bearer {ids['token']}"}
    elif row.for_organisation:
        credentials = {"x-api-key": "tk_test"}
    result = await called(owner, row.name, filled(row.args, ids), filled(row.options, ids))
    request = mock.requests_to(row.route)[0]
    assert f"{request.method} {request.path}" == filled(row.sends, ids)
    assert request.query == filled(row.query, ids)
    usual = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length"}
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert {name: value for name, value in sent.items() if name not in usual} == {
        **credentials,
        **{name: value for name, value in row.headers.items() if value is not None},
    }
    assert ("content-type" in sent) == (row.body is not None)
    assert (request.json if request.body else None) == row.body
    if row.name != "run_workflow":
        assert len(sent_by(row, mock)) == row.requests
    if row.model in DONE:
        assert type(result) is row.model
        return
    first = first_of(result)
    assert [type(first)] == [row.model]
    assert {name: getattr(first, name) for name in row.gives} == filled(row.gives, ids)
    assert set(first.raw) & {
        *("_id", "id", "slug", "schema", "token", "batch_index", "response", "hosted_url", "auth_url")
    }


@each_row_apart
async def test_error_statuses(mock: MockRefold, refold: AsyncRefold, row: Row) -> None:
    """Each status that is final is its own error, after one request, and says that nothing happened."""
    kinds: dict[int, type[APIStatusError]] = {
        400: BadRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        422: UnprocessableEntityError,
    }
    if row.kind != "poll":
        kinds[501] = InternalServerError
    for status, kind in kinds.items():
        mock.clear()
        mock.script(Answer(status), route=row.route)
        with pytest.raises(kind, match=f"HTTP {status}") as caught:
            await call_row(row, refold, Ids())
        error, sent = caught.value, sent_by(row, mock)
        times = 2 if row.by_token_alone and status == 401 else 1  # once more with a new token
        assert (error.status_code, error.effect, error.attempts, len(sent)) == (status, "none", times, times)
        assert error.linked_account_id == (None if row.for_organisation else ACCOUNT)
        assert (error.method, error.url) == (sent[0].method, str(error.url))
        assert str(error.url).startswith(mock.base_url + sent[0].path)


@each_row_apart
async def test_a_wrong_key_or_none(row: Row) -> None:
    """A wrong key is refused and named, and without one nothing is sent; only to revoke a token takes no key."""
    async with MockRefold(api_keys={"tk_right"}) as mock:
        async with AsyncRefold("tk_wrong", base_url=mock.base_url) as refold:
            with pytest.raises(AuthenticationError, match="check it") as caught:
                await call_row(row, refold, Ids())
            assert (caught.value.effect, len(mock.requests)) == ("none", 1)
        if row.name != "session_tokens.revoke":
            async with AsyncRefold(base_url=mock.base_url) as refold:
                with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
                    await call_row(row, refold, Ids())
            assert len(mock.requests) == 1


@each_row_apart
@pytest.mark.parametrize("trouble", [Reset("after"), Answer(503)], ids=["lost", "503"])
async def test_a_lost_response(mock: MockRefold, refold: AsyncRefold, row: Row, trouble: Reset | Answer) -> None:
    """Reads are tried again and succeed; of a write nobody knows, and it is not sent again."""
    ids = await made(refold, mock, row)
    mock.script(trouble, route=row.route, calls=1)
    if row.kind == "write":
        error_class = APIConnectionError if isinstance(trouble, Reset) else InternalServerError
        with pytest.raises(error_class, match=r"may have run: check .* before you retry it") as caught:
            await call_row(row, refold, ids)
        assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("unknown", 1, 1)
        return
    result = await call_row(row, refold, ids)
    assert type(result) is row.model or [type(one) for one in result][:1] == [row.model]
    assert len(sent_by(row, mock)) == 1 + row.requests


@each_row_apart
async def test_a_call_that_hangs(mock: MockRefold, row: Row) -> None:
    """`timeout=` ends it, and says so; what cannot be a timeout is refused before anything is sent."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        with pytest.raises(ConfigurationError, match=r"total|timeout"):
            await call_row(row, refold, Ids(), timeout=0)
        assert not mock.requests
        await refold.linked_accounts.get(ACCOUNT)  # the connection is there when the time begins
        mock.script(Silence())
        with pytest.raises(TimeoutError) as caught:
            await call_row(row, refold, Ids(), timeout=0.1)
        polled = (ExecutionTimeoutError, AppConnectionTimeoutError)
        assert isinstance(caught.value, polled if row.kind == "poll" else APITimeoutError)
        changes_nothing = row.kind == "read" or isinstance(caught.value, AppConnectionTimeoutError)
        assert caught.value.effect == ("none" if changes_nothing else "unknown")
        limits = Timeout(attempt=0.02)
        if row.kind == "poll" or row.name == "run_workflow":  # its time is that of many calls
            with pytest.raises(ConfigurationError, match="timeout"):
                await call_row(row, refold, Ids(), timeout=limits)
        else:
            with pytest.raises(APITimeoutError, match=r"0\.02 seconds \(Timeout\.attempt\)"):
                await call_row(row, refold, Ids(), timeout=limits)


@attrs.frozen
class Failure:
    """One way in which Refold refuses a call."""

    name: str
    args: tuple[Any, ...]
    error: type[APIStatusError]
    says: str
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])


NOWHERE: Final = "nowhere"
THE_OTHERS: Final = r"nowhere.*workflows\.list"
# fmt: off
FAILURES: Final = (
    Failure("applications.get", ("no_app",), NotFoundError, r"'no_app'.*applications\.list"),
    *(Failure(f"applications.{name}", ("no_app",), NotFoundError, r"'no_app'.*applications\.list") for name in (
        "ensure_connected", "wait_connected", "oauth_url", "disconnect")),
    *(Failure(f"workflows.{name}", (NOWHERE,), NotFoundError, THE_OTHERS) for name in (
        "get", "request_structure", "versions", "get_draft", "publish", "unpublish", "delete")),
    Failure("workflows.create", ("Mine",), NotFoundError, "'no_app' not found", {"slug": "no_app"}),
    Failure("workflows.publish", (SAMPLE_WORKFLOW_ID,), BadRequestError, "Only drafts"),
    Failure("workflows.publish", ("{draft}",), BadRequestError, "Version 1 exists already", {"version": 1}),
    Failure("workflows.unpublish", ("{draft}",), BadRequestError, "can be unpublished"),
    *(Failure(f"executions.{name}", (NOWHERE,), NotFoundError, r"'nowhere'.*executions\.list") for name in (
        "get", "response", "stop", "rerun", "wait", "watch")),
    Failure("executions.stop", ("{ended}",), BadRequestError, "is not running"),
    Failure("executions.batches", (NOWHERE, "batch"), NotFoundError, r"'batch' of execution 'nowhere'"),
    Failure("executions.batches", ("{ended}", NOWHERE), NotFoundError, "'nowhere' of execution"),
    Failure("executions.batches", ("{ended}", "run"), InternalServerError, "HTTP 501.*not yet available"),
    Failure("run_workflow", (NOWHERE,), NotFoundError, "'nowhere'.*published", {"slug": "hubspot"}),
    Failure("run_workflow", (SAMPLE_WORKFLOW_ID,), NotFoundError, "published", {"slug": "slack"}),
    Failure("run_workflow", ("{draft}",), BadRequestError, "is not published", {"slug": "hubspot"}),
    Failure("events.trigger", (NOWHERE,), NotFoundError, "Trigger not found.*Console"),
    Failure("linked_accounts.get", (NOWHERE,), NotFoundError, r"'nowhere'.*linked_accounts\.list"),
    Failure("linked_accounts.delete", (NOWHERE,), NotFoundError, r"'nowhere'.*linked_accounts\.list"),
    Failure("linked_accounts.create", ("made",), BadRequestError, "already exists"),
    Failure("session_tokens.create", (NOWHERE,), BadRequestError, r"No linked account found.*linked_accounts\.upsert"),
    Failure("session_tokens.revoke", (NOWHERE,), AuthenticationError, "Invalid token"),
    Failure("webhooks.get", (NOWHERE,), NotFoundError, r"'nowhere'.*webhooks\.list"),
    Failure("webhooks.delete", (NOWHERE,), NotFoundError, r"'nowhere'.*webhooks\.list"),
    Failure("webhooks.create", ("ftp://example.com", ["Workflow Errored"]), BadRequestError, "webhook_url"),
    Failure("webhooks.create", (HOOK, ["No Event"]), BadRequestError, "Invalid event"),
)
# fmt: on


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"{failure.name}-{failure.error.__name__}")
async def test_what_refold_refuses(failure: Failure) -> None:
    """What Refold says comes out in an error of its kind, with what to do, after one request without effect."""
    async with (
        MockRefold(known_accounts_only=True) as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        mock.account(ACCOUNT)
        await refold.linked_accounts.create("made")
        ids = await made(refold, mock)
        row = next(row for row in ROWS if row.name == failure.name)
        with pytest.raises(failure.error, match=failure.says) as caught:
            await called(owner_of(row, refold), failure.name, filled(failure.args, ids), failure.options)
        assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("none", 1, 1)
        assert caught.value.error_code


async def test_an_account_that_does_not_exist() -> None:
    """Every call for it is refused."""
    async with MockRefold(known_accounts_only=True) as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        for row in ROWS:
            if not row.for_organisation:
                with pytest.raises(BadRequestError, match=ACCOUNT):
                    await call_row(row, refold, Ids())


async def test_a_connection_that_is_not_there(mock: MockRefold, account: AccountScope) -> None:
    """ensure_connected tells of a missing and of an expired connection; list and get tell the state."""
    for change, state, said in (
        (mock.account(ACCOUNT).disconnect, "connect", "has not connected"),
        (mock.account(ACCOUNT).expire, "reconnect", "no longer has working credentials"),
    ):
        change("hubspot")
        with pytest.raises(ReconnectRequiredError, match=f"{said}.*'hubspot'.*must {state}") as caught:
            await account.applications.ensure_connected("hubspot")
        assert (caught.value.effect, caught.value.linked_account_id, caught.value.attempts) == ("none", ACCOUNT, 1)
        assert (await account.applications.get("hubspot")).state == state
        (listed,) = await account.applications.list(slug="hubspot")
        assert listed.state == state
    assert listed.connected_accounts is not None
    assert (listed.connected_accounts[0].status, listed.connected_accounts[0].connected_at) == ("expired", START)


async def test_nodes_of_an_execution(mock: MockRefold, refold: AsyncRefold) -> None:
    """What became of each node comes typed."""
    ids = await made(refold, mock)
    nodes = (await refold.account(ACCOUNT).executions.get(ids["ended"])).nodes
    assert nodes is not None
    assert [(node.node_id, node.node_status, node.is_batch, node.attempts_made) for node in nodes] == [
        ("1", "Success", False, 1),
        ("batch", "Success", True, 1),
        ("run", "Success", False, 1),
    ]
    assert nodes[0].input_data == JANE
    assert nodes[-1].latest_output["created"] is True
    assert nodes[-1].raw["node_name"] == nodes[-1].node_name


async def test_fields_of_an_account(refold: AsyncRefold) -> None:
    """A linked account tells its own fields and its apps; upserting changes what is given and nothing else."""
    await refold.linked_accounts.create("made", name="Ada", user_defined_fields={"plan": "gold"})
    changed = await refold.linked_accounts.upsert("made", user_defined_fields={"seats": "3", "trial": "no"})
    assert changed.name == "Ada"
    assert changed.user_defined_fields == {"plan": "gold", "seats": "3", "trial": "no"}
    read = await refold.linked_accounts.get("made")
    assert [(app.slug, app.name, app.reauth_required) for app in read.integrations or ()] == [
        ("hubspot", "HubSpot", False),
        ("slack", "Slack", False),
    ]
    assert (read.connection_state("hubspot"), read.connection_state("no_app")) == ("connected", "connect")


async def test_a_lost_response_to_a_revocation(mock: MockRefold, refold: AsyncRefold) -> None:
    """The token is revoked though the response was lost; that Refold refuses it then is no error."""
    token = mock.session_token(ACCOUNT)
    mock.script(Reset("after"), route="revoke_session_token", calls=1)
    await refold.session_tokens.revoke(token)
    assert len(mock.requests) == 2
    with pytest.raises(AuthenticationError):
        await refold.account_from_session_token(token).list_actions("hubspot")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[5]", b'{"message": [1], "success": "yes", "more": [1]}', b'"ok"', b"<html>"]
)
async def test_what_refold_says_that_cannot_be_read(mock: MockRefold, refold: AsyncRefold, body: bytes) -> None:
    """Whatever Refold says of what it has done, it has done it: what cannot be read of it has no values."""
    mock.script(Answer(200, body=body))
    for row in ROWS:
        if row.model in DONE:
            # Of the webhooks that are left, an empty list would say that there are none.
            assert await call_row(row, refold, Ids()) == (None if row.model is list else row.model())


async def test_webhooks_that_are_left(mock: MockRefold, refold: AsyncRefold) -> None:
    """None where Refold does not tell, for an empty list says that there are none."""
    told: list[tuple[Any, list[str] | None]] = [
        ([], []),
        ({"docs": [{"_id": "left"}]}, ["left"]),
        ([{"url": "no id"}], None),
        ({"message": "done"}, None),
    ]
    for answer, left in told:
        mock.clear()
        mock.script(Answer(200, json=answer))
        webhooks = await refold.webhooks.delete("w")
        assert (None if webhooks is None else [webhook.webhook_id for webhook in webhooks]) == left


DONE_ROWS: Final = [row for row in ROWS if row.model in DONE]


@pytest.mark.parametrize("row", DONE_ROWS, ids=lambda row: row.name)
async def test_what_refold_says_of_what_it_has_done(mock: MockRefold, refold: AsyncRefold, row: Row) -> None:
    """It comes typed, with Refold's id of the request."""
    said: dict[type, Any] = {
        Confirmation: {"message": "done", "success": True},
        TokenRevocation: {"success": True, "revoked_count": 1},
        WorkflowDeletion: {"success": True, "message": "done", "triggers_deregistered": False},
        list: [{"_id": "left"}],
    }
    mock.script(Answer(200, json=said[row.model]))
    result = await call_row(row, refold, Ids())
    if row.model is list:
        assert [(one.webhook_id, bool(one.request_id)) for one in result] == [("left", True)]
        return
    assert {name: getattr(result, name) for name in said[row.model]} == said[row.model]
    assert result.raw == said[row.model]
    assert result.request_id


async def test_triggers_that_are_left(mock: MockRefold, account: AccountScope) -> None:
    """Whether the triggers of a deleted workflow are gone goes by two names."""
    for name in ("triggers_deregistered", "successfullyDeletedTriggers"):
        mock.clear()
        mock.script(Answer(200, json={name: False}))
        assert (await account.workflows.delete("w")).triggers_deregistered is False


# What Refold may answer: fields it leaves out, names it has for the same, fields it adds.


NOTHING: Final[Mapping[str, Any]] = {}
LATER: Final = {"added_later": {"a": [1]}}
# fmt: off
BODIES: Final[Sequence[tuple[str, Any, str, Any]]] = (
    ("applications.get", {"slug": "a"}, "state", "connect"),
    ("applications.get", {"slug": "a", "connected": True, "reauth_required": True}, "state", "reconnect"),
    ("applications.list", [{"slug": "a", "tags": None, "connected_accounts": None}], "slug", "a"),
    ("applications.list", {"docs": [{"slug": "a"}]}, "slug", "a"),
    ("applications.get", {"slug": "a", "connected_accounts": [{"identifier": {"id": 5}}]}, "connected_accounts",
     "[ConnectedAccount(identifier={'id': 5}, connected_at=None, status=None, auth_type=None, connection_id=None)]"),
    ("workflows.list_enabled", [{"id": "a", "application": {"slug": "hubspot", "name": "HubSpot"}}], "application",
     Reference(name="HubSpot")),
    ("workflows.get", {"_id": "a"}, "workflow_id", "a"),
    ("workflows.get", {"id": "a"}, "workflow_id", "a"),
    ("workflows.get", {"_id": "a", "id": "b"}, "workflow_id", "a"),
    ("workflows.list", {"docs": [{"_id": "a"}]}, "workflow_id", "a"),
    ("workflows.list", [{"_id": "a"}], "workflow_id", "a"),
    ("workflows.list_enabled", [{"_id": "a"}], "workflow_id", "a"),
    ("workflows.list_enabled", [{"id": "a", "_id": "b"}], "workflow_id", "a"),
    ("workflows.versions", {"docs": [{"version": 3}]}, "version", 3),
    ("workflows.request_structure", NOTHING, "schema", None),
    ("workflows.request_structure", {"payload": None, "schema": None, "schema_interpreted": True}, "schema_interpreted",
     True),
    ("executions.get", NOTHING, "execution_id", "no-such-ended"),
    ("executions.get", {"id": "a"}, "execution_id", "a"),
    ("executions.get", {"execution_id": "a"}, "execution_id", "a"),
    ("executions.get", {"status": "PONDERING"}, "is_final", False),
    ("executions.get", {"completion_percentage": 12.5}, "completion_percentage", 12.5),
    ("executions.get", {"createdAt": "Tue, 07 Nov 2023 08:03:27 GMT"}, "created_at",
     datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
    ("executions.get", {"createdAt": "2023-11-07T08:03:27"}, "created_at", datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
    ("executions.get", {"createdAt": "yesterday"}, "created_at", None),
    ("executions.get", {"createdAt": 1700000000}, "created_at", None),
    ("executions.rerun", {"status": "RUNNING", "id": "a"}, "execution_id", "a"),
    ("executions.batches", {"docs": [NOTHING]}, "status", None),
    ("linked_accounts.get", {"account_id": "a"}, "linked_account_id", "a"),
    ("linked_accounts.get", {"linked_account_id": "a", "integrations": None, "udf": None}, "integrations", None),
    ("linked_accounts.list", {"docs": [{"account_id": "a"}]}, "linked_account_id", "a"),
    ("session_tokens.create", {"token": "a"}, "expires_in", None),
    ("webhooks.create", {"id": "a"}, "webhook_id", "a"),
    ("webhooks.list", {"docs": [{"_id": "a"}]}, "webhook_id", "a"),
    ("webhooks.list", [{"_id": "a"}], "webhook_id", "a"),
)
# fmt: on


@pytest.mark.parametrize(("name", "body", "field", "value"), BODIES)
async def test_responses_that_differ_from_the_documents(
    mock: MockRefold, refold: AsyncRefold, name: str, body: Any, field: str, value: object
) -> None:
    """What is missing is None, what has another name is found, what is new is in `raw`."""

    def with_more(doc: Mapping[str, Any]) -> dict[str, Any]:
        return {**doc, **LATER}

    row = next(row for row in ROWS if row.name == name)
    if isinstance(body, list):
        body = list(map(with_more, cast("Sequence[Any]", body)))
    elif "docs" in body:
        body = {"docs": [with_more(doc) for doc in body["docs"]]}
    else:
        body = with_more(body)
    mock.script(Answer(200, json=body))
    result = await call_row(row, refold, Ids())
    first = first_of(result)
    assert [type(first)] == [row.model]
    found = getattr(first, field)
    assert (repr(found) if isinstance(value, str) and value.startswith("[") else found) == value
    assert first.raw["added_later"] == {"a": [1]}


@each_row_apart
async def test_responses_that_cannot_be_read(mock: MockRefold, refold: AsyncRefold, row: Row) -> None:
    """A response of another shape is told so, once: a write may have happened."""
    for body in (b"", b"<html>", b'"text"', b"[5]", b'{"docs": 5, "schema": '):
        mock.clear()
        mock.script(Answer(200, body=body), route=row.route)
        if row.kind == "poll":  # which looks again, for it may have been a gateway's
            polling = asyncio.create_task(call_row(row, refold, Ids(), timeout=300, poll_interval=0.01))
            await until(lambda: len(mock.requests) >= 3)
            polling.cancel()
            await asyncio.wait([polling])
            assert polling.cancelled()
            continue
        with pytest.raises(APIResponseValidationError, match="cannot be read") as caught:
            await call_row(row, refold, Ids())
        assert caught.value.effect == ("none" if row.kind in {"read", "poll"} else "unknown")
        assert len(sent_by(row, mock)) == 1


# How filters are spelled


MOMENT: Final = datetime(2026, 6, 21, 12, 4, 11, 123456, tzinfo=timezone(timedelta(hours=2)))
DAYS: Final = {"start_date": MOMENT, "end_date": date(2026, 6, 22)}
DAYS_SENT: Final = {"start_date": "2026-06-21T10:04:11.123Z", "end_date": "2026-06-22"}
# fmt: off
FILTERS: Final[tuple[tuple[str, Mapping[str, Any], Mapping[str, str]], ...]] = (
    ("applications.list", {"slug": "hub spot", "tags": "CRM", "auth_type": "a&b=c", "ecosystem": True},
     {"slug": "hub spot", "tags": "CRM", "auth_type": "a&b=c", "ecosystem": "true"}),
    ("applications.list", {"tags": ["CRM", "Säles"]}, {"tags": "CRM,Säles"}),
    ("applications.list", {"ecosystem": False}, {"ecosystem": "false"}),
    ("applications.list", {"tags": None, "slug": None, "ecosystem": None}, {}),
    ("workflows.list", {"slug": "hubspot", "name": "wel+come", "published": False, "application_id": "a",
                        "scope": "private", **DAYS, "page_size": 7},
     {"page": "1", "limit": "7", "slug": "hubspot", "name": "wel+come", "published": "false", "application_id": "a",
      "scope": "private", **DAYS_SENT}),
    ("workflows.list", {"published": True, "start_date": "2026-01-01"},
     {**FIRST_PAGE, "published": "true", "start_date": "2026-01-01"}),
    ("workflows.list", {"slug": None, "published": None, "end_date": None}, FIRST_PAGE),
    ("executions.list", {"slug": "s", "status": "ERRORED", "workflow_id": "w", "workflow_name": "n",
                         "execution_id": "e", **DAYS, "execution_type": "ASYNC", "execution_source": "API Call",
                         "oldest_first": True, "page_size": 1},
     {"page": "1", "limit": "1", "slug": "s", "status": "ERRORED", "workflow_id": "w", "workflow_name": "n",
      "execution_id": "e", **DAYS_SENT, "execution_type": "ASYNC", "execution_source": "API Call", "sortAsc": "true"}),
    ("executions.list", {"oldest_first": False, "start_date": START},
     {**FIRST_PAGE, "sortAsc": "false", "start_date": "2026-06-21T10:04:11.000Z"}),
    ("executions.list", {"oldest_first": None}, FIRST_PAGE),
    ("executions.batches", {"status": "Success", "page_size": 5}, {"page": "1", "limit": "5", "status": "Success"}),
    ("workflows.versions", {"page_size": 2}, {"page": "1", "limit": "2"}),
    ("linked_accounts.list", {"page_size": 1000}, {"page": "1", "limit": "1000"}),
    ("linked_accounts.list", {"connected_to": "hubspot"}, FIRST_PAGE),
    ("webhooks.list", {"page_size": 2}, {"page": "1", "limit": "2"}),
    ("session_tokens.create", {"force_refresh": False}, {}),
)
# fmt: on


@pytest.mark.parametrize(("name", "options", "query"), FILTERS)
async def test_filters_on_the_wire(
    mock: MockRefold, refold: AsyncRefold, name: str, options: Mapping[str, Any], query: Mapping[str, str]
) -> None:
    """Each filter goes out under Refold's name and in Refold's spelling; None is left out."""
    row = next(row for row in ROWS if row.name == name)
    mock.script(Answer(200, json={"token": "t"} if name == "session_tokens.create" else []))
    await called(owner_of(row, refold), name, row.args, options)
    assert mock.requests[0].query == query


async def test_filters_filter(mock: MockRefold, refold: AsyncRefold) -> None:
    """What a filter leaves out does not come."""
    ids = await made(refold, mock)
    account = refold.account(ACCOUNT)
    assert [run.execution_id async for run in account.executions.list(status="RUNNING")] == [ids["running"]]
    oldest_first = [run.execution_id async for run in account.executions.list(oldest_first=True, page_size=1)]
    assert oldest_first == [ids["ended"], ids["running"]]
    assert [run async for run in account.executions.list(start_date=START + timedelta(days=1))] == []
    assert [flow.workflow_id async for flow in account.workflows.list(scope="private")] == [ids["private"]]
    assert [app.slug for app in await account.applications.list(tags=["CRM", "none"])] == ["hubspot"]


# What is refused before anything is sent


BAD_IDS: Final[tuple[Any, ...]] = ("", "a\nb", "\x00", "\ud800", "..", None, 5, b"a", ["a"])
BAD_HEADERS: Final[tuple[Any, ...]] = ("", " a", "a\r\nb", "\ud800", 5)
BAD_PAGE_SIZES: Final[tuple[Any, ...]] = (0, -1, True, 1.5, "10", None)
BAD_SECONDS: Final[tuple[Any, ...]] = (0, -1, float("nan"), "5", True, None)
BAD_FILTERS: Final[tuple[Any, ...]] = (object(), float("nan"), "\ud800", {"a": 1})
NAIVE: Final = datetime(2026, 6, 21)


BadCall = tuple[str, str, tuple[Any, ...], Callable[[Any], tuple[tuple[Any, ...], Mapping[str, Any]]]]


def option(name: str, argument: str, values: tuple[Any, ...]) -> BadCall:
    """Return what is refused of a keyword of a row's call."""
    row = next(row for row in ROWS if row.name == name)
    return name, argument, values, lambda value: (row.args, {**row.options, argument: value})


def only(name: str, argument: str, values: tuple[Any, ...], **options: Any) -> BadCall:
    """Return what is refused of the one positional argument of a call."""
    return name, argument, values, lambda value: ((value,), options)


# fmt: off
BAD: Final[tuple[BadCall, ...]] = (
    *(only(f"workflows.{name}", "workflow_id", BAD_IDS) for name in (
        "get", "request_structure", "versions", "get_draft", "unpublish", "delete")),
    *(only(f"executions.{name}", "execution_id", BAD_IDS) for name in (
        "get", "response", "stop", "rerun", "wait", "watch")),
    ("executions.batches", "execution_id", BAD_IDS, lambda value: ((value, "batch"), {})),
    ("executions.batches", "node_id", BAD_IDS, lambda value: (("x", value), {})),
    only("run_workflow", "workflow_id", BAD_IDS, slug="hubspot"),
    only("applications.get", "slug", BAD_IDS),
    only("applications.ensure_connected", "slug", BAD_IDS),
    only("linked_accounts.get", "linked_account_id", BAD_IDS),
    only("linked_accounts.delete", "linked_account_id", BAD_IDS),
    only("linked_accounts.create", "linked_account_id", (*BAD_HEADERS, None)),
    only("linked_accounts.upsert", "linked_account_id", (*BAD_HEADERS, None)),
    only("session_tokens.create", "linked_account_id", (*BAD_HEADERS, None)),
    only("session_tokens.revoke", "session_token", BAD_HEADERS),
    only("webhooks.get", "webhook_id", BAD_IDS),
    only("webhooks.delete", "webhook_id", BAD_IDS),
    ("webhooks.create", "webhook_url", (*BAD_HEADERS, None), lambda value: ((value, ["a"]), {})),
    ("webhooks.create", "webhook_events", ("Workflow Errored", [], None), lambda value: ((HOOK, value), {})),
    option("webhooks.create", "webhook_type", (*BAD_HEADERS, None)),
    *(option("webhooks.create", name, BAD_HEADERS) for name in ("slug", "group")),
    *(option("webhooks.create", name, (5, b"a")) for name in ("description", "webhook_description")),
    option("webhooks.create", "webhook_headers", ("a", ["a"], {"a": 5}, {"a": "b\n"}, {"": "a"})),
    option("webhooks.create", "workflow_ids", ("a", 5, [5], [""])),
    option("webhooks.create", "method", ("GET", "post", 5, "")),
    option("webhooks.create", "is_enabled", ("yes", 1)),
    *(option(f"linked_accounts.{name}", "user_defined_fields", (["a"], "a", {"a": 5}, {"a": None}, {5: "a"}))
      for name in ("create", "upsert")),
    *(option(f"workflows.{name}", "environment", ("", "Test", "staging", 5, True))
      for name in ("publish", "unpublish", "delete")),
    only("workflows.create", "name", (*BAD_HEADERS, None), slug="hubspot"),
    option("workflows.create", "slug", BAD_HEADERS),
    only("events.trigger", "event", ("", None, 5)),
    *(option("events.trigger", name, BAD_HEADERS) for name in ("slug", "config_id", "instance_tag")),
    option("run_workflow", "slug", (*BAD_HEADERS, None)),
    *(option("run_workflow", name, BAD_HEADERS) for name in ("config_id", "instance_tag")),
    *(option(name, "timeout", BAD_SECONDS) for name in ("run_workflow", "executions.wait", "executions.watch")),
    *(option(name, "poll_interval", BAD_SECONDS) for name in ("executions.wait", "executions.watch")),
    *(option(row.name, "page_size", BAD_PAGE_SIZES) for row in ROWS if "limit" in row.query),
    *(option(name, argument, (NAIVE, *BAD_FILTERS))
      for name in ("workflows.list", "executions.list") for argument in ("start_date", "end_date")),
    *(option("workflows.list", name, BAD_FILTERS) for name in ("slug", "name", "published", "application_id", "scope")),
    *(option("executions.list", name, BAD_FILTERS) for name in (
        "slug", "status", "workflow_id", "workflow_name", "execution_id", "execution_type", "execution_source")),
    option("executions.batches", "status", BAD_FILTERS),
    *(option("applications.list", name, BAD_FILTERS) for name in ("slug", "auth_type", "ecosystem")),
    option("linked_accounts.list", "connected_to", BAD_HEADERS),
    option("session_tokens.create", "force_refresh", ("yes", 1, None)),
)
# fmt: on


@pytest.mark.parametrize(("name", "argument", "values", "call"), BAD, ids=[f"{bad[0]}-{bad[1]}" for bad in BAD])
async def test_bad_arguments(
    name: str,
    argument: str,
    values: tuple[Any, ...],
    call: Callable[[Any], tuple[tuple[Any, ...], Mapping[str, Any]]],
) -> None:
    """What cannot be sent, or would become something else, is refused by its name before anything is sent."""
    row = next(row for row in ROWS if row.name == name)
    refold = AsyncRefold("tk_test", base_url="http://127.0.0.1:1")  # where nobody listens
    for value in values:
        args, options = call(value)
        with pytest.raises(ConfigurationError, match=argument) as caught:
            await called(owner_of(row, refold), name, args, options)
        assert (caught.value.effect, caught.value.attempts) == ("none", 0), value


async def test_bodies_that_are_no_json(mock: MockRefold, refold: AsyncRefold) -> None:
    """A field that JSON cannot hold is named, and nothing is sent."""
    account = refold.account(ACCOUNT)
    for call, said in (
        (account.events.trigger("contact_created", {"a": float("nan")}), r"payload\.a"),
        (account.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=object()), "payload"),
        (refold.webhooks.create(HOOK, ["Workflow Errored"], webhook_body={"a": object()}), r"webhook_body\.a"),
    ):
        with pytest.raises(ParameterError, match=said):
            await call
    assert not mock.requests


async def test_lists_tell_bad_arguments_at_once(refold: AsyncRefold) -> None:
    """A list that is never iterated over tells all the same what is wrong with it."""
    account = refold.account(ACCOUNT)
    lists: list[Callable[[], AsyncGenerator[Any, None]]] = [
        lambda: account.executions.list(page_size=0),
        lambda: account.executions.batches("", "batch"),
        lambda: account.workflows.list(start_date=NAIVE),
        lambda: refold.linked_accounts.list(connected_to=""),
    ]
    for make in lists:
        with pytest.raises(ConfigurationError):
            make()


async def test_everything_a_webhook_may_be_made_with(mock: MockRefold, refold: AsyncRefold) -> None:
    """Each option goes out under Refold's name, as it is."""
    options: dict[str, Any] = {
        "webhook_type": "custom",
        "description": "for sales",
        "webhook_description": "for sales",
        "webhook_headers": {"X-Team": "sales"},
        "webhook_body": {"event": "{{event}}"},
        "method": "PUT",
        "slug": "hubspot",
        "workflow_ids": ["w"],
        "group": "sales",
        "is_enabled": False,
    }
    mock.script(Answer(200, json={"_id": "a", **options}))
    made = await refold.webhooks.create(HOOK, ["Workflow Stopped", "Workflow Timed Out"], **options)
    assert mock.requests[0].json == {
        "webhook_url": HOOK,
        "webhook_events": ["Workflow Stopped", "Workflow Timed Out"],
        **options,
    }
    assert {name: getattr(made, name) for name in options} == options


async def test_the_environment_of_a_private_workflow(mock: MockRefold) -> None:
    """It is that of the key, or the one that is named; a session token tells by itself."""
    mock.script(Answer(200, json={"_id": "a"}))
    seen: list[str | None] = []
    for key, environment in (("tk_a", None), ("pk_a", None), ("tk_a", "production"), ("xx_a", None), ("xx_a", "test")):
        async with AsyncRefold(key, base_url=mock.base_url) as refold:
            for scope in (refold.account(ACCOUNT), refold.account_from_session_token("token")):
                await scope.workflows.publish("d", environment=cast("Any", environment))
                seen.append(mock.requests[-1].headers.get("environment"))
    assert seen == ["test", None, "production", None, "production", "production", None, None, "test", "test"]


async def test_a_payload_that_says_nothing(mock: MockRefold, account: AccountScope) -> None:
    """Without a payload an event has none; an empty one goes out as it is."""
    await account.events.trigger("contact_created")
    await account.events.trigger("contact_created", {})
    assert [request.json for request in mock.requests] == [
        {"event": "contact_created"},
        {"event": "contact_created", "payload": {}},
    ]
    assert [fired.payload for fired in mock.events] == [None, {}]


async def test_a_private_workflow_from_draft_to_end(mock: MockRefold, account: AccountScope) -> None:
    """Made, published, run, changed, taken back and deleted; nobody else has it."""
    workflows = account.workflows
    draft = await workflows.create("Mine", slug="hubspot")
    assert [version async for version in workflows.versions(draft.workflow_id)] == []
    published = await workflows.publish(draft.workflow_id)
    run = await account.run_workflow(published.workflow_id, slug="hubspot", payload={"a": 1}, poll_interval=0.01)
    assert run.status == "COMPLETED"
    again = await workflows.publish((await workflows.get_draft(published.workflow_id)).workflow_id)
    assert again.workflow_id == published.workflow_id
    assert [version.version async for version in workflows.versions(published.workflow_id)] == [2, 1]
    await workflows.unpublish(published.workflow_id)
    with pytest.raises(BadRequestError, match="not published"):
        await account.run_workflow(published.workflow_id, slug="hubspot")
    await workflows.delete(published.workflow_id)
    with pytest.raises(NotFoundError):
        await workflows.get(published.workflow_id)
