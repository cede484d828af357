"""The page of `refold journal report --html`, in a browser."""

import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from refold_async.cli.main import run
from refold_async.testing import MockRefold
from support.browser import browsing
from support.journals import IDENTITY, opened
from support.reported_job import HOSTILE_SHOWN, JOB, make_journal

if TYPE_CHECKING:
    from playwright.async_api import Page

# Of an element: the contrast of its text to what lies behind it, as WCAG 2 defines it.
CONTRAST: Final = """
(element) => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = channels(color).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const style = getComputedStyle(element);
  const text = light(element.matches("svg text") ? style.fill : style.color), back = light(behind(element));
  return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
}
"""
TEXTS: Final = (
    *(
        "h1",
        "h2",
        "h3",
        ".facts",
        ".kind",
        ".muted",
        ".verdict",
        ".next",
        ".tiles dd",
        ".tiles dt",
        ".quote",
        ".steps li",
    ),
    *("figcaption", "figcaption span", "svg text", ".legend li", "summary", ".filters label", "input", "select"),
    *("th button", "td", ".status", "button.show", "#clear", "code", "#count", "caption", "footer p"),
)


@attrs.frozen
class Opened:
    """A page that is open, and what happened meanwhile."""

    page: "Page"
    requests: list[str]
    problems: list[str]

    async def shown(self) -> list[str]:
        """Return the accounts of the rows that are shown, from above."""
        keys = self.page.locator("#item-table tbody tr:visible td.c-key")
        return [" ".join(text.split()) for text in await keys.all_inner_texts()]

    async def search(self, text: str, *accounts: str) -> None:
        """Search for a text, and wait until the rows of these accounts are shown, from above."""
        await self.page.get_by_label("Search", exact=True).fill(text)
        shown = (
            "[...document.querySelectorAll('#item-table tbody tr:not([hidden]) td.c-key')].map((key) => key.innerText)"
        )
        await self.page.wait_for_function(f"(accounts) => `${{{shown}}}` === `${{accounts}}`", arg=list(accounts))


def written(journal: Path) -> Path:
    """Write the page of a journal, and return where it is."""
    page = journal.with_suffix(".html")
    assert run(["journal", "report", str(journal), "--html", str(page)]) == 0
    return page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a job whose items ended in every way."""
    journal = tmp_path_factory.mktemp("page") / "june & july.sqlite"
    make_journal(journal)
    return written(journal)


@asynccontextmanager
async def opening(file: Path, *, javascript: bool = True) -> AsyncGenerator[Opened]:
    """Open a page from the disk, which is to load nothing and to complain about nothing."""
    async with browsing() as first:
        assert first.context.browser is not None
        page = await first.context.browser.new_page(java_script_enabled=javascript)
        page.set_default_timeout(30_000)
        requests: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        await page.goto(file.as_uri())
        yield Opened(page, requests, problems)
        assert [request.partition("#")[0] for request in requests] == [file.as_uri()]
        assert problems == []


def test_the_file(file: Path) -> None:
    """Its owner alone may read it, it is small, and names nothing that could be loaded."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert len(text) < 80_000
    assert text.count("<script") == text.count("</script>") == 1
    assert not [mark for mark in (" src=", "url(", "@import", "<link", "<img", " style=", " on") if f"<{mark}" in text]
    assert not {"\u202e", "\u2028", "\x1b"} & set(text)


async def test_what_it_tells(file: Path) -> None:
    """The counts, the progress, and what to do about every kind of unknown item; hostile texts are texts."""
    async with opening(file) as opened_page:
        page = opened_page.page
        assert await page.title() == f"Report of {JOB}"
        assert await page.get_by_role("heading", level=1).inner_text() == JOB
        assert await page.get_by_role("heading", level=2).all_inner_texts() == [
            *("How it went", "Progress", "Unknown: 3 that may or may not have happened", "Failures by error", "Items"),
        ]
        verdict = "Of 41 items, 4 failed, 3 may or may not have happened and 1 has not ended."
        assert await page.locator(".verdict").inner_text() == verdict
        tiles = await page.locator(".tiles > div").all_inner_texts()
        assert {"".join(tile.split()) for tile in tiles} == {
            *("ok33", "failed4", "unknown:mayhavehappened3", "notbegun1"),
        }
        charts = page.get_by_role("img")
        assert await charts.first.get_attribute("aria-label") == (
            "Items that had ended, over time: at the end 33 ok, 3 failed, 3 unknown."
        )
        assert await charts.count() == 2
        kinds = await page.locator("article.unknown h3").all_inner_texts()
        assert kinds == ["1 × APIConnectionError", "1 × ActionFailedError", "1 × interrupted"]  # noqa: RUF001
        failures = await page.locator("article.failed").all_inner_texts()
        assert any(HOSTILE_SHOWN in text for text in failures)
        assert await page.locator("img, iframe, article script, td script").count() == 0
        await page.get_by_text("Figures", exact=True).click()
        assert await page.get_by_role("table", name="Items that had ended by then").is_visible()


