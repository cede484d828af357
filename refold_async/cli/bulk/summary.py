"""What is told of a job at its end: an exit code, paragraphs for people, JSON for programs."""

import shlex
from collections.abc import Iterator
from typing import Any, Final

import attrs

from refold_async.cli.bulk.displays import duration
from refold_async.cli.bulk.job import JobEnd
from refold_async.cli.failures import ExitCode
from refold_async.cli.invocation import INVOCATION
from refold_async.cli.process import exit_code_of
from refold_async.cli.rewording import reworded
from refold_async.jobs.outcome_groups import OutcomeGroup

__all__ = ["JobSummary"]

_ERRORS_TOLD: Final = 5
_NEVER_REPEATED: Final = frozenset({"--resend-unknown"})
"""What is agreed to once, for what is unknown then."""


@attrs.frozen(kw_only=True)
class JobSummary:
    """A job that has ended."""

    end: JobEnd
    """How it ended."""
    total: int
    """How many rows there are."""
    slug: str
    """The app."""
    journal: str | None
    """Its journal."""
    output: str | None
    """Its file of outcomes."""
    reads: bool
    """Whether it only reads."""
    rows_from: str
    """What its rows came from, such as stdin."""
    rows_stay: bool
    """Whether they are still there, as those of a file are."""
    seconds: float
    """How long it took."""

    @property
    def not_begun(self) -> int:
        """How many rows nothing was sent for."""
        return max(0, self.total - self.end.done)

    @property
    def ended(self) -> str:
        """How it ended, in a word."""
        if self.end.interrupted:
            return "interrupted"
        return "finished" if self.end.reason is None and not self.not_begun else "stopped"

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        counts = self.end.counts
        # Without a journal nobody knows any more which rows are done: to run it again writes those twice.
        repeats = self.not_begun and self.journal is None and not self.reads and (counts["ok"] or self.end.unusable)
        if counts["unknown"] or self.end.unrecorded or repeats:
            return ExitCode.UNKNOWN
        if self.end.interrupted and self.not_begun:
            return ExitCode.INTERRUPTED
        if self.end.unusable:
            return ExitCode.UNUSABLE
        return ExitCode.FAILED if counts["failed"] or self.ended == "stopped" else ExitCode.OK

    @property
    def resume(self) -> str | None:
        """The command that goes on with what is left, or None where there is none."""
        return INVOCATION.again(without=_NEVER_REPEATED) if self.not_begun and self.journal is not None else None

    @property
    def failed_without_effect(self) -> int:
        """How many rows failed and can be tried again."""
        groups = self.end.groups.ordered()
        return sum(group.items for group in groups if group.status == "failed" and group.effect == "none")

    @property
    def errors(self) -> list[OutcomeGroup]:
        """The errors, the most frequent first."""
        groups = [group for group in self.end.groups.ordered() if group.error]
        return sorted(groups, key=lambda group: -group.items)

    def as_json(self) -> dict[str, Any]:
        """Return what programs are told."""
        return {
            "ended": self.ended,
            "reason": None if self.end.reason is None else reworded(self.end.reason),
            "exit_code": exit_code_of(self.exit_code),
            "rows": self.total,
            **{str(status): count for status, count in self.end.counts.items()},
            "not_begun": self.not_begun,
            "recorded": self.end.recorded,
            "seconds": round(self.seconds, 3),
            "errors": [
                {
                    "error": group.error,
                    "status": group.status,
                    "effect": group.effect,
                    "rows": group.items,
                    "message": reworded(group.message),
                }
                for group in self.errors
            ],
            "journal": self.journal,
            "output": self.output,
            "resume": self.resume,
        }

    def paragraphs(self) -> Iterator[tuple[str, str | None]]:
        """Give what people are told: texts, each with the command that it speaks of, or None."""
        counts, recorded = self.end.counts, self.end.recorded
        earlier = f", {recorded:,} of them in earlier runs" if recorded else ""
        told = ", ".join(f"{count:,} {status}" for status, count in counts.items())
        begun = f", {self.not_begun:,} not begun" if self.not_begun else ""
        yield (
            f"{self.total:,} row{'' if self.total == 1 else 's'}: {told}{begun} ({duration(self.seconds)}{earlier}).",
            None,
        )
        if self.end.reason is not None:
            yield f"It was stopped. {reworded(self.end.reason)}", None
        errors = self.errors
        for group in errors[:_ERRORS_TOLD]:
            yield (
                f"{group.items:,} {group.status}: {group.error}: {reworded(group.message)} ({group.accounts_named})",
                None,
            )
        if left := sum(group.items for group in errors[_ERRORS_TOLD:]):
            yield f"{left:,} with other errors.", None
        if self.output is not None and self.end.done:
            yield f"What became of each row is in {self.output}.", None
        yield from self._what_to_do()

    def _what_to_do(self) -> Iterator[tuple[str, str | None]]:
        counts, output = self.end.counts, self.output
        rows = "" if self.rows_stay else f", with the same rows from {self.rows_from}"
        if self.end.unrecorded:
            lost = f"The journal could not take {self.end.unrecorded:,} of these outcomes"
            yield f"{lost}: the next run takes those rows for unknown.", None
        if counts["unknown"] and self.reads:
            told = f"{counts['unknown']:,} unknown: no usable answer came"
            if self.journal is None:
                yield f"{told}. They only read: the same command may be run again.", None
            else:
                yield f"{told}. To read those again{rows}:", INVOCATION.again(without=_NEVER_REPEATED)
        elif counts["unknown"]:
            listed = "" if output is None else f", which {output} lists with the status unknown"
            if self.journal is not None:
                listed = f", which `refold journal entries {shlex.quote(self.journal)} --status unknown` lists"
            told = f"{counts['unknown']:,} unknown: the action may have run"
            yield f"{told}. Look in {self.slug} for each of them{listed}, and settle it there.", None
        if counts["unknown"] and self.journal is not None and not self.reads:
            yield (
                f"They are never sent again unasked. To send all of them again, which repeats what did run{rows}:",
                INVOCATION.again("--resend-unknown"),
            )
        if self.end.unusable:
            yield f"{self.end.unusable:,} of those that failed did run, and must not be sent again.", None
        if (retriable := self.failed_without_effect) and self.journal is not None:
            rest = " and go on with the rest" if self.not_begun else ""
            yield (
                f"To try the {retriable:,} again that failed without effect{rest}{rows}:",
                INVOCATION.again("--retry-failed", without=_NEVER_REPEATED),
            )
        if self.resume is not None:
            yield f"To go on with the other {self.not_begun:,}{rows}:", self.resume
        elif self.not_begun:
            again = "" if self.reads else " and acts again for rows that are done"
            yield f"There is no --journal: to run it again begins at the first row{again}.", None
