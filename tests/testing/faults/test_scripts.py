"""Which requests run into scripted trouble."""

import asyncio
from typing import Any

import pytest

from refold_async.testing import ROUTES, Answer, Delay, Errored, ExpiredConnection, MockRefold, RouteName, Silence
from support.mock_caller import EXECUTE, LINKED_ACCOUNT, MockCaller


async def statuses(caller: MockCaller, count: int, **options: Any) -> list[int]:
    """Read a contact several times and return the HTTP statuses."""
    return [(await caller.execute("hubspot", "get_contact", **options)).status for _ in range(count)]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (None, [503, 503, 503, 503]),
        (1, [503, 200, 200, 200]),
        (3, [200, 200, 503, 200]),
        ([1, 4], [503, 200, 200, 503]),
        ({2}, [200, 503, 200, 200]),
        (range(2, 4), [200, 503, 503, 200]),
        (range(2, 10**12), [200, 503, 503, 503]),
    ],
)
async def test_calls(caller: MockCaller, mock: MockRefold, calls: Any, expected: list[int]) -> None:
    """Trouble comes at the numbered calls, counted from 1."""
    script = mock.script(Answer(503), calls=calls)
    assert await statuses(caller, 4) == expected
    assert (script.matched, script.applied) == (4, expected.count(503))


async def test_calls_are_counted_for_the_route_and_account_of_the_script(caller: MockCaller, mock: MockRefold) -> None:
    """Requests of other routes and accounts neither count nor suffer."""
    script = mock.script(Answer(503), route="execute_action", linked_account_id="user_1", calls=2)
    assert await statuses(caller, 2, account="user_2") == [200, 200]
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions")).status == 200
    assert await statuses(caller, 3) == [200, 503, 200]
    assert (script.matched, script.applied) == (3, 1)


async def test_account_of_a_session_token(caller: MockCaller, mock: MockRefold) -> None:
    """A script for an account applies however it authenticates."""
    mock.script(Answer(503), linked_account_id="user_2")
    assert await statuses(caller, 1, token=mock.session_token("user_2")) == [503]
    assert await statuses(caller, 1, token=mock.session_token("user_1")) == [200]


async def test_the_first_script_that_fits_applies(caller: MockCaller, mock: MockRefold) -> None:
    """Scripts are tried in order, and each counts all its requests."""
    first = mock.script(Answer(500), calls=[1, 3])
    second = mock.script(Answer(502), calls=[1, 2])
    assert await statuses(caller, 4) == [500, 502, 500, 200]
    assert (first.matched, first.applied) == (4, 2)
    assert (second.matched, second.applied) == (4, 1)


async def test_remove(caller: MockCaller, mock: MockRefold) -> None:
    """A removed script applies no more; removing it again does nothing."""
    script = mock.script(Answer(500))
    mock.script(Answer(502))
    assert await statuses(caller, 1) == [500]
    script.remove()
    script.remove()
    assert await statuses(caller, 1) == [502]
    assert (script.matched, script.applied) == (1, 1)


async def test_clear(caller: MockCaller, mock: MockRefold) -> None:
    """Clearing forgets scripts and records, and keeps what was written."""
    mock.script(Answer(500), route="list_actions")
    await caller.data("hubspot", "create_contact", {"email": "a@b.c"})
    mock.clear()
    assert mock.requests == []
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions")).status == 200
    assert (await caller.data("hubspot", "search_contacts", {"query": "a@b.c"}))["total"] == 1
    assert [request.number for request in mock.requests] == [2, 3]


async def test_requests_at_once_are_counted_one_by_one(caller: MockCaller, mock: MockRefold) -> None:
    """Of many requests at once, exactly the numbered ones run into trouble."""
    mock.script(Delay(0.001), Answer(503), calls=range(1, 11))
    answered = await asyncio.gather(*(statuses(caller, 1, account=f"user_{number}") for number in range(50)))
    assert sorted(status for (status,) in answered) == [200] * 40 + [503] * 10


