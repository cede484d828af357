"""Results in a journal: they come back as they were, or the run that records them says why not."""

import asyncio
import datetime as dt
import enum
import json
import math
import os
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from refold_async import AccountScope, ActionResult, AsyncRefold, ConfigurationError, FanOut, Outcome
from refold_async.journal.journal import Journal
from refold_async.testing import Answer, MockRefold
from support.journals import AnyJournal
from support.nesting import DEEPEST, nested


@pytest.fixture
def journal(journal: AnyJournal) -> AnyJournal:
    """A journal that records results."""
    return attrs.evolve(journal, results=True)


DATA: Final = {
    "beyond 64 bits": str(2**80),
    "many digits": "9" * 4000,
    "beyond all floats": "[1e400, -1e400]",
    "negative zero": "-0.0",
    "lone surrogates": '{"\\ud800": "\\udfff \\" Infinity"}',
    "NUL": '"a\\u0000b"',
    "deep lists": nested(DEEPEST - 1, "lists"),
    "deep objects": nested(DEEPEST - 1, "objects"),
    "null": "null",
    "true": "true",
    "large": json.dumps(["x" * 100_000, *range(10_000)]),
}


@attrs.frozen
class Contact:
    """What the app answers, in a class."""

    id: float
    note: str | None = None


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
async def test_whatever_an_action_gave(
    mock: MockRefold, refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture, data: str
) -> None:
    """Whatever can be read of an answer is recorded, and comes back in the next run and in the journal's entries."""
    body = f'{{"node_status": "Success", "data": {data}, "http_status": 200}}'
    mock.script(Answer(200, body=body, content_type="application/json"))

    async def run() -> Outcome[str, ActionResult[Any]]:
        job = refold.fan_out_action(["user_1"], "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal)
        (outcome,) = (await job.collect()).ok
        return outcome

    first, second = await run(), await run()
    assert (first.recorded, second.recorded, len(mock.requests)) == (False, True, 1)
    assert first.value is not None
    assert second.value is not None
    assert repr(second.value) == repr(first.value)
    assert repr(second.value.raw) == repr(first.value.raw)
    (entry,) = journal.entries()
    assert repr(entry.result) == repr(first.value.raw)
    assert not [record for record in caplog.records if record.name == "refold_async"]


async def test_in_a_class_of_the_callers_own(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """With `into=`, what comes back is of that class again."""
    body = '{"node_status": "Success", "data": {"id": 1e400, "note": "\\ud800"}, "http_status": 200}'
    mock.script(Answer(200, body=body, content_type="application/json"))

    async def run() -> Any:
        job = refold.fan_out_action(
            ["user_1"], "hubspot", "create_contact", {"email": "a@b.c"}, into=Contact, journal=journal
        )
        (outcome,) = (await job.collect()).ok
        return outcome.value

    first, second = await run(), await run()
    assert first.data == second.data == Contact(math.inf, "\ud800")


async def test_files(mock: MockRefold, refold: AsyncRefold, tmp_path: Path) -> None:
    """A journal that records results takes no files, and says so before it is made; any other does."""
    mock.script(Answer(200, body=b"%PDF \xff", content_type="application/pdf"))

    def job(*, results: bool) -> FanOut[str, ActionResult[bytes]]:
        journal = Journal(tmp_path / "june.sqlite", job="june sync", results=results)
        return refold.fan_out_action(["user_1"], "hubspot", "export", into=bytes, journal=journal)

    with pytest.raises(ConfigurationError, match=r"into=bytes cannot be combined with Journal\(\.\.\., results=True\)"):
        job(results=True)
    assert not os.listdir(tmp_path)
    (first,) = (await job(results=False).collect()).ok
    (second,) = (await job(results=False).collect()).ok
    assert first.value == ActionResult("Success", b"%PDF \xff")
    not_recorded: object = second.value
    assert (second.recorded, not_recorded, len(mock.requests)) == (True, None, 1)


class Level(enum.IntEnum):
    """A number with a name."""

    LOW = 1


def deep(levels: int) -> list[Any]:
    """Return lists in lists."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def endless() -> list[Any]:
    """Return a list that holds itself, twice."""
    value: list[Any] = []
    value += [value, value]
    return value


async def again(refold: AsyncRefold, journal: AnyJournal, value: Any) -> Any:
    """Return what the second run of a job gives, of which a call returned `value` in the first."""

    async def call(scope: AccountScope, item: str) -> Any:
        return value

    await refold.fan_out(["user_1"], call, journal=journal).collect()
    (outcome,) = (await refold.fan_out(["user_1"], call, journal=journal).collect()).ok
    assert outcome.recorded
    return outcome.value


@pytest.mark.parametrize(
    "value",
    [{"a": [1, 2.5, None, True, "é\ud800"]}, math.inf, -(2**70), deep(DEEPEST), [], "", 0],
    ids=lambda value: repr(value)[:40],
)
async def test_results_that_come_back(
    refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    """What JSON has comes back from a call of the caller's own, and nothing is said."""
    assert repr(await again(refold, journal, value)) == repr(value)
    assert not caplog.records


@pytest.mark.parametrize(
    ("value", "restored", "told"),
    [
        ((1, 2), [1, 2], "contains a tuple"),
        ({"a": [(1,)]}, {"a": [[1]]}, "contains a tuple"),
        ({1: "a"}, {"1": "a"}, "has a key of class int"),
        ([Level.LOW], [1], "contains a Level"),
        (ActionResult("Success", 1, raw={"data": 1}), {"data": 1}, "is of class ActionResult"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_results_that_come_back_as_json_has_them(
    refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture, value: Any, restored: Any, told: str
) -> None:
    """The run that records a result which JSON has not quite says so."""
    assert repr(await again(refold, journal, value)) == repr(restored)
    (record,) = caplog.records
    assert told in record.getMessage()


@pytest.mark.parametrize(
    "value",
    [
        *(dt.datetime(2026, 6, 1, tzinfo=dt.UTC), {1, 2}, object(), math.nan, [math.nan], Contact(1)),
        *(ActionResult("x", 1), 10**5000, deep(DEEPEST + 1), deep(900), deep(100_000), endless(), b"x", {(1, 2): 3}),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_results_that_do_not_come_back(
    refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    """The run that cannot record a result says so, and the next knows that the item is done."""
    assert await again(refold, journal, value) is None
    (record,) = caplog.records
    assert "is not JSON and cannot be recorded" in record.getMessage()


async def test_told_once(refold: AsyncRefold, journal: AnyJournal, caplog: pytest.LogCaptureFixture) -> None:
    """A job whose results all come back as something else says so once."""

    async def call(scope: AccountScope, item: str) -> Any:
        await asyncio.sleep(0)
        return (item,)

    await refold.fan_out([f"user_{number}" for number in range(100)], call, journal=journal).collect()
    assert len(caplog.records) == 1


async def test_deep_parameters(mock: MockRefold, refold: AsyncRefold, journal: AnyJournal) -> None:
    """Parameters may be nested deeper than answers: they are sent and never read again."""
    job = refold.fan_out_action(["user_1"], "hubspot", "create_contact", {"email": deep(500)}, journal=journal)
    await job.collect()
    assert len(mock.requests) == 1
