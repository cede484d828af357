"""Whether a linked account is connected to an app: by statuses, by flags, and for custom apps by the app's id."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    APIStatusError,
    Application,
    AsyncRefold,
    ConnectionState,
    Integration,
    LinkedAccount,
    NotFoundError,
    ReconnectRequiredError,
)
from refold_async.codec.structuring.converters import structure
from refold_async.resources.connections import Connections
from refold_async.testing import Answer, MockRefold

ACTIVE: Final = {"identifier": "a", "status": "active"}
EXPIRED: Final = {"identifier": {"id": 5}, "status": "expired"}
UNTOLD: Final = {"identifier": "a"}
ODD: Final = {"identifier": "a", "status": "pondering"}
FINE: Final = {"connected": True, "reauth_required": False}
STALE: Final = {"connected": True, "reauth_required": True}
# fmt: off
APPLICATIONS: Final[tuple[tuple[Mapping[str, Any], ConnectionState], ...]] = (
    ({}, "connect"),
    ({"connected": False}, "connect"),
    (FINE, "connected"),
    (STALE, "reconnect"),
    ({"connected": True}, "connected"),
    ({"connected": True, "refresh_token_expired": True}, "reconnect"),
    ({"connected": True, "refresh_token_expired": False}, "connected"),
    ({"connected_accounts": [ACTIVE]}, "connected"),
    ({"connected_accounts": [EXPIRED]}, "reconnect"),
    ({"connected_accounts": [{**EXPIRED, "status": "Expired"}]}, "reconnect"),
    ({"connected_accounts": [EXPIRED, ACTIVE]}, "connected"),
    ({**STALE, "connected_accounts": [EXPIRED, ACTIVE]}, "connected"),
    ({**FINE, "connected_accounts": [EXPIRED]}, "reconnect"),
    ({**FINE, "connected_accounts": [EXPIRED, UNTOLD]}, "connected"),
    ({**STALE, "connected_accounts": [EXPIRED, UNTOLD]}, "reconnect"),
    ({"connected_accounts": [UNTOLD]}, "connected"),
    ({"connected": False, "connected_accounts": [UNTOLD]}, "connect"),
    ({"connected": False, "connected_accounts": [ACTIVE]}, "connected"),
    ({**FINE, "connected_accounts": []}, "connected"),
    ({**FINE, "connected_accounts": None}, "connected"),
    ({**STALE, "connected_accounts": [UNTOLD]}, "reconnect"),
    ({**FINE, "connected_accounts": [UNTOLD]}, "connected"),
    ({**FINE, "connected_accounts": [ODD]}, "connected"),
    ({**STALE, "connected_accounts": [ODD]}, "reconnect"),
    ({**FINE, "connected_accounts": [ODD, EXPIRED]}, "connected"),
)
# fmt: on


@pytest.mark.parametrize(("fields", "state"), APPLICATIONS, ids=repr)
def test_the_state_of_an_application(fields: Mapping[str, Any], state: ConnectionState) -> None:
    """The statuses of the connections tell, one active one is enough; where none is told, the flags."""
    application: Application = structure({"slug": "hubspot", **fields}, Application, "application")
    assert application.state == state


HUBSPOT: Final = {"type": "hubspot", "name": "Hubspot", "app_id": None}
CRM: Final = {"type": "custom", "name": "Acme CRM", "app_id": "app_1"}
ERP: Final = {"type": "custom", "name": "Acme ERP", "app_id": "app_2"}
# fmt: off
ACCOUNTS: Final[tuple[tuple[Any, str, str | None, ConnectionState], ...]] = (
    (None, "hubspot", None, "connect"),
    ([], "hubspot", None, "connect"),
    ([HUBSPOT, CRM], "hubspot", None, "connected"),
    ([HUBSPOT, CRM], "slack", None, "connect"),
    ([HUBSPOT, CRM], "custom", None, "connect"),
    ([HUBSPOT, CRM], "acme_crm", None, "connect"),
    ([HUBSPOT, CRM], "acme_crm", "app_1", "connected"),
    ([HUBSPOT, CRM], "acme_erp", "app_2", "connect"),
    ([{**CRM, "slug": "acme_crm"}], "acme_crm", None, "connected"),
    ([{**CRM, "type": "Custom"}], "acme_crm", "app_1", "connected"),
    ([{**CRM, "app_id": None}], "acme_crm", None, "connect"),
    ([{**HUBSPOT, "reauth_required": True}], "hubspot", None, "reconnect"),
    ([{**HUBSPOT, "refresh_token_expired": True}], "hubspot", None, "reconnect"),
    ([{**HUBSPOT, "refresh_token_expired": True}, HUBSPOT], "hubspot", None, "connected"),
    ([{**CRM, "reauth_required": True}, ERP], "acme_crm", "app_1", "reconnect"),
    ([{**CRM, "refresh_token_expired": True}, ERP, CRM], "acme_crm", "app_1", "connected"),
)
# fmt: on


@pytest.mark.parametrize(("integrations", "slug", "app_id", "state"), ACCOUNTS, ids=repr)
def test_the_state_of_an_account(integrations: Any, slug: str, app_id: str | None, state: ConnectionState) -> None:
    """An integration is known by its slug, that of a custom app by the app's id; one that works is enough."""
    account: LinkedAccount = structure({"account_id": "a", "integrations": integrations}, LinkedAccount, "account")
    assert account.connection_state(slug, app_id) == state


