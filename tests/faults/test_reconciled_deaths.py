"""Jobs that reconcile, killed and stopped: nothing is written twice, and in the end everything is written."""

import asyncio
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from refold_async import Journal, JournalEntry, JournalError
from refold_async.journal.send_fence import SEND_WITHIN
from refold_async.testing import ActionContext, Delay, MockRefold, Reset
from support import reconciled_job
from support.marked_notes import MarkedNotes
from support.running_programs import ended, run_program, running
from support.waiting import until

PROGRAM: Final = reconciled_job.__file__
RESPONSE_AFTER: Final = 0.02  # seconds: so that there are always requests in flight
SETTLE: Final = 2.0  # seconds: far more than a request needs here, also on a machine under load


def sent(mock: MockRefold) -> Counter[str | None]:
    """Return how often the note of each account was sent."""
    return Counter(request.linked_account_id for request in mock.requests_to(action_id="create_note"))


def recorded(journal: Journal) -> list[JournalEntry]:
    """Return what a journal has; nothing as long as it is not there."""
    try:
        return list(journal.entries())
    except JournalError:
        return []


@pytest.mark.slow
async def test_killed_again_and_again(mock: MockRefold, tmp_path: Path) -> None:
    """400 notes through four deaths and some lost responses: each is written once, and sent twice at most."""
    asyncio.get_running_loop().set_debug(False)  # the mock is to keep up
    notes = MarkedNotes(mock)
    lost = [f"user_{number}" for number in range(0, 400, 40)]
    for number, linked_account_id in enumerate(lost):
        trouble = Reset("after" if number % 2 else "before")
        mock.script(trouble, action_id="create_note", linked_account_id=linked_account_id, calls=1)
    mock.script(Delay(RESPONSE_AFTER), action_id="create_note")
    journal = Journal(tmp_path / "notes.sqlite")
    arguments = [PROGRAM, mock.base_url, str(journal.path), "--items", "400", "--settle", str(SETTLE)]
    seed = random.randrange(2**32)
    print(f"random.Random({seed})")
    chance = random.Random(seed)
    unknown: set[str] = set()
    for _ in range(4):
        before, tried = len(mock.requests), set(sent(mock))
        async with running(*arguments) as process:
            await until(lambda: len(mock.requests) >= before + 60, process, within=60)  # noqa: B023
            await asyncio.sleep(chance.uniform(0, 2 * RESPONSE_AFTER))
            process.kill()
        await until(lambda: not mock.in_flight)
        entries = {entry.key: entry for entry in journal.entries()}
        new = {key for key, entry in entries.items() if entry.status == "unknown"} - unknown - set(lost)
        assert len(new) <= reconciled_job.CONCURRENCY  # whatever settles is recorded, and not only in flight
        unknown |= new
        assert tried <= entries.keys()
        assert max(notes.marks.values()) == 1
        assert all(entry.sends <= 2 for entry in entries.values())
    assert unknown
    ran = await run_program(*arguments)
    assert (ran.exit_code, ran.complaints) == (0, "")
    ok, failed, left, found, sent_again = map(int, ran.output.split())
    # A write that died between its record and its first byte, the second time too, is sent no third time.
    assert (ok + left, failed) == (400, 0)
    assert found > 0
    assert sent_again >= len(lost) // 2
    assert max(notes.marks.values()) == 1
    assert max(sent(mock).values()) <= 2
    entries = {entry.key: entry for entry in journal.entries()}
    assert {key for key, entry in entries.items() if entry.status == "ok"} == set(notes.marks)
    for key, entry in entries.items():
        assert entry.sends >= sent(mock)[key]
        assert entry.status == "ok" or entry.sends == 2
        assert entry.reconciled != "sent_again" or entry.sends == 2
    again = await run_program(*arguments)
    assert [int(count) for count in again.output.split()] == [ok, 0, left, found, sent_again]


@pytest.mark.slow
async def test_stopped_between_the_record_and_the_request(mock: MockRefold, tmp_path: Path) -> None:
    """A process that goes on too late does not send what it had recorded: it records it anew, and then sends it."""
    notes = MarkedNotes(mock)
    journal = Journal(tmp_path / "notes.sqlite")
    found: list[Any] = []

    async def create(context: ActionContext, parameters: dict[str, Any]) -> Any:
        found.extend(journal.entries())
        return await notes.create(context, parameters)

    mock.catalogue.action("notes", "create_note")(create)
    arguments = [PROGRAM, mock.base_url, str(journal.path), "--items", "1", "--settle", "1", "--stop"]
    async with running(*arguments) as process:
        await until(lambda: recorded(journal), process)
        (before,) = recorded(journal)
        assert before.status == "started"
        assert before.started_at is not None
        await asyncio.sleep(SEND_WITHIN + 1)
        assert sent(mock) == {}
        went_on_at = datetime.now(UTC)
        process.send_signal(signal.SIGCONT)
        ran = await ended(process)
    assert (ran.exit_code, ran.complaints, ran.output.split()) == (0, "", ["1", "0", "0", "0", "0"])
    assert sent(mock) == {"user_0": 1}
    (entry,) = found
    assert entry.status == "started"
    assert entry.started_at >= went_on_at - timedelta(seconds=1) > before.started_at
    assert entry.first_started_at == entry.started_at
    assert entry.sends == 1
