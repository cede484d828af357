"""The built documentation site, in a real browser: on a phone, a tablet and a desktop, in light and dark."""

import fcntl
import html
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from typing import Any, Final, Literal

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

import refold_async
from docs.test_site import CONFIGURATION, listed
from docs.wording import ROOT
from refold_async.jobs.options import ActionFanOutOptions
from support.browser import browsing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("zensical") is None, reason="no Zensical: pip install --group docs"),
]

SITE: Final = ROOT / "build" / "site"
SIZES: Final = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 800)}
PAGES: Final = list(listed(CONFIGURATION["nav"]))
# The words that people search for, and the page where they find what they need.
SOUGHT: Final = {
    "effect": "guides/errors/#effects",
    "reconcile": "guides/long-jobs/#reconcile-unknown-writes",
    "429": "guides/rate-limits/",
    "Grafana": "guides/observability/#see-each-call-in-grafana",
    "kill -9": "guides/long-jobs/",
    "reconnect": "guides/connections/",
    "RetryPolicy": "reference/api/client/",
    "concurrency": "reference/api/fan-out/",
    "execute_action": "reference/api/account/#refold_async.AccountScope.execute_action",
}
# What the reference must not show: how the library is made, and Markdown that was not rendered.
NOISE: Final = (
    r"attrs\.field|Annotated\[|Unpack\[|_NOTHING|_NO_CALL|= _[A-Za-z]|\blambda\b|class-attribute|instance-attribute"
    r"|autoref|:::|\[\w+\]\[|__\w+__(?!\.py)"
)
TOO_WIDE: Final = """() => {
    const screen = document.documentElement;
    const tables = [...document.querySelectorAll(".md-typeset__scrollwrap")];
    return [
        ...(screen.scrollWidth > screen.clientWidth ? [`the page is ${screen.scrollWidth} pixels wide`] : []),
        ...tables.filter((table) => table.scrollWidth > table.clientWidth + 1).map((table) => table.innerText),
        ...[...document.images].filter((image) => !image.alt || !image.naturalWidth).map((image) => image.src),
    ];
}"""


@pytest.fixture(scope="module")
def built() -> None:
    """Build the site, once for all workers of a test run."""
    SITE.parent.mkdir(exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with (SITE.parent / "site.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() == run:
            return
        build = [sys.executable, str(ROOT / "scripts" / "docs" / "build.py")]
        subprocess.run(build, check=True, timeout=300)
        lock.truncate(0)
        lock.write(run)


@pytest_asyncio.fixture
async def site(built: None) -> AsyncGenerator[str]:
    """Serve the site."""
    app = web.Application()
    app.router.add_get("/{path:.*}", _file)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("tablet", "dark"), ("desktop", "light")])
async def test_pages_fit(site: str, size: str, scheme: Literal["light", "dark"]) -> None:
    """No page and no table is wider than the screen, no page complains or asks another host for anything."""
    width, height = SIZES[size]
    async with browsing() as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda message: faults.append(f"{page.url}: {message.text}") if _is_bad(message) else None)
        page.on(
            "response",
            lambda answer: faults.append(f"{page.url}: {answer.url} {answer.status}") if answer.status >= 400 else None,
        )
        page.on(
            "request",
            lambda request: None if request.url.startswith((site, "data:", "blob:")) else faults.append(request.url),
        )
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            await page.goto(site + _address(path), wait_until="load")
            assert await page.locator("h1").count() == 1, path
            assert await page.locator("body").get_attribute("data-md-color-scheme") == (
                "slate" if scheme == "dark" else "default"
            )
            faults += [f"{path}: {fault}" for fault in await page.evaluate(TOO_WIDE)]
        assert not faults


async def test_scheme_follows_the_system(site: str) -> None:
    """A reader who has chosen nothing gets the other scheme when the system changes."""
    async with browsing() as page:
        await page.emulate_media(color_scheme="dark")
        await page.goto(site)
        await page.locator("body[data-md-color-scheme=slate]").wait_for()
        await page.emulate_media(color_scheme="light")
        await page.goto(f"{site}start/concepts/")
        await page.locator("body[data-md-color-scheme=default]").wait_for()


async def test_search_finds(site: str) -> None:
    """Each word leads to its page, which is among the ten results that are shown."""
    async with browsing() as page:
        await page.goto(site)
        await page.keyboard.press("/")
        for words, place in SOUGHT.items():
            await page.get_by_role("combobox", name="Search").fill(words)
            path, _, anchor = place.partition("#")
            address = f"[href*='{path}?h={words.replace(' ', '+')}']" + (f"[href$='{anchor}']" if anchor else "")
            await page.locator(f"a{address}").first.wait_for(timeout=20_000)
        await page.locator("a[href*='?h=execute_action']").first.click()
        await page.wait_for_url("**/?h=execute_action#**")


