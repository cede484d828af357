"""The pages of the documentation: what they show runs as printed, against the mock."""

from pathlib import Path
from typing import Final

import pytest

from docs.pages import Runner, blocks_of
from docs.wording import ROOT
from refold_async.testing import MockRefold

PAGES: Final = [ROOT / "README.md", *(page for page in sorted(ROOT.glob("docs/**/*.md")) if blocks_of(page))]


@pytest.mark.usefixtures("own_reducers")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
async def test_page_runs_as_printed(
    page: Path,
    mock: MockRefold,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Each page runs from its first block to its last."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.setenv("REFOLD_API_KEY", "tk_docs")
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    await Runner(page, mock, capsys).run(blocks_of(page))


def test_all_blocks_are_found() -> None:
    """A fence that is written in another way is not left out."""
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        text = page.read_text(encoding="utf-8")
        assert len(blocks_of(page)) == sum(
            text.count(f"\n```{name}") for name in ("python", "sh", "toml", "csv", "json")
        ), page