def test_integrations() -> None:
    """A custom app has no slug, but a type; whoever makes one by hand gives the type or the slug."""
    custom: Integration = structure(CRM, Integration, "integration")
    assert (custom.type, custom.slug, custom.app_id) == ("custom", None, "app_1")
    own: Integration = structure({**HUBSPOT, "slug": None}, Integration, "integration")
    assert (own.type, own.slug, own.app_id) == ("hubspot", "hubspot", None)
    assert Integration("hubspot").slug == Integration(slug="hubspot").slug == "hubspot"


# Lists of accounts, and fan-outs over them


def accounts(*integrations: Any) -> Answer:
    """Return the list of accounts that have connected these."""
    docs = [{"account_id": f"user_{number}", "integrations": each} for number, each in enumerate(integrations)]
    return Answer(200, json={"docs": docs, "hasNextPage": False})


APPLICATION: Final = Answer(200, json={"slug": "acme_crm", "type": "custom", "app_id": "app_1", "connected": True})


async def test_accounts_of_a_custom_app(mock: MockRefold, refold: AsyncRefold) -> None:
    """Its id is looked up once, for the first account that seems not to have connected it."""
    mock.script(accounts([HUBSPOT], [CRM], [ERP], [{**CRM, "reauth_required": True}], None, [ERP, CRM]), calls=1)
    mock.script(APPLICATION)
    found = [one.linked_account_id async for one in refold.linked_accounts.list(connected_to="acme_crm")]
    assert found == ["user_1", "user_4", "user_5"]
    assert [(request.path, request.linked_account_id) for request in mock.requests[1:]] == [
        ("/api/v2/public/application/acme_crm", "user_0")
    ]


async def test_accounts_of_an_app_of_refolds(mock: MockRefold, refold: AsyncRefold) -> None:
    """It is looked up once, before the first account is left out, and not where none is."""
    mock.script(accounts([HUBSPOT], None, [CRM, HUBSPOT]), calls=1)
    found = [one.linked_account_id async for one in refold.linked_accounts.list(connected_to="hubspot")]
    assert (found, len(mock.requests)) == (["user_0", "user_1", "user_2"], 1)
    mock.clear()
    mock.script(accounts([HUBSPOT], [], [{**HUBSPOT, "reauth_required": True}], [], [CRM, HUBSPOT]), calls=1)
    found = [one.linked_account_id async for one in refold.linked_accounts.list(connected_to="hubspot")]
    assert (found, len(mock.requests_to("get_application")), len(mock.requests)) == (["user_0", "user_4"], 1, 2)