async def test_code_can_be_copied(site: str) -> None:
    """The button at a block of code copies it."""
    async with browsing() as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto(f"{site}reference/operations/")
        await page.locator(".highlight").first.hover()
        await page.get_by_role("button", name="Copy").first.click()
        assert 'account.request("GET", "/api/v2/public/added-later")' in await page.evaluate(
            "navigator.clipboard.readText()"
        )


async def test_keyboard(site: str) -> None:
    """The Tab key first offers to skip the navigation, and shows where it is."""
    async with browsing() as page:
        await page.goto(f"{site}guides/errors/")
        await page.keyboard.press("Tab")
        focused = "[document.activeElement.innerText.trim(), getComputedStyle(document.activeElement).outlineStyle]"
        assert await page.evaluate(focused) == ["Skip to content", "auto"]
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('.md-content') !== null")


async def test_page_that_does_not_exist(site: str) -> None:
    """It says so, and leads on."""
    async with browsing() as page:
        response = await page.goto(f"{site}guides/no-such-page/")
        assert response is not None
        assert response.status == 404
        assert await page.locator("h1").inner_text() == "Page not found"
        await page.get_by_role("link", name="home page").click()
        await page.wait_for_url(site)


def test_every_page_has_a_title_and_a_description(built: None) -> None:
    """They tell the page apart from all others in a list of results, and are plain text."""
    heads = {path: _built(path).partition("</head>")[0] for path in PAGES}
    described = {path: re.findall(r'<meta name="description" content="([^"]*)"', head) for path, head in heads.items()}
    assert all(len(found) == 1 and len(found[0]) > 15 and "`" not in found[0] for found in described.values())
    assert len({found[0] for found in described.values()}) == len(PAGES)
    titles = {path: re.findall(r"<title>(.*?)</title>", head) for path, head in heads.items()}
    # A guide and a page of the reference may be about the same.
    assert {path: found for path, found in titles.items() if len(found) != 1 or "Home" in found[0]} == {}


def test_reference_shows_no_internals(built: None) -> None:
    """It has no private names, no machinery of attrs, and no Markdown."""
    found = {
        path: set(re.findall(NOISE, html.unescape(re.sub(r"<[^>]+>", "", _article(path)))))
        for path in PAGES
        if path.startswith("reference/api/")
    }
    # A docstring may speak of such a name: in code.
    assert {path: noise for path, noise in found.items() if noise} == {}


def test_reference_has_every_option_of_a_fan_out(built: None) -> None:
    """With its default and what it means, on the page and in the text for language models."""
    client = html.unescape(re.sub(r"<[^>]+>", "", _article("reference/api/client.md")))
    models = (SITE / "reference" / "api" / "client.md").read_text(encoding="utf-8")
    for name, hint in ActionFanOutOptions.__annotations__.items():
        default = hint.__metadata__[0]
        assert re.search(rf"\b{name}\s+\([^()]*default:\s+{re.escape(str(default))}", client), name
        assert re.search(rf"- `{name}: [^`]* = {re.escape(str(default))}`: \w", models), name


def test_texts_for_language_models_are_complete(built: None) -> None:
    """`llms.txt` has the form of llmstxt.org and every page; `llms-full.txt` has the text of all and the whole API."""
    index = (SITE / "llms.txt").read_text(encoding="utf-8")
    assert re.match(r"# refold_async\n\n> .+\n\n", index)
    links = re.findall(r"^- \[[^]]+\]\(([^)]+)\): \S.*$", index, re.MULTILINE)
    assert links == PAGES
    assert all((SITE / link).is_file() for link in links)
    full = (SITE / "llms-full.txt").read_text(encoding="utf-8")
    assert re.findall(r"^Page: (.+)$", full, re.MULTILINE) == PAGES
    leading = set(re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", re.sub(r"```.*?```", "", full, flags=re.DOTALL)))
    assert {link for link in leading if not (SITE / link).exists()} == set()
    assert not re.search(r"^:::|^--8<--|attrs\.field|_NOTHING", full, re.MULTILINE)
    for name in set(refold_async.__all__) - {"__version__"}:
        assert re.search(rf"^#+ `{name}`$", full, re.MULTILINE), name
    assert "max_retries: int = 3" in full


def _is_bad(message: Any) -> bool:
    return message.type in {"error", "warning"}


def _address(path: str) -> str:
    return re.sub(r"(index)?\.md$", "", path)


def _built(path: str) -> str:
    return (SITE / _address(path) / "index.html").read_text(encoding="utf-8")


def _article(path: str) -> str:
    return re.sub(r"^.*?<article|</article>.*$", "", _built(path), flags=re.DOTALL)


async def _file(request: web.Request) -> web.FileResponse:
    path = SITE / request.match_info["path"]
    path = path / "index.html" if path.is_dir() else path
    return web.FileResponse(path) if path.is_file() else web.FileResponse(SITE / "404.html", status=404)
