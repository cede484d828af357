"""The four calls and request() against the mock, for both kinds of authentication."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Any, Final

import attrs
import pytest

from refold_async import (
    AccountScope,
    Action,
    ActionFailedError,
    ActionParameter,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    ParameterError,
    PermissionDeniedError,
    RateLimitError,
    ReconnectRequiredError,
    RefoldError,
    RetryPolicy,
    WorkflowFailedError,
)
from refold_async.testing import (
    Answer,
    Delay,
    Errored,
    ExpiredConnection,
    MockRefold,
    Silence,
    Trouble,
    Truncated,
    WorkflowAnswer,
    WorkflowContext,
)
from support.retry_policies import IMPATIENT

ID = "ada+é@example.com / 本社 " + "x" * 180


@pytest.fixture(params=["key", "token"])
async def either(request: pytest.FixtureRequest, mock: MockRefold, refold: AsyncRefold) -> AsyncIterator[AccountScope]:
    """A scope by API key and linked account id, then one by session token."""
    if request.param == "key":
        yield refold.account("user_12345")
    else:
        yield refold.account_from_session_token(mock.session_token("user_12345"), linked_account_id="user_12345")


@attrs.frozen
class Created:
    """What create_contact gives."""

    id: str
    createdAt: str  # noqa: N815 - the app's name for it


async def test_list_actions(either: AccountScope) -> None:
    """The actions come as models."""
    actions = await either.list_actions("hubspot")
    assert all(type(action) is Action for action in actions)
    assert {"get_contact", "create_contact"} <= {action.action_id for action in actions}
    assert all(action.raw["action_id"] == action.action_id for action in actions)


async def test_list_actions_of_no_app(either: AccountScope) -> None:
    """An unknown app is named, with what to do."""
    with pytest.raises(NotFoundError, match=r"'no_app'.*list_actions") as caught:
        await either.list_actions("no_app")
    assert caught.value.status_code == 404


async def test_get_action_parameters(either: AccountScope) -> None:
    """The parameters come as a sequence that checks values."""
    parameters = await either.get_action_parameters("hubspot", "create_contact")
    email = next(parameter for parameter in parameters if parameter.name == "email")
    assert type(email) is ActionParameter
    assert email.required
    assert len(parameters) == len(list(parameters)) > 1
    parameters.validate({"email": "jane@example.com"})
    with pytest.raises(ParameterError, match="did you mean 'email'"):
        parameters.validate({"emial": "jane@example.com"})


async def test_get_action_parameters_of_no_action(either: AccountScope) -> None:
    """An unknown action is named, with what to do."""
    with pytest.raises(NotFoundError, match=r"'no_such_action' of app 'hubspot'.*list_actions"):
        await either.get_action_parameters("hubspot", "no_such_action")


async def test_execute_action(either: AccountScope, mock: MockRefold) -> None:
    """What a write creates, a read gives back; the parameters are the body."""
    created = await either.execute_action("hubspot", "create_contact", {"email": "jane@example.com"}, into=Created)
    assert created.node_status == "Success"
    assert mock.requests[-1].json == {"email": "jane@example.com"}
    found = await either.execute_action("hubspot", "get_contact", {"email": "jane@example.com"})
    assert created.data.id in str(found.data)
    await either.execute_action("hubspot", "get_contact")
    assert mock.requests[-1].json == {}


async def test_authentication_on_the_wire(mock: MockRefold, refold: AsyncRefold) -> None:
    """A key goes with the linked account's id; a token replaces both."""
    await refold.account(ID).list_actions("hubspot")
    by_key = mock.requests[-1]
    assert by_key.linked_account_id == ID
    assert by_key.headers["x-api-key"] == "tk_test"
    assert "Authorization" not in by_key.headers
    token = mock.session_token(ID)
    scope = refold.account_from_session_token(token)
    assert scope.linked_account_id is None
    await scope.list_actions("hubspot")
    by_token = mock.requests[-1]
    assert by_token.headers["Authorization"] == f"Bearer {token}"
    assert by_token.linked_account_id == ID
    assert not {"x-api-key", "linked_account_id", "Cookie"} & set(by_token.headers)


