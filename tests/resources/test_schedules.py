"""When Refold runs workflows: schedules are created, listed, changed, paused and deleted, by API key alone."""

from datetime import UTC, date, datetime
from typing import Any, Final

import pytest

from refold_async import AccountScope, AsyncRefold, BadRequestError, ConfigurationError, NotFoundError, Schedule
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold

MONDAYS: Final = "0 9 * * 1"


async def created(account: AccountScope) -> Schedule:
    """Schedule the sample workflow."""
    return await account.schedules.create(SAMPLE_WORKFLOW_ID, slug="hubspot", cron_expression=MONDAYS)


async def test_the_life_of_a_schedule(account: AccountScope) -> None:
    """It is created, read in pages, changed in part, and gone after its end."""
    first = await account.schedules.create(
        SAMPLE_WORKFLOW_ID,
        slug="hubspot",
        cron_expression=MONDAYS,
        tz="UTC",
        start_date=date(2026, 7, 1),
        payload={"sync_type": "full"},
    )
    second = await created(account)
    assert (first.status, first.inactive, first.cron_expression) == ("running", False, MONDAYS)
    assert (first.workflow_id, first.config_id) == (SAMPLE_WORKFLOW_ID, "user_12345")
    listed = await account.schedules.list(page_size=1).collect()
    assert [one.schedule_id for one in listed] == [first.schedule_id, second.schedule_id]
    assert {one.workflow_id for one in listed} == {SAMPLE_WORKFLOW_ID}
    changed = await account.schedules.update(first.schedule_id, cron_expression="0 10 * * 1")
    assert (changed.cron_expression, changed.payload) == ("0 10 * * 1", {"sync_type": "full"})
    assert changed.options == {"trigger_type": "cron", "tz": "UTC", "startDate": "2026-07-01"}
    deletion = await account.schedules.delete(first.schedule_id)
    assert deletion.message == "Scheduled Job Deleted Successfully"
    assert [one.schedule_id async for one in account.schedules.list()] == [second.schedule_id]
    with pytest.raises(NotFoundError, match=r"schedules\.list\(\) gives all schedules"):
        await account.schedules.update(first.schedule_id, tz="UTC")


async def test_pausing_twice(mock: MockRefold, account: AccountScope) -> None:
    """It is as pausing once, so a lost response is no obstacle."""
    schedule_id = (await created(account)).schedule_id
    mock.script(Answer(503), calls=1)
    paused = await account.schedules.pause(schedule_id)
    assert (paused.status, paused.inactive, paused.meta.attempts) == ("paused", True, 2)
    assert (await account.schedules.pause(schedule_id)).inactive
    assert (await account.schedules.resume(schedule_id)).status == "running"


async def test_times(mock: MockRefold, account: AccountScope) -> None:
    """Datetimes are sent as the parts that Refold asks for; what it returned can be sent back."""
    parts = {"day": 2, "month": 7, "year": 2026, "hour": 9, "minute": 30}
    moment = datetime(2026, 7, 1, 9, 30)
    schedule = await account.schedules.create(SAMPLE_WORKFLOW_ID, slug="hubspot", interval_dates=[moment, parts])
    assert (schedule.trigger_type, schedule.cron_expression) == ("interval", None)
    assert schedule.trigger_interval == [{**parts, "day": 1}, parts]
    again = await account.schedules.update(schedule.schedule_id, interval_dates=schedule.trigger_interval)
    assert again.trigger_interval == schedule.trigger_interval


async def test_other_accounts(refold: AsyncRefold, account: AccountScope) -> None:
    """They neither see nor change it."""
    schedule = await created(account)
    other = refold.account("user_2").schedules
    assert await other.list().collect() == []
    with pytest.raises(NotFoundError):
        await other.pause(schedule.schedule_id)
    assert (await account.schedules.list().collect())[0].status == "running"


async def test_workflows_that_are_not_there(account: AccountScope) -> None:
    """Refold refuses to schedule them."""
    with pytest.raises(BadRequestError, match="Workflow not found"):
        await account.schedules.create("nowhere", slug="hubspot", cron_expression=MONDAYS)


# fmt: off
WRONG: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({}, "pass cron_expression or interval_dates"),
    ({"cron_expression": MONDAYS, "interval_dates": [{"day": 1}]}, "Pass either cron_expression or interval_dates"),
    ({"cron_expression": ""}, "cron_expression is empty"),
    ({"interval_dates": []}, "interval_dates is too short"),
    ({"interval_dates": ["2026-07-01"]}, r"interval_dates\[0\] must be a datetime, not str"),
    ({"interval_dates": [{"second": 1}]}, r"a name of interval_dates\[0\] must be 'year', 'month', 'day'"),
    ({"interval_dates": [{"day": "first"}]}, r"interval_dates\[0\]\['day'\] must be"),
    ({"interval_dates": [datetime(2026, 7, 1, tzinfo=UTC)]}, r"interval_dates\[0\] has a time zone"),
    ({"interval_dates": [datetime(2026, 7, 1, 9, 0, 1)]}, r"interval_dates\[0\] has seconds"),
    ({"cron_expression": MONDAYS, "start_date": "tomorrow"}, "start_date must be a date"),
    ({"cron_expression": MONDAYS, "end_date": datetime(2026, 7, 1, tzinfo=UTC)}, "end_date must be a date"),
    ({"cron_expression": MONDAYS, "payload": [5]}, "payload must be a mapping"),
    ({"cron_expression": MONDAYS, "slug": None}, "slug must be a str"),
)
# fmt: on


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[said for _, said in WRONG])
async def test_wrong_arguments(mock: MockRefold, account: AccountScope, options: dict[str, Any], said: str) -> None:
    """They are named, and nothing is sent."""
    options = {"slug": "hubspot", **options}
    with pytest.raises(ConfigurationError, match=said):
        await account.schedules.create(SAMPLE_WORKFLOW_ID, **options)
    assert not mock.requests


async def test_nothing_to_change(mock: MockRefold, account: AccountScope) -> None:
    """Says so, and sends nothing."""
    with pytest.raises(ConfigurationError, match="nothing to change"):
        await account.schedules.update("some-id")
    assert not mock.requests


@pytest.mark.parametrize("workflow", [None, 5, {"name": "Daily"}, {"_id": 5}])
async def test_workflows_without_an_id(mock: MockRefold, account: AccountScope, workflow: Any) -> None:
    """Are read anyway."""
    mock.script(Answer(200, json={"_id": "s", "workflow": workflow}))
    schedule = await account.schedules.pause("s")
    assert (schedule.workflow, schedule.workflow_id) == (workflow, None)
