"""Workflows of a linked account's own, as Refold's documentation shows them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import AccountScope, APIResponseValidationError, AsyncRefold, AuthenticationError, Workflow
from refold_async.testing import Answer, MockRefold

LEAD_SYNC: Final = {"_id": "6a31545ed0aeb8165beb9a43", "name": "Lead Sync", "nodes": [{"id": "1", "type": "start"}]}
CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[Workflow]]]] = {
    "create": lambda account: account.workflows.create("Lead Sync"),
    "get": lambda account: account.workflows.get("w"),
    "get_draft": lambda account: account.workflows.get_draft("w"),
    "publish": lambda account: account.workflows.publish("w"),
    "unpublish": lambda account: account.workflows.unpublish("w"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_workflows_in_an_envelope(
    mock: MockRefold, account: AccountScope, call: Callable[[AccountScope], Awaitable[Workflow]]
) -> None:
    """A workflow is read from `{"workflow": ...}` as it is by itself."""
    mock.script(Answer(200, json={"workflow": LEAD_SYNC}), calls=1)
    mock.script(Answer(200, json=LEAD_SYNC), calls=2)
    mock.script(Answer(200, json={**LEAD_SYNC, "workflow": {"_id": "another"}}), calls=3)
    for _ in range(3):
        workflow = await call(account)
        assert (workflow.workflow_id, workflow.name) == (LEAD_SYNC["_id"], "Lead Sync")
        assert workflow.raw["nodes"] == LEAD_SYNC["nodes"]


@pytest.mark.parametrize("body", [{"workflow": {}}, {"workflow": None}, {"workflow": 5}, {}])
async def test_a_new_workflow_whose_id_is_not_told(mock: MockRefold, account: AccountScope, body: Any) -> None:
    """It may have been made, and nobody could name it: that is an error, which shows what came."""
    mock.script(Answer(200, json=body))
    with pytest.raises(APIResponseValidationError) as caught:
        await account.workflows.create("Lead Sync")
    assert (caught.value.effect, caught.value.body) == ("unknown", body)


@pytest.mark.parametrize("call", ["publish", "unpublish", "delete"])
async def test_a_key_that_does_not_tell_its_environment(mock: MockRefold, call: str) -> None:
    """Refold refuses it where the environment is not given; the error says how to."""
    async with AsyncRefold("key_of_another_kind", base_url=mock.base_url) as refold:
        account = refold.account("user_12345")
        method = getattr(account.workflows, call)
        with pytest.raises(AuthenticationError, match=r"pass environment='test' or environment='production'\."):
            await method("w")
        mock.script(Answer(401))
        for known in (lambda: method("w", environment="test"), lambda: account.workflows.get("w")):
            with pytest.raises(AuthenticationError, match="API key or session token") as caught:
                await known()
            assert "environment=" not in str(caught.value)
        by_token = refold.account_from_session_token("t").workflows
        with pytest.raises(AuthenticationError) as caught:
            await getattr(by_token, call)("w")
        assert "environment=" not in str(caught.value)


async def test_a_workflow_of_the_default_app(mock: MockRefold, account: AccountScope) -> None:
    """Without a slug none is sent: Refold takes its organisation's default app."""
    mock.script(Answer(200, json={"workflow": LEAD_SYNC}))
    await account.workflows.create("Lead Sync")
    assert mock.requests[0].json == {"name": "Lead Sync"}
