"""The built documentation site, in a real browser: on a phone and on a desktop, in light and dark."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from typing import Final, Literal

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from docs.test_site import CONFIGURATION, listed
from docs.wording import ROOT
from support.browser import browsing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("zensical") is None, reason="no Zensical: pip install --group docs"),
]

SIZES: Final = {"phone": (360, 740), "desktop": (1440, 900)}


@pytest.fixture(scope="module")
def built() -> None:
    """Build the site."""
    build = [sys.executable, str(ROOT / "scripts" / "docs" / "build.py")]
    subprocess.run(build, check=True, timeout=300)


@pytest_asyncio.fixture
async def site(built: None) -> AsyncGenerator[str]:
    """Serve the site."""
    app = web.Application()
    app.router.add_get("/{path:.*}", _file)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])
async def test_pages_fit(site: str, size: str, scheme: Literal["light", "dark"]) -> None:
    """No page is wider than the screen, complains, or asks another host for anything."""
    width, height = SIZES[size]
    async with browsing() as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
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
        for path in listed(CONFIGURATION["nav"]):
            await page.goto(site + path.removesuffix("index.md").removesuffix(".md"), wait_until="networkidle")
            assert await page.locator("h1").count() == 1, path
            widest = await page.evaluate("document.documentElement.scrollWidth")
            if widest > width:
                faults.append(f"{path} is {widest} pixels wide")
        assert not faults


async def test_search_finds(site: str) -> None:
    """A word of a page leads to it."""
    async with browsing() as page:
        await page.goto(site)
        await page.keyboard.press("/")
        await page.keyboard.type("RetryPolicy")
        found = page.locator("a[href*='reference/api/client']", has_text="RetryPolicy").first
        await found.wait_for()
        await found.click()
        await page.wait_for_url("**/reference/api/client/**")


async def test_code_can_be_copied(site: str) -> None:
    """The button at a block of code copies it."""
    async with browsing() as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto(f"{site}reference/operations/")
        await page.locator(".highlight").first.hover()
        await page.get_by_role("button", name="Copy").first.click()
        assert 'account.request("GET", "/api/v2/public/slug/hubspot/configs")' in await page.evaluate(
            "navigator.clipboard.readText()"
        )


async def _file(request: web.Request) -> web.FileResponse:
    path = ROOT / "build" / "site" / request.match_info["path"]
    return web.FileResponse(path / "index.html" if path.is_dir() else path)
