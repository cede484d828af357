"""Connecting apps: the links for it, waiting for it, disconnecting."""

import asyncio
import gc
import logging
import math
import pickle
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    APITimeoutError,
    AppConnectionTimeoutError,
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    ConnectUrl,
    NotFoundError,
    ParameterError,
    RateLimitError,
    ReconnectRequiredError,
    RefoldError,
    Timeout,
)
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser
from refold_async.resources.applications import Applications
from refold_async.testing import Answer, Delay, MockRefold, Reset, RouteName, Silence
from support import virtual_time
from support.responses import json_response
from support.waiting import until

T = TypeVar("T")

ACCOUNT: Final = "user_12345"
JANE: Final = "jane+é@x / 1"
"""An id that has to be quoted wherever it goes."""


def routes(mock: MockRefold) -> list[RouteName | None]:
    """Return which routes were asked, in order."""
    return [request.route for request in mock.requests]


async def test_the_link_of_a_scope_by_key(mock: MockRefold, refold: AsyncRefold) -> None:
    """A session token is fetched with the key, and the link with that token, without arguments; the next as well."""
    account = refold.account(JANE)
    links = [await account.connect_url() for _ in range(2)]
    assert routes(mock) == ["create_session_token", "create_connect_url"] * 2
    made, asked = mock.requests[:2]
    assert (made.headers["x-api-key"], made.json) == ("tk_test", {"linked_account_id": JANE})
    assert asked.headers["Authorization"].startswith("Bearer mock-session-")
    assert not {"x-api-key", "linked_account_id"} & set(asked.headers)
    assert (asked.query, asked.body) == ({"linked_account_id": JANE}, b"{}")
    assert links[0].hosted_url.startswith(f"{mock.base_url}/connect/")
    assert links[0].hosted_url != links[1].hosted_url
    assert links[0].request_id == asked.request_id
    assert links[0].hosted_url not in f"{links[0]!r} {links[0]}"


async def test_the_link_of_a_session_token(mock: MockRefold, refold: AsyncRefold) -> None:
    """The token does for it; whom it stands for is asked unless the scope knows."""
    token = mock.session_token(JANE)
    for scope, asked in (
        (refold.account_from_session_token(token), ["get_active_linked_account", "create_connect_url"]),
        (refold.account_from_session_token(token, linked_account_id=JANE), ["create_connect_url"]),
    ):
        mock.clear()
        await scope.connect_url(config_id="c 1")
        assert routes(mock) == asked
        assert {request.headers["Authorization"] for request in mock.requests} == {f"Bearer {token}"}
        assert mock.requests[-1].query == {"linked_account_id": JANE, "config_id": "c 1"}
    mock.clear()
    scope = refold.session_tokens.account(JANE)
    await scope.connect_url()
    await scope.connect_url()
    assert routes(mock) == ["create_session_token", "create_connect_url", "create_connect_url"]


async def test_a_token_that_refold_refuses(mock: MockRefold, account: AccountScope) -> None:
    """The token there was may be worthless meanwhile: a new one is fetched."""
    mock.script(Answer(401), route="create_connect_url", calls=1)
    await account.connect_url()
    assert [request.query for request in mock.requests_to("create_session_token")] == [{}, {"force_refresh": "true"}]


@pytest.mark.parametrize("silent", ["create_session_token", "get_active_linked_account", "create_connect_url"])
async def test_the_deadline_of_a_link(mock: MockRefold, refold: AsyncRefold, silent: RouteName) -> None:
    """It covers everything that is asked for the link; the time of what came first is not given twice."""
    by_token = silent == "get_active_linked_account"
    account = refold.account(ACCOUNT)
    if by_token:
        account = refold.account_from_session_token(mock.session_token(ACCOUNT))
    mock.script(Silence(), route=silent)
    with pytest.raises(APITimeoutError, match=r"Timeout\.total") as caught:
        await account.connect_url(timeout=0.2)
    assert (caught.value.effect, mock.requests[-1].route) == ("none", silent)
    if by_token:
        mock.clear()
        mock.script(Delay(0.05), route="get_active_linked_account")
        mock.script(Silence(), route="create_connect_url")
        with pytest.raises(APITimeoutError, match=r"0\.[0-5]\d* seconds \(Timeout\.total\)"):
            await account.connect_url(timeout=0.6)
        assert routes(mock) == ["get_active_linked_account", "create_connect_url"]