async def test_execute_workflow_asynchronously(either: AccountScope, mock: MockRefold) -> None:
    """An asynchronous start sends the seed's body and is told the execution's id, which then completes."""
    run = await either.execute_workflow("workflow_id", slug="hubspot", payload={"email": "jane@example.com"})
    assert run.message == "Workflow execution started"
    request = mock.requests[-1]
    assert request.json == {"payload": {"email": "jane@example.com"}}
    assert request.headers["slug"] == "hubspot"
    assert not {"sync_execution", "config_id", "instance_tag", "include-headers"} & set(request.headers)
    status = None
    async with asyncio.timeout(10):
        while status != "COMPLETED":
            await asyncio.sleep(0.02)
            execution = await either.request("GET", f"/api/v2/public/execution/{run.execution_id}")
            status = execution["status"]


async def test_execute_workflow_synchronously(either: AccountScope, mock: MockRefold) -> None:
    """A synchronous run gives what the workflow returns; every option reaches its header."""
    run = await either.execute_workflow(
        "workflow_id",
        slug="hubspot",
        body={"email": "jane@example.com"},
        sync=True,
        config_id="user_12345",
        instance_tag="nightly",
        include_headers=True,
    )
    assert run.execution_id
    assert run.return_value is not None
    request = mock.requests[-1]
    assert request.json == {"email": "jane@example.com"}
    for name, value in {
        "sync_execution": "true",
        "config_id": "user_12345",
        "instance_tag": "nightly",
        "include-headers": "true",
    }.items():
        assert request.headers[name] == value


async def test_execute_workflow_that_is_not_there(either: AccountScope) -> None:
    """An unknown workflow is named, with what to do."""
    with pytest.raises(NotFoundError, match=r"'no_such_workflow'.*published"):
        await either.execute_workflow("no_such_workflow", slug="hubspot")


@pytest.mark.parametrize("status", [200, 201, 302, 404, 429, 500])
async def test_a_synchronous_workflow_sets_its_own_status(account: AccountScope, mock: MockRefold, status: int) -> None:
    """Whatever status a workflow's Response node chose, the run is never sent again, and its effect is told."""
    body = {"execution_id": "e1", "return_value": {"x": 1}, "message": "from the workflow", "status_code": status}
    mock.script(Answer(status, json=body, retry_after=0))
    if status < 300:
        run = await account.execute_workflow("workflow_id", slug="hubspot", sync=True)
        assert run.return_value == {"x": 1}
    else:
        with pytest.raises(WorkflowFailedError) as caught:
            await account.execute_workflow("workflow_id", slug="hubspot", sync=True)
        assert caught.value.effect == "done"
        assert caught.value.execution is not None
        assert caught.value.execution.execution_id == "e1"
    assert len(mock.requests) == 1


async def test_a_synchronous_workflow_that_errored(account: AccountScope, mock: MockRefold) -> None:
    """A run that stopped at an error is unknown: nodes before it ran."""
    mock.script(Answer(200, json={"execution_id": "e1", "errored": True, "execution_error": {"message": "node 3"}}))
    with pytest.raises(WorkflowFailedError, match="node 3") as caught:
        await account.execute_workflow("workflow_id", slug="hubspot", sync=True)
    assert caught.value.effect == "unknown"


@pytest.mark.parametrize("status", [404, 429])
async def test_a_synchronous_workflow_whose_response_breaks_off(
    account: AccountScope, mock: MockRefold, status: int
) -> None:
    """An error status whose body is cut may be the workflow's own: unknown, and not sent again."""

    async def answer(context: WorkflowContext, payload: Any) -> WorkflowAnswer:
        return WorkflowAnswer(status, {"padding": "x" * 1000})

    mock.catalogue.workflow("hubspot", "own_status")(answer)
    mock.script(Truncated())
    with pytest.raises(APIStatusError) as caught:
        await account.execute_workflow("own_status", slug="hubspot", sync=True)
    assert (caught.value.effect, caught.value.status_code, len(mock.requests)) == ("unknown", status, 1)


async def test_time_for_synchronous_workflows(mock: MockRefold) -> None:
    """A client that was given limits keeps synchronous workflows to them too."""
    mock.script(Silence())
    async with AsyncRefold("tk_test", base_url=mock.base_url, timeout=0.1) as refold:
        with pytest.raises(APITimeoutError, match=r"0\.1 seconds \(Timeout\.total\)"):
            await refold.account("user_12345").execute_workflow("workflow_id", slug="hubspot", sync=True)


