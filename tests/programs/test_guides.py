"""The guides for those who work on this library."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
# What the commands make.
MADE: Final = (".venv", "build/")


def paths_in(text: str) -> set[str]:
    """Return the files and directories that a text names: in backticks, in links and in commands."""
    found = re.findall(r"[\w.{}-]*(?:/[\w.{}-]*)+|[\w-]+\.(?:md|py|toml)\b", re.sub(r"https?://\S+|/api/\S+", "", text))
    return {path for path in found if not path.startswith(MADE) and re.search("[a-z]", path)}


def test_paths_are_found() -> None:
    """The search finds paths of all forms, and no others."""
    text = "`a/b.py`, [c](d.md), `e/`, `.f/g`\n   h  i.py  j/\n`GET /api/v2/k/{l}`, `.venv/bin/m`, no I/O."
    assert paths_in(text) == {"a/b.py", "d.md", "e/", ".f/g", "i.py", "j/"}


@pytest.mark.parametrize("guide", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_what_guides_name_is_there(guide: str) -> None:
    """Every path that a guide names exists, in the repository or in the package."""
    paths = paths_in((ROOT / guide).read_text(encoding="utf-8"))
    assert len(paths) > 10
    assert not [path for path in paths if not ((ROOT / path).exists() or (ROOT / "refold_async" / path).exists())]
