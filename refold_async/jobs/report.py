"""The report of a fan-out: all outcomes, to count, to raise, to export as rows and to print."""

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
    """All outcomes of a fan-out, in the order of the input. `print()` it, or end a notebook cell with it."""

    outcomes: tuple[Outcome[Item, T], ...]
    """The outcomes, in the order of the input."""

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
    def reconciled(self) -> list[Outcome[Item, T]]:
        """The outcomes of items whose writes may have run until `reconcile=` made clear what became of them."""
        return [outcome for outcome in self.outcomes if outcome.reconciled is not None]

    @property
    def counts(self) -> dict[Status, int]:
        """How many items ended in each way."""
        return {"ok": len(self.ok), "failed": len(self.failed), "unknown": len(self.unknown)}

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts.items())
        reconciled = len(self.reconciled)
        told += f", {reconciled:,} of them reconciled" if reconciled else ""
        errors = self._most_frequent_errors()
        return f"<FanOutReport {len(self):,} items: {told}{f'; {errors}' if errors else ''}>"

    def to_dicts(self, *, status: Status | Collection[Status] | None = None) -> list[dict[str, Any]]:
        """Return a dict for every outcome, in the order of the input, for example for `pandas.DataFrame()`.

        The keys are `index`, `linked_account_id`, `item` as it was given, `status`, `effect`, `error`, `message`,
        `attempts`, `elapsed` in seconds, `recorded`, `request_id` and `reconciled`. What an outcome does not have is
        None. `error` is the name of the error's class. If an earlier run recorded the outcome, it is the recorded name,
        or `interrupted` for an item that was in flight when that run ended.

        Args:
            status: Return only outcomes with this status, or with one of these; by default all.

        Raises:
            ConfigurationError: The status does not exist.
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
        """Write a CSV file with a line for every outcome, which spreadsheets can open. This waits for the disk.

        The columns are the keys of `to_dicts()`. `OutcomeWriter`, which writes outcomes one by one, describes what
        happens to line breaks and to texts that a spreadsheet would run as formulas.

        Args:
            path: The file. An existing file is replaced.
            status: Write only outcomes with this status, or with one of these; by default all.
            encoding: By default UTF-8 with a byte order mark, which Excel needs to recognise UTF-8; `utf-8` writes
                none.

        Raises:
            ConfigurationError: The status or encoding does not exist, or `path` is not a path. No file is touched.
            OSError: The file cannot be written, or not completely.
        """
        from refold_async.jobs.outcome_rows import with_status
        from refold_async.jobs.outcome_writer import OutcomeWriter

        chosen = with_status(self.outcomes, status)
        with OutcomeWriter(path, encoding=encoding) as writer:
            for outcome in chosen:
                writer.write(outcome)

    def raise_for_errors(self) -> None:
        """Raise the errors of all items that did not succeed, together. Return if there are none.

        Raises:
            ExceptionGroup: Contains the first 100 errors. Its message says how many there are in total, and which ones
                are the most frequent.
        """
        ended = [outcome for outcome in self.outcomes if outcome.status != "ok"]
        if not ended:
            return
        held = [_as_exception(outcome.error) for outcome in ended[:_MOST_ERRORS_RAISED]]
        extent = "" if len(held) == len(ended) else f"; the first {len(held)} are here"
        raise ExceptionGroup(
            f"{len(ended)} of {len(self.outcomes)} items did not succeed "
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
    """Return an error that an ExceptionGroup can contain: a call may raise something that is not an `Exception`."""
    if isinstance(error, Exception):
        return error
    wrapper = RefoldError(f"The call ended with {error!r}.")
    wrapper.__cause__ = error
    return wrapper
