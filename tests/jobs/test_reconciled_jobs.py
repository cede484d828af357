"""Fan-outs that reconcile: items whose writes may have run, in this run or in an earlier one."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from refold_async import (
    CANNOT_TELL,
    NOT_DONE,
    ActionFailedError,
    ActionResult,
    AsyncRefold,
    ConfigurationError,
    Done,
    FanOut,
    JournalEntry,
    RateLimit,
    Reconcile,
    RecordedError,
)
from refold_async.testing import Answer, Delay, Errored, MockRefold, Reset, Silence
from support.journals import AnyJournal, statuses
from support.marked_notes import Looks, MarkedNotes, find_note, note_of
from support.retry_policies import IMPATIENT
from support.waiting import until

IDS: Final = [f"user_{number}" for number in range(8)]
SETTLE: Final = 0.4


@pytest.fixture
def journal(journal: AnyJournal) -> AnyJournal:
    """A journal that nobody has used, in each store, which has the results too."""
    return attrs.evolve(journal, results=True)


@pytest.fixture
async def notes(mock: MockRefold) -> AsyncIterator[MarkedNotes]:
    """The app."""
    notes = MarkedNotes(mock)
    yield notes
    assert max(notes.marks.values(), default=0) <= 1  # whatever a test does


def write(
    refold: AsyncRefold, items: Iterable[str] = IDS, look: Any = find_note, *, settle: float = SETTLE, **options: Any
) -> FanOut[str, ActionResult[Any]]:
    """Return a job that writes a note for each account."""
    reconcile = Reconcile(look, settle=settle)
    return refold.fan_out_action(items, "notes", "create_note", note_of, reconcile=reconcile, **options)


def june_key(item: str) -> str:
    """Return the key of an item in June."""
    return f"{item}/june"


def always_17(item: str) -> str:
    """Return the same key for any item."""
    return "17"


def sent(mock: MockRefold, action_id: str = "create_note") -> list[str | None]:
    """Return for whom an action was executed."""
    return [request.linked_account_id for request in mock.requests_to(action_id=action_id)]


def entry_of(journal: AnyJournal, key: str) -> JournalEntry:
    """Return what a journal has about an item."""
    (entry,) = (entry for entry in journal.entries() if entry.key == key)
    return entry


async def leave_unknown(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, *, ran: bool) -> None:
    """Run a job that leaves one item unknown, for `user_1`; whether its note was written is up to the caller."""
    script = mock.script(Reset("after" if ran else "before"), linked_account_id="user_1", action_id="create_note")
    job = refold.fan_out_action(["user_0", "user_1"], "notes", "create_note", note_of, journal=journal)
    assert (await job.collect()).counts == {"ok": 1, "failed": 0, "unknown": 1}
    script.remove()


# In this run.


@pytest.mark.parametrize("journaled", [True, False])
async def test_three_lost_responses(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal, journaled: bool
) -> None:
    """One had run, one had not, and one got lost twice: each is told as what it is, and sent twice at most."""
    mock.script(Reset("after"), linked_account_id="user_1", action_id="create_note")
    mock.script(Reset("before"), linked_account_id="user_2", action_id="create_note", calls=1)
    mock.script(Reset("before"), linked_account_id="user_3", action_id="create_note")
    options: dict[str, Any] = {"journal": journal} if journaled else {}
    report = await write(refold, **options).collect()
    assert report.counts == {"ok": 7, "failed": 0, "unknown": 1}
    assert [(o.item, o.reconciled, o.attempts) for o in report.reconciled] == [
        ("user_1", "done", 1),
        ("user_2", "sent_again", 2),
    ]
    assert repr(report).startswith("<FanOutReport 8 items: 7 ok, 0 failed, 1 unknown, 2 of them reconciled; ")
    one, two = (report.outcomes[index].value for index in (1, 2))
    assert one is not None
    assert two is not None
    assert (one.data["mark"], one.meta.reconciled, one.meta.attempts) == ("user_1", "done", 1)
    assert (two.data["mark"], two.meta.reconciled, two.meta.attempts) == ("user_2", "sent_again", 2)
    (unknown,) = report.unknown
    assert (unknown.item, unknown.reconciled, unknown.attempts) == ("user_3", None, 2)
    assert "it was sent twice" in unknown.error.__notes__[0]
    assert sorted(map(str, sent(mock))) == sorted([*IDS, "user_2", "user_3"])
    assert notes.marks == dict.fromkeys((set(IDS) - {"user_3"}), 1)
    assert [row["reconciled"] for row in report.to_dicts()] == [None, "done", "sent_again", *[None] * 5]


async def test_what_the_journal_has(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """All that was sent and found, and the next run returns it."""
    mock.script(Reset("after"), linked_account_id="user_1", action_id="create_note")
    mock.script(Reset("before"), linked_account_id="user_2", action_id="create_note", calls=1)
    first = await write(refold, journal=journal).collect()
    rows = {key: entry_of(journal, key) for key in ("user_0", "user_1", "user_2")}
    assert [(row.status, row.reconciled, row.sends, row.attempts) for row in rows.values()] == [
        ("ok", None, 1, 1),
        ("ok", "done", 1, 1),
        ("ok", "sent_again", 2, 2),
    ]
    row = rows["user_2"]
    assert row.first_started_at is not None
    assert row.started_at is not None
    assert row.started_at - row.first_started_at >= timedelta(seconds=SETTLE)
    requests = len(mock.requests)
    second = await write(refold, journal=journal).collect()
    assert len(mock.requests) == requests
    assert all(outcome.recorded for outcome in second.outcomes)
    assert [outcome.reconciled for outcome in second.outcomes] == [outcome.reconciled for outcome in first.outcomes]
    assert [outcome.value for outcome in second.outcomes] == [outcome.value for outcome in first.outcomes]


async def test_recorded_before_each_step(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """While it is unclear, the journal has the item as unknown, with its error; when it is sent again, as started."""
    seen: list[tuple[str, int]] = []

    async def see(context: Any, parameters: dict[str, Any]) -> Any:
        row = entry_of(journal, "user_1")
        seen.append((row.status, row.sends))
        return await notes.create(context, parameters)

    async def look(scope: Any, unknown: Any) -> Any:
        row = entry_of(journal, "user_1")
        seen.append((row.status, row.sends))
        assert row.error == str(unknown.error)
        return NOT_DONE

    mock.catalogue.action("notes", "create_note")(see)
    mock.script(Reset("before"), action_id="create_note", calls=1)
    report = await write(refold, ["user_1"], look, settle=0.1, journal=journal).collect()
    assert report.counts["ok"] == 1
    assert seen == [("unknown", 1)] * 3 + [("started", 2)]


async def test_no_slot_is_held(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal) -> None:
    """While one item settles all others are worked on, one at a time, and it is sent again in its turn."""
    mock.script(Reset("before"), linked_account_id="user_0", action_id="create_note", calls=1)
    items: list[str] = []
    async with write(refold, concurrency=1, settle=1, journal=journal) as outcomes:
        async for outcome in outcomes:
            assert outcome.status == "ok"
            items.append(outcome.item)
    assert items == [*IDS[1:], "user_0"]
    assert sent(mock) == [*IDS, "user_0"]
    assert notes.most_at_once == 1


async def test_no_slot_is_lost_or_made(mock: MockRefold, refold: AsyncRefold) -> None:
    """Many items become unknown, in all ways, and the job goes on to its end with as many slots as before."""
    notes = MarkedNotes(mock, write_delay=0.01, together=3)
    ids = [f"user_{number}" for number in range(60)]
    for number, linked_account_id in enumerate(ids):
        trouble = (Reset("after"), Reset("before"), Errored(400), Answer(500))[number % 4]
        calls = None if number % 8 < 4 else 1
        mock.script(trouble, linked_account_id=linked_account_id, action_id="create_note", calls=calls)
    report = await write(refold, [*ids, *map(str, range(30))], concurrency=3, settle=0.05).collect()
    assert report.counts == {"ok": 59, "failed": 15, "unknown": 16}
    assert max(sent(mock).count(one) for one in ids) == 2
    assert max(notes.marks.values()) == 1
    assert notes.most_at_once == 3


async def test_what_a_look_gets(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal) -> None:
    """The item, its key, and its times."""
    mock.script(Reset("after"), action_id="create_note")
    looks = Looks()
    began = datetime.now(UTC)
    await write(refold, ["user_1"], looks, journal=journal, key=june_key).collect()
    (unknown,) = looks.writes
    assert (unknown.key, unknown.item, unknown.parameters) == ("user_1/june", "user_1", note_of("user_1"))
    assert unknown.first_started_at == unknown.last_sent_at
    assert unknown.last_sent_at is not None
    assert began - timedelta(seconds=1) <= unknown.last_sent_at <= datetime.now(UTC)


async def test_the_key_without_a_journal(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold) -> None:
    """It is the same as with one: what `key=` returns, else the linked account id."""
    mock.script(Reset("after"), action_id="create_note")
    looks = Looks()
    await write(refold, ["user_1"], looks).collect()
    await write(refold, ["user_2"], looks, key=june_key).collect()
    assert [unknown.key for unknown in looks.writes] == ["user_1", "user_2/june"]


async def test_what_is_sent_again_is_the_same(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold) -> None:
    """The parameters of an item are asked for once: a mark that is random would be another one."""
    mock.script(Answer(500), action_id="create_note", calls=1)
    made: list[str] = []

    def parameters(item: str) -> dict[str, str]:
        made.append(item)
        return note_of(f"{item}/{len(made)}")

    reconcile = Reconcile(find_note, settle=0)
    report = await refold.fan_out_action(["a"], "notes", "create_note", parameters, reconcile=reconcile).collect()
    assert (report.counts["ok"], made) == (1, ["a"])
    first, second = mock.requests_to(action_id="create_note")
    assert first.body == second.body


async def test_a_look_that_hangs(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It may take as long as a call."""

    async def look(scope: Any, unknown: Any) -> Any:
        await asyncio.sleep(3600)

    mock.script(Reset("after"), action_id="create_note")
    (outcome,) = (await write(refold, ["user_1"], look, timeout=0.2, journal=journal).collect()).unknown
    assert "it took longer than 0.2 seconds" in outcome.error.__notes__[0]
    assert entry_of(journal, "user_1").status == "unknown"
    assert (len(sent(mock)), outcome.recorded) == (1, False)