async def test_one_action(caller: MockCaller, mock: MockRefold) -> None:
    """A script for an action is for executing it alone, as the caller spells it, and counts nothing else."""
    script = mock.script(Answer(503), action_id="get_contact", calls=2)
    assert (script.route, script.action_id) == ("execute_action", "get_contact")
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions/get_contact")).status == 200
    assert (await caller.execute("slack", "list_channels")).status == 200
    assert await statuses(caller, 2) == [200, 503]
    assert (script.matched, script.applied) == (2, 1)
    assert (await caller.post(EXECUTE.format("hubspot", "get%5Fcontact"), json={})).status == 200
    assert script.matched == 3


async def test_one_action_of_one_account(caller: MockCaller, mock: MockRefold) -> None:
    """An action and an account go together, with troubles of the app too."""
    mock.script(Errored(422, {"message": "no"}), action_id="get_contact", linked_account_id="user_2")
    assert (await caller.execute("hubspot", "get_contact", account="user_2")).json["http_status"] == 422
    assert (await caller.execute("hubspot", "search_contacts", account="user_2")).json["node_status"] == "Success"
    assert (await caller.execute("hubspot", "get_contact", account="user_1")).json["node_status"] == "Success"


async def test_parameters_of_one_action(caller: MockCaller, mock: MockRefold) -> None:
    """With its route, a script is for reading the parameters of an action."""
    mock.script(Answer(503), route="get_action_parameters", action_id="get_contact")
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions/get_contact")).status == 503
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions/create_contact")).status == 200
    assert await statuses(caller, 1) == [200]


async def test_an_action_that_the_catalogue_has_not(caller: MockCaller, mock: MockRefold) -> None:
    """A script can answer for it."""
    mock.script(Answer(json={"node_status": "Success", "data": 7}), action_id="count")
    assert await caller.data("acme", "count") == 7


async def test_routes_that_name_an_action(mock: MockRefold) -> None:
    """Scripts for an action are for those routes, and there are no others."""
    for route in ROUTES:
        if "{action_id}" in route.path:
            assert mock.script(Answer(500), route=route.name, action_id="x").route == route.name
        else:
            with pytest.raises(ValueError, match=f"{route.name} names no action; execute_action and get_action"):
                mock.script(Answer(500), route=route.name, action_id="x")


@pytest.mark.parametrize("trouble", [Errored(500), ExpiredConnection()])
async def test_troubles_of_an_app_are_for_executed_actions(
    caller: MockCaller, mock: MockRefold, trouble: Errored | ExpiredConnection
) -> None:
    """An app's failure counts executed actions alone, and can be scripted for nothing else."""
    script = mock.script(trouble, calls=1)
    assert (await caller.get(LINKED_ACCOUNT)).status == 200
    assert script.matched == 0
    assert (await caller.execute("hubspot", "get_contact")).json["node_status"] == "Errored"
    with pytest.raises(ValueError, match="is for execute_action, not for list_actions"):
        mock.script(trouble, route="list_actions")


async def test_scripts_of_any_route_apply_to_unknown_paths(caller: MockCaller, mock: MockRefold) -> None:
    """What the mock does not serve can still be answered by a script."""
    mock.script(Answer(json={"brand": "mine"}), calls=1)
    answered = await caller.get("/api/v2/public/added-later")
    assert (answered.status, answered.json) == (200, {"brand": "mine"})
    assert (await caller.get("/api/v2/public/added-later")).status == 404


@pytest.mark.parametrize("calls", [0, -1, [], [1, 0], range(0), range(3)])
async def test_calls_that_make_no_sense(mock: MockRefold, calls: Any) -> None:
    """Calls are counted from 1, and a script is for one call at least."""
    with pytest.raises(ValueError, match="counted from 1"):
        mock.script(Answer(500), calls=calls)


async def test_scripts_that_make_no_sense(mock: MockRefold) -> None:
    """Only a delay may be followed by something; a route must exist."""
    with pytest.raises(ValueError, match=r"nothing can follow Silence"):
        mock.script(Silence(), Delay(1))
    unknown: Any = "execute_actions"
    with pytest.raises(ValueError, match=r"no route 'execute_actions'; there are .*create_linked_account, "):
        mock.script(Answer(500), route=unknown)


async def test_every_route_can_be_scripted(mock: MockRefold) -> None:
    """A script takes the name of any route."""
    names: list[RouteName] = ["list_actions", "get_execution", "revoke_session_token"]
    assert [mock.script(Answer(500), route=name).route for name in names] == names
