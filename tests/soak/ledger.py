"""What really happened to every call, as the server knows it, and what the client made of it."""

import re
from collections import Counter
from typing import Any, Final, Literal

import attrs

__all__ = ["KEY", "SECRET", "TOKEN", "CallRecord", "Ledger", "Violation", "marks_in"]

KEY: Final = "tk_Kept/0utOfSight"
TOKEN: Final = "st-0utOfSight"
"""How session tokens begin; the account they stand for follows."""
SECRET: Final = "0utOfSight"
"""What keys and tokens have in common, and nothing else that is sent."""

CALL_ID: Final = re.compile(r"call-\d{6,}")
MARK: Final = re.compile(r"<((?:call|stray)-\d+@[^<>]*)>")

_MOST_EXAMPLES: Final = 3
_OF_LATE_STRAYS: Final = (
    "mixed up",
    "wrong effect",
    "ran twice",
    "status lost",
    "recorded",
    "sent for another",
)
"""How the names of those violations begin that strays bring about which nobody can notice in time."""

Kind = Literal["read", "write", "idempotent"]


@attrs.define(eq=False)
class CallRecord:
    """One call: what it is, what the server saw of it, and how it ended."""

    call_id: str
    account: str
    operation: str
    kind: Kind

    seen: int = 0
    """How many requests of it reached the server, by their heads."""
    ran: int = 0
    """How often what it asks for was done."""
    faults: list[str] = attrs.field(factory=list[str])
    """What each of its requests met."""
    spoilt: list[str] = attrs.field(factory=list[str])
    """What had come unasked on the connections that its requests were sent on."""
    told: list[int | None] = attrs.field(factory=list[int | None])
    """The error status that each of its requests was answered with, where the client cannot have missed it."""

    ended: str = "never"
    """`ok`, `cancelled`, `unfinished`, or the name of the error's class."""
    error: str = ""
    effect: str | None = None
    attempts: int | None = None
    status: int | None = None
    """The HTTP status that its error tells."""
    marks: frozenset[str] = frozenset()
    """Whose answers its result, or its error, is made of."""
    noted: bool = False
    """Whether its cancellation says that it may have run."""
    cancelled: bool = False
    """Whether the soak cancelled it."""
    client_closed: bool = False
    """Whether its client was closed before it ended."""
    limit: float | None = None
    """The seconds it had, where a limit held for all of it."""
    elapsed: float = 0.0

    @property
    def mark(self) -> str:
        """What its own answers carry, and no others."""
        return f"{self.call_id}@{self.account}"

    @property
    def made(self) -> bool:
        """Whether it was made, and has ended."""
        return self.ended not in ("never", "unfinished") or self.seen > 0

    def begin_anew(self, ended: str) -> None:
        """Note how it ended, and forget how it ended in an earlier run of its job."""
        self.ended, self.error, self.effect, self.attempts, self.status = ended, "", None, None, None
        self.marks, self.noted = frozenset(), False

    def story(self) -> str:
        """Tell all of it in a line."""
        met = ", ".join(self.faults) or "nothing"
        if self.spoilt:
            met += f", on connections where this had come unasked: {', '.join(self.spoilt)}"
        end = f"{self.ended}, effect {self.effect}, attempts {self.attempts}" if self.ended != "ok" else "ok"
        text = f"{self.operation} ({self.kind}) {self.mark}: met {met}; seen {self.seen}, ran {self.ran}; ended {end}"
        return f"{text}: {self.error[:300]}" if self.error else text


@attrs.frozen
class Violation:
    """Something that must never be."""

    invariant: str
    cause: str = ""
    """The fault or the stray it comes of, as far as can be told."""
    judged: bool = True
    """Whether a client can prevent it."""


@attrs.define(eq=False)
class Ledger:
    """The truth about one round."""

    calls: dict[str, CallRecord] = attrs.field(factory=dict[str, CallRecord])
    violations: Counter[Violation] = attrs.field(factory=Counter[Violation])
    examples: dict[Violation, list[str]] = attrs.field(factory=dict[Violation, list[str]])
    """The first few of each."""
    sent_unasked: dict[str, str] = attrs.field(factory=dict[str, str])
    """The names of strays, by their marks."""
    faults: Counter[str] = attrs.field(factory=Counter[str])
    strays: Counter[str] = attrs.field(factory=Counter[str])
    """What was sent unasked."""
    strays_too_late: int = 0
    """How many strays were held back, because the next request had left already."""
    connections: int = 0
    requests: int = 0
    strays_may_be_late: bool = False
    """Whether something comes unasked that the client cannot notice in time."""

    def new_call(self, operation: str, kind: Kind, account: str | None = None) -> CallRecord:
        """Register a call that is about to be made; without an account it gets one that nobody else has."""
        call_id = f"call-{len(self.calls):06}"
        record = CallRecord(call_id, account or f"user-of-{call_id}", operation, kind)
        self.calls[call_id] = record
        return record

    def find(self, *texts: str) -> CallRecord | None:
        """Return the call that the first of these texts to name one names."""
        for text in texts:
            if (found := CALL_ID.search(text)) is not None:
                return self.calls.get(found[0])
        return None

    def violate(self, invariant: str, cause: str, context: str, *, judged: bool = True) -> None:
        """Note a violation, and what led to it."""
        inevitable = self.strays_may_be_late and invariant.startswith(_OF_LATE_STRAYS)
        violation = Violation(invariant, cause, judged=judged and not inevitable)
        self.violations[violation] += 1
        examples = self.examples.setdefault(violation, [])
        if len(examples) < _MOST_EXAMPLES:
            examples.append(context)

    @property
    def made(self) -> int:
        """How many calls were made and have ended."""
        return sum(record.made for record in self.calls.values())


def marks_in(*values: Any) -> frozenset[str]:
    """Return whose answers these values are made of."""
    return frozenset(MARK.findall("\n".join(map(repr, values))))
