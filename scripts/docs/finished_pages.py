"""Finishes the HTML pages that Zensical built: each its own description, and tables that a phone can show."""

import html
import re
from pathlib import Path
from typing import Final

from llms_texts import Page

__all__ = ["finish"]

_DESCRIPTION: Final = re.compile(r'(<meta name="description" content=")[^"]*')
_TITLE: Final = re.compile(r"<title>.*?</title>")
_TABLE: Final = re.compile(r"<table>\s*<thead>.*?</table>", re.DOTALL)
_HEADING: Final = re.compile(r"<th[^>]*>(.*?)</th>", re.DOTALL)
_ROW: Final = re.compile(r"<tr>.*?</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<td(?=[ >])")


def finish(site: Path, name: str, pages: list[Page]) -> None:
    """Finish the pages.

    Args:
        site: The built site.
        name: Its name.
        pages: The pages.
    """
    for page in pages:
        built = site / page.path.removesuffix("index.md").removesuffix(".md") / "index.html"
        text = built.read_text(encoding="utf-8")
        described = html.escape(_plain(page.summary())).replace("\\", r"\\")
        text = _DESCRIPTION.sub(rf"\g<1>{described}", text, count=1)
        if page.path == "index.md":
            text = _TITLE.sub(f"<title>{name}: an asyncio client for Refold</title>", text, count=1)
        built.write_text(_TABLE.sub(lambda found: _labelled(found[0]), text), encoding="utf-8")


def _plain(markdown: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown).replace("`", "")


def _labelled(table: str) -> str:
    """Write at every cell the title of its column, if there are more than two.

    So a phone can show each row as a list: see `docs/stylesheets/site.css`.
    """
    titles = [html.escape(re.sub(r"<[^>]+>", "", title).strip()) for title in _HEADING.findall(table)]
    if len(titles) > 2:
        table = _ROW.sub(lambda row: _labelled_row(row[0], titles), table)
    return table.replace("<table>", '<table data-rows="lists">', 1)


def _labelled_row(row: str, titles: list[str]) -> str:
    left = iter(titles)
    return _CELL.sub(lambda _: f'<td data-title="{next(left)}"', row)