async def test_a_limited_start_of_a_workflow_is_sent_again(account: AccountScope, mock: MockRefold) -> None:
    """Refold's own 429 means the workflow did not start, so it is started on the next attempt."""
    mock.script(Answer(429, retry_after=0), calls=1)
    run = await account.execute_workflow("workflow_id", slug="hubspot", payload={"email": "a@b.c"}, sync=True)
    assert run.execution_id
    assert len(mock.requests) == 2


async def test_request(either: AccountScope, mock: MockRefold) -> None:
    """Any endpoint, with query, headers and a type for the response."""
    page = await either.request(
        "get",
        "/api/v2/public/execution",
        query={"page": 1, "limit": 5, "sortAsc": True, "status": None, "slug": "hub spot"},
        headers={"X-Trace": "1"},
        into=dict[str, object],
    )
    assert page["totalDocs"] == 0
    request = mock.requests[-1]
    assert request.query == {"page": "1", "limit": "5", "sortAsc": "true", "slug": "hub spot"}
    assert request.headers["X-Trace"] == "1"


async def test_request_for_the_organisation(mock: MockRefold, refold: AsyncRefold) -> None:
    """The client itself calls with the key alone."""
    token = await refold.request(
        "POST", "/api/v2/public/session-token", json={"linked_account_id": "user_12345"}, idempotent=True
    )
    assert "linked_account_id" not in mock.requests[-1].headers
    assert await refold.account_from_session_token(token["token"]).list_actions("hubspot")


async def test_request_with_an_empty_response(account: AccountScope, mock: MockRefold) -> None:
    """An empty response of 2xx is None; a DELETE without a body says it has none."""
    mock.script(Answer(204))
    assert await account.request("DELETE", "/api/v2/public/webhook/1") is None
    request = mock.requests[-1]
    assert request.body == b""
    assert request.headers["Content-Length"] == "0"
    assert "Content-Type" not in request.headers


async def test_request_into_a_type_that_does_not_fit(account: AccountScope, mock: MockRefold) -> None:
    """A write whose response does not fit is unknown, and the error names the field."""
    mock.script(Answer(200, json={"id": 1}))
    with pytest.raises(APIResponseValidationError, match=r"response\.id") as caught:
        await account.request("POST", "/api/v2/public/event/trigger", json={}, into=Created)
    assert caught.value.effect == "unknown"
    assert len(mock.requests) == 1


async def test_an_impossible_type_is_refused_before_anything_is_sent(account: AccountScope, mock: MockRefold) -> None:
    """A type that nothing can be structured into is the caller's mistake, not the response's."""

    @attrs.frozen
    class Inner:
        """A class that only this function sees."""

    @attrs.frozen
    class Outer:
        """A class whose annotation nobody else can resolve."""

        inner: "Inner"

    assert Outer(Inner()).inner is not None
    for call in (
        account.execute_action("hubspot", "get_contact", into=asyncio.Lock),
        account.execute_action("hubspot", "get_contact", into=Outer),
        account.execute_action("hubspot", "get_contact", into=list[bytes]),
        account.request("GET", "/api/v2/public/execution", into=asyncio.Lock),
    ):
        with pytest.raises(ConfigurationError, match="into="):
            await call
    assert not mock.requests


async def test_wrong_or_missing_authentication(mock: MockRefold) -> None:
    """A refused key or token is a 401 that says what to check, or a token where a key is wanted; another's is a 403."""
    async with MockRefold(api_keys={"tk_right"}) as strict, AsyncRefold("tk_wrong", base_url=strict.base_url) as refold:
        with pytest.raises(AuthenticationError, match="check it") as caught:
            await refold.account("user_12345").list_actions("hubspot")
        assert (caught.value.effect, len(strict.requests)) == ("none", 1)
        with pytest.raises(AuthenticationError):
            await refold.account_from_session_token("no-such-token").list_actions("hubspot")
        scope = refold.account_from_session_token(strict.session_token("user_12345"))
        with pytest.raises(AuthenticationError, match="check it"):
            await scope.request("GET", "/api/v2/public/linked-account")
        theirs = strict.account("user_2").workflows.create("Theirs", "hubspot", "").workflow.workflow_id
        with pytest.raises(PermissionDeniedError, match="private to another linked account"):
            await scope.workflows.get(theirs)


