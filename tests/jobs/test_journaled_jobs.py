"""Jobs with a journal: what is recorded when, what comes out of it, and what is called again."""

import asyncio
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    ActionResult,
    APIConnectionError,
    APIResponseValidationError,
    AsyncRefold,
    ConfigurationError,
    FanOut,
    JournalError,
    Outcome,
    Progress,
    RateLimit,
    RecordedError,
    RefoldError,
    RetryPolicy,
)
from refold_async.journal.entries import JournalEntry
from refold_async.journal.journal import Journal
from refold_async.testing import ActionContext, Answer, Delay, Errored, MockRefold, Reset, Silence
from support.journals import SQLITE, AnyJournal, largest_file, statuses
from support.waiting import until

IDS: Final = [f"user_{number}" for number in range(20)]
JANE: Final = {"email": "jane@example.com", "firstname": "Jane"}


@attrs.frozen
class Row:
    """An item that is no id."""

    customer_id: str
    email: str


@attrs.frozen
class Created:
    """What `create_contact` gives."""

    id: str
    createdAt: str  # noqa: N815 - as the app has it


def write(
    refold: AsyncRefold, journal: AnyJournal, items: Iterable[str] = IDS, **options: Any
) -> FanOut[str, ActionResult[Any]]:
    """Return a journaled job that creates a contact for each account."""
    return refold.fan_out_action(items, "hubspot", "create_contact", JANE, journal=journal, **options)


def by_item(outcomes: tuple[Outcome[str, Any], ...]) -> dict[str, Outcome[str, Any]]:
    """Return outcomes by their item."""
    return {outcome.item: outcome for outcome in outcomes}


def entries(journal: AnyJournal) -> dict[str, JournalEntry]:
    """Return what a journal has, by key."""
    return {entry.key: entry for entry in journal.entries()}


def writes(mock: MockRefold) -> Counter[str | None]:
    """Return how many contacts were asked for, by account, without those that were refused with HTTP 429."""
    return Counter(request.linked_account_id for request in mock.requests if request.status != 429)


async def settle() -> None:
    """Let everything get as far as it can by itself: as many turns of the loop on a slow machine as on a quick one."""
    for _ in range(20):
        await asyncio.sleep(0.002)


# The order of things.


async def test_a_request_finds_its_row_and_an_outcome_too(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """When the server has a request its row is committed as started; when an outcome is yielded, as ended."""
    seen: dict[str, str] = {}

    async def look(context: ActionContext, parameters: dict[str, Any]) -> Any:
        seen[context.linked_account_id] = statuses(journal)[context.linked_account_id]
        return {"id": "1"}

    mock.catalogue.action("hubspot", "create_contact")(look)
    read: dict[str, str] = {}
    async with write(refold, journal, concurrency=5) as outcomes:
        async for outcome in outcomes:
            read[outcome.item] = statuses(journal)[outcome.item]
    assert seen == dict.fromkeys(IDS, "started")
    assert read == dict.fromkeys(IDS, "ok")
    assert journal.summary().updated_at == max(entry.finished_at for entry in journal.entries() if entry.finished_at)


async def test_nothing_is_recorded_of_items_that_wait_for_a_permit(mock: MockRefold, journal: AnyJournal) -> None:
    """The grant comes before the row: a limiter that grants nothing leaves a journal without items."""

    class HeldLimiter:
        def __init__(self) -> None:
            self.granted = asyncio.Semaphore(0)
            self.asked = 0

        async def acquire(self) -> None:
            self.asked += 1
            await self.granted.acquire()

    limiter = HeldLimiter()
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limiter) as refold:
        collecting = asyncio.create_task(write(refold, journal).collect())
        await until(lambda: limiter.asked == 1)
        assert statuses(journal) == {}
        limiter.granted.release()
        await until(lambda: limiter.asked == 2 and len(mock.requests) == 1)
        assert len(statuses(journal)) == 1
        for _ in IDS:
            limiter.granted.release()
        assert (await collecting).counts["ok"] == 20


