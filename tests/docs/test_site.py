"""The documentation site: every page is listed, and every public name is in the reference, once."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import refold_async
from docs.wording import ROOT

DOCS: Final = ROOT / "docs"
CONFIGURATION: Final = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def listed(nav: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the pages that the navigation lists."""
    for entry in nav:
        for content in entry.values():
            if isinstance(content, str):
                yield content
            else:
                yield from listed(content)


def test_every_page_is_listed() -> None:
    """The navigation lists every page, once."""
    pages = list(listed(CONFIGURATION["nav"]))
    assert len(pages) == len(set(pages))
    assert set(pages) == {str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md")}


def test_every_public_name_is_in_the_reference() -> None:
    """Each has its place on one page of the reference."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("reference/api/*.md"))
    names = re.findall(r"^::: refold_async\.([\w.]+)$", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert set(refold_async.__all__) - {"__version__"} <= set(names)


def test_pages_ask_nothing_of_other_hosts() -> None:
    """Nobody else learns who reads the documentation."""
    assert CONFIGURATION["theme"]["font"] is False
    for page in DOCS.glob("**/*.md"):
        assert not re.search(
            r"!\[[^]]*\]\(https?:|<(?:img|script|iframe)[^>]+https?:", page.read_text(encoding="utf-8")
        )