async def test_filters(file: Path) -> None:
    """By status, by error and by text, and all together; what belongs to an error is a click away."""
    async with opening(file) as opened_page:
        page = opened_page.page
        assert len(await opened_page.shown()) == 40
        await page.get_by_label("Status", exact=True).select_option("unknown")
        assert await opened_page.shown() == ["user_5", "user_6", "user_9"]
        await page.get_by_label("Error", exact=True).select_option("interrupted")
        assert await opened_page.shown() == ["user_6"]
        await page.get_by_role("button", name="Clear", exact=True).click()
        assert len(await opened_page.shown()) == 40
        await opened_page.search("USER_1", "user_1", *(f"user_{number}" for number in range(10, 20)))
        await opened_page.search("bad gateway", "user_9")
        await opened_page.search("</script><script>", "user_8")
        await opened_page.search("no such item")
        await opened_page.search("create_contact gateway", "user_9")
        await page.get_by_role("button", name="Show the failed items with ActionFailedError").click()
        assert await opened_page.shown() == ["user_8"]
        assert await page.get_by_label("Search", exact=True).input_value() == ""
        assert await page.locator("#count").inner_text() == "1 of the 40 items on this page"


async def test_sorting_with_the_keyboard(file: Path) -> None:
    """Headings are buttons: the first press sorts up, the next down; numbers count as numbers."""
    async with opening(file) as opened_page:
        page = opened_page.page
        heading = page.get_by_role("columnheader", name="Linked account")
        await page.get_by_role("button", name="Linked account", exact=True).focus()
        await page.keyboard.press("Enter")
        assert await heading.get_attribute("aria-sort") == "ascending"
        assert await opened_page.shown() == ["=1+1", *(f"user_{number}" for number in range(39))]
        await page.keyboard.press("Enter")
        assert await heading.get_attribute("aria-sort") == "descending"
        assert (await opened_page.shown())[:2] == ["user_38", "user_37"]
        await page.get_by_role("button", name="Status", exact=True).press(" ")
        assert await heading.get_attribute("aria-sort") is None
        assert sorted((await opened_page.shown())[:3]) == ["user_5", "user_6", "user_9"]
        await page.get_by_role("button", name="Error", exact=True).press(" ")
        assert (await opened_page.shown())[:2] == ["user_9", "user_8"]  # what has no error comes last


@pytest.mark.slow
async def test_light_dark_narrow_and_printed(file: Path) -> None:
    """Everything can be read in both schemes, at the width of a telephone, and on paper."""
    async with opening(file) as opened_page:
        page = opened_page.page
        backgrounds: list[str] = []
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            backgrounds.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
            for selector in TEXTS:
                assert await page.locator(selector).first.evaluate(CONTRAST) >= 4.5, (scheme, selector)
            for status in ("ok", "failed", "unknown"):
                assert await page.locator(f".status.{status}").first.evaluate(CONTRAST) >= 4.5, (scheme, status)
                assert await page.locator(f".tiles .{status} dt").first.evaluate(CONTRAST) >= 4.5, (scheme, status)
        assert len(set(backgrounds)) == 2
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await page.get_by_role("img").count() == 2
        assert await page.locator("td.c-message").first.evaluate("cell => cell.clientWidth") > 200
        label = "cell => getComputedStyle(cell, '::before').content"
        assert await page.locator("td.c-key").first.evaluate(label) == '"Account"'
        await page.set_viewport_size({"width": 720, "height": 1000})
        await page.emulate_media(media="print", color_scheme="dark")
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not await page.get_by_label("Search", exact=True).is_visible()
        assert await page.locator("td.c-message").first.evaluate("cell => cell.clientWidth") > 100
        assert await page.evaluate("document.documentElement.scrollWidth") <= 720


