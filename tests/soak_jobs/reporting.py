"""What a soak is like, and what it came to."""

from collections import Counter

import attrs

from .judging import Evidence, Verdict

__all__ = ["Report", "Settings"]


@attrs.frozen(kw_only=True)
class Settings:
    """What a soak is like. Times are in seconds."""

    items: int = 60_000
    parts: int = 256
    processes: int = 8
    concurrency: int = 50
    rate: float = 500.0
    burst: int = 50
    resets: float = 0.005
    delay: float = 0.05
    kill_every: float = 20.0
    lease: float = 10.0
    settle: float = 3.0
    seed: int = 0

    @property
    def ideal(self) -> float:
        """The time that the limit allows, if each item took one request."""
        return self.items / self.rate


@attrs.frozen(kw_only=True)
class Report:
    """What a soak came to."""

    verdict: Verdict
    evidence: Evidence
    killed: int
    """How many workers were killed."""
    messages: Counter[str]
    """What the workers logged, and how often."""

    def __str__(self) -> str:
        evidence, verdict = self.evidence, self.verdict
        statuses = Counter(entry.status for entry in evidence.entries)
        reconciled = Counter(entry.reconciled for entry in evidence.entries if entry.reconciled)
        taken = sum(second.seconds for second in evidence.seconds)
        idle = [second.idle for second in evidence.seconds if second.idle is not None]
        share = evidence.refused / max(1, evidence.requests)
        lines = [
            f"{taken:.0f} s, {self.killed} workers killed, Redis and PostgreSQL killed and started again once",
            f"items: {', '.join(f'{count:,} {status}' for status, count in statuses.most_common())}",
            f"looks: {reconciled['done']:,} were written, {reconciled['sent_again']:,} were not, and sent once more",
            f"requests: {evidence.requests:,}, {evidence.refused:,} refused by the limit ({share:.3%})",
            f"writes without a response: {len(evidence.unanswered):,}",
            f"idle: {sum(idle) / len(idle):.2f} cores on average" if idle else "idle: not known",
            "time: not judged, as the machine was busy"
            if verdict.time is None
            else f"time: {verdict.time:.3f} of ideal",
            *(f"logged {count} times: {message}" for message, count in self.messages.most_common(10)),
            str(verdict) if verdict.wrong else "nothing is wrong",
        ]
        return "\n".join(lines)