async def test_an_app_that_is_not_connected(account: AccountScope, mock: MockRefold) -> None:
    """Refold does not tell whether it ever was: the error says what the account's owner must do, and nothing ran."""
    mock.account("user_12345").disconnect("hubspot")
    with pytest.raises(ReconnectRequiredError, match="must connect the app, or reconnect it: send") as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, idempotent=True)
    assert (caught.value.effect, len(mock.requests)) == ("none", 1)


@pytest.mark.parametrize(
    ("trouble", "checked"),
    [
        (Answer(400), True),
        (Answer(404), True),
        (Answer(400, json={"message": "Application Authentication not found for x", "status_code": 400}), True),
        (Answer(200, json={"node_status": "Errored", "data": "Application Authentication not found for x"}), True),
        (ExpiredConnection(), True),
        (Errored(404), True),
        (Errored(422), False),
        (Errored(503), False),
        (Answer(503), False),
    ],
    ids=repr,
)
async def test_a_connection_that_is_not_there(
    account: AccountScope, mock: MockRefold, trouble: Trouble, checked: bool
) -> None:
    """The error names the connection, and says to check it where it may be that."""
    mock.script(trouble)
    with pytest.raises(RefoldError, match=r"(by|with) connection 'bogus'") as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, connection_id="bogus")
    assert ("Check connection_id: applications.get(slug)" in str(caught.value)) == checked
    with pytest.raises(RefoldError) as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
    assert "connection_id:" not in str(caught.value)


async def test_a_run_by_a_connection_that_is_not_there(account: AccountScope, mock: MockRefold) -> None:
    """Of workflows too, whether one waits on the request or for the run."""
    run: dict[str, Any] = {"slug": "hubspot", "connection_id": "bogus"}
    mock.script(Answer(200, json={"execution_id": "e1", "errored": True}), calls=1)
    mock.script(Answer(200, json={"execution_id": "e1"}), calls=2)
    mock.script(Answer(200, json={"_id": "e1", "status": "ERRORED"}), calls=3)
    with pytest.raises(WorkflowFailedError, match="with connection 'bogus'"):
        await account.execute_workflow("w", sync=True, **run)
    with pytest.raises(WorkflowFailedError, match="used connection 'bogus': check connection_id"):
        await account.run_workflow("w", **run)


async def test_expired_credentials(account: AccountScope, mock: MockRefold) -> None:
    """The app's own 401 inside a 200 asks for a reconnect too."""
    mock.script(ExpiredConnection())
    with pytest.raises(ReconnectRequiredError, match="must reconnect the app: send") as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, idempotent=True)
    assert caught.value.result is not None
    assert caught.value.result.http_status == 401
    assert (caught.value.effect, len(mock.requests)) == ("none", 1)


@pytest.mark.parametrize(
    ("trouble", "effect", "sent", "sent_if_idempotent"),
    [
        (Errored(400), "none", 1, 1),
        (Errored(429), "none", 1, 3),
        (Errored(503), "unknown", 1, 3),
        (Errored(None), "unknown", 1, 1),
        (Errored(404, node_status="Failed"), "none", 1, 1),
        (Errored(404, node_status="Timed_Out"), "unknown", 1, 1),
        (Errored(None, node_status="Waiting"), "unknown", 1, 1),
    ],
)
@pytest.mark.parametrize("idempotent", [False, True])
async def test_an_action_that_did_not_succeed(
    account: AccountScope,
    mock: MockRefold,
    trouble: Errored,
    effect: str,
    sent: int,
    sent_if_idempotent: int,
    idempotent: bool,
) -> None:
    """HTTP 200 is no success: node_status and the app's status decide on effect and further attempts."""
    mock.script(trouble)
    with pytest.raises(ActionFailedError) as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, idempotent=idempotent)
    assert caught.value.effect == effect
    assert caught.value.result is not None
    assert caught.value.result.node_status == trouble.node_status
    assert len(mock.requests) == (sent_if_idempotent if idempotent else sent)


