"""A report at a glance: its outcomes by how they ended and with which error, for terminals and for notebooks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold_async.codec.excerpts import escaped, shortened
from refold_async.jobs.outcome_rows import message_of
from refold_async.jobs.outcomes import Outcome, Status, name_of_error

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["html_table", "most_frequent_errors", "rich_table"]

_MOST_GROUPS: Final = 20
_ACCOUNTS_NAMED: Final = 3
_MOST_OF_A_MESSAGE: Final = 200
_COLUMNS: Final = ("status", "items", "error", "effect", "linked accounts", "the first message")
_STYLES: Final[dict[Status, str]] = {"ok": "green", "failed": "red", "unknown": "yellow"}
_ORDER: Final = tuple(_STYLES)


@attrs.define
class _Group:
    """Outcomes that ended alike."""

    status: Status
    effect: str
    error: str
    message: str
    items: int = 0
    accounts: dict[str, None] = attrs.field(factory=dict[str, None])

    def add(self, outcome: Outcome[Any, Any]) -> None:
        self.items += 1
        if outcome.linked_account_id is not None and len(self.accounts) <= _ACCOUNTS_NAMED:
            self.accounts[outcome.linked_account_id] = None

    def cells(self) -> tuple[str, ...]:
        named = list(self.accounts)[:_ACCOUNTS_NAMED] if self.error else []
        accounts = ", ".join(named) + (", …" if self.error and len(self.accounts) > len(named) else "")
        return (self.status, f"{self.items:,}", self.error, self.effect, escaped(accounts), escaped(self.message))


def most_frequent_errors(outcomes: Iterable[Outcome[Any, Any]], most: int) -> str:
    """Return how many errors there are of each class, the most frequent first; an empty text where there is none."""
    counts = Counter(name_of_error(outcome.error) for outcome in outcomes if outcome.error is not None)
    told = [f"{count:,} {name}" for name, count in counts.most_common(most)]
    return ", ".join(told) + (", …" if len(counts) > most else "")


def rich_table(outcomes: Sequence[Outcome[Any, Any]]) -> "Table":
    """Return the table that `rich.print()` shows."""
    from rich.table import Table
    from rich.text import Text

    groups, left_out = _groups_of(outcomes)
    table = Table(title=_title(outcomes), caption=left_out or None, title_justify="left", caption_justify="left")
    # The message stands below its error: a terminal of 80 columns has no room for both side by side.
    for name in ("status", "items", "effect", "linked accounts", "error, and the first message"):
        table.add_column(name, justify="right" if name == "items" else "left", overflow="fold")
    for group in groups:
        status, items, error, effect, accounts, message = group.cells()
        cells = (status, items, effect, accounts, f"{error}\n{message}".strip())
        # As texts: what others wrote is no markup.
        table.add_row(*map(Text, cells), style=_STYLES[group.status])
    return table


def html_table(outcomes: Sequence[Outcome[Any, Any]]) -> str:
    """Return the table that notebooks show."""
    groups, left_out = _groups_of(outcomes)
    head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)
    rows = ["".join(f"<td>{escape(cell)}</td>" for cell in group.cells()) for group in groups]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = escape(f"{_title(outcomes)}{f'; {left_out}' if left_out else ''}")
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _title(outcomes: Sequence[Outcome[Any, Any]]) -> str:
    counts = Counter[str](outcome.status for outcome in outcomes)
    told = ", ".join(f"{counts[status]:,} {status}" for status in _ORDER)
    return f"{len(outcomes):,} items: {told}"


def _groups_of(outcomes: Iterable[Outcome[Any, Any]]) -> tuple[list[_Group], str]:
    """Return outcomes that ended alike together, the most frequent of each status first, and what was left out."""
    groups: dict[tuple[str, str, str], _Group] = {}
    for outcome in outcomes:
        error = "" if outcome.error is None else name_of_error(outcome.error)
        effect = outcome.effect if error else ""
        group = groups.get((outcome.status, effect, error))
        if group is None:
            message = "" if outcome.error is None else shortened(message_of(outcome.error), _MOST_OF_A_MESSAGE)
            group = groups[outcome.status, effect, error] = _Group(outcome.status, effect, error, message)
        group.add(outcome)
    ordered = sorted(groups.values(), key=lambda group: (_ORDER.index(group.status), -group.items))
    left_out = sum(group.items for group in ordered[_MOST_GROUPS:])
    return ordered[:_MOST_GROUPS], f"and {left_out:,} items with other errors" if left_out else ""
