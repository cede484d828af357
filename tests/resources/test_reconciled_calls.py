"""Single calls whose write may have run: they look for it, within their time, and send it once more at most."""

import asyncio
import gc
import math
import pickle
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from refold_async import (
    CANNOT_TELL,
    NOT_DONE,
    AccountScope,
    ActionFailedError,
    ActionResult,
    APIConnectionError,
    APIResponseValidationError,
    AsyncRefold,
    ConfigurationError,
    Done,
    Finding,
    NotFoundError,
    Reconcile,
    RefoldError,
    Timeout,
    UnknownWrite,
)
from refold_async.testing import Answer, Errored, MockRefold, Reset, Silence
from support.marked_notes import Looks, MarkedNotes, find_note, note_of
from support.waiting import until

SETTLE = 0.4


@attrs.frozen
class Note:
    """What `create_note` gives."""

    id: str
    mark: str


@pytest.fixture
async def notes(mock: MockRefold) -> AsyncIterator[MarkedNotes]:
    """The app."""
    notes = MarkedNotes(mock)
    yield notes
    assert max(notes.marks.values(), default=0) <= 1  # whatever a test does


def actions(mock: MockRefold) -> list[str | None]:
    """Return the actions that the server was asked for."""
    return [request.action_id for request in mock.requests]


async def write(account: AccountScope, look: Any = find_note, settle: float = SETTLE, **options: Any) -> Any:
    """Write a note, and reconcile it."""
    reconcile = Reconcile(look, settle=settle)
    return await account.execute_action("notes", "create_note", note_of("m1"), reconcile=reconcile, **options)


async def unknown(account: AccountScope, *args: Any, **options: Any) -> RefoldError:
    """Write a note that remains unknown; return the error."""
    with pytest.raises(RefoldError) as caught:
        await write(account, *args, **options)
    assert caught.value.effect == "unknown"
    return caught.value


