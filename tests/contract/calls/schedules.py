"""Schedules."""

from datetime import date, datetime
from typing import Final

from contract.calls.call import ACCOUNT, JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_SCHEDULED: Final = "/api/v1/workflow/public/scheduled"
_TIMES: Final = [datetime(2026, 7, 1, 9, 30), {"day": 2, "month": 7, "year": 2026, "hour": 9, "minute": 0}]
_HEADERS: Final = {"slug": "hubspot", "workflow_id_alias": SAMPLE_WORKFLOW_ID, "config_id": ACCOUNT}
_NOWHERE: Final = {**_HEADERS, "workflow_id_alias": "nowhere"}
_OF_SLACK: Final = {**_HEADERS, "slug": "slack"}
_CRON: Final = {"trigger_type": "cron", "regex": "0 9 * * 1"}

# fmt: off
CALLS: Final = (
    call("account.schedules.create", SAMPLE_WORKFLOW_ID, slug="hubspot", cron_expression="0 9 * * 1", tz="UTC",
         start_date=date(2026, 7, 1), end_date="2026-12-31", payload=JANE, config_id="c 1"),
    call("account.schedules.create", SAMPLE_WORKFLOW_ID, slug="hubspot", interval_dates=_TIMES),
    call("account.schedules.list", page_size=1),
    call("account.schedules.update", "{schedule}", cron_expression="0 10 * * 1", tz="UTC",
         start_date=date(2026, 7, 1), end_date="2026-12-31", payload=JANE),
    call("account.schedules.update", "{schedule}", interval_dates=_TIMES),
    call("account.schedules.pause", "{schedule}"),
    call("account.schedules.resume", "{schedule}"),
    call("account.schedules.delete", "{schedule}"),
)
REFUSED: Final = (
    Refused("POST", _SCHEDULED, {}, headers=_HEADERS),
    Refused("POST", _SCHEDULED, _CRON),
    Refused("POST", _SCHEDULED, _CRON, headers=_NOWHERE),
    Refused("POST", _SCHEDULED, _CRON, headers=_OF_SLACK),
    Refused("POST", _SCHEDULED, {"trigger_type": "hourly"}, headers=_HEADERS),
    Refused("POST", _SCHEDULED, {"trigger_type": "cron"}, headers=_HEADERS),
    Refused("POST", _SCHEDULED, {"trigger_type": "interval", "interval_dates": []}, headers=_HEADERS),
    Refused("POST", _SCHEDULED, {**_CRON, "payload": "all"}, headers=_HEADERS),
    Refused("PUT", _SCHEDULED + "/{schedule}", {"trigger_type": "hourly"}),
    Refused("PUT", _SCHEDULED + "/{schedule}", {"tz": 5}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a schedule."""
    schedules = refold.account(ACCOUNT).schedules
    schedule = await schedules.create(SAMPLE_WORKFLOW_ID, slug="hubspot", cron_expression="0 9 * * 1")
    return {"schedule": schedule.schedule_id}