@pytest.mark.parametrize("integrations", [[], [HUBSPOT], [CRM]], ids=repr)
async def test_accounts_of_an_app_that_is_not_there(mock: MockRefold, refold: AsyncRefold, integrations: Any) -> None:
    """A slug that is misspelled is told, rather than that nobody has connected it; it is asked for once."""
    mock.script(accounts(None, integrations, integrations), route="list_linked_accounts")
    listed = refold.linked_accounts.list(connected_to="hubspott")
    assert (await anext(listed)).linked_account_id == "user_0"
    with pytest.raises(NotFoundError, match="app 'hubspott'") as caught:
        await anext(listed)
    assert (caught.value.effect, caught.value.linked_account_id) == ("none", "user_1")
    assert len(mock.requests_to("get_application")) == 1
    mock.clear()
    mock.script(accounts(integrations, integrations), route="list_linked_accounts")
    with pytest.raises(NotFoundError, match="app 'hubspott'"):
        await anext(refold.linked_accounts.list(connected_to="hubspott").pages())
    assert len(mock.requests_to("get_application")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, json={"message": "Linked Account with account id user_0 not found", "error": "SERVER_ERROR"}),
        Answer(400, json={"message": "Not found", "error": "RESOURCE_NOT_FOUND"}),
        Answer(404, body="<html>"),
    ],
    ids=str,
)
async def test_an_account_that_is_gone(mock: MockRefold, refold: AsyncRefold, answer: Answer) -> None:
    """That it is not found says nothing of the app, nor of the other accounts."""
    mock.script(accounts([CRM], [CRM], [ERP]), route="list_linked_accounts")
    mock.script(answer, linked_account_id="user_0")
    mock.script(APPLICATION, route="get_application")
    found = [one.linked_account_id async for one in refold.linked_accounts.list(connected_to="acme_crm")]
    assert found == ["user_1"]
    listed = [one async for one in refold.linked_accounts.list()]
    job = refold.fan_out_action(listed, "acme_crm", "look", skip_disconnected=True, concurrency=1)
    outcomes = (await job.collect()).outcomes
    assert [type(one.error) for one in outcomes[::2]] == [type(one.error) for one in outcomes[:1]] + [
        ReconnectRequiredError
    ]
    assert isinstance(outcomes[0].error, NotFoundError)
    assert len(mock.requests_to("execute_action")) == 1


async def test_an_app_that_does_not_tell_its_id(mock: MockRefold, refold: AsyncRefold) -> None:
    """Then each account is asked whether it is connected."""
    told = {"slug": "acme_crm", "type": "custom", "connected_accounts": [{"status": "active"}]}
    mock.script(accounts([CRM], [CRM], [CRM]), route="list_linked_accounts")
    mock.script(
        Answer(200, json={**told, "connected_accounts": []}), route="get_application", linked_account_id="user_1"
    )
    mock.script(Answer(200, json=told), route="get_application")
    found = [one.linked_account_id async for one in refold.linked_accounts.list(connected_to="acme_crm")]
    assert found == ["user_0", "user_2"]


async def test_an_organisation_without_accounts(mock: MockRefold, refold: AsyncRefold) -> None:
    """There is nothing to look up, and nobody to do it for."""
    mock.script(accounts(), calls=1)
    assert [one async for one in refold.linked_accounts.list(connected_to="hubspott")] == []
    assert len(mock.requests) == 1


async def test_skipping_when_there_is_no_such_app(mock: MockRefold, refold: AsyncRefold) -> None:
    """Every item says so, whether it is an account, which takes one look in all, or an id, and nothing is executed."""
    mock.script(accounts([CRM], [HUBSPOT], []), calls=1)
    listed = [account async for account in refold.linked_accounts.list()]
    job = refold.fan_out_action([*listed, "user_3"], "hubspott", "get_contact", skip_disconnected=True)
    report = await job.collect()
    assert [type(outcome.error) for outcome in report.failed] == [NotFoundError] * 4
    errors = [outcome.error for outcome in report.failed if isinstance(outcome.error, NotFoundError)]
    assert {(error.effect, "app 'hubspott'" in error.message) for error in errors} == {("none", True)}
    assert [error.linked_account_id for error in errors] == ["user_0", "user_1", "user_2", "user_3"], (
        [(outcome.item, outcome.index, id(outcome.error), vars(outcome.error)) for outcome in report.failed],
        listed,
        mock.requests,
    )
    assert sorted(error.attempts for error in errors) == [0, 0, 1, 1]
    assert len({id(error) for error in errors}) == 4
    assert len(mock.requests_to("get_application")) == 2
    assert mock.requests_to("execute_action") == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(403), APIStatusError), (Answer(200, body="<html>"), APIResponseValidationError)],
    ids=repr,
)
async def test_an_app_that_cannot_be_looked_up(
    mock: MockRefold, refold: AsyncRefold, answer: Answer, error: type[Exception]
) -> None:
    """The list cannot tell who is connected, and leaves out nobody silently: it raises what it heard."""
    mock.script(accounts([HUBSPOT], [CRM]), calls=1)
    mock.script(answer)
    with pytest.raises(error):
        [one async for one in refold.linked_accounts.list(connected_to="acme_crm")]