async def test_nothing_is_recorded_of_items_that_wait_for_their_account(mock: MockRefold, journal: AnyJournal) -> None:
    """They have not begun: the next run calls them, and only who was in flight is unknown."""
    mock.script(Silence(), linked_account_id="user_1", calls=1)
    rows = [("user_1", str(number)) for number in range(30)]

    async def call(scope: AccountScope, row: tuple[str, str]) -> None:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})

    def job(refold: AsyncRefold) -> FanOut[tuple[str, str], None]:
        return refold.fan_out(
            rows, call, account=lambda row: row[0], key=lambda row: row[1], journal=journal, concurrency=5, grace=0
        )

    async with AsyncRefold("tk_test", base_url=mock.base_url, account_concurrency=1) as refold:
        first = job(refold)
        async with first:
            await until(lambda: len(mock.requests) == 1)
        assert statuses(journal) == {"0": "unknown"}
        assert sorted(left.index for left in first.unfinished) == list(range(30))
        second = await job(refold).collect()
    assert second.counts == {"ok": 29, "failed": 0, "unknown": 1}
    assert [outcome.index for outcome in second.unknown] == [0]
    assert len(mock.requests) == 30


async def test_summary_while_it_runs(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """What is in flight is told as such, and the summary agrees with what was yielded."""
    mock.script(Errored(400), linked_account_id="user_0")
    mock.script(Silence(), linked_account_id="user_1")
    mock.script(Reset("after"), linked_account_id="user_2")
    async with write(refold, journal, grace=0) as outcomes:
        for _ in range(19):
            await anext(outcomes)
        summary = journal.summary()
        assert (summary.job, summary.slug, summary.action_id) == ("june sync", "hubspot", "create_contact")
        assert (summary.running, summary.runs, summary.in_flight) == (True, 1, 1)
        assert (summary.ok, summary.failed, summary.unknown) == (17, 1, 1)
        assert entries(journal)["user_1"].status == "started"
    summary = journal.summary()
    assert (summary.running, summary.in_flight, summary.unknown) == (False, 0, 2)


# What an earlier run recorded.


async def test_run_twice_to_the_end(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """The second run sends nothing, and every outcome tells that it is of the first."""
    first = await write(refold, journal).collect()
    assert not any(outcome.recorded for outcome in first.outcomes)
    second = await write(refold, journal).collect()
    assert len(mock.requests) == 20
    assert second.counts == first.counts == {"ok": 20, "failed": 0, "unknown": 0}
    assert [outcome.item for outcome in second.outcomes] == IDS
    assert [outcome.linked_account_id for outcome in second.outcomes] == IDS
    assert all(outcome.recorded and outcome.attempts == 1 and outcome.value is None for outcome in second.outcomes)
    assert journal.summary().runs == 2


async def test_results_are_restored(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Where results are recorded a later run has them as the first had, structured by `into=` too."""
    journal = attrs.evolve(journal, results=True)

    async def run() -> tuple[Outcome[str, ActionResult[Created]], ...]:
        job = refold.fan_out_action(IDS, "hubspot", "create_contact", JANE, into=Created, journal=journal)
        return (await job.collect()).outcomes

    first, second = await run(), await run()
    assert len(mock.requests) == 20
    assert [outcome.value for outcome in first] == [outcome.value for outcome in second]
    assert all(outcome.value is not None and outcome.value.data.id == "1510721" for outcome in second)


async def test_a_result_that_no_longer_fits(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Asked for as another type, a recorded result is a failed outcome of the earlier run, whose action was done."""
    journal = attrs.evolve(journal, results=True)
    await write(refold, journal, ["user_1"], into=Created).collect()
    (outcome,) = (await write(refold, journal, ["user_1"], into=list[int]).collect()).failed
    assert isinstance(outcome.error, APIResponseValidationError)
    assert (outcome.recorded, outcome.error.effect, len(mock.requests)) == (True, "done", 1)
    assert statuses(journal) == {"user_1": "ok"}


async def test_results_of_any_call(refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture) -> None:
    """What a call returns is recorded if it is JSON; what is none is told in the log, and harms nothing."""
    journal = attrs.evolve(journal, results=True)
    values: dict[str, Any] = {
        "user_1": {"ä": [1, None, 2.5, True]},
        "user_2": "text",
        "user_3": None,
        "user_4": object(),
        "user_5": math.nan,
        "user_6": False,
    }

    async def call(scope: AccountScope, item: str) -> Any:
        return values[item]

    first = await refold.fan_out(list(values), call, journal=journal).collect()
    assert [outcome.value for outcome in first.ok] == list(values.values())
    assert caplog.text.count("is not JSON and cannot be recorded") == 2
    second = await refold.fan_out(list(values), call, journal=journal).collect()
    restored = {outcome.item: outcome.value for outcome in second.ok if outcome.recorded}
    assert restored == {**values, "user_4": None, "user_5": None}


async def test_what_did_not_succeed_comes_out_as_it_was(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """A failed and an unknown item come out with the error of then: its type, text, effect and attempts."""
    mock.script(Errored(400, {"message": "No such property"}), linked_account_id="user_1")
    mock.script(Reset("after"), linked_account_id="user_2")
    first = by_item((await write(refold, journal).collect()).outcomes)
    second = by_item((await write(refold, journal).collect()).outcomes)
    assert len(mock.requests) == 20
    assert isinstance(first["user_1"].error, ActionFailedError)
    assert isinstance(first["user_2"].error, APIConnectionError)
    for item, status, effect in (("user_1", "failed", "none"), ("user_2", "unknown", "unknown")):
        error = second[item].error
        assert isinstance(error, RecordedError)
        assert (second[item].status, second[item].recorded, second[item].attempts) == (status, True, 1)
        assert (error.error_type, error.effect) == (type(first[item].error).__name__, effect)
        assert (error.attempts, error.linked_account_id) == (1, item)
        assert str(first[item].error) in str(error)


async def test_nothing_to_do(refold: AsyncRefold, mock: MockRefold, journal: AnyJournal) -> None:
    """A job without items makes a journal without items."""
    assert len(await write(refold, journal, []).collect()) == 0
    assert journal.summary().ok == len(mock.requests) == 0
    assert list(journal.entries()) == []


async def test_progress_counts_what_is_recorded(refold: AsyncRefold, journal: AnyJournal) -> None:
    """Items of an earlier run are done as much as those of this one."""
    heard: list[Progress] = []
    await write(refold, journal, IDS[:15]).collect()
    await write(refold, journal, progress=heard.append).collect()
    assert (heard[-1].done, heard[-1].ok, heard[-1].total) == (20, 20, 20)


async def test_failures_of_an_earlier_run_stop_nothing(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """`stop_after` counts what fails in this run."""
    script = mock.script(Errored(400))
    await write(refold, journal, IDS[:10]).collect()
    script.remove()
    report = await write(refold, journal, stop_after=1).collect()
    assert report.counts == {"ok": 10, "failed": 10, "unknown": 0}


# What is called again.


@pytest.fixture
async def troubled(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> AnyJournal:
    """The journal of a run in which items came to every kind of end; the troubles are over."""
    mock.script(Errored(400), linked_account_id="user_1")
    mock.script(Answer(404), linked_account_id="user_2")
    mock.script(Errored(500), linked_account_id="user_3")
    mock.script(Reset("after"), linked_account_id="user_4")
    mock.script(Answer(200, json={"node_status": "Success", "data": {"id": 7}}), linked_account_id="user_5")
    report = await write(refold, journal, into=dict[str, str]).collect()
    assert report.counts == {"ok": 15, "failed": 3, "unknown": 2}
    mock.clear()
    return journal


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ({}, []),
        ({"retry_failed": True}, ["user_1", "user_2"]),
        ({"resend_unknown": True}, ["user_3", "user_4"]),
        ({"idempotent": True}, ["user_3", "user_4"]),
        ({"retry_failed": True, "resend_unknown": True}, ["user_1", "user_2", "user_3", "user_4"]),
    ],
    ids=str,
)
async def test_what_is_called_again(
    mock: MockRefold, refold: AsyncRefold, troubled: Journal, options: dict[str, Any], again: list[str]
) -> None:
    """Failed items that had no effect, or unknown ones, if asked for; never what was done, as where `into=` misfits."""
    report = await write(refold, troubled, into=dict[str, str], **options).collect()
    assert sorted(str(request.linked_account_id) for request in mock.requests) == again
    assert [outcome.item for outcome in report.outcomes if not outcome.recorded] == again
    assert len(report.ok) == 15 + len(again)
    (misfit,) = (outcome for outcome in report.failed if outcome.item == "user_5")
    assert isinstance(misfit.error, RecordedError)
    assert (misfit.error.error_type, misfit.error.effect) == ("APIResponseValidationError", "done")
    assert troubled.summary().ok == len(report.ok)


async def test_a_call_that_wrote_before_it_failed_is_not_called_again(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """Its error alone says that nothing happened; the item's earlier write says otherwise, a read does not."""

    async def call(scope: AccountScope, item: str) -> None:
        if item == "wrote":
            await scope.execute_action("hubspot", "create_contact", JANE)
        else:
            await scope.execute_action("hubspot", "get_contact", idempotent=True)
        await scope.execute_action("hubspot", "update_contact", {"id": "no such contact"})

    items = ["wrote", "read"]
    report = await refold.fan_out(items, call, journal=journal).collect()
    assert [isinstance(outcome.error, RefoldError) and outcome.error.effect for outcome in report.failed] == [
        "none"
    ] * 2
    assert {key: entry.effect for key, entry in entries(journal).items()} == {"wrote": "unknown", "read": "none"}
    mock.clear()
    await refold.fan_out(items, call, journal=journal, retry_failed=True).collect()
    assert {request.linked_account_id for request in mock.requests} == {"read"}


async def test_an_error_of_the_call_itself(refold: AsyncRefold, journal: AnyJournal) -> None:
    """A call that raised before it sent anything had no effect; one that wrote first may have had one."""

    async def call(scope: AccountScope, item: str) -> str:
        if item == "wrote":
            await scope.execute_action("hubspot", "create_contact", JANE)
        raise ValueError("of its own\0")

    await refold.fan_out(["wrote", "sent nothing"], call, journal=journal).collect()
    assert {key: (entry.effect, entry.error_type) for key, entry in entries(journal).items()} == {
        "wrote": ("unknown", "ValueError"),
        "sent nothing": ("none", "ValueError"),
    }


@pytest.mark.parametrize("refusal", [Answer(429, retry_after=5), Errored(400)], ids=["429", "400"])
async def test_what_is_unknown_stays_so_until_it_succeeds(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, refusal: Answer | Errored
) -> None:
    """Sent again and refused, an item may still have run the first time: no run calls it that is not told to."""
    mock.script(Reset("after"), calls=1)
    assert (await write(refold, journal, ["user_1"]).collect()).counts["unknown"] == 1
    mock.script(refusal)
    job = write(refold, journal, ["user_1"], resend_unknown=True)
    async with job:
        await until(lambda: len(mock.requests) == 2 and mock.requests[1].status is not None)
    mock.clear()
    async with AsyncRefold("tk_test", base_url=mock.base_url) as later:
        for options in ({}, {"retry_failed": True}):
            assert (await write(later, journal, ["user_1"], **options).collect()).counts["ok"] == 0
        assert not mock.requests
    assert mock.account("user_1").store("hubspot")["contacts_created"] == 1


# Keys.


async def test_items_are_known_by_their_key(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Several items of one account each have an entry of their own."""
    rows = [Row("user_1", "a@example.com"), Row("user_1", "b@example.com"), Row("user_2", "a@example.com")]

    def job(rows: list[Row]) -> FanOut[Row, ActionResult[Any]]:
        return refold.fan_out_action(
            rows,
            "hubspot",
            "create_contact",
            lambda row: {"email": row.email},
            account=lambda row: row.customer_id,
            key=lambda row: f"{row.customer_id} {row.email}",
            journal=journal,
        )

    assert len((await job(rows[:2]).collect()).ok) == 2
    report = await job(rows).collect()
    assert [outcome.recorded for outcome in report.outcomes] == [True, True, False]
    assert len(mock.requests) == 3
    assert {key: entry.linked_account_id for key, entry in entries(journal).items()} == {
        "user_1 a@example.com": "user_1",
        "user_1 b@example.com": "user_1",
        "user_2 a@example.com": "user_2",
    }


@pytest.mark.parametrize("concurrency", [1, 10])
async def test_a_key_that_occurs_twice(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, concurrency: int
) -> None:
    """The second item of a key is not called, in any run, and is told so; nothing is recorded of it."""
    items = ["user_1", "user_2", "user_1", "user_1"]
    for run in (1, 2):
        report = await write(refold, journal, items, concurrency=concurrency).collect()
        assert [outcome.status for outcome in report.outcomes] == ["ok", "ok", "failed", "failed"]
        assert [outcome.recorded for outcome in report.outcomes] == [run == 2, run == 2, False, False]
        for outcome in report.failed:
            assert isinstance(outcome.error, ConfigurationError)
            assert "occurred before in this run" in str(outcome.error)
    assert writes(mock) == {"user_1": 1, "user_2": 1}
    assert statuses(journal) == {"user_1": "ok", "user_2": "ok"}


@pytest.mark.parametrize("key", [None, 5, b"user_1", "", "a\0b", "\ud800"])
async def test_keys_that_cannot_be_recorded(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, key: Any
) -> None:
    """They fail their item, and nothing is sent."""

    def key_of(item: str) -> Any:
        return key

    report = await write(refold, journal, ["user_1"], key=key_of).collect()
    assert isinstance(report.failed[0].error, ConfigurationError)
    assert "key=" in str(report.failed[0].error)
    assert not mock.requests
    assert not statuses(journal)


async def test_scopes_without_an_account_need_a_key(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """A session token does not tell its account: the item fails, unless it is told or there is `key=`."""
    tokens = [mock.session_token(linked_account_id) for linked_account_id in ("user_1", "user_2")]
    scopes = [
        refold.account_from_session_token(tokens[0]),
        refold.account_from_session_token(tokens[1], linked_account_id="user_2"),
    ]
    job = refold.fan_out_action(scopes, "hubspot", "create_contact", JANE, journal=journal)
    report = await job.collect()
    assert [outcome.status for outcome in report.outcomes] == ["failed", "ok"]
    assert "pass key=" in str(report.outcomes[0].error)
    assert writes(mock) == {"user_2": 1}
    job = refold.fan_out_action(scopes[:1], "hubspot", "create_contact", JANE, journal=journal, key=lambda _: "one")
    assert (await job.collect()).counts["ok"] == 1
    assert statuses(journal) == {"user_2": "ok", "one": "ok"}


# Whose journal it is.


def another_action(refold: AsyncRefold, journal: AnyJournal) -> FanOut[str, Any]:
    """Return a job with another action."""
    return refold.fan_out_action(IDS, "hubspot", "get_contact", journal=journal)


def another_app(refold: AsyncRefold, journal: AnyJournal) -> FanOut[str, Any]:
    """Return a job at another app."""
    return refold.fan_out_action(IDS, "slack", "create_contact", JANE, journal=journal)


def other_parameters(refold: AsyncRefold, journal: AnyJournal) -> FanOut[str, Any]:
    """Return a job that writes something else."""
    return refold.fan_out_action(IDS, "hubspot", "create_contact", {**JANE, "firstname": "Joan"}, journal=journal)


def parameters_by_item(refold: AsyncRefold, journal: AnyJournal) -> FanOut[str, Any]:
    """Return a job whose parameters are made of the item."""
    return refold.fan_out_action(IDS, "hubspot", "create_contact", lambda item: JANE, journal=journal)


def a_function(refold: AsyncRefold, journal: AnyJournal) -> FanOut[str, Any]:
    """Return a job that calls a function."""
    return refold.fan_out(IDS, lambda scope, item: scope.list_actions("hubspot"), journal=journal)


@pytest.mark.parametrize(
    ("job", "api_key", "host", "named"),
    [
        (write, "pk_live", "127.0.0.1", "environment"),
        (write, "tk_test", "localhost", "base_url"),
        (another_action, "tk_test", "127.0.0.1", "action_id"),
        (another_app, "tk_test", "127.0.0.1", "slug"),
        (other_parameters, "tk_test", "127.0.0.1", "parameters"),
        (parameters_by_item, "tk_test", "127.0.0.1", "parameters"),
        (a_function, "tk_test", "127.0.0.1", "slug"),
    ],
)
async def test_another_jobs_journal_is_refused(
    mock: MockRefold,
    refold: AsyncRefold,
    journal: AnyJournal,
    job: Callable[[AsyncRefold, AnyJournal], FanOut[str, Any]],
    api_key: str,
    host: str,
    named: str,
) -> None:
    """A job that differs in anything sends nothing, and the error names what it is; the journal stays as it was."""
    await write(refold, journal, ["user_0"]).collect()
    seen, before = len(mock.requests), list(journal.entries())
    async with AsyncRefold(api_key, base_url=mock.base_url.replace("127.0.0.1", host)) as other:
        with pytest.raises(JournalError, match=named):
            await job(other, journal).collect()
    assert len(mock.requests) == seen
    assert list(journal.entries()) == before
    assert (await write(refold, journal, ["user_0"]).collect()).ok[0].recorded


@SQLITE
async def test_a_file_belongs_to_one_job(mock: MockRefold, refold: AsyncRefold, journal: Journal) -> None:
    """A job of another name sends nothing with it."""
    await write(refold, journal, ["user_0"]).collect()
    with pytest.raises(JournalError, match="july sync"):
        await write(refold, attrs.evolve(journal, job="july sync")).collect()
    assert writes(mock) == {"user_0": 1}


async def test_the_order_of_parameters_does_not_matter(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """Another client with the same parameters, written down the other way round, goes on with the job."""
    await write(refold, journal, IDS[:10]).collect()
    turned = dict(reversed(JANE.items()))
    async with AsyncRefold("tk_other", base_url=mock.base_url + "/") as other:
        job = other.fan_out_action(IDS, "hubspot", "create_contact", turned, journal=journal)
        assert (await job.collect()).counts["ok"] == 20
    assert len(mock.requests) == 20


async def test_one_run_at_a_time(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """While a job runs its journal is refused to another; afterwards it is free."""
    async with write(refold, journal, concurrency=1) as outcomes:
        await anext(outcomes)
        with pytest.raises(JournalError, match="in use") as caught:
            await write(refold, journal).collect()
        assert caught.value.effect == "none"
        async for _ in outcomes:
            pass
    assert (await write(refold, journal).collect()).counts["ok"] == 20
    assert writes(mock) == dict.fromkeys(IDS, 1)


# Leaving early, and refusals with HTTP 429.


async def test_items_that_were_not_sent_are_done_next_time(mock: MockRefold, journal: AnyJournal) -> None:
    """Stopped with many waiting for permits, a job begins none of those; the next run does them, and no other."""
    mock.script(Delay(0.02))
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=2) as refold:
        stopped = write(refold, journal, concurrency=10)
        async with stopped as outcomes:
            done: list[str] = []
            async for outcome in outcomes:
                done.append(outcome.item)
                stopped.stop()
        assert stopped.unfinished
        assert sorted(done) == sorted(key for key, status in statuses(journal).items() if status == "ok")
        report = await write(refold, journal).collect()
    assert report.counts["ok"] == 20
    assert sorted(outcome.item for outcome in report.outcomes if outcome.recorded) == sorted(done)
    assert writes(mock) == dict.fromkeys(IDS, 1)


@SQLITE
async def test_items_that_are_looked_up_are_not_begun_after_a_stop(
    mock: MockRefold, refold: AsyncRefold, journal: Journal
) -> None:
    """A job that is stopped while its journal is slow begins nothing once that answers."""
    await write(refold, journal, []).collect()
    taken: list[str] = []

    def items() -> Iterator[str]:
        for item in IDS:
            taken.append(item)
            yield item

    job = write(refold, journal, items(), concurrency=10)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        async with job as outcomes:
            connection.execute("BEGIN IMMEDIATE")
            await until(lambda: len(taken) == 10)
            await settle()
            job.stop()
            connection.execute("COMMIT")
            assert [outcome async for outcome in outcomes] == []
    assert len(job.unfinished) == 10
    assert not mock.requests
    assert (await write(refold, journal).collect()).counts["ok"] == 20


async def test_no_more_items_are_begun_than_concurrency(mock: MockRefold, journal: AnyJournal) -> None:
    """Items that have sent something keep their place while their account may not go: few are ever in limbo."""

    async def call(scope: AccountScope, item: str) -> None:
        await scope.execute_action("hubspot", "create_contact", JANE)
        await scope.execute_action("hubspot", "create_contact", JANE)

    limit = RateLimit(1, per=600)
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=limit) as refold:
        job = refold.fan_out(IDS, call, journal=journal, concurrency=5, grace=0)
        async with job:
            await until(lambda: len(mock.requests) >= 5)
            await settle()
    assert journal.summary().unknown == len(mock.requests) == 5


async def test_what_is_cancelled_in_flight_is_unknown(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """Left without grace, items whose request was out come out unknown; sent again they are done."""
    mock.script(Silence())
    job = write(refold, journal, IDS[:5], grace=0)
    async with job:
        await until(lambda: len(mock.requests) == 5)
    assert sorted(unfinished.item for unfinished in job.unfinished) == IDS[:5]
    assert {(entry.status, entry.effect, entry.attempts) for entry in journal.entries()} == {("unknown", "unknown", 1)}
    mock.clear()
    report = await write(refold, journal).collect()
    assert sorted(outcome.item for outcome in report.unknown) == IDS[:5]
    assert all(isinstance(outcome.error, RecordedError) and outcome.recorded for outcome in report.unknown)
    assert "stopped while it was in flight" in str(report.unknown[0].error)
    assert len(mock.requests) == len(report.ok) == 15
    assert (await write(refold, journal, resend_unknown=True).collect()).counts["ok"] == len(mock.requests) == 20


async def test_cancelled_reader(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """A collect() that is cancelled gives the journal back, with what was in flight as unknown."""
    mock.script(Silence(), linked_account_id="user_3")
    collecting = asyncio.create_task(write(refold, journal, grace=0).collect())
    await until(lambda: len(mock.requests) == 20 and mock.in_flight == 1)
    await until(lambda: journal.summary().ok == 19)
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting
    summary = journal.summary()
    assert (summary.running, summary.ok, summary.unknown) == (False, 19, 1)


async def test_refused_items_start_again(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """While a refused item waits its row says that it did not run; it comes out ok, its attempts counted."""
    mock.script(Answer(429, retry_after=1.5), linked_account_id="user_3", calls=1)
    collecting = asyncio.create_task(write(refold, journal, IDS[:5]).collect())
    await until(lambda: len(mock.requests) > 3)
    await until(lambda: statuses(journal).get("user_3") == "withdrawn")
    assert journal.summary().withdrawn >= 1
    report = await collecting
    assert report.counts["ok"] == 5
    assert report.outcomes[3].attempts == entries(journal)["user_3"].attempts == 2
    assert [request.status for request in mock.requests_to(linked_account_id="user_3")] == [429, 200]


async def test_stopped_while_refused(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """An item that had only refusals is no unknown one: the next run does it without being told to."""
    mock.script(Answer(429, retry_after=5), calls=1)
    job = write(refold, journal, ["user_1"])
    async with job:
        await until(lambda: statuses(journal) == {"user_1": "withdrawn"})
    assert [unfinished.attempts for unfinished in job.unfinished] == [1]
    assert statuses(journal) == {"user_1": "withdrawn"}
    async with AsyncRefold("tk_test", base_url=mock.base_url) as other:
        assert (await write(other, journal, ["user_1"]).collect()).counts["ok"] == 1
    assert [request.status for request in mock.requests] == [429, 200]


async def test_a_storm_of_refusals(mock: MockRefold, journal: AnyJournal) -> None:
    """Against a limit nobody told, every item is written once and recorded as such."""
    mock.limit_rate(100, burst=10)
    mock.script(Answer(429), calls=range(3, 9))  # a slow machine keeps to the limit by itself
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        report = await write(refold, journal, [f"user_{number}" for number in range(60)]).collect()
    assert report.counts["ok"] == journal.summary().ok == 60
    assert set(writes(mock).values()) == {1}
    assert sum(entry.attempts for entry in journal.entries()) == len(mock.requests) > 60


# When the journal fails.


@SQLITE
async def test_full_disk(mock: MockRefold, refold: AsyncRefold, journal: Journal) -> None:
    """The iteration ends with the error; nothing was sent without a row, and what has no record is told apart."""
    mock.script(Delay(0.01))
    items = [f"user_{number}" for number in range(600)]
    yielded: list[str] = []
    job = write(refold, journal, items, concurrency=20)

    async def read() -> None:
        async with job as outcomes:
            async for outcome in outcomes:
                yielded.append(outcome.item)  # noqa: PERF401 - kept though it raises

    with largest_file(300_000), pytest.raises(JournalError, match="cannot be written") as caught:
        await read()
    assert caught.value.effect == "unknown"  # items were written
    seen = writes(mock)
    recorded = statuses(journal)
    assert 20 < len(yielded) < 500
    assert seen.keys() <= recorded.keys()
    assert {recorded[item] for item in yielded} == {"ok"}
    lost = {outcome.item for outcome in job.unread}
    assert seen.keys() == {*yielded, *lost}
    assert all(unfinished.attempts == 0 for unfinished in job.unfinished)
    assert {recorded[item] for item in lost} <= {"unknown"}  # none where the batch that failed held starts alone

    report = await write(refold, journal, items).collect()
    assert {outcome.item for outcome in report.unknown} == {key for key, of in recorded.items() if of == "unknown"}
    assert len(report.ok) + len(report.unknown) == 600
    assert set(writes(mock).values()) == {1}


async def test_read_only(mock: MockRefold, refold: AsyncRefold, unprivileged: Path) -> None:
    """A journal that may not be written is refused before anything is sent."""
    journal = Journal(unprivileged / "june.sqlite", job="june sync")
    await write(refold, journal, IDS[:3]).collect()
    os.chmod(journal.path, 0o400)
    with pytest.raises(JournalError, match="read-only"):
        await write(refold, journal).collect()
    assert len(mock.requests) == journal.summary().ok == 3


@SQLITE
async def test_a_journal_that_another_program_locks_is_waited_for(
    mock: MockRefold, refold: AsyncRefold, journal: Journal
) -> None:
    """Somebody who writes into the file by hand holds up the job, and nothing is sent meanwhile; then it goes on."""
    await write(refold, journal, []).collect()
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        async with write(refold, journal) as outcomes:
            connection.execute("BEGIN IMMEDIATE")
            await settle()
            seen = len(mock.requests)
            await settle()
            assert len(mock.requests) == seen
            connection.execute("COMMIT")
            assert [outcome.status async for outcome in outcomes] == ["ok"] * 20


# Fan-outs inside fan-outs.


async def test_nested_fan_outs(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """What an inner fan-out sends is recorded for the outer's item first, and counts as its attempts."""
    seen: dict[str, str] = {}

    async def look(context: ActionContext, parameters: dict[str, Any]) -> Any:
        key = context.linked_account_id.partition("/")[0]
        seen[context.linked_account_id] = statuses(journal)[key]
        return {"id": "1"}

    async def call(scope: AccountScope, item: str) -> int:
        inner = refold.fan_out_action([f"{item}/{n}" for n in range(3)], "hubspot", "create_contact", JANE)
        return len((await inner.collect()).ok)

    mock.catalogue.action("hubspot", "create_contact")(look)
    report = await refold.fan_out(IDS[:5], call, journal=journal).collect()
    assert [(outcome.value, outcome.attempts) for outcome in report.outcomes] == [(3, 3)] * 5
    assert len(seen) == 15
    assert set(seen.values()) == {"started"}
    assert statuses(journal) == dict.fromkeys(IDS[:5], "ok")


async def test_nested_journals(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, tmp_path: Path) -> None:
    """Inner and outer fan-out may each have a journal; one for both is refused as in use, and fails its item."""

    async def call(scope: AccountScope, item: str) -> int:
        inner = journal if item == "user_4" else Journal(tmp_path / f"{item}.sqlite", job="june sync")
        return len((await write(refold, inner, [f"{item}/{n}" for n in range(3)]).collect()).ok)

    report = await refold.fan_out(IDS[:5], call, journal=journal).collect()
    assert [outcome.value for outcome in report.outcomes] == [3, 3, 3, 3, None]
    assert isinstance(report.failed[0].error, JournalError)
    assert "in use" in str(report.failed[0].error)
    assert len(mock.requests) == 12
    assert statuses(Journal(tmp_path / "user_0.sqlite")) == {f"user_0/{n}": "ok" for n in range(3)}


@pytest.mark.parametrize("how", ["timeout", "gather"])
async def test_a_write_given_up_by_its_caller_may_have_run(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, how: str
) -> None:
    """Whatever error the call then ends with: it is not called again as one that failed without effect."""
    mock.script(Answer(404), linked_account_id="other")
    given_up = asyncio.Event()

    @mock.catalogue.action("hubspot", "create_contact")
    async def create_contact(context: ActionContext, parameters: dict[str, Any]) -> None:
        await asyncio.wait_for(given_up.wait(), 30)

    async def call(scope: AccountScope, item: str) -> None:
        slow = scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
        if how == "timeout":
            async with asyncio.timeout(1.5):
                await slow
        else:
            await asyncio.gather(slow, refold.account("other").execute_action("hubspot", "create_contact"))

    await refold.fan_out(["user_1"], call, journal=journal).collect()
    assert entries(journal)["user_1"].effect == "unknown"
    given_up.set()
    await until(lambda: mock.in_flight == 0)
    await refold.fan_out(["user_1"], call, journal=journal, retry_failed=True).collect()
    assert writes(mock)["user_1"] == 1


async def test_a_read_leaves_nothing_unknown(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """An item that only read when the job was stopped is simply called by the next run."""

    async def call(scope: AccountScope, item: str) -> None:
        await scope.list_actions("hubspot")
        await asyncio.sleep(60)

    async with refold.fan_out(["user_1"], call, journal=journal, grace=0):
        await until(lambda: len(mock.requests) == 1 and mock.requests[0].status is not None)
        await asyncio.sleep(0.02)
    assert statuses(journal) == {"user_1": "withdrawn"}


async def test_a_limit_of_ones_own(mock: MockRefold, journal: AnyJournal) -> None:
    """At the server's limit nothing is refused, journal or not."""
    mock.limit_rate(50, burst=40)  # the burst makes up for commits that take a while; all items at once are too many
    items = [f"user_{number}" for number in range(80)]
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(50, burst=10)) as refold:
        assert (await write(refold, journal, items).collect()).counts["ok"] == len(mock.requests) == 80
