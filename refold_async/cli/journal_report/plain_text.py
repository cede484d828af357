"""The report of a job as lines of text for a terminal."""

import textwrap
from collections.abc import Iterator

from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown, steps_for_unknown
from refold_async.cli.journal_report.report import (
    ErrorGroup,
    JournalReport,
    message_of,
    shown_message,
    shown_name,
    shown_summary,
    shown_time,
)
from refold_async.cli.terminal import one_line

__all__ = ["text_of"]

_MOST_GROUPS = 20
_MOST_ACCOUNTS = 10
_MOST_OF_A_MESSAGE = 300


def text_of(report: JournalReport, width: int) -> str:
    """Return the report, safe for a terminal, in lines of at most this width unless a word is longer."""
    return "\n".join(_lines(report, max(40, width)))


def _lines(report: JournalReport, width: int) -> Iterator[str]:
    yield from map(one_line, shown_summary(report.summary).split("\n"))
    yield ""
    yield from textwrap.wrap(report.verdict, width)
    for status, heading in (("unknown", "Unknown: may or may not have happened"), ("failed", "Failed")):
        groups = [group for group in report.errors if group.status == status]
        if not groups:
            continue
        yield from ("", heading)
        for group in groups[:_MOST_GROUPS]:
            yield from _group(group, width)
        if left_out := sum(group.items for group in groups[_MOST_GROUPS:]):
            yield f"  {left_out:,} with other errors"
        if status == "unknown":
            yield from _accounts(report)
            yield "  What to do:"
            for number, step in enumerate(steps_for_unknown(report), 1):
                yield from _wrapped(step, width, f"  {number}. ")
    if report.summary.refused:
        yield from (
            "",
            f"{report.summary.refused:,} more failed before anything was sent; the next run checks them again.",
        )


def _accounts(report: JournalReport) -> Iterator[str]:
    """Give the accounts of some unknown items and their times, in columns."""
    yield "  Accounts and times (UTC):"
    items = report.kept["unknown"][:_MOST_ACCOUNTS]
    names = [one_line(item.linked_account_id or item.key) for item in items]
    width = max(map(len, names))
    for name, item in zip(names, items, strict=True):
        yield f"    {name.ljust(width)}  {shown_time(item.moment)}".rstrip()
    if more := report.counts["unknown"] - len(items):
        command = f"refold journal entries {report.journal.arguments} -s unknown"
        yield f"    … and {more:,} more: `{one_line(command)}` lists all."


def _group(group: ErrorGroup, width: int) -> Iterator[str]:
    yield one_line(f"  {group.items:,} {shown_name(group.error)}")
    advice = advice_for_failed(group) if group.status == "failed" else advice_for_unknown(group).text
    yield from _wrapped(advice, width, "    ")
    yield from _wrapped(f"First: {shown_message(message_of(group.example), _MOST_OF_A_MESSAGE)}", width, "    ")


def _wrapped(text: str, width: int, begin: str) -> list[str]:
    return textwrap.wrap(
        one_line(text),
        width,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
    )