@pytest.mark.parametrize(
    ("status", "read", "write", "idempotent", "effect"),
    [
        (400, 1, 1, 1, "none"),
        (408, 3, 1, 3, "unknown"),
        (409, 1, 1, 1, "none"),
        (429, 3, 3, 3, "none"),
        (500, 3, 1, 3, "unknown"),
        (501, 1, 1, 1, "none"),
        (503, 3, 1, 3, "unknown"),
        (307, 1, 1, 1, "none"),
    ],
)
async def test_statuses(mock: MockRefold, status: int, read: int, write: int, idempotent: int, effect: str) -> None:
    """How often each status is met again, and what it says of a write."""
    mock.script(Answer(status, headers={"Location": "/elsewhere"}))
    contact = {"email": "a@b.c"}
    calls: list[tuple[int, str, Callable[[AccountScope], Awaitable[object]]]] = [
        (read, "none", lambda account: account.list_actions("hubspot")),
        (write, effect, lambda account: account.execute_action("hubspot", "create_contact", contact)),
        (
            idempotent,
            effect,
            lambda account: account.execute_action("hubspot", "create_contact", contact, idempotent=True),
        ),
        (write, effect, lambda account: account.request("PUT", "/api/v2/public/config", json={})),
    ]

    async def meet(number: int) -> None:
        attempts, its_effect, call = calls[number]
        # A client for each: what one learns of a limit would make the next one wait.
        async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
            with pytest.raises(APIStatusError, match=f"HTTP {status}") as caught:
                await call(refold.account(f"user_{number}"))
        assert len(mock.requests_to(linked_account_id=f"user_{number}")) == attempts
        assert (caught.value.attempts, caught.value.effect) == (attempts, its_effect)

    await asyncio.gather(*map(meet, range(len(calls))))


GATEWAYS_429: Final = {
    "HTML": Answer(429, body="<html>Slow down</html>"),
    "its own JSON": Answer(429, json={"message": "Too Many Requests"}),
    "nothing": Answer(429, body=""),
}


@pytest.mark.parametrize("refusal", GATEWAYS_429.values(), ids=GATEWAYS_429)
async def test_a_gateways_429_is_as_good_as_refolds(account: AccountScope, mock: MockRefold, refusal: Answer) -> None:
    """The action did not run, whoever refused the request: a write is sent again, and runs once."""
    mock.script(refusal, calls=[1, 2])
    await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
    assert [request.status for request in mock.requests] == [429, 429, 200]
    mock.script(refusal)
    with pytest.raises(RateLimitError) as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
    assert (caught.value.effect, caught.value.attempts, caught.value.throttled) == ("none", 3, True)


@pytest.mark.parametrize("refusal", GATEWAYS_429.values(), ids=GATEWAYS_429)
async def test_a_429_that_a_workflow_may_have_set(account: AccountScope, mock: MockRefold, refusal: Answer) -> None:
    """A synchronous workflow's Response node may answer so: it may have run, and is not sent again."""
    mock.script(refusal)
    with pytest.raises(RateLimitError, match="may have run") as caught:
        await account.execute_workflow("workflow_id", slug="hubspot", sync=True)
    assert (caught.value.effect, len(mock.requests)) == ("unknown", 1)
    with pytest.raises(RateLimitError) as caught:  # one that is only started answers with no status of its own
        await account.execute_workflow("workflow_id", slug="hubspot")
    assert (caught.value.effect, len(mock.requests)) == ("none", 4)


async def test_rate_limited_writes_can_be_left_alone(mock: MockRefold) -> None:
    """The policy's switch keeps a write from being sent again after HTTP 429; reads are not concerned."""
    policy = RetryPolicy(initial_delay=0, resend_rate_limited_writes=False, max_retries=1)
    mock.script(Answer(429))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=policy) as refold:
        account = refold.account("user_12345")
        with pytest.raises(RateLimitError):
            await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
        assert len(mock.requests) == 1
        with pytest.raises(RateLimitError):
            await account.list_actions("hubspot")
        assert len(mock.requests) == 3


async def test_retry_after_is_waited_for(account: AccountScope, mock: MockRefold) -> None:
    """No attempt comes back before Retry-After is over."""
    mock.script(Answer(429, retry_after=0.2), calls=1)
    await account.list_actions("hubspot")
    first, second = mock.requests
    assert second.time - first.time >= 0.2


