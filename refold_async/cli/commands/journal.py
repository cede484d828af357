"""`refold journal summary`, `refold journal entries` and `refold journal report`."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from refold_async.cli.failures import UsageError, say
from refold_async.cli.journal_report.reading import showing_progress
from refold_async.cli.journal_report.report import error_of, read_report, shown_item
from refold_async.cli.journal_report.rows import entry_row, report_row, summary_row, write_csv
from refold_async.cli.options import OutputOptions
from refold_async.cli.output import print_json, print_members, print_text, wants_json
from refold_async.cli.private_file import check_replaceable, replacing
from refold_async.cli.terminal import is_terminal
from refold_async.journal.entries import EntryStatus, JournalEntry
from refold_async.journal.journal import Journal

__all__ = ["entries", "report", "summary"]

_STATUS = (
    "Only items with this status; may be given more than once. An item that was in flight when its process died is "
    "unknown; a withdrawn one certainly did not run, and the next run calls it."
)
_ERROR = (
    "Only items that ended with this error, such as NotFoundError; may be given more than once. The error of an item "
    "that was in flight when its run ended is interrupted."
)
_MOST_NAMES = 10


def summary(file: Path, /, *, options: OutputOptions = OutputOptions()) -> None:
    """Show how a job stands, also while it runs.

    Args:
        file: The job's journal.
    """
    told = Journal(file).summary()
    if wants_json(options):
        print_json(summary_row(told))
    else:
        print_text(str(told))


def entries(
    file: Path,
    /,
    *,
    status: Annotated[Sequence[EntryStatus], Parameter(name=["--status", "-s"], help=_STATUS)] = (),
    error: Annotated[Sequence[str], Parameter(name=["--error", "-e"], help=_ERROR)] = (),
    options: OutputOptions = OutputOptions(),
) -> None:
    """List what a journal has of each item, in the order in which the items were first recorded.

    Args:
        file: The job's journal.
    """
    errors_of_others: Counter[str] = Counter()
    chosen = _chosen(Journal(file).entries(status=status[0] if len(status) == 1 else None), status)
    chosen = _with_error(chosen, error, errors_of_others) if error else chosen
    with showing_progress() as follow:
        print_members(
            options,
            map(entry_row, chosen if is_terminal(sys.stdout) else follow(chosen, None))
            if wants_json(options)
            else map(shown_item, chosen),
            ("STATUS", lambda item: item.status),
            ("ITEM", lambda item: item.key),
            ("ACCOUNT", lambda item: item.linked_account_id),
            ("ERROR", lambda item: item.error),
            ("MESSAGE", lambda item: item.message),
            ("TIME (UTC)", lambda item: None if item.moment is None else f"{item.moment:%Y-%m-%d %H:%M:%S}"),
        )
    if error and errors_of_others.total() and not errors_of_others[""]:
        names = ", ".join(name for name, _ in errors_of_others.most_common(_MOST_NAMES))
        say(f"No item ended with {' or '.join(error)}. Items ended with: {names}.")


def _chosen(listed: Iterator[JournalEntry], statuses: Sequence[EntryStatus]) -> Iterator[JournalEntry]:
    return (entry for entry in listed if not statuses or entry.status in statuses)


def _with_error(listed: Iterator[JournalEntry], errors: Sequence[str], others: Counter[str]) -> Iterator[JournalEntry]:
    """Give the entries with one of these errors, and count the errors of the others; as "" those that are given."""
    wanted = {name.lower() for name in errors}
    for entry in listed:
        name = error_of(entry)
        if name.lower() in wanted:
            others[""] += 1
            yield entry
        elif name and (name in others or len(others) < _MOST_NAMES):
            others[name] += 1


def report(
    file: Path,
    /,
    *,
    html_file: Annotated[Path | None, Parameter(name="--html")] = None,
    csv_file: Annotated[Path | None, Parameter(name="--csv")] = None,
    options: OutputOptions = OutputOptions(),
) -> None:
    """Tell how a job went: how many items ended how, with which errors, and what to do about the unknown ones.

    Args:
        file: The job's journal.
        html_file: Write a page here, with charts and a table to search. It loads nothing from anywhere.
        csv_file: Write a line here for each item. As with the page, its owner alone may read it.
    """
    for option, path in (("--html", html_file), ("--csv", csv_file)):
        if path is not None:
            check_replaceable(option, path)
    if html_file is not None and csv_file is not None and html_file.resolve() == csv_file.resolve():
        raise UsageError("--html and --csv name the same file: name two.")
    if csv_file is not None:
        with replacing(csv_file, encoding="utf-8-sig") as lines, showing_progress() as follow:
            write_csv(follow(Journal(file).entries(), None), lines)
        say(f"Wrote {csv_file}.")
        if html_file is None:
            return
    with showing_progress() as follow:
        told = read_report(file, follow)
    if html_file is not None:
        from refold_async.cli.journal_page.page import write_page

        with replacing(html_file) as page:
            write_page(told, page)
        say(f"{told.verdict} Wrote {html_file}: open it in a browser.")
    elif wants_json(options):
        print_json(report_row(told))
    else:
        from refold_async.cli.journal_report.plain_text import text_of

        print_text(text_of(told, shutil.get_terminal_size().columns))
