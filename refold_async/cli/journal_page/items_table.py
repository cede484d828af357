"""The table of items, with what filters it. Without JavaScript it is a plain table."""

import shlex
from typing import Final

from refold_async.cli.journal_page.markup import text
from refold_async.cli.journal_report.report import (
    SHOWN_FIRST,
    JournalReport,
    error_of,
    message_of,
    moment_of,
    request_id_of,
)
from refold_async.codec.excerpts import shortened
from refold_async.journal.entries import EntryStatus, JournalEntry

__all__ = ["STATUS_WORDS", "items_section"]

STATUS_WORDS: Final[dict[EntryStatus, str]] = {
    "unknown": "unknown",
    "failed": "failed",
    "started": "in flight",
    "withdrawn": "to be run again",
    "ok": "ok",
}
_SHOWN: Final[dict[str, str]] = {"ok": "✓ ", "failed": "✕ ", "unknown": "? "}
_MOST_OF_A_MESSAGE: Final = 400
_MOST_OF_A_NAME: Final = 200


def items_section(report: JournalReport) -> str:
    """Return the section."""
    entries = [entry for status in SHOWN_FIRST for entry in report.kept[status]]
    heading = '<section id="items" aria-labelledby="items-heading"><h2 id="items-heading">Items</h2>'
    if not entries:
        return f'{heading}<p class="nothing">The journal has no items yet.</p></section>'
    # Where items are known by their linked account, one column says both.
    with_account = any(entry.linked_account_id != entry.key for entry in entries)
    columns = [
        *(("status", "Status"), ("key", "Item" if with_account else "Linked account")),
        *([("account", "Linked account")] if with_account else []),
        *(("error", "Error"), ("message", "Message"), ("attempts", "Attempts"), ("time", "Time (UTC)")),
    ]
    cols = "".join(f'<col class="c-{name}">' for name, _ in columns)
    head = "".join(f'<th scope="col">{title}</th>' for _, title in columns)
    rows = "\n".join(_row(entry, with_account) for entry in entries)
    return (
        f'{heading}<p class="muted">{_extent(report)}</p>{_filters(report, entries)}'
        '<div class="scroll" role="region" aria-labelledby="items-heading" tabindex="0">'
        f'<table class="items" id="item-table"><caption>{_caption(report)}</caption><colgroup>{cols}</colgroup>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        '<button type="button" class="more" id="more" hidden>Show all</button></section>'
    )


def _caption(report: JournalReport) -> str:
    return (
        f"Items of {text(report.summary.job)}, those to look at first. The time is when an item ended; of one that did "
        "not, when its request left."
    )


def _extent(report: JournalReport) -> str:
    """Return which of the items the page holds."""
    kept = {status: len(report.kept[status]) for status in SHOWN_FIRST}
    if all(kept[status] == report.counts[status] for status in SHOWN_FIRST):
        return "All items of the journal are here."
    parts: list[str] = []
    for status in SHOWN_FIRST:
        there = report.counts[status]
        if there:
            word = STATUS_WORDS[status]
            parts.append(f"all {there:,} {word}" if kept[status] == there else f"{kept[status]:,} of {there:,} {word}")
    fair = " Of those that are too many, each error has its share, picked at random."
    return (
        f"To stay small, the page holds {', '.join(parts)}.{fair} The charts and counts above are of all items. For a "
        f"file of all: <code>refold journal report {text(shlex.quote(report.path.name))} --csv items.csv</code>"
    )


def _filters(report: JournalReport, entries: list[JournalEntry]) -> str:
    statuses = "".join(
        f'<option value="{status}">{STATUS_WORDS[status]} ({len(report.kept[status]):,})</option>'
        for status in SHOWN_FIRST
        if report.kept[status]
    )
    names = sorted({name for name in map(error_of, entries) if name}, key=str.lower)
    errors = "".join(
        f'<option value="{text(name)}">{text(shortened(name, _MOST_OF_A_NAME))}</option>' for name in names
    )
    return (
        '<form class="filters" role="search" aria-label="Filter the items" hidden>'
        '<div class="field search"><label for="search">Search</label>'
        '<input type="search" id="search" autocomplete="off" spellcheck="false"></div>'
        '<div class="field"><label for="status">Status</label>'
        f'<select id="status"><option value="">all</option>{statuses}</select></div>'
        '<div class="field"><label for="error">Error</label>'
        f'<select id="error"><option value="">all</option>{errors}</select></div>'
        '<button type="button" id="clear">Clear</button><output id="count" aria-live="polite"></output></form>'
    )


def _row(entry: JournalEntry, with_account: bool) -> str:
    status, error = entry.status, error_of(entry)
    account = ""
    if with_account:
        account = f'<td class="c-account">{text(shortened(entry.linked_account_id or "", _MOST_OF_A_NAME))}</td>'
    request_id = request_id_of(entry)
    request = "" if request_id is None else f' <span class="muted">Request id: {text(request_id)}.</span>'
    moment = moment_of(entry)
    time = "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
    return (
        f'<tr data-status="{status}" data-error="{text(error)}">'
        f'<td class="c-status" data-order="{SHOWN_FIRST.index(status) + 1}">'
        f'<span class="status {status}">{_SHOWN.get(status, "")}{STATUS_WORDS[status]}</span></td>'
        f'<td class="c-key">{text(shortened(entry.key, _MOST_OF_A_NAME))}</td>'
        f"{account}"
        f'<td class="c-error">{text(shortened(error, _MOST_OF_A_NAME))}</td>'
        f'<td class="c-message">{text(shortened(message_of(entry), _MOST_OF_A_MESSAGE))}{request}</td>'
        f'<td class="c-attempts number">{entry.attempts}</td>'
        f'<td class="c-time time">{time}</td></tr>'
    )