async def test_links_for_many(mock: MockRefold, refold: AsyncRefold) -> None:
    """A fan-out makes a link for each account, by key and by tokens that alone tell whose they are."""

    async def make(scope: AccountScope, _: object) -> ConnectUrl:
        return await scope.connect_url()

    scopes = [refold.account_from_session_token(mock.session_token(f"user_{number}")) for number in range(3)]
    report = await refold.fan_out([*scopes, "user_3"], make).collect()
    assert report.counts["ok"] == 4
    assert {str(one.linked_account_id) for one in mock.requests} == {f"user_{number}" for number in range(4)} | {"None"}


@pytest.mark.parametrize("silent", ["create_session_token", "create_connect_url"])
async def test_the_deadline_of_links_for_many(mock: MockRefold, refold: AsyncRefold, silent: RouteName) -> None:
    """A request that gets no answer holds up no item for longer than the call may take, whichever it is."""
    mock.script(Silence(), route=silent)

    async def make(scope: AccountScope, _: object) -> ConnectUrl:
        return await scope.connect_url(timeout=Timeout(total=0.2, attempt=math.inf))

    async with asyncio.timeout(30):
        report = await refold.fan_out(["user_1", "user_2"], make).collect()
    assert [type(outcome.error) for outcome in report.failed] == [APITimeoutError] * 2


async def test_a_token_that_is_refused_for_longer_than_a_call_may_take(mock: MockRefold, account: AccountScope) -> None:
    """The call says so at once, rather than when its time is up."""
    mock.script(Answer(429, retry_after=20), route="create_session_token")
    async with asyncio.timeout(5):
        with pytest.raises(RateLimitError, match="the session token") as caught:
            await account.connect_url(timeout=10)
    assert (caught.value.retry_after, caught.value.effect, len(mock.requests)) == (20, "none", 1)


@pytest.mark.parametrize(
    "body",
    [
        *("{}", '"https://x/SECRET"', "SECRET", '{"other_url": "https://x/SECRET"}'),
        *(
            f'{{"LINK": {value}}}'
            for value in (
                *("null", "5", '"SECRET"', '"/connect/SECRET"', '"https://"', '"https://x/SECRET d"'),
                *('"javascript:alert(SECRET)"', '"https://[SECRET"', '"data:text/html,SECRET"'),
                *('"https://x/?\\"><b>SECRET"', '"https://x/\\nSECRET"'),
            )
        ),
    ],
)
@pytest.mark.parametrize("link", ["hosted_url", "auth_url"])
async def test_a_link_that_cannot_be_read(mock: MockRefold, account: AccountScope, link: str, body: str) -> None:
    """What is no link to a web page is refused, and not shown: it may hold a token all the same."""
    hosted = link == "hosted_url"
    mock.script(Answer(200, body=body.replace("LINK", link)), route="create_connect_url" if hosted else "get_oauth_url")
    with pytest.raises(APIResponseValidationError, match="cannot be read, and is not shown") as caught:
        await (account.connect_url() if hosted else account.applications.oauth_url("hubspot"))
    error = caught.value
    assert (error.effect, error.body) == ("none", None)
    assert "SECRET" not in f"{error} {error!r} {vars(error)} {error.__cause__} {error.__context__}"


NO_MAPPING: Final[Any] = "https://x"
WRONG_ARGUMENTS: Final[Sequence[tuple[Callable[[AccountScope], Awaitable[object]], type[RefoldError], str]]] = (
    (lambda account: account.connect_url(NO_MAPPING), ParameterError, "properties must be a mapping.*not str"),
    (lambda account: account.connect_url({"a": {1}}), ParameterError, "properties.a cannot be sent as JSON"),
    (lambda account: account.connect_url(config_id=""), ConfigurationError, "config_id is empty"),
    (lambda account: account.connect_url(timeout=0), ConfigurationError, "total"),
    (lambda account: account.applications.oauth_url(""), ConfigurationError, "slug is empty"),
    (lambda account: account.applications.oauth_url("a", fields=NO_MAPPING), ConfigurationError, "fields must be"),
    (lambda account: account.applications.oauth_url("a", fields={"b": "\udc80"}), ConfigurationError, "'b'"),
    (lambda account: account.applications.disconnect("a", auth_type=" "), ConfigurationError, "auth_type"),
    (lambda account: account.applications.disconnect(".."), ConfigurationError, "slug is '..'"),
    (lambda account: account.applications.wait_connected("/", timeout=0), ConfigurationError, "timeout"),
    (lambda account: account.applications.wait_connected("a", poll_interval=-1), ConfigurationError, "poll_interval"),
    (lambda account: account.applications.wait_connected(""), ConfigurationError, "slug is empty"),
)