async def test_skipping_accounts_of_a_custom_app(mock: MockRefold, refold: AsyncRefold) -> None:
    """A fan-out executes for those that are connected; it looks the app up once, however many are in flight."""
    expired = {**CRM, "refresh_token_expired": True}
    mock.script(accounts(*[[CRM]] * 10, [ERP], [HUBSPOT], [expired], *[[ERP, CRM]] * 10), calls=1)
    mock.script(APPLICATION, route="get_application")
    mock.script(Answer(200, json={"node_status": "Success", "data": {}}), route="execute_action")
    listed = [account async for account in refold.linked_accounts.list()]
    job = refold.fan_out_action(listed, "acme_crm", "get_contact", skip_disconnected=True, concurrency=20)
    report = await job.collect()
    assert report.counts == {"ok": 20, "failed": 3, "unknown": 0}
    told = {outcome.linked_account_id: outcome.error for outcome in report.failed}
    assert {account: type(error) for account, error in told.items()} == dict.fromkeys(
        ["user_10", "user_11", "user_12"], ReconnectRequiredError
    )
    assert "has not connected" in str(told["user_10"])
    assert "no longer has working credentials" in str(told["user_12"])
    assert len(mock.requests_to("get_application")) == 1
    assert len(mock.requests_to("execute_action")) == 20


async def test_skipping_when_the_app_cannot_be_looked_up(mock: MockRefold, refold: AsyncRefold) -> None:
    """That is one item's error; of the others each one's connection is asked for."""
    mock.script(accounts([CRM], [CRM], [CRM]), calls=1)
    mock.script(Answer(403), route="get_application", calls=1)
    mock.script(APPLICATION, route="get_application")
    mock.script(Answer(200, json={"node_status": "Success", "data": {}}), route="execute_action")
    listed = [account async for account in refold.linked_accounts.list()]
    job = refold.fan_out_action(listed, "acme_crm", "get_contact", skip_disconnected=True)
    report = await job.collect()
    assert report.counts == {"ok": 2, "failed": 1, "unknown": 0}
    assert len(mock.requests_to("get_application")) == 3


async def test_a_look_up_that_is_called_off() -> None:
    """Where the one who looks is cancelled, another looks instead."""
    connections = Connections("acme_crm")
    asked: list[int] = []
    account: LinkedAccount = structure({"account_id": "a", "integrations": [CRM]}, LinkedAccount, "account")

    async def get() -> Application:
        asked.append(len(asked))
        await asyncio.sleep(3600 if asked == [0] else 0)
        return Application("acme_crm", app_id="app_1")

    assert connections.told_by(account) is None
    first, second = (asyncio.create_task(connections.look_up(account, get)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == "connected"
    assert connections.told_by(account) == "connected"
    assert asked == [0, 1]
    assert (await asyncio.wait([first]))[0].pop().cancelled()


async def test_a_custom_app_that_is_connected(mock: MockRefold, account: AccountScope) -> None:
    """`ensure_connected` asks Refold about the account at hand, by the slug."""
    mock.script(Answer(200, json={"slug": "acme_crm", "connected": False, "connected_accounts": [EXPIRED, ACTIVE]}))
    assert (await account.applications.ensure_connected("acme_crm")).state == "connected"
    mock.clear()
    mock.script(Answer(200, json={"slug": "acme_crm", "connected": True, "connected_accounts": [EXPIRED]}))
    with pytest.raises(ReconnectRequiredError, match="no longer has working credentials"):
        await account.applications.ensure_connected("acme_crm")
