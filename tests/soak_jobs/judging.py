"""The judgement: what the app saw of every item, compared with the journal and with what the workers got."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from refold_async import JournalEntry

__all__ = ["Evidence", "Second", "Verdict", "judge"]

_ENDED: Final = ("ok", "failed", "unknown")
_MOST_REFUSED: Final = 0.005
_MOST_TIME: Final = 1.15
_IDLE: Final = 0.2


@attrs.frozen
class Second:
    """About a second of the job."""

    seconds: float
    accepted: int
    """How many requests the limit accepted."""
    idle: float | None
    """How many cores had nothing to do, or None if that is not known."""


@attrs.frozen(kw_only=True)
class Evidence:
    """What there is to judge by."""

    items: Sequence[str]
    sent: Counter[str]
    """How often each item was sent to be written."""
    written: Counter[str]
    """How often each was written."""
    unanswered: set[str]
    """The items with a response that was never delivered."""
    entries: Sequence[JournalEntry]
    outcomes: Iterable[tuple[str, str]]
    """The items and statuses that workers got."""
    requests: int
    refused: int
    """How many of the requests the limit refused."""
    seconds: Sequence[Second]
    rate: float
    """The limit, in requests per second."""


@attrs.define
class Verdict:
    """What is wrong, and what only the machine may be to blame for."""

    wrong: Counter[str] = attrs.field(factory=Counter[str])
    examples: dict[str, str] = attrs.field(factory=dict[str, str])
    time: float | None = None
    """The time taken, as a multiple of the ideal, without the seconds in which the machine was busy; None if it hardly
    ever had time."""

    def add(self, what: str, example: str = "") -> None:
        """Note that something is wrong."""
        self.wrong[what] += 1
        self.examples.setdefault(what, example)

    def __str__(self) -> str:
        return "\n".join(
            f"WRONG: {count:,} {what}{f', such as {self.examples[what]}' if self.examples[what] else ''}"
            for what, count in self.wrong.most_common()
        )


def judge(evidence: Evidence) -> Verdict:
    """Judge a job that has ended."""
    verdict = Verdict()
    entries = {entry.key: entry for entry in evidence.entries}
    for key in evidence.items:
        if (entry := entries.pop(key, None)) is None:
            verdict.add("lost: items without an entry", key)
            continue
        for what in _wrong_with(entry, evidence):
            verdict.add(what, f"{entry}, sent {evidence.sent[key]} and written {evidence.written[key]} times")
    for key in entries:
        verdict.add("entries of no item", key)
    _judge_outcomes(evidence, verdict)
    if evidence.refused > _MOST_REFUSED * evidence.requests:
        share = evidence.refused / evidence.requests
        verdict.add(f"limits: {share:.2%} of the requests were refused, more than {_MOST_REFUSED:.1%}")
    verdict.time = _time(evidence)
    if verdict.time is not None and verdict.time > _MOST_TIME:
        verdict.add(f"jobs: {verdict.time:.2f} times the ideal time, more than {_MOST_TIME}")
    return verdict


def _wrong_with(entry: JournalEntry, evidence: Evidence) -> Iterator[str]:
    sent, written = evidence.sent[entry.key], evidence.written[entry.key]
    if written > 1:
        yield "written twice"
    if sent > (1 if entry.reconciled is None else 2):  # `done` may be about the second time
        yield "sent once more without a word"
    if sent > entry.sends and entry.effect != "none":  # what had no effect need not be counted
        yield "sent more often than recorded"
    if entry.status not in _ENDED:
        yield f"lost: still {entry.status}"
    if entry.status == "ok" and not written:
        yield "ok, and never written"
    if entry.status == "failed" and (not sent or written):
        yield "failed, and not refused by the app"
    if entry.key in evidence.unanswered and entry.status != "unknown" and entry.reconciled is None:
        yield "not reported: no response was delivered, and it is not unknown"


def _judge_outcomes(evidence: Evidence, verdict: Verdict) -> None:
    got: defaultdict[str, set[str]] = defaultdict(set)
    for key, status in evidence.outcomes:
        got[key].add(status)
    for entry in evidence.entries:
        statuses = got[entry.key]
        if entry.status not in statuses:
            verdict.add("recorded, and no worker got it", f"{entry.key}: {entry.status}, workers got {statuses}")
        # What is unknown to one worker, the next one may have found out.
        if statuses - {entry.status, "unknown"}:
            verdict.add(
                "a worker got something else than recorded", f"{entry.key}: {entry.status}, workers got {statuses}"
            )


def _time(evidence: Evidence) -> float | None:
    judged = [second for second in evidence.seconds if second.idle is not None and second.idle >= _IDLE]
    if len(judged) < len(evidence.seconds) / 2:
        return None
    return sum(second.seconds for second in judged) / (sum(second.accepted for second in judged) / evidence.rate)
