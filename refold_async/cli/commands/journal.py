"""`refold journal`: `summary`, `entries`, `report`, `watch` and `init`."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say
from refold_async.cli.journal_report.reading import showing_progress
from refold_async.cli.journal_report.report import (
    ShownItem,
    error_of,
    read_report,
    shown_item,
    shown_summary,
    shown_time,
)
from refold_async.cli.journal_report.rows import entry_row, report_row, summary_row, write_csv
from refold_async.cli.journal_watch import JSONDisplay, LineDisplay, Speed, has_ended
from refold_async.cli.journals import (
    DatabaseArgument,
    DatabaseOptions,
    JobInDatabaseOptions,
    JournalArgument,
    named_journal,
    postgres_journal,
)
from refold_async.cli.options import OutputOptions
from refold_async.cli.output import Column, print_json, print_members, print_text, wants_json
from refold_async.cli.private_file import check_replaceable, replacing
from refold_async.cli.terminal import is_terminal
from refold_async.journal.entries import EntryStatus, JournalEntry

__all__ = ["entries", "init", "report", "summary", "watch"]

_STATUS = (
    "Only items with this status; may be given more than once. unknown: the item may have been executed, for example "
    "because its process died while it was in flight. withdrawn: not sent; the next run sends it."
)
_ERROR = (
    "Only items that ended with this error, such as NotFoundError; may be given more than once. interrupted: the run "
    "ended before a response came."
)
_MOST_NAMES = 10
_ITEMS_COMPARED = 200
_LONGEST_PAUSE = 3600
_WIDTH_FOR_TIMES = 100
_WIDTH_OF_THE_OTHERS = 45


def summary(
    journal: JournalArgument = None,
    /,
    *,
    options: OutputOptions = OutputOptions(),
    database: JobInDatabaseOptions = JobInDatabaseOptions(),
) -> None:
    """Show the state of a job, also while it runs."""
    job = named_journal(journal, database).summary()
    if wants_json(options):
        print_json(summary_row(job))
        return
    print_text(shown_summary(job))
    is_left = job.withdrawn or job.not_begun != 0 if job.parts is None else job.closed_parts < job.parts
    if not job.running and is_left:
        print_text("To continue, run the same command or program again.")


def entries(
    journal: JournalArgument = None,
    /,
    *,
    status: Annotated[Sequence[EntryStatus], Parameter(name=["--status", "-s"], help=_STATUS)] = (),
    error: Annotated[Sequence[str], Parameter(name=["--error", "-e"], help=_ERROR)] = (),
    options: OutputOptions = OutputOptions(),
    database: JobInDatabaseOptions = JobInDatabaseOptions(),
) -> None:
    """List the items of a job, in the order in which they were first recorded."""
    errors_of_others: Counter[str] = Counter()
    named = named_journal(journal, database)
    chosen = _chosen(named.entries(status=status[0] if len(status) == 1 else None), status)
    chosen = _with_error(chosen, error, errors_of_others) if error else chosen
    if wants_json(options):
        with showing_progress() as follow:
            listed = chosen if is_terminal(sys.stdout) else follow(chosen, None)
            print_members(options, map(entry_row, listed))
    else:
        items = map(shown_item, chosen)
        first = list(islice(items, _ITEMS_COMPARED))
        width = shutil.get_terminal_size().columns
        print_members(options, chain(first, items), *_columns(first, width))
        if first and width < _WIDTH_FOR_TIMES:
            say("Pass --json for times and whole messages.")
    if error and errors_of_others.total() and not errors_of_others[""]:
        names = ", ".join(name for name, _ in errors_of_others.most_common(_MOST_NAMES))
        say(f"No item ended with {' or '.join(error)}. Items ended with: {names}.")


def _columns(first: Iterable[ShownItem], width: int) -> Iterator[Column]:
    """Yield the columns of the table, so that most items take two lines at most.

    Args:
        first: The first items, by which it is decided whether items and accounts are the same.
        width: The width of the terminal.
    """

    def is_account(item: ShownItem) -> bool:
        return item.linked_account_id in {item.key, ""}

    with_accounts = not all(map(is_account, first))
    with_times = width >= _WIDTH_FOR_TIMES
    columns_left = width - _WIDTH_OF_THE_OTHERS - 20 * (with_accounts + with_times)
    most_of_a_message = 2 * max(20, columns_left) - 10  # lines that end before a long word are shorter
    yield "STATUS", lambda item: item.status
    # An item of another account, if one comes late, is still shown with its account.
    yield (
        "ITEM",
        lambda item: item.key if with_accounts or is_account(item) else f"{item.key} of {item.linked_account_id}",
    )
    if with_accounts:
        yield "ACCOUNT", lambda item: item.linked_account_id
    yield "ERROR", lambda item: item.error
    yield "MESSAGE", lambda item: _beginning(item.message, most_of_a_message)
    if with_times:
        yield "TIME (UTC)", lambda item: shown_time(item.moment)


def _beginning(text: str, most: int) -> str:
    # In ASCII, as tables break other texts within words.
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


def _chosen(listed: Iterator[JournalEntry], statuses: Sequence[EntryStatus]) -> Iterator[JournalEntry]:
    return (entry for entry in listed if not statuses or entry.status in statuses)


def _with_error(listed: Iterator[JournalEntry], errors: Sequence[str], others: Counter[str]) -> Iterator[JournalEntry]:
    """Yield the entries with one of these errors, and count them as ""; count the errors of the others by name."""
    wanted = {name.lower() for name in errors}
    for entry in listed:
        name = error_of(entry)
        if name.lower() in wanted:
            others[""] += 1
            yield entry
        elif name and (name in others or len(others) < _MOST_NAMES):
            others[name] += 1


def report(
    journal: JournalArgument = None,
    /,
    *,
    html_file: Annotated[Path | None, Parameter(name="--html")] = None,
    csv_file: Annotated[Path | None, Parameter(name="--csv")] = None,
    options: OutputOptions = OutputOptions(),
    database: JobInDatabaseOptions = JobInDatabaseOptions(),
) -> None:
    """Report how a job went: how many items ended in each way, their errors, and what to do about the unknown ones.

    Args:
        html_file: Write a page to this file, with charts and a table to search. It works offline.
        csv_file: Write a line for each item to this file. Only its owner may read it, as with the page.
    """
    for option, path in (("--html", html_file), ("--csv", csv_file)):
        if path is not None:
            check_replaceable(option, path)
    if html_file is not None and csv_file is not None and html_file.resolve() == csv_file.resolve():
        raise UsageError("--html and --csv name the same file: give each a file of its own.")
    named = named_journal(journal, database)
    if csv_file is not None:
        with replacing(csv_file, encoding="utf-8-sig") as lines, showing_progress() as follow:
            write_csv(follow(named.entries(), None), lines)
        say(f"Wrote {csv_file}.")
        if html_file is None:
            return
    with showing_progress() as follow:
        job = read_report(named, follow)
    if html_file is not None:
        from refold_async.cli.journal_page.page import write_page

        with replacing(html_file) as page:
            write_page(job, page)
        say(f"{job.verdict} Wrote {html_file}: open it in a browser.")
    elif wants_json(options):
        print_json(report_row(job))
    else:
        from refold_async.cli.journal_report.plain_text import text_of

        print_text(text_of(job, shutil.get_terminal_size().columns))


def watch(
    journal: JournalArgument = None,
    /,
    *,
    every: Annotated[
        float | None,
        Parameter(metavar="SECONDS", help="Seconds from one look to the next; by default 1 on a terminal, else 10."),
    ] = None,
    options: OutputOptions = OutputOptions(),
    database: JobInDatabaseOptions = JobInDatabaseOptions(),
) -> None:
    """Show the progress of a job over all its workers, until it ends."""
    pause = every if every is not None else 10 if wants_json(options) else 1
    if not 0 < pause <= _LONGEST_PAUSE:
        raise UsageError(f"--every must be more than 0 and at most {_LONGEST_PAUSE} seconds, not {pause:g}.")
    speed = Speed()
    summaries = named_journal(journal, database).follow_summary()
    try:
        with closing(summaries), JSONDisplay() if wants_json(options) else LineDisplay() as display:
            for job in summaries:
                speed.add(job)
                display.show(job, speed)
                if has_ended(job):
                    break
                time.sleep(pause)
    except KeyboardInterrupt:
        say("refold: Stopped watching. The job itself is not affected.")
        raise StoppedError(ExitCode.INTERRUPTED) from None


async def init(dsn: DatabaseArgument = None, /, *, database: DatabaseOptions = DatabaseOptions()) -> None:
    """Create the tables of journals in PostgreSQL, or change those of an older version. Repeating it is harmless."""
    journal = postgres_journal(dsn, database)
    await journal.create_schema()
    say(f"The tables are there, in the schema {journal.schema}.")
