"""The table of items, with its filters. Without JavaScript, it is a plain table."""

from typing import Final

from refold_async.cli.journal_page.markup import text
from refold_async.cli.journal_report.report import SHOWN_FIRST, JournalReport, ShownItem, shown_job, shown_time
from refold_async.journal.entries import EntryStatus

__all__ = ["STATUS_WORDS", "items_section"]

STATUS_WORDS: Final[dict[EntryStatus, str]] = {
    "unknown": "unknown",
    "failed": "failed",
    "started": "in flight",
    "withdrawn": "not begun",
    "ok": "ok",
}
_SHOWN: Final[dict[str, str]] = {"ok": "✓ ", "failed": "✕ ", "unknown": "? "}


def items_section(report: JournalReport) -> str:
    """Return the section of the table."""
    items = [item for status in SHOWN_FIRST for item in report.kept[status]]
    heading = '<section id="items" aria-labelledby="items-heading"><h2 id="items-heading">Items</h2>'
    if not items:
        return f'{heading}<p class="nothing">The journal has no items yet.</p></section>'
    # If the key of each item is its linked account, one column shows both.
    with_account = any(item.linked_account_id != item.key for item in items)
    columns = [
        *(("status", "Status"), ("key", "Item" if with_account else "Linked account")),
        *([("account", "Linked account")] if with_account else []),
        *(("error", "Error"), ("message", "Message"), ("attempts", "Attempts"), ("time", "Time (UTC)")),
    ]
    cols = "".join(f'<col class="c-{name}">' for name, _ in columns)
    head = "".join(f'<th scope="col" class="c-{name}">{title}</th>' for name, title in columns)
    rows = "\n".join(_row(item, with_account) for item in items)
    known_by = "by-item" if with_account else "by-account"
    return (
        f'{heading}<p class="muted">{_extent(report)}</p>{_filters(report, items)}'
        '<div class="scroll" role="region" aria-labelledby="items-heading" tabindex="0">'
        f'<table class="items {known_by}" id="item-table"><caption>{_caption(report)}</caption>'
        f"<colgroup>{cols}</colgroup><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        '<button type="button" class="more" id="more" hidden>Show all</button></section>'
    )


def _caption(report: JournalReport) -> str:
    return (
        f"Items of {text(shown_job(report.summary.job))}; those that need attention come first. The time is when the "
        "item ended; if it did not, when its request was about to leave."
    )


def _extent(report: JournalReport) -> str:
    """Return which of the items the page contains."""
    kept = {status: len(report.kept[status]) for status in SHOWN_FIRST}
    if all(kept[status] == report.counts[status] for status in SHOWN_FIRST):
        return "The table contains all items of the journal."
    parts: list[str] = []
    for status in SHOWN_FIRST:
        there = report.counts[status]
        if there:
            word = STATUS_WORDS[status]
            parts.append(f"all {there:,} {word}" if kept[status] == there else f"{kept[status]:,} of {there:,} {word}")
    fair = " If there are too many, each error has a fair share of the rows, picked at random."
    command = f"refold journal report {report.journal.arguments_there} --csv items.csv"
    return (
        f"To stay small, the page contains {', '.join(parts)}.{fair} The charts and counts above cover all items. "
        f"For a file of all items: <code>{text(command)}</code>"
    )


def _filters(report: JournalReport, items: list[ShownItem]) -> str:
    statuses = "".join(
        f'<option value="{status}">{STATUS_WORDS[status]} ({len(report.kept[status]):,})</option>'
        for status in SHOWN_FIRST
        if report.kept[status]
    )
    names = sorted({item.error for item in items if item.error}, key=str.lower)
    errors = "".join(f'<option value="{text(name)}">{text(name)}</option>' for name in names)
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


def _row(item: ShownItem, with_account: bool) -> str:
    status = item.status
    account = f'<td class="c-account">{text(item.linked_account_id)}</td>' if with_account else ""
    request = "" if item.request_id is None else f' <span class="muted">Request id: {text(item.request_id)}.</span>'
    attempts = "" if item.attempts is None else item.attempts
    return (
        f'<tr data-status="{status}" data-error="{text(item.error)}">'
        f'<td class="c-status" data-order="{SHOWN_FIRST.index(status) + 1}">'
        f'<span class="status {status}">{_SHOWN.get(status, "")}{STATUS_WORDS[status]}</span></td>'
        f'<td class="c-key">{text(item.key)}</td>'
        f"{account}"
        f'<td class="c-error">{text(item.error)}</td>'
        f'<td class="c-message">{text(item.message)}{request}</td>'
        f'<td class="c-attempts number">{attempts}</td>'
        f'<td class="c-time time">{shown_time(item.moment)}</td></tr>'
    )