async def test_hostile_names_fit(tmp_path: Path) -> None:
    """However long names are, and whatever is in them, no screen has to be scrolled sideways."""
    journal = tmp_path / "june.sqlite"
    long = "W" * 5000
    run_of_it = opened(
        journal,
        name="N" * 300,
        identity=attrs.evolve(IDENTITY, slug=f"--{long}", action_id=long, base_url=f"https://{long}"),
    )
    run_of_it.write([(f"{long}{status}", long, status, "none", long, long) for status in ("failed", "unknown", "ok")])
    run_of_it.close()
    async with opening(written(journal)) as opened_page:
        for width in (360, 768, 1440):
            await opened_page.page.set_viewport_size({"width": width, "height": 800})
            assert await opened_page.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_charts_at_every_width(file: Path) -> None:
    """Their letters are neither tiny nor huge; in both schemes their areas stand out as WCAG 2 asks of graphics."""
    async with opening(file) as opened_page:
        page = opened_page.page
        for width in (360, 480, 481, 704, 768, 864, 865, 1024, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            charts = page.locator("figure svg:visible")
            assert await charts.count() == 2
            scale = "chart => chart.getBoundingClientRect().width / chart.viewBox.baseVal.width"
            assert 0.75 < await charts.first.evaluate(scale) < 1.5, width
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            for status in ("ok", "failed", "unknown"):
                key = page.locator(f".legend .fill-{status}")
                assert await key.evaluate(CONTRAST.replace('"svg text"', '"rect"')) >= 3, (scheme, status)


async def test_without_javascript(file: Path) -> None:
    """All items are there to read; what would do nothing is not."""
    async with opening(file, javascript=False) as opened_page:
        assert len(await opened_page.shown()) == 40
        assert await opened_page.page.get_by_role("button").count() == 0
        assert not await opened_page.page.locator(".filters").is_visible()
        assert await opened_page.page.get_by_role("row").count() == 41


async def test_its_policy(file: Path, mock: MockRefold) -> None:
    """Whatever got into the page could run no script, and reach nobody."""
    async with opening(file) as opened_page:
        page = opened_page.page
        await page.evaluate(
            """async (url) => {
              for (const name of ["script", "img", "iframe", "link"]) {
                const element = document.createElement(name);
                element.rel = "stylesheet";
                element.setAttribute(name === "link" ? "href" : "src", url);
                document.body.append(element);
              }
              const script = document.createElement("script");
              script.textContent = "document.title = 'owned'";
              document.body.append(script);
              await fetch(url).catch(() => null);
            }""",
            f"{mock.base_url}/api/v2/x",
        )
        assert await page.title() == f"Report of {JOB}"
        assert len(opened_page.problems) >= 6
        assert all(
            "Content Security Policy" in problem or "fetch" in problem.lower() for problem in opened_page.problems
        )
        opened_page.problems.clear()
        del opened_page.requests[1:]
    assert not mock.requests


@pytest.mark.slow
async def test_many_items(tmp_path: Path) -> None:
    """Of very many the page holds some, rare errors among them, and says so; at first it shows 200 rows."""
    journal = tmp_path / "june.sqlite"
    job = opened(journal)
    for begin in range(0, 8000, 80):
        numbers = range(begin, begin + 80)
        job.write(
            [
                (f"user_{number}", f"user_{number}", "ok", "done")
                if number % 2
                else (
                    f"user_{number}",
                    f"user_{number}",
                    "failed",
                    "none",
                    "RareError" if number == 5000 else "OftenError",
                    "x" * 1000,
                )
                for number in numbers
            ]
        )
    job.close()
    file = written(journal)
    assert file.stat().st_size < 5_000_000
    async with opening(file) as opened_page:
        page = opened_page.page
        holds = "To stay small, the page contains 3,000 of 4,000 failed, 500 of 4,000 ok."
        assert holds in await page.locator("#items").inner_text()
        assert len(await opened_page.shown()) == 200
        await page.emulate_media(media="print")
        shown = "3,500 of the 3,500 items on this page; the first 200 are shown"
        assert await page.get_by_text(shown).is_visible()
        await page.emulate_media(media="screen")
        await page.get_by_label("Error", exact=True).select_option("RareError")
        assert await opened_page.shown() == ["user_5000"]
        await page.get_by_role("button", name="Clear", exact=True).click()
        await page.get_by_role("button", name="Show all 3,500").click()
        assert await page.locator("#item-table tbody tr:visible").count() == 3500
