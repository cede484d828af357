"""What programs read of a journal: its entries and its report as JSON has them, and entries as lines of a CSV file."""

import csv
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TextIO

import attrs

from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown
from refold_async.cli.journal_report.report import INTERRUPTED, ErrorGroup, JournalReport, message_of
from refold_async.codec.csv_cells import csv_cell
from refold_async.jobs.recorded_outcomes import recorded_error
from refold_async.journal.entries import JournalEntry
from refold_async.journal.journal import JournalSummary

__all__ = ["ENTRY_COLUMNS", "entry_row", "report_row", "summary_row", "write_csv"]

ENTRY_COLUMNS: Final = (
    *("key", "linked_account_id", "status", "effect", "error", "message", "attempts", "run"),
    *("started_at", "finished_at", "request_id", "result"),
)
"""The names of what is told of an entry."""


def entry_row(entry: JournalEntry) -> dict[str, Any]:
    """Return what is told of an entry: the names are those of a fan-out's outcomes, where those have them."""
    error = recorded_error(entry) if entry.status in {"failed", "unknown"} else None
    values = (
        *(entry.key, entry.linked_account_id, entry.status, entry.effect),
        *((None, None) if error is None else (entry.error_type or INTERRUPTED, error.message)),
        *(entry.attempts, entry.run, _moment(entry.started_at), _moment(entry.finished_at)),
        *(None if error is None else error.request_id, entry.result),
    )
    return dict(zip(ENTRY_COLUMNS, values, strict=True))


def write_csv(entries: Iterable[JournalEntry], file: TextIO) -> None:
    """Write a line of column names, and one physical line for each entry."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(ENTRY_COLUMNS)
    writer.writerows(map(csv_cell, entry_row(entry).values()) for entry in entries)


def summary_row(summary: JournalSummary) -> dict[str, Any]:
    """Return what is told of a job."""
    values = attrs.asdict(summary)
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in values.items()}


def report_row(report: JournalReport) -> dict[str, Any]:
    """Return what is told of a job and its errors."""
    return {
        "verdict": report.verdict,
        "summary": summary_row(report.summary),
        "errors": [_group_row(group) for group in report.errors],
    }


def _group_row(group: ErrorGroup) -> dict[str, Any]:
    return {
        "status": group.status,
        "error": group.error,
        "effect": group.effect,
        "items": group.items,
        "example": {"key": group.example.key, "message": message_of(group.example)},
        "advice": advice_for_unknown(group).told if group.status == "unknown" else advice_for_failed(group),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
