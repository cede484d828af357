"""A report as a table: its outcomes grouped by how they ended and by their errors, for terminals and notebooks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from refold_async.codec.excerpts import escaped
from refold_async.jobs.outcome_groups import STATUS_ORDER, OutcomeGroup, OutcomeGroups
from refold_async.jobs.outcomes import Outcome, Status

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["html_table", "most_frequent_errors", "rich_table"]

_MOST_GROUPS: Final = 20
_COLUMNS: Final = ("status", "items", "error", "effect", "linked accounts", "the first message")
_STYLES: Final[dict[Status, str]] = {"ok": "green", "failed": "red", "unknown": "yellow"}


def most_frequent_errors(outcomes: Iterable[Outcome[Any, Any]], most: int) -> str:
    """Return how many errors of each class there are, the most frequent first; an empty text if there are none."""
    counts = Counter(name for outcome in outcomes if (name := outcome.error_name) is not None)
    told = [f"{count:,} {name}" for name, count in counts.most_common(most)]
    return ", ".join(told) + (", …" if len(counts) > most else "")


def rich_table(outcomes: Sequence[Outcome[Any, Any]]) -> "Table":
    """Return the table that `rich.print()` shows."""
    from rich.table import Table
    from rich.text import Text

    groups, left_out = _groups_of(outcomes)
    table = Table(title=_title(outcomes), caption=left_out or None, title_justify="left", caption_justify="left")
    # The message is below its error: a terminal of 80 columns has no room for both side by side.
    for name in ("status", "items", "effect", "linked accounts", "error, and the first message"):
        table.add_column(name, justify="right" if name == "items" else "left", overflow="fold")
    for group in groups:
        status, items, error, effect, accounts, message = _cells(group)
        cells = (status, items, effect, accounts, f"{error}\n{message}".strip())
        # As plain texts: text from outside must not be read as markup.
        table.add_row(*map(Text, cells), style=_STYLES[group.status])
    return table


def html_table(outcomes: Sequence[Outcome[Any, Any]]) -> str:
    """Return the table that notebooks show."""
    groups, left_out = _groups_of(outcomes)
    head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)
    rows = ["".join(f"<td>{escape(cell)}</td>" for cell in _cells(group)) for group in groups]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = escape(f"{_title(outcomes)}{f'; {left_out}' if left_out else ''}")
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _title(outcomes: Sequence[Outcome[Any, Any]]) -> str:
    counts = Counter[str](outcome.status for outcome in outcomes)
    told = ", ".join(f"{counts[status]:,} {status}" for status in STATUS_ORDER)
    reconciled = sum(outcome.reconciled is not None for outcome in outcomes)
    told += f", {reconciled:,} of them reconciled" if reconciled else ""
    return f"{len(outcomes):,} items: {told}"


def _groups_of(outcomes: Iterable[Outcome[Any, Any]]) -> tuple[list[OutcomeGroup], str]:
    """Return the groups of outcomes that ended in the same way, and a text about those that were left out."""
    groups = OutcomeGroups()
    for outcome in outcomes:
        groups.add(outcome)
    ordered = groups.ordered()
    left_out = sum(group.items for group in ordered[_MOST_GROUPS:])
    return ordered[:_MOST_GROUPS], f"and {left_out:,} items with other errors" if left_out else ""


def _cells(group: OutcomeGroup) -> tuple[str, ...]:
    return (
        group.status,
        f"{group.items:,}",
        group.error,
        group.effect,
        escaped(group.accounts_named),
        escaped(group.message),
    )
