"""The soak of jobs in little, and that its judgement finds what is wrong."""

import asyncio
import random
from collections import Counter
from typing import Any, Final

import attrs
import pytest

from refold_async import JournalEntry
from soak_jobs.judging import Evidence, Second, judge
from soak_jobs.reporting import Settings
from soak_jobs.supervising import soak

KEY: Final = "note-1"


def entry(key: str, status: Any = "ok", **values: Any) -> JournalEntry:
    """Return an entry of an item that was sent once."""
    nothing: dict[str, Any] = dict.fromkeys(attrs.fields_dict(JournalEntry))
    nothing.update(key=key, status=status, attempts=1, run=1, sends=1)
    return JournalEntry(**nothing | values)


def evidence(**changes: Any) -> Evidence:
    """Return what there is of a job of three items in which nothing is wrong: one is refused, one is reconciled."""
    values: dict[str, Any] = {
        "items": ["note-0", KEY, "note-2"],
        "sent": Counter({"note-0": 1, KEY: 1, "note-2": 2}),
        "written": Counter({KEY: 1, "note-2": 1}),
        "unanswered": {"note-2"},
        "entries": [entry("note-0", "failed"), entry(KEY), entry("note-2", reconciled="sent_again", sends=2)],
        "outcomes": [("note-0", "failed"), (KEY, "ok"), ("note-2", "unknown"), ("note-2", "ok")],
        "requests": 1000,
        "refused": 5,
        "seconds": [Second(1, 500, 0.5), Second(1, 400, 0.5), Second(10, 0, 0.1), Second(1, 500, 1.5)],
        "rate": 500,
    }
    return Evidence(**values | changes)


def test_nothing_wrong() -> None:
    """A job in which all is as it should be; seconds in which the machine was busy do not count."""
    verdict = judge(evidence())
    assert verdict.wrong == {}
    assert verdict.time == pytest.approx(3 / 2.8)


def test_busy_machine() -> None:
    """Where the machine had hardly any time, or that is not known, time is not judged."""
    assert judge(evidence(seconds=[Second(1, 500, 0.5), Second(1, 1, 0.1), Second(1, 1, None)])).time is None


OTHERS: Final = [entry("note-0", "failed"), entry("note-2", reconciled="sent_again", sends=2)]


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("lost: items without an entry", {"entries": OTHERS}),
        ("lost: still started", {"entries": [*OTHERS, entry(KEY, "started")]}),
        ("entries of no item", {"items": [KEY, "note-2"]}),
        ("written twice", {"written": Counter({KEY: 2, "note-2": 1})}),
        ("sent once more without a word", {"sent": Counter({"note-0": 1, KEY: 2, "note-2": 2})}),
        ("sent more often than recorded", {"entries": [*OTHERS, entry(KEY, sends=0)]}),
        ("ok, and never written", {"written": Counter({"note-2": 1})}),
        ("failed, and not refused by the app", {"written": Counter({"note-0": 1, KEY: 1, "note-2": 1})}),
        ("not reported: no response was delivered, and it is not unknown", {"unanswered": {KEY}}),
        ("a worker got something else than recorded", {"outcomes": [*evidence().outcomes, (KEY, "failed")]}),
        (
            "recorded, and no worker got it",
            {"outcomes": [("note-0", "failed"), (KEY, "ok"), ("note-2", "unknown")]},
        ),
        ("limits: 0.60% of the requests were refused, more than 0.5%", {"refused": 6}),
        ("jobs: 1.20 times the ideal time, more than 1.15", {"seconds": [Second(12, 5000, 1.0)]}),
    ],
)
def test_it_finds_what_is_wrong(what: str, changes: dict[str, Any]) -> None:
    """Each rule that may be broken is seen to be broken."""
    assert what in judge(evidence(**changes)).wrong


@pytest.mark.slow
async def test_soak_in_little() -> None:
    """A short job of three workers, some of which are killed, as the two servers are."""
    asyncio.get_running_loop().set_debug(False)  # the mock is to keep up
    settings = Settings(
        items=3000, parts=24, processes=3, concurrency=20, rate=300, burst=60, kill_every=4, lease=3, settle=2,
        seed=random.randrange(2**32),
    )  # fmt: skip
    print(settings)
    report = await soak(settings)
    print(report)
    # How fast the machine is, is not judged here, and a busy one bunches requests.
    assert not [what for what in report.verdict.wrong if not what.startswith(("jobs: ", "limits: "))]
    assert report.killed >= 2
