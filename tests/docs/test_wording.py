"""Everything people read speaks plain English: the pages, the docstrings, the messages, the help of commands."""

from pathlib import Path
from typing import Final

import pytest

from docs.wording import ROOT, passages_of_markdown, passages_of_python, prose, unwanted_in

PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])
MODULES: Final = sorted([*ROOT.glob("refold_async/**/*.py"), *ROOT.glob("*.py"), *ROOT.glob("examples/**/*.py")])


def name_of(path: Path) -> str:
    """Return the name of a file in the repository."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*PAGES, *MODULES], ids=name_of)
def test_no_unwanted_words(path: Path) -> None:
    """A file has none of the words, in what people read of it."""
    passages = passages_of_markdown(path) if path.suffix == ".md" else passages_of_python(path)
    faults = [
        f"{name_of(path)}:{first + line}: {words!r}; write: {instead}"
        for first, passage in passages
        for line, words, instead in unwanted_in(passage)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It tells what became of it.", ["tells"]),
        ("Retries only what is safe.", []),
        ("`tell()` and <!-- told --> it", []),
        ("sent\nagain", ["sent again"]),
        ("mistaken for another", []),
        ("three, in all.", ["in all"]),
        ("in all cases", []),
    ],
)
def test_unwanted_words_are_found(text: str, found: list[str]) -> None:
    """Words are found in prose, over the ends of lines, and not in code and comments."""
    assert [words for _, words, _ in unwanted_in(prose(text))] == found
