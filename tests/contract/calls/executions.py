"""Executions."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from contract.calls.call import JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_EXECUTION: Final = "/api/v2/public/execution"
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)

# fmt: off
CALLS: Final = (
    call("account.executions.list"),
    call("account.executions.list", slug="hubspot", status="COMPLETED", workflow_id="w", workflow_name="n",
         execution_id="e", start_date=_DAY, end_date=_LATER, execution_type="ASYNC", execution_source="API_CALL",
         oldest_first=True, page_size=7),
    call("account.executions.get", "{ended}"),
    call("account.executions.get", "{running}"),
    call("account.executions.wait", "{ended}"),
    call("account.executions.watch", "{ended}"),
    call("account.executions.batches", "{ended}", "batch", status="Success", page_size=5),
    call("account.executions.response", "{ended}"),
    call("account.executions.rerun", "{ended}"),
    call("account.executions.stop", "{running}"),
)
REFUSED: Final = (
    Refused("GET", f"{_EXECUTION}/{{ended}}/nodes/run/batches"),
    Refused("GET", f"{_EXECUTION}/{{ended}}/nodes/no-such-node/batches"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make an execution that has ended, and one that goes on."""

    async def wait_for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    mock.catalogue.workflow("hubspot", "slow")(wait_for_ever)
    ended = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, sync=True)
    running = await account.execute_workflow("slow", slug="hubspot")
    return {"ended": ended.execution_id, "running": running.execution_id}
