"""The report of a job as lines of text for a terminal."""

import textwrap
from collections.abc import Iterator

from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown, steps_for_unknown
from refold_async.cli.journal_report.report import ErrorGroup, JournalReport, message_of, shown_message, shown_name
from refold_async.cli.terminal import one_line

__all__ = ["text_of"]

_MOST_GROUPS = 20
_MOST_OF_A_MESSAGE = 300


def text_of(report: JournalReport, width: int) -> str:
    """Return the report, in lines of at most this width where words allow it. It is safe on a terminal."""
    return "\n".join(_lines(report, max(40, width)))


def _lines(report: JournalReport, width: int) -> Iterator[str]:
    yield from map(one_line, str(report.summary).split("\n"))
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
            yield "  What to do:"
            for number, step in enumerate(steps_for_unknown(report), 1):
                yield from _wrapped(step, width, f"  {number}. ")
    if report.summary.refused:
        yield from ("", f"{report.summary.refused:,} more failed before anything was sent; the next run looks at them.")


def _group(group: ErrorGroup, width: int) -> Iterator[str]:
    yield one_line(f"  {group.items:,} {shown_name(group.error)}")
    told = advice_for_failed(group) if group.status == "failed" else advice_for_unknown(group).told
    yield from _wrapped(told, width, "    ")
    yield from _wrapped(f"First: {shown_message(message_of(group.example), _MOST_OF_A_MESSAGE)}", width, "    ")


def _wrapped(text: str, width: int, begin: str) -> list[str]:
    return textwrap.wrap(
        one_line(text),
        width,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
    )