async def test_a_write_that_ran(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """Its response was lost, and one look finds it."""
    mock.script(Reset("after"), action_id="create_note", calls=1)
    result = await write(account)
    assert actions(mock) == ["create_note", "find_notes"]
    assert (result.node_status, result.data) == ("Success", {"id": "note 1", "mark": "m1"})
    assert (result.meta.reconciled, result.meta.attempts, result.meta.status) == ("done", 1, None)
    assert notes.marks == {"m1": 1}


async def test_a_write_that_did_not_run(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """Two looks that begin late enough do not find it, so it is sent once more."""
    mock.script(Answer(500), action_id="create_note", calls=1)
    looks = Looks()
    result = await write(account, looks)
    assert actions(mock) == ["create_note", *["find_notes"] * 3, "create_note"]
    assert result.data == {"id": "note 1", "mark": "m1"}
    assert (result.meta.reconciled, result.meta.attempts, result.meta.status) == ("sent_again", 2, 200)
    assert looks.times[1] - looks.times[0] >= SETTLE * 0.95
    assert looks.times[2] - looks.times[1] >= SETTLE * 0.095
    assert mock.requests[0].body == mock.requests[-1].body


async def test_nothing_to_reconcile(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """A write that succeeded, was refused or never left is not looked for."""
    looks = Looks()
    assert (await write(account, looks)).meta.reconciled is None
    mock.script(Errored(400), action_id="create_note", calls=1)
    with pytest.raises(ActionFailedError):
        await write(account, looks)
    reconcile = Reconcile(looks, settle=0)
    with pytest.raises(NotFoundError):
        await account.execute_action("notes", "no_such_action", reconcile=reconcile)
    assert looks.writes == []


async def test_an_index_that_is_late(mock: MockRefold, account: AccountScope) -> None:
    """The first look comes too early; the write is found once the index has it, and is not sent again."""
    notes = MarkedNotes(mock, index_delay=SETTLE / 2)
    mock.script(Reset("after"), action_id="create_note", calls=1)
    result = await write(account)
    assert actions(mock) == ["create_note", "find_notes", "find_notes"]
    assert (result.meta.reconciled, notes.marks) == ("done", {"m1": 1})


async def test_a_write_that_arrives_late(mock: MockRefold, account: AccountScope) -> None:
    """The client stops waiting, and the app writes a little later: it is found, and not sent again."""
    notes = MarkedNotes(mock, write_delay=SETTLE / 2)
    result = await write(account, timeout=Timeout(total=30, attempt=0.1))
    assert (result.meta.reconciled, notes.marks) == ("done", {"m1": 1})


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (CANNOT_TELL, "the look did not show whether it ran"),
        (None, "the look returned None, so whether it ran is not known"),
        ([{"id": 1}], "the look returned [{'id': 1}], so whether it ran is not known"),
        (True, "the look returned True"),
        (ValueError("no such field"), "the look raised ValueError, so whether it ran is not known: no such field"),
        (TimeoutError("too slow"), "the look raised TimeoutError"),
        (asyncio.CancelledError("not me"), "the look raised CancelledError('not me')"),
    ],
)
async def test_a_look_that_cannot_tell(
    mock: MockRefold, notes: MarkedNotes, account: AccountScope, finding: Any, told: str
) -> None:
    """The error is that of the write, with a note about the look, and nothing is sent again."""
    mock.script(Reset("after"), action_id="create_note")
    looks = Looks([finding])
    error = await unknown(account, looks)
    assert isinstance(error, APIConnectionError)
    assert error is looks.writes[0].error
    (note,) = error.__notes__
    assert note.startswith(f"reconcile=: {told}")
    assert (len(looks.writes), actions(mock)) == (1, ["create_note"])
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__


async def test_a_look_whose_call_fails(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """A look makes calls, which are retried as any others; if they fail, it cannot tell."""
    mock.script(Reset("after"), action_id="create_note")
    mock.script(Answer(403), action_id="find_notes")
    error = await unknown(account)
    assert "the look raised PermissionDeniedError" in error.__notes__[0]
    assert actions(mock) == ["create_note", "find_notes"]


async def test_a_look_that_is_not_awaitable(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """A plain function was passed instead of an async one."""
    mock.script(Reset("after"), action_id="create_note")

    def look(scope: AccountScope, write: UnknownWrite) -> Finding:
        return NOT_DONE

    error = await unknown(account, look)
    assert "the look raised TypeError" in error.__notes__[0]


async def test_a_look_that_takes_too_long(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """It ends with the time of the call."""
    mock.script(Reset("after"), action_id="create_note")

    async def look(scope: AccountScope, write: object) -> Any:
        await asyncio.sleep(3600)

    error = await unknown(account, look, timeout=0.3)
    assert "TimeoutError" in error.__notes__[0]
    assert error.meta.elapsed >= 0.29


async def test_no_time_to_settle(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """Where there is not enough time the error is raised at once: waiting would be of no use."""
    mock.script(Reset("before"), action_id="create_note")
    looks = Looks()
    error = await unknown(account, looks, settle=3600)
    assert "the time of the call was too short" in error.__notes__[0]
    assert len(looks.writes) == 1


async def test_no_time_to_look(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """The write used all of it."""
    mock.script(Silence(), action_id="create_note")
    looks = Looks()
    error = await unknown(account, looks, timeout=0.2)
    assert "the time of the call was too short" in error.__notes__[0]
    assert looks.writes == []


async def test_never_sent_again(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """With an infinite `settle`, only what is found counts, and no time is too long."""
    mock.script(Reset("before"), action_id="create_note")
    error = await unknown(account, settle=math.inf, timeout=math.inf)
    assert "with settle=math.inf" in error.__notes__[0]
    assert actions(mock) == ["create_note", "find_notes"]


async def test_it_is_sent_twice_at_most(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """Both times without a response and without an effect: the second error is raised, and counts both attempts."""
    mock.script(Reset("before"), action_id="create_note")
    looks = Looks()
    error = await unknown(account, looks, settle=0.1)
    assert actions(mock) == [*["create_note", *["find_notes"] * 3], *["create_note", *["find_notes"] * 2]]
    assert (error.attempts, error.meta.attempts) == (2, 2)
    assert error is looks.writes[-1].error is not looks.writes[0].error
    assert error.__notes__ == ["reconcile=: it was sent twice, and no look found it, so it is not sent a third time."]
    first, last = looks.writes[0], looks.writes[-1]
    assert first.first_started_at == first.last_sent_at == last.first_started_at
    assert first.last_sent_at is not None
    assert last.last_sent_at is not None
    assert (last.last_sent_at - first.last_sent_at).total_seconds() >= 0.1


async def test_what_was_sent_again_is_found(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """The second response is lost too, and the write ran."""
    mock.script(Reset("before"), action_id="create_note", calls=1)
    mock.script(Reset("after"), action_id="create_note", calls=2)
    result = await write(account, settle=0.1)
    assert (result.data["mark"], result.meta.reconciled, result.meta.attempts) == ("m1", "done", 2)
    assert actions(mock).count("create_note") == 2


async def test_what_was_sent_again_is_refused(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """Then it certainly did not run: neither the first time, nor now."""
    mock.script(Reset("before"), action_id="create_note", calls=1)
    mock.script(Errored(409), action_id="create_note", calls=2)
    with pytest.raises(ActionFailedError) as caught:
        await write(account, settle=0.1)
    assert (caught.value.effect, caught.value.attempts) == ("none", 2)


async def test_what_a_look_gets(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """The scope that was called, and all that is known about the write."""
    mock.script(Reset("after"), action_id="create_note", calls=1)
    seen: list[Any] = []

    async def look(scope: AccountScope, write: Any) -> Any:
        seen.append((scope, write))
        return Done({"id": "note 1", "mark": "m1"})

    await write(account, look)
    ((scope, unknown_write),) = seen
    assert scope is account
    assert (unknown_write.key, unknown_write.item, unknown_write.parameters) == (None, None, note_of("m1"))
    assert unknown_write.error.sent_at == unknown_write.last_sent_at


async def test_into(mock: MockRefold, notes: MarkedNotes, account: AccountScope) -> None:
    """What a look found is converted as a response is; an object is left as it is."""
    mock.script(Reset("after"), action_id="create_note")

    async def created(look: Any) -> ActionResult[Note]:
        mark = note_of(f"m{len(mock.requests)}")
        return await account.execute_action(
            "notes", "create_note", mark, into=Note, reconcile=Reconcile(look, settle=0)
        )

    assert (await created(find_note)).data == Note("note 1", "m0")
    own = Note("1", "x")
    assert (await created(Looks([Done(own)]))).data is own
    assert (await created(Looks([Done()]))).data is None
    with pytest.raises(APIResponseValidationError, match=r"'mark'|mark") as caught:
        await created(Looks([Done({"id": "note 3"})]))
    assert caught.value.effect == "done"
    assert caught.value.result is not None


async def test_cancelled_while_it_is_unclear(
    mock: MockRefold, notes: MarkedNotes, account: AccountScope, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancellation says that the write may have run, as one does that comes while it is in flight."""
    mock.script(Reset("before"), action_id="create_note")
    looks = Looks([NOT_DONE])
    task = asyncio.create_task(write(account, looks, settle=60))
    await until(lambda: looks.writes)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert "cancelled while it was not clear whether it ran" in caught.value.__notes__[0]
    assert caught.value.__notes__[0] in caplog.messages
    assert actions(mock) == ["create_note"]


async def test_closed_while_it_settles(mock: MockRefold, notes: MarkedNotes) -> None:
    """Nobody waits for a client that is closed."""
    mock.script(Reset("before"), action_id="create_note")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        writing = asyncio.create_task(unknown(refold.account("user_1"), settle=60))
        await until(lambda: len(mock.requests) == 2)
        await refold.aclose()
        # The first look may have had its response by then, or not.
        assert "client was closed" in (await writing).__notes__[0]


async def test_logged_once(
    mock: MockRefold, notes: MarkedNotes, account: AccountScope, caplog: pytest.LogCaptureFixture
) -> None:
    """A line says what became clear."""
    caplog.set_level("INFO", "refold_async")
    mock.script(Reset("before"), action_id="create_note", calls=1)
    await write(account, settle=0)
    lines = [line for line in caplog.messages if "it may have run." in line]
    note = "action 'create_note' of app 'notes' for linked account 'user_12345'"
    assert lines == [f"{note}: it may have run. It had not run, and was sent once more."]


async def test_inside_a_fan_out(mock: MockRefold, notes: MarkedNotes, refold: AsyncRefold) -> None:
    """A function of an item may reconcile its calls; the item's requests do not include those of the looks."""
    mock.script(Reset("before"), action_id="create_note", linked_account_id="b", calls=1)

    async def call(scope: AccountScope, item: str) -> ActionResult[Any]:
        note = note_of(item)
        return await scope.execute_action("notes", "create_note", note, reconcile=Reconcile(find_note, settle=0.1))

    report = await refold.fan_out(["a", "b", "c"], call).collect()
    assert report.counts["ok"] == 3
    assert [outcome.attempts for outcome in report.outcomes] == [1, 2, 1]
    assert report.ok[1].value.meta.reconciled == "sent_again"
    assert notes.marks == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"reconcile": Reconcile(find_note, settle=1), "idempotent": True}, "idempotent=True"),
        ({"reconcile": Reconcile(find_note, settle=1), "save_to": "note.pdf"}, "save_to="),
        ({"reconcile": find_note}, "reconcile must be a Reconcile"),
        ({"reconcile": True}, "reconcile must be a Reconcile"),
    ],
)
async def test_wrong_arguments(mock: MockRefold, account: AccountScope, options: dict[str, Any], told: str) -> None:
    """They are refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=told):
        await account.execute_action("notes", "create_note", **options)
    assert mock.requests == []


def test_wrong_settings() -> None:
    """There is no default for `settle`, because nobody but the caller knows how long an app may take."""
    with pytest.raises(TypeError, match="settle"):
        Reconcile(find_note)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    for settle in (-1, math.nan, "30", None, True):
        with pytest.raises(ConfigurationError, match=r"Reconcile\(settle=\)"):
            Reconcile(find_note, settle=settle)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match=r"Reconcile\(look\)"):
        Reconcile("find_note", settle=30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_findings_are_themselves() -> None:
    """A copy, or what another process gets, is the same object."""
    for finding in (NOT_DONE, CANNOT_TELL):
        assert pickle.loads(pickle.dumps(finding)) is finding
    assert (repr(NOT_DONE), repr(CANNOT_TELL), repr(Done(1))) == ("NOT_DONE", "CANNOT_TELL", "Done(data=1)")


async def test_nothing_is_left_to_the_garbage_collector(
    mock: MockRefold, notes: MarkedNotes, account: AccountScope
) -> None:
    """An error that was caught and dropped is gone."""
    mock.script(Reset("after"), action_id="create_note")
    gc.collect()
    gc.disable()
    try:
        await unknown(account, Looks([CANNOT_TELL]))
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, RefoldError)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []
