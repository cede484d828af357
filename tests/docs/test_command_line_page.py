"""The reference page of the command line is its help."""

import importlib.metadata
import re

import pytest

from command_line_page import PAGE, page
from docs.wording import ROOT

LOCKED = re.findall(r"^cyclopts==([\d.]+)", (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8"), re.M)


@pytest.mark.skipif(importlib.metadata.version("cyclopts") not in LOCKED, reason="another cyclopts lays out otherwise")
def test_page_is_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `python scripts/docs/command_line_page.py` after a change of the help."""
    for name in ("COLUMNS", "NO_COLOR", "TERM"):
        monkeypatch.setenv(name, "")  # which are restored afterwards
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(
    "kept",
    [
        "# refold execute",
        "# refold journal summary",
        "`--account ID`, `-a ID`: The linked account",
        "`--resend-unknown`: Send rows again that are unknown from an earlier run. This may execute the action twice.",
        "- `3`: a write may have happened: check in the app before you run it again",
        "source <(refold completion bash)",
    ],
)
def test_page_loses_nothing(kept: str) -> None:
    """Commands, options with their short forms, exit codes and examples are all there."""
    assert kept in " ".join(PAGE.read_text(encoding="utf-8").split("\n  "))
