"""The report of a fan-out: all outcomes, to count, to raise, to hand on as rows, and to look at."""

from collections.abc import Collection
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from refold_async.errors import RefoldError
from refold_async.jobs.outcomes import Failed, Ok, Outcome, Status, Unknown

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["FanOutReport"]

Item = TypeVar("Item")
T = TypeVar("T")

_MOST_ERRORS_RAISED: Final = 100
_ERRORS_TOLD: Final = 3


@attrs.frozen(repr=False)
class FanOutReport(Generic[Item, T]):
    """All outcomes of a fan-out, in the order of the input. Print it, or leave it at the end of a notebook's cell."""

    outcomes: tuple[Outcome[Item, T], ...]
    """The outcomes."""

    @property
    def ok(self) -> list[Ok[Item, T]]:
        """The outcomes of items that succeeded."""
        return [outcome for outcome in self.outcomes if outcome.status == "ok"]

    @property
    def failed(self) -> list[Failed[Item]]:
        """The outcomes of items that failed."""
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    @property
    def unknown(self) -> list[Unknown[Item]]:
        """The outcomes of items that may or may not have happened."""
        return [outcome for outcome in self.outcomes if outcome.status == "unknown"]

    @property
    def counts(self) -> dict[Status, int]:
        """How many items ended each way."""
        return {"ok": len(self.ok), "failed": len(self.failed), "unknown": len(self.unknown)}

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts.items())
        errors = self._most_frequent_errors()
        return f"<FanOutReport {len(self):,} items: {told}{f'; {errors}' if errors else ''}>"

    def to_dicts(self, *, status: Status | Collection[Status] | None = None) -> list[dict[str, Any]]:
        """Return a dict for every outcome, in the order of the input, such as for `pandas.DataFrame()`.

        Its keys are `index`, `linked_account_id`, `item` as it was given, `status`, `effect`, `error` (the name of the
        error's class; where an earlier run recorded it, of the class it had then, or `interrupted` for an item that was
        in flight when that run ended), `message`, `attempts`, `elapsed` in seconds, `recorded` and `request_id`; what
        an outcome does not have is None.

        Args:
            status: Give outcomes with this status only, or with one of these.

        Raises:
            ConfigurationError: There is no such status.
        """
        from refold_async.jobs.outcome_rows import row_of, with_status

        return [row_of(outcome) for outcome in with_status(self.outcomes, status)]

    def to_csv(
        self,
        path: str | PathLike[str],
        *,
        status: Status | Collection[Status] | None = None,
        encoding: str = "utf-8-sig",
    ) -> None:
        """Write a line for every outcome into a CSV file, which spreadsheets open. It waits for the disk.

        The columns are the keys of `to_dicts()`. See `OutcomeWriter`, which writes outcomes as they come, for what
        becomes of line breaks and of texts that a spreadsheet would take for formulas.

        Args:
            path: The file; one that is there is replaced.
            status: Write outcomes with this status only, or with one of these.
            encoding: By default UTF-8 with a mark at the beginning, without which Excel does not know it for UTF-8;
                `utf-8` leaves that out.

        Raises:
            ConfigurationError: There is no such status or encoding, or `path` is no path; no file is touched.
            OSError: The file cannot be written, or not to its end.
        """
        from refold_async.jobs.outcome_rows import with_status
        from refold_async.jobs.outcome_writer import OutcomeWriter

        chosen = with_status(self.outcomes, status)
        with OutcomeWriter(path, encoding=encoding) as writer:
            for outcome in chosen:
                writer.write(outcome)

    def raise_for_errors(self) -> None:
        """Raise the errors of all items that did not succeed, together; return if there are none.

        Raises:
            ExceptionGroup: Holds the first 100 errors; its message tells how many there are in all, and which are the
                most frequent.
        """
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        if not errors:
            return
        held = [_as_exception(error) for error in errors[:_MOST_ERRORS_RAISED]]
        extent = "" if len(held) == len(errors) else f"; the first {len(held)} are here"
        raise ExceptionGroup(
            f"{len(errors)} of {len(self.outcomes)} items did not succeed "
            f"({len(self.failed)} failed, {len(self.unknown)} unknown; {self._most_frequent_errors()}){extent}",
            held,
        )

    def _most_frequent_errors(self) -> str:
        from refold_async.jobs.report_table import most_frequent_errors

        return most_frequent_errors(self.outcomes, _ERRORS_TOLD)

    def __rich__(self) -> "Table":
        from refold_async.jobs.report_table import rich_table

        return rich_table(self.outcomes)

    def _repr_html_(self) -> str:
        from refold_async.jobs.report_table import html_table

        return html_table(self.outcomes)


def _as_exception(error: BaseException) -> Exception:
    """Return an error that a plain ExceptionGroup can hold: a call may raise what is no Exception, and be cancelled."""
    if isinstance(error, Exception):
        return error
    wrapper = RefoldError(f"The call ended with {error!r}.")
    wrapper.__cause__ = error
    return wrapper