@pytest.mark.slow
async def test_looks_keep_to_the_limit(mock: MockRefold, notes: MarkedNotes) -> None:
    """They are paced with all other calls, and the time that they wait for that is not theirs."""
    mock.script(Reset("after"), action_id="create_note")
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(5)) as refold:
        # With a look's time of 1 second, and 3 until the last of them has its turn.
        report = await write(refold, timeout=1).collect()
    assert [outcome.reconciled for outcome in report.outcomes] == ["done"] * 8
    times = [request.time for request in mock.requests]
    assert len(times) == 16
    assert times[-1] - times[0] >= 15 / 5 * 0.98


async def test_refused_when_sent_again(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It had not run, and does not now: it failed, without effect. A 429 is retried as always."""
    mock.script(Reset("before"), action_id="create_note", calls=1)
    mock.script(Answer(429, retry_after=0), action_id="create_note", calls=2)
    mock.script(Errored(400), action_id="create_note", calls=3)
    (outcome,) = (await write(refold, ["user_1"], settle=0, journal=journal).collect()).failed
    assert isinstance(outcome.error, ActionFailedError)
    assert (outcome.effect, outcome.reconciled, outcome.attempts) == ("none", "sent_again", 3)
    row = entry_of(journal, "user_1")
    assert (row.status, row.effect, row.reconciled, row.sends) == ("failed", "none", "sent_again", 2)
    again = await write(refold, ["user_1"], settle=0, journal=journal).collect()
    assert (again.failed[0].reconciled, len(sent(mock))) == ("sent_again", 3)


async def test_never_sent_again(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold) -> None:
    """With an infinite `settle`, only what is found counts, and nobody waits for the rest."""
    mock.script(Reset("after"), linked_account_id="user_1", action_id="create_note")
    mock.script(Reset("before"), linked_account_id="user_2", action_id="create_note")
    report = await write(refold, ["user_1", "user_2"], settle=math.inf).collect()
    assert (report.ok[0].reconciled, len(sent(mock))) == ("done", 2)
    assert "with settle=math.inf" in report.unknown[0].error.__notes__[0]


async def test_only_those_that_are_connected(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """With `skip_disconnected=` too, and the request that checks it is no write."""
    mock.script(Reset("before"), linked_account_id="user_1", action_id="create_note", calls=1)
    report = await write(refold, IDS[:2], settle=0, journal=journal, skip_disconnected=True).collect()
    assert [outcome.reconciled for outcome in report.ok] == [None, "sent_again"]
    assert [entry_of(journal, key).sends for key in IDS[:2]] == [1, 2]


async def test_a_second_lost_response_that_is_found(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It was sent again, and that is what was found."""
    mock.script(Reset("before"), action_id="create_note", calls=1)
    mock.script(Reset("after"), action_id="create_note", calls=2)
    (outcome,) = (await write(refold, ["user_1"], settle=0, journal=journal).collect()).ok
    assert (outcome.reconciled, outcome.attempts, len(sent(mock))) == ("done", 2, 2)
    assert (entry_of(journal, "user_1").reconciled, entry_of(journal, "user_1").sends) == ("done", 2)


async def test_found_without_data(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """A look may know only that it ran; a later run then has no result, whatever type it asks for."""

    @attrs.frozen
    class Note:
        id: str

    mock.script(Reset("after"), action_id="create_note")
    for recorded in (False, True):
        (outcome,) = (await write(refold, ["user_1"], Looks([Done()]), journal=journal, into=Note).collect()).ok
        assert (outcome.recorded, outcome.reconciled) == (recorded, "done")
        assert outcome.value is None if recorded else outcome.value.data is None


async def test_logged_once(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each item, which names it."""
    caplog.set_level("INFO", "refold_async")
    mock.script(Reset("before"), action_id="create_note", calls=1)
    await write(refold, ["user_1"], settle=0, key=always_17).collect()
    lines = [line for line in caplog.messages if "it may have run." in line]
    note = "action 'create_note' of app 'notes' for linked account 'user_1', item '17'"
    assert lines == [f"{note}: it may have run. It had not run, and was sent once more."]


# Stopping.


async def test_stopped_while_it_settles(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It does not wait: the outcome is that it may have run, with the error that the journal has already."""
    mock.script(Reset("before"), linked_account_id="user_1", action_id="create_note", calls=1)
    looks = Looks()
    async with asyncio.timeout(30):
        async with write(refold, ["user_0", "user_1"], looks, settle=3600, grace=3600, journal=journal) as outcomes:
            assert (await anext(outcomes)).status == "ok"
            await until(lambda: looks.writes)
            outcomes.stop()
            outcome = await anext(outcomes)
            with pytest.raises(StopAsyncIteration):
                await anext(outcomes)
    assert (outcome.status, outcome.item, outcome.recorded) == ("unknown", "user_1", False)
    assert outcome.error is looks.writes[0].error
    assert outcome.error is not None
    assert "the fan-out was stopped" in outcome.error.__notes__[-1]
    row = entry_of(journal, "user_1")
    assert (row.status, row.error, row.attempts) == ("unknown", str(outcome.error), 1)
    # The next run goes on with it.
    report = await write(refold, ["user_0", "user_1"], settle=0, journal=journal).collect()
    assert [outcome.reconciled for outcome in report.outcomes] == [None, "sent_again"]


async def test_left_while_a_look_is_made(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """After `grace` the look is cancelled, and the journal keeps why the item is unknown."""
    mock.script(Reset("before"), action_id="create_note", calls=1)
    script = mock.script(Silence(), action_id="find_notes")
    async with write(refold, ["user_1"], grace=0, journal=journal) as outcomes:
        await until(lambda: len(mock.requests) == 2)
    assert [(left.item, left.attempts) for left in outcomes.unfinished] == [("user_1", 1)]
    row = entry_of(journal, "user_1")
    assert row.status == "unknown"
    assert row.error is not None
    assert "Connection reset" in row.error
    script.remove()
    assert (await write(refold, ["user_1"], settle=0, journal=journal).collect()).ok[0].reconciled == "sent_again"


async def test_a_look_may_end_within_grace(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold) -> None:
    """What it finds counts, although nothing is sent again after a stop."""
    mock.script(Reset("after"), linked_account_id="user_1", action_id="create_note")
    mock.script(Reset("before"), linked_account_id="user_2", action_id="create_note")
    mock.script(Delay(0.2), action_id="find_notes")
    async with write(refold, ["user_1", "user_2"], settle=0, grace=60) as outcomes:
        await until(lambda: len(mock.requests) == 4)
        outcomes.stop()
        ended = {outcome.item: outcome async for outcome in outcomes}
    assert (ended["user_1"].reconciled, ended["user_2"].status) == ("done", "unknown")
    assert len(sent(mock)) == 2


async def test_the_client_is_closed_while_it_settles(mock: MockRefold, notes: MarkedNotes) -> None:
    """Then nothing can be found out any more."""
    mock.script(Reset("before"), action_id="create_note")
    refold = AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT)
    looks = Looks()
    async with write(refold, ["user_1"], looks, settle=3600) as outcomes:
        await until(lambda: looks.writes and len(mock.requests) == 2 and not mock.in_flight)
        await refold.aclose()
        outcome = await anext(outcomes)
    assert outcome.status == "unknown"
    assert outcome.error.__notes__


# In a later run.


async def test_left_while_a_later_run_sends_it_once_more(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """What is recorded and reported counts the attempts of both runs."""
    await leave_unknown(mock, refold, journal, ran=False)
    mock.script(Silence(), action_id="create_note")
    async with write(refold, ["user_1"], settle=0, grace=0, journal=journal) as outcomes:
        await until(lambda: len(sent(mock)) == 3)
    assert [(left.item, left.attempts) for left in outcomes.unfinished] == [("user_1", 2)]
    row = entry_of(journal, "user_1")
    assert (row.status, row.attempts, row.sends) == ("unknown", 2, 2)


async def test_an_earlier_run_had_written_it(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """One look finds it, and nothing is sent."""
    await leave_unknown(mock, refold, journal, ran=True)
    looks = Looks()
    report = await write(refold, ["user_0", "user_1"], looks, settle=3600, journal=journal).collect()
    zero, one = report.ok
    assert (zero.recorded, zero.reconciled) == (True, None)
    assert (one.recorded, one.reconciled, one.attempts) == (False, "done", 1)
    assert one.value.data["mark"] == "user_1"
    (unknown,) = looks.writes
    row = entry_of(journal, "user_1")
    assert (unknown.first_started_at, unknown.last_sent_at) == (row.first_started_at, row.started_at)
    assert isinstance(unknown.error, RecordedError)
    assert unknown.error.sent_at == row.started_at
    assert (row.status, row.reconciled, row.sends, row.run) == ("ok", "done", 1, 2)
    assert sent(mock) == ["user_0", "user_1"]


async def test_an_earlier_run_had_not_written_it(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It is looked for twice before anything is sent, and then sent."""
    await leave_unknown(mock, refold, journal, ran=False)
    seen = len(mock.requests)
    report = await write(refold, ["user_0", "user_1"], settle=0.1, journal=journal).collect()
    actions = [request.action_id for request in mock.requests[seen:]]
    assert actions[-1] == "create_note"
    assert set(actions[:-1]) == {"find_notes"}
    assert len(actions) >= 3
    assert (report.ok[1].reconciled, report.ok[1].attempts) == ("sent_again", 2)
    row = entry_of(journal, "user_1")
    assert (row.status, row.reconciled, row.sends, row.attempts) == ("ok", "sent_again", 2, 2)


@pytest.mark.parametrize("finding", [CANNOT_TELL, None, RuntimeError("no")])
async def test_an_earlier_write_that_stays_unknown(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal, finding: Any
) -> None:
    """The outcome is the recorded one, with a note, and the journal keeps what it has."""
    await leave_unknown(mock, refold, journal, ran=False)
    before = entry_of(journal, "user_1")
    report = await write(refold, ["user_0", "user_1"], Looks([finding]), journal=journal).collect()
    (outcome,) = report.unknown
    assert (outcome.recorded, outcome.attempts, outcome.reconciled) == (True, 1, None)
    assert isinstance(outcome.error, RecordedError)
    assert outcome.error.__notes__[0].startswith("reconcile=: the look")
    assert attrs.evolve(entry_of(journal, "user_1"), run=before.run) == before
    assert journal.summary().unknown == 1
    assert sent(mock) == ["user_0", "user_1"]


async def test_sent_twice_over_all_runs(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """Whatever later runs look for, and however often they do not find it."""
    mock.script(Reset("before"), action_id="create_note")
    for run in range(1, 5):
        report = await write(refold, ["user_1"], settle=0, journal=journal).collect()
        assert report.counts["unknown"] == 1
        assert (len(sent(mock)), entry_of(journal, "user_1").sends) == (2, 2)
        assert report.unknown[0].recorded is (run > 1)
    mock.clear()
    found = await write(refold, ["user_1"], Looks([Done({"mark": "user_1"})]), journal=journal).collect()
    assert (found.ok[0].reconciled, sent(mock)) == ("done", [])


async def test_only_what_is_supplied_is_looked_for(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """The rest stays unknown, and is counted."""
    await leave_unknown(mock, refold, journal, ran=True)
    looks = Looks()
    assert (await write(refold, ["user_0", "user_7"], looks, journal=journal).collect()).counts["ok"] == 2
    assert looks.writes == []
    assert (journal.summary().unknown, statuses(journal)["user_1"]) == (1, "unknown")


async def test_stopped_before_an_earlier_write_is_clear(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """It is as it was."""
    await leave_unknown(mock, refold, journal, ran=False)
    before = entry_of(journal, "user_1")
    looks = Looks()
    async with write(refold, ["user_1"], looks, settle=3600, grace=3600, journal=journal) as outcomes:
        await until(lambda: len(looks.writes) == 1 and not mock.in_flight)
        outcomes.stop()
        (outcome,) = [outcome async for outcome in outcomes]
    assert (outcome.status, outcome.recorded) == ("unknown", True)
    assert attrs.evolve(entry_of(journal, "user_1"), run=before.run) == before


async def test_a_run_without_a_look_leaves_it(
    mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold, journal: AnyJournal
) -> None:
    """As ever."""
    await leave_unknown(mock, refold, journal, ran=True)
    job = refold.fan_out_action(["user_1"], "notes", "create_note", note_of, journal=journal)
    assert (await job.collect()).unknown[0].recorded
    assert sent(mock) == ["user_0", "user_1"]


# Wrong options.


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"idempotent": True}, "idempotent=True"),
        ({"resend_unknown": True}, "resend_unknown=True"),
        ({"reconcile": find_note}, "reconcile must be a Reconcile"),
    ],
)
async def test_wrong_options(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, options: dict[str, Any], told: str
) -> None:
    """They are refused at once."""
    chosen: Any = {"reconcile": Reconcile(find_note, settle=math.inf), "journal": journal, **options}
    with pytest.raises(ConfigurationError, match=told):
        refold.fan_out_action(IDS, "notes", "create_note", note_of, **chosen)


def test_functions_have_no_single_write(mock: MockRefold) -> None:
    """The function of a fan-out may write anything: it passes `reconcile=` to its own calls."""
    refold = AsyncRefold("tk_test", base_url="http://127.0.0.1:1")

    async def call(scope: Any, item: str) -> None: ...

    with pytest.raises(TypeError, match="reconcile"):
        refold.fan_out(IDS, call, reconcile=Reconcile(find_note, settle=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