async def test_too_long_a_retry_after_is_raised_at_once(account: AccountScope, mock: MockRefold) -> None:
    """A Retry-After beyond the policy's limit is not waited for."""
    mock.script(Answer(429, retry_after=3600))
    async with asyncio.timeout(60):
        with pytest.raises(RateLimitError) as caught:
            await account.list_actions("hubspot")
    assert (caught.value.retry_after, len(mock.requests)) == (3600, 1)


async def test_accounts_do_not_meet(mock: MockRefold, refold: AsyncRefold) -> None:
    """Concurrent calls for many accounts each carry their own id, and each gets its own response."""
    mock.script(Delay(0.01))

    async def write_and_read(number: int) -> str:
        account = refold.account(f"user_{number}")
        await account.execute_action("hubspot", "create_contact", {"email": f"{number}@example.com"})
        found = await account.execute_action("hubspot", "get_contact", {"email": f"{number}@example.com"})
        return str(found.data)

    found = await asyncio.gather(*(write_and_read(number) for number in range(50)))
    assert all(f"'{number}@example.com'" in text for number, text in enumerate(found))


@pytest.mark.parametrize("value", ["", " x", "x ", "a\nb", "a\x00b", "\ud800", "\u00a0x", None, 5])
def test_hostile_ids_are_refused(value: object) -> None:
    """What would become another account on the wire is refused before anything is sent."""
    refold = AsyncRefold("tk_test")
    with pytest.raises(ConfigurationError, match="linked_account_id"):
        refold.account(value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="session_token"):
        refold.account_from_session_token(value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Tenant(str, Enum):  # noqa: UP042 - callers use them
    """Ids as members of an Enum, which show another text than they are."""

    ACME = "user_12345"
    APP = "hubspot"


async def test_members_of_an_enum_are_what_they_stand_for(mock: MockRefold, refold: AsyncRefold) -> None:
    """A str of another kind reaches the wire as the text it is, in headers, paths and queries."""
    account = refold.account(Tenant.ACME)
    await account.execute_action(Tenant.APP, "get_contact")
    await account.execute_workflow("workflow_id", slug=Tenant.APP)
    await account.request("GET", "/api/v2/public/execution", query={"slug": Tenant.APP})
    action, workflow, execution = mock.requests
    assert [request.linked_account_id for request in mock.requests] == ["user_12345"] * 3
    assert action.path == "/api/v2/integration-schema/hubspot/actions/get_contact/execute"
    assert workflow.headers["slug"] == "hubspot"
    assert execution.query == {"slug": "hubspot"}


@pytest.mark.parametrize("name", ["x-api-key", "Linked_Account_ID", "Expect", "Content-Encoding", "Cookie", "Host"])
async def test_headers_that_are_ours_are_refused(account: AccountScope, mock: MockRefold, name: str) -> None:
    """request() lets nobody act for another account, nor change how the request is framed."""
    with pytest.raises(ConfigurationError, match=name):
        await account.request("POST", "/api/v2/public/event/trigger", json={}, headers={name: "x"})
    assert not mock.requests


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "\ud800"])
async def test_hostile_path_segments_are_refused(account: AccountScope, mock: MockRefold, value: str) -> None:
    """A slug or id that would address another path is refused before anything is sent."""
    for call in (
        account.list_actions(value),
        account.execute_action("hubspot", value),
        account.execute_workflow(value, slug="hubspot"),
    ):
        with pytest.raises(ConfigurationError):
            await call
    assert not mock.requests


async def test_path_segments_are_quoted(account: AccountScope, mock: MockRefold) -> None:
    """A slash, a space or an umlaut in an id stays within its segment."""
    with pytest.raises(NotFoundError):
        await account.get_action_parameters("hub/spot?x=1#y", "../gët %2e")
    assert mock.requests[-1].path == "/api/v2/integration-schema/hub%2Fspot%3Fx%3D1%23y/actions/..%2Fg%C3%ABt%20%252e"


async def test_a_missing_parameter_is_refolds_to_tell(account: AccountScope) -> None:
    """Refold's own check of parameters comes out with its code and request id."""
    with pytest.raises(BadRequestError, match="Required parameter 'email' is missing") as caught:
        await account.execute_action("hubspot", "create_contact", {})
    assert caught.value.error_code == "VALIDATION_ERROR"
    assert caught.value.request_id