@pytest.mark.parametrize(("call", "error", "says"), WRONG_ARGUMENTS)
async def test_wrong_arguments(
    mock: MockRefold,
    refold: AsyncRefold,
    call: Callable[[AccountScope], Awaitable[object]],
    error: type[RefoldError],
    says: str,
) -> None:
    """They are named before anything is sent, also by a scope that would have to ask whom it is for."""
    for account in (refold.account(ACCOUNT), refold.account_from_session_token(mock.session_token(ACCOUNT))):
        with pytest.raises(error, match=says):
            await call(account)
    assert not mock.requests


async def test_an_account_that_refold_does_not_know() -> None:
    """The error says so, and tells for whom."""
    async with (
        MockRefold(known_accounts_only=True) as mock,
        AsyncRefold("tk_test", base_url=mock.base_url) as refold,
    ):
        with pytest.raises(BadRequestError, match=f"No linked account found.*{ACCOUNT}") as caught:
            await refold.account(ACCOUNT).connect_url()
        assert (caught.value.linked_account_id, caught.value.effect) == (ACCOUNT, "none")


async def test_errors_tell_how_to_get_the_link(mock: MockRefold, account: AccountScope) -> None:
    """Whoever finds an app not connected is told in the message which call gives the customer's link."""
    calls: list[tuple[Callable[[str], None], Callable[[], Awaitable[object]]]] = [
        (mock.account(ACCOUNT).disconnect, lambda: account.execute_action("hubspot", "get_contact")),
        (mock.account(ACCOUNT).expire, lambda: account.execute_action("hubspot", "get_contact")),
        (mock.account(ACCOUNT).disconnect, lambda: account.applications.ensure_connected("hubspot")),
    ]
    for change, call in calls:
        change("hubspot")
        with pytest.raises(ReconnectRequiredError) as caught:
            await call()
        assert "(await account.connect_url()).hosted_url" in caught.value.message
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("change", ["disconnect", "expire"])
async def test_waiting_for_a_connection(mock: MockRefold, account: AccountScope, change: str) -> None:
    """The wait ends with the app once it is connected, whatever fails meanwhile."""
    getattr(mock.account(ACCOUNT), change)("hubspot")
    mock.script(Answer(503), route="get_application", calls=2)
    mock.script(Answer(200, body="<html>"), route="get_application", calls=3)
    waiting = asyncio.create_task(account.applications.wait_connected("hubspot", poll_interval=0.01))
    await until(lambda: len(mock.requests) >= 6)
    assert not waiting.done()
    mock.account(ACCOUNT).connect("hubspot")
    application = await waiting
    assert (application.slug, application.state) == ("hubspot", "connected")
    assert application.request_id == mock.requests[-1].request_id


async def test_waiting_in_vain(mock: MockRefold, account: AccountScope) -> None:
    """The error tells which look was answered last."""
    mock.account(ACCOUNT).disconnect("hubspot")
    with pytest.raises(AppConnectionTimeoutError, match=f"GET .*/hubspot, linked account '{ACCOUNT}'") as caught:
        await account.applications.wait_connected("hubspot", timeout=0.3, poll_interval=0.01)
    assert caught.value.request_id in {request.request_id for request in mock.requests}


