"""Workflows."""

from datetime import UTC, datetime
from typing import Final

from contract.calls.call import JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_WORKFLOW: Final = "/api/v2/public/workflow"
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)

# fmt: off
CALLS: Final = (
    call("account.execute_workflow", SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE),
    call("account.execute_workflow", SAMPLE_WORKFLOW_ID, slug="hubspot", body=JANE, sync=True, config_id="c 1",
         instance_tag="nightly", include_headers=True, connection_id="{connection}"),
    call("account.run_workflow", SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, config_id="c 1",
         instance_tag="nightly", connection_id="{connection}", poll_interval=0.01),
    call("account.workflows.list"),
    call("account.workflows.list", slug="hubspot", name="Welcome", published=True, application_id="a",
         scope="private", start_date=_DAY, end_date=_LATER, page_size=7),
    call("account.workflows.list_enabled"),
    call("account.workflows.get", SAMPLE_WORKFLOW_ID),
    call("account.workflows.get", "{private}"),
    call("account.workflows.request_structure", SAMPLE_WORKFLOW_ID),
    call("account.workflows.versions", "{private}", page_size=5),
    call("account.workflows.create", "Mine", slug="hubspot", description="Ours"),
    call("account.workflows.create", "Mine as well"),
    call("account.workflows.get_draft", "{private}"),
    call("account.workflows.publish", "{draft}", version=7, description="new"),
    call("account.workflows.unpublish", "{private}"),
    call("account.workflows.publish", "{draft}", environment="test"),
    call("account.workflows.unpublish", "{private}", environment="test"),
    call("account.workflows.delete", "{private}"),
)
REFUSED: Final = (
    Refused("POST", f"{_WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", JANE),
    Refused("POST", f"{_WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", JANE, headers={"slug": "slack"}),
    Refused("POST", f"{_WORKFLOW}/{{draft}}/execute", JANE, headers={"slug": "hubspot"}),
    Refused("POST", _WORKFLOW, {}),
    Refused("POST", _WORKFLOW, {"name": 5}),
    Refused("POST", _WORKFLOW, {"name": "Mine", "slug": "nowhere"}),
    Refused("PUT", f"{_WORKFLOW}/{{private}}/publish", {"published": True}, "token"),
    Refused("PUT", f"{_WORKFLOW}/{{draft}}/publish", {"published": False}, "token"),
    Refused("PUT", f"{_WORKFLOW}/{{draft}}/publish", {"published": True, "version": "seven"}, "token"),
    Refused("PUT", f"{_WORKFLOW}/{{draft}}/publish", {"published": True, "version": 1}, "token"),
    Refused("DELETE", f"{_WORKFLOW}/{{version}}", by="token"),
    Refused("GET", f"{_WORKFLOW}/{{private}}", headers={"linked_account_id": "made"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a private workflow with its draft and its version."""
    draft = await account.workflows.create("Private", slug="hubspot")
    private = await account.workflows.publish(draft.workflow_id)
    (version,) = [version async for version in account.workflows.versions(private.workflow_id)]
    return {
        "workflowId": SAMPLE_WORKFLOW_ID,
        "draft": draft.workflow_id,
        "private": private.workflow_id,
        "version": version.version_id or "none",
    }
