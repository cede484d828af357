"""What a soak says: how it goes, and what it came to."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import attrs

from .ledger import Violation
from .rounds import RoundReport

__all__ = ["Total", "progress"]


@attrs.define
class Total:
    """What all rounds came to."""

    began: float = attrs.field(factory=time.perf_counter)
    calls: int = 0
    requests: int = 0
    connections: int = 0
    strays_too_late: int = 0
    worst_overrun: float = 0.0
    worst_lag: float = 0.0
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    faults: Counter[str] = attrs.field(factory=Counter[str])
    strays: Counter[str] = attrs.field(factory=Counter[str])
    settings: defaultdict[str, Counter[str]] = attrs.field(factory=lambda: defaultdict(Counter))
    violations: Counter[Violation] = attrs.field(factory=Counter[Violation])
    examples: dict[Violation, str] = attrs.field(factory=dict[Violation, str])

    def add(self, report: RoundReport) -> None:
        """Add a round."""
        self.calls += report.calls
        self.requests += report.requests
        self.connections += report.connections
        self.strays_too_late += report.strays_too_late
        self.worst_overrun = max(self.worst_overrun, report.worst_overrun)
        self.worst_lag = max(self.worst_lag, report.worst_lag)
        self.outcomes += report.outcomes
        self.faults += report.faults
        self.strays += report.strays
        self.violations += report.violations
        self.settings[report.setting.name] += Counter(
            {
                "calls": report.calls,
                "requests": report.requests,
                "connections": report.connections,
                "strays": sum(report.strays.values()),
                "violations": report.wrong,
            }
        )
        for violation, examples in report.examples.items():
            known = self.examples.get(violation)
            for context in examples:
                if known is None or len(context) < len(known):
                    known = self.examples[violation] = f"seed {report.seed}: {context}"

    @property
    def wrong(self) -> int:
        """How many violations there were that a client can prevent."""
        return sum(count for violation, count in self.violations.items() if violation.judged)

    def told(self) -> str:
        """Return the whole report."""
        seconds = time.perf_counter() - self.began
        head = (
            f"\n{self.calls:,} calls, {self.requests:,} requests on {self.connections:,} connections, {seconds:.0f} s\n"
            f"{self.strays_too_late:,} strays were held back, as the next request had left\n"
            f"the latest call ended {self.worst_overrun:.2f} s after its deadline; "
            f"the event loop was late by up to {self.worst_lag:.2f} s"
        )
        settings = "\n".join(
            f"  {name}: {', '.join(f'{count:,} {what}' for what, count in counts.items())}"
            for name, counts in sorted(self.settings.items())
        )
        parts = [
            head,
            f"settings\n{settings}",
            _listed("outcomes", self.outcomes),
            _listed("faults", self.faults),
            _listed("sent unasked", self.strays),
        ]
        inevitable = [violation for violation in self.violations if not violation.judged]
        judged = [violation for violation in self.violations if violation.judged]
        if inevitable:
            parts.append(
                "not judged: what no client can prevent that uses a connection twice, and what does no harm by itself"
            )
            parts.append(self._shown(inevitable, with_examples=False))
        parts.append(f"{self.wrong:,} violations" if judged else "no violation")
        if judged:
            parts.append(self._shown(judged, with_examples=True))
        return "\n".join(parts)

    def _shown(self, violations: Iterable[Violation], *, with_examples: bool) -> str:
        lines: list[str] = []
        by_invariant: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for violation in violations:
            by_invariant[violation.invariant][violation.cause or "?"] += self.violations[violation]
        for invariant, causes in sorted(by_invariant.items(), key=lambda pair: -pair[1].total()):
            lines.append(f"  {causes.total():,} {invariant} ({_counts(causes)})")
            if with_examples:
                contexts = [self.examples[one] for one in violations if one.invariant == invariant]
                lines.append(f"      {min(contexts, key=len)}")
        return "\n".join(lines)


def progress(report: RoundReport, total: Total, calls: int) -> str:
    """Return a line about the round that has just ended."""
    seconds = time.perf_counter() - total.began
    return (
        f"{total.calls:,} of {calls:,} calls, {seconds:.0f} s: round {report.seed}, {report.setting.name}, "
        f"{report.calls:,} calls in {report.seconds:.1f} s, {report.wrong:,} violations"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in Counter(counts).most_common())


def _listed(title: str, counts: Mapping[str, int]) -> str:
    return f"{title}\n  {_counts(counts)}"