async def test_disconnecting(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """One way to authenticate, or all of them; what is left comes back, and what was not there is told."""
    mock.account(ACCOUNT).add_connection("hubspot", auth_type="keybased")
    left = await account.applications.disconnect("hubspot", auth_type="keybased")
    assert left.connection_state("hubspot") == "connected"
    assert (await account.applications.get("hubspot")).connected_accounts[0].auth_type == "oauth2"
    left = await account.applications.disconnect("hubspot")
    assert [left.connection_state(slug) for slug in ("hubspot", "slack")] == ["connect", "connected"]
    assert left.linked_account_id == ACCOUNT
    with pytest.raises(ReconnectRequiredError):
        await account.applications.ensure_connected("hubspot")
    with pytest.raises(NotFoundError, match="may already be disconnected") as caught:
        await account.applications.disconnect("hubspot")
    assert (caught.value.effect, caught.value.linked_account_id) == ("none", ACCOUNT)
    by_token = refold.account_from_session_token(mock.session_token("user_2"))
    mock.clear()
    assert (await by_token.applications.disconnect("slack")).linked_account_id == "user_2"
    assert routes(mock) == ["get_active_linked_account", "delete_integration"]
    assert mock.account(ACCOUNT).connection("slack") == "connected"


async def test_disconnecting_is_not_repeated(mock: MockRefold, account: AccountScope) -> None:
    """Where the response is lost, the app may have been connected anew since."""
    mock.script(Reset("after"), route="delete_integration")
    with pytest.raises(RefoldError) as caught:
        await account.applications.disconnect("hubspot")
    assert (caught.value.effect, len(mock.requests)) == ("unknown", 1)


async def test_nothing_shows_a_link(mock: MockRefold, account: AccountScope, caplog: pytest.LogCaptureFixture) -> None:
    """The log, at its most talkative, has neither links nor tokens."""
    caplog.set_level(logging.DEBUG, "refold_async")
    link = await account.connect_url()
    oauth = await account.applications.oauth_url("hubspot")
    assert len(mock.requests) == 3
    shown = " ".join(record.getMessage() for record in caplog.records)
    assert "connect-url" in shown
    for secret in (link.hosted_url, oauth.auth_url, "mock-session-"):
        assert secret not in shown


# In virtual time, without a server

CONNECTED: Final = {"slug": "hubspot", "connected": True}
EXPIRED: Final = {"slug": "hubspot", "connected": True, "reauth_required": True}
MISSING: Final = {"slug": "hubspot"}


class Refold:
    """Answers looks at an app, one after the other; the last answer stands for all later ones, None for none."""

    def __init__(self, *answers: Mapping[str, Any] | None) -> None:
        self._answers = list(answers)
        self.looks: list[float] = []
        self.pauses: list[float] = []
        self.applications = Applications(self.send, self.pause, self.annotate, self.naming_account)

    @staticmethod
    def annotate(error: RefoldError, request: Request) -> None:
        """Tell what an error is about."""
        error.method, error.url = request.target.method, request.target.path

    @staticmethod
    async def naming_account(*_: object) -> tuple[Request, Timeout]:
        """Tell whose app it is."""
        raise AssertionError("a wait does not ask for it")

    async def send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> T:
        """Look at the app."""
        assert isinstance(timeout, Timeout)
        self.looks.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            await asyncio.sleep(min(timeout.total, timeout.attempt))
            raise APITimeoutError("no answer")
        return parse(json_response(answer), request)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        self.pauses.append(seconds)
        await asyncio.sleep(seconds)


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a test in virtual time; a task that is left fails it."""

    async def watched() -> None:
        await main()
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual_time.run(watched())


def test_looks_are_far_between() -> None:
    """Pauses begin with the interval asked for, grow, and are random."""

    async def main() -> None:
        answers: list[Mapping[str, Any] | None] = [MISSING, EXPIRED, None]
        refold = Refold(*answers * 10, CONNECTED)
        application = await refold.applications.wait_connected("hubspot", timeout=3600, poll_interval=2)
        assert (application.state, len(refold.looks)) == ("connected", 31)
        assert 1 <= refold.pauses[0] <= 2
        assert all(7.5 <= pause <= 15 for pause in refold.pauses[10:])
        assert len(set(refold.pauses)) == 30

    run(main)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (MISSING, "when last checked, it was not connected"),
        (EXPIRED, "when last checked, its credentials no longer worked"),
        (None, "its state could not be read"),
    ],
)
def test_out_of_time(answer: Mapping[str, Any] | None, says: str) -> None:
    """When the time is over, not later, the error tells how the app was last seen; it may be waited for again."""

    async def main() -> None:
        refold, began = Refold(answer), asyncio.get_running_loop().time()
        with pytest.raises(AppConnectionTimeoutError, match=f"'hubspot' in time: {says}.*wait again") as caught:
            await refold.applications.wait_connected("hubspot", timeout=60)
        error = caught.value
        assert asyncio.get_running_loop().time() - began == pytest.approx(60)
        assert isinstance(error, TimeoutError)
        assert (error.effect, error.attempts) == ("none", len(refold.looks))
        assert (error.method, error.url) == ("GET", "/api/v2/public/application/hubspot")
        assert (error.application is None) == (answer is None)
        restored = pickle.loads(pickle.dumps(error))
        assert (restored.application, str(restored)) == (error.application, str(error))

    run(main)


def test_a_wait_that_is_cancelled() -> None:
    """It looks no more."""

    async def main() -> None:
        refold = Refold(MISSING)
        waiting = asyncio.create_task(refold.applications.wait_connected("hubspot"))
        await asyncio.sleep(10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        looks = len(refold.looks)
        await asyncio.sleep(100)
        assert len(refold.looks) == looks

    run(main)
