"""The summary of a job: an exit code, paragraphs for people, JSON for programs."""

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
from refold_async.cli.words import counted
from refold_async.jobs.outcome_groups import OutcomeGroup

__all__ = ["JobSummary"]

_ERRORS_SHOWN: Final = 5
_NEVER_REPEATED: Final = frozenset({"--resend-unknown"})
"""Options that the user agreed to for one run only."""


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
    """Whether its action only reads."""
    rows_from: str
    """Where its rows came from, such as stdin."""
    rows_stay: bool
    """Whether the rows can be read again, as from a file."""
    seconds: float
    """How long it took."""

    @property
    def not_begun(self) -> int:
        """How many rows were not sent."""
        return max(0, self.total - self.end.done)

    @property
    def ended(self) -> str:
        """How it ended, in one word."""
        if self.end.interrupted:
            return "interrupted"
        return "finished" if self.end.reason is None and not self.not_begun else "stopped"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command."""
        counts = self.end.counts
        # Without a journal, the rows that are done are not known: running the job again repeats them.
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
        """The command that continues with the other rows, or None."""
        return INVOCATION.again(without=_NEVER_REPEATED) if self.not_begun and self.journal is not None else None

    @property
    def failed_without_effect(self) -> int:
        """How many rows failed and did nothing, so that they can be retried."""
        groups = self.end.groups.ordered()
        return sum(group.items for group in groups if group.status == "failed" and group.effect == "none")

    @property
    def errors(self) -> list[OutcomeGroup]:
        """The groups with an error, the most frequent first."""
        groups = [group for group in self.end.groups.ordered() if group.error]
        return sorted(groups, key=lambda group: -group.items)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
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
        """Yield the paragraphs, each with the command that follows it, or None."""
        counts, recorded = self.end.counts, self.end.recorded
        took = f"This run took {duration(self.seconds)}"
        earlier = f"; {counted(recorded, 'row')} ended in earlier runs" if recorded else ""
        ended = ", ".join(f"{count:,} {status}" for status, count in counts.items())
        begun = f", {self.not_begun:,} not begun" if self.not_begun else ""
        yield f"{counted(self.total, 'row')}: {ended}{begun}. {took}{earlier}.", None
        if self.end.reason is not None:
            yield f"The job was stopped. {reworded(self.end.reason)}", None
        errors = self.errors
        for group in errors[:_ERRORS_SHOWN]:
            yield (
                f"{group.items:,} {group.status}: {group.error}: {reworded(group.message)} ({group.accounts_named})",
                None,
            )
        if left := sum(group.items for group in errors[_ERRORS_SHOWN:]):
            yield f"{left:,} with other errors.", None
        if self.output is not None and self.end.done:
            yield f"The outcome of each row is in {self.output}.", None
        yield from self._what_to_do()

    def _what_to_do(self) -> Iterator[tuple[str, str | None]]:
        unknown = self.end.counts["unknown"]
        rows = "" if self.rows_stay else f", with the same rows from {self.rows_from}"
        if self.end.unrecorded:
            lost = f"{self.end.unrecorded:,} of these outcomes could not be written to the journal"
            yield f"{lost}: the next run treats those rows as unknown.", None
        if unknown and self.reads:
            yield from self._reads_to_repeat(rows)
        elif unknown:
            yield self._writes_to_check(), None
            if self.journal is not None:
                unasked = "No run sends them again unless you ask for it."
                repeat = f"To send all of them again, which repeats those that were executed{rows}:"
                yield f"{unasked} {repeat}", INVOCATION.again("--resend-unknown")
        if unusable := self.end.unusable:
            yield f"{counted(unusable, 'row')} failed after the action was executed: do not send them again.", None
        retriable = self.failed_without_effect
        if retriable and self.journal is not None:
            rest = " and continue with the rest" if self.not_begun else ""
            yield (
                f"To retry the {counted(retriable, 'row')} that failed and did nothing{rest}{rows}:",
                INVOCATION.again("--retry-failed", without=_NEVER_REPEATED),
            )
        if self.resume is not None:
            yield f"To continue with the other {counted(self.not_begun, 'row')}{rows}:", self.resume
        elif self.not_begun:
            again = "" if self.reads else " and repeats those that are done"
            yield f"The job has no --journal: running it again begins at the first row{again}.", None
        elif retriable and (ok := self.end.counts["ok"]) and self.journal is None and not self.reads:
            done = counted(ok, "row")
            yield f"The job has no --journal: running it again also repeats the {done} that succeeded.", None

    def _reads_to_repeat(self, rows: str) -> Iterator[tuple[str, str | None]]:
        unknown = f"{self.end.counts['unknown']:,} unknown: no usable answer came. "
        if self.journal is None:
            yield f"{unknown}The action only reads: you can run the same command again.", None
        else:
            yield f"{unknown}To read those again{rows}:", INVOCATION.again(without=_NEVER_REPEATED)

    def _writes_to_check(self) -> str:
        listed = "" if self.output is None else f" {self.output} lists them, with the status unknown."
        if self.journal is not None:
            listed = f" `refold journal entries {shlex.quote(self.journal)} --status unknown` lists them."
        return (
            f"{self.end.counts['unknown']:,} unknown: the action may have been executed. Check each of them in "
            f"{self.slug}.{listed}"
        )
