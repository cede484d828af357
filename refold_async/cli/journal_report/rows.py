"""The entries and the report of a journal for programs: as JSON objects, and entries as lines of a CSV file."""

import csv
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TextIO

import attrs

from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown
from refold_async.cli.journal_report.report import (
    ErrorGroup,
    JournalReport,
    attempts_of,
    error_of,
    failure_of,
    message_of,
)
from refold_async.codec.csv_cells import csv_cell
from refold_async.journal.entries import JournalEntry
from refold_async.journal.reading import JournalSummary

__all__ = ["ENTRY_COLUMNS", "entry_row", "report_row", "summary_row", "write_csv"]

ENTRY_COLUMNS: Final = (
    *("key", "linked_account_id", "status", "effect", "reconciled", "error", "message", "attempts", "sends"),
    *("first_started_at", "started_at", "finished_at", "request_id", "result"),
)
"""The names of an entry's values."""


def entry_row(entry: JournalEntry) -> dict[str, Any]:
    """Return an entry as a JSON object, with the names of a fan-out's outcomes for the same values.

    It lacks the number of the run, which a later run replaces with its own even if it sends nothing.
    """
    error = failure_of(entry)
    values = (
        *(entry.key, entry.linked_account_id, entry.status, entry.effect, entry.reconciled),
        *((None, None) if error is None else (error_of(entry), error.message)),
        *(attempts_of(entry), entry.sends),
        *map(_moment, (entry.first_started_at, entry.started_at, entry.finished_at)),
        *(None if error is None else error.request_id, entry.result),
    )
    return dict(zip(ENTRY_COLUMNS, values, strict=True))


def write_csv(entries: Iterable[JournalEntry], file: TextIO) -> None:
    """Write a line with the column names, and one line for each entry."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(ENTRY_COLUMNS)
    writer.writerows(map(csv_cell, entry_row(entry).values()) for entry in entries)


def summary_row(summary: JournalSummary) -> dict[str, Any]:
    """Return the summary of a job as a JSON object."""
    values = attrs.asdict(summary)
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in values.items()}


def report_row(report: JournalReport) -> dict[str, Any]:
    """Return the report of a job as a JSON object."""
    return {
        "verdict": report.verdict,
        "summary": summary_row(report.summary),
        "reconciled": report.reconciled,
        "errors": [_group_row(group) for group in report.errors],
    }


def _group_row(group: ErrorGroup) -> dict[str, Any]:
    return {
        "status": group.status,
        "error": group.error,
        "effect": group.effect,
        "items": group.items,
        "example": {"key": group.example.key, "message": message_of(group.example)},
        "advice": advice_for_unknown(group).text if group.status == "unknown" else advice_for_failed(group),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
