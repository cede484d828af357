"""The example that shows customers what is connected: in a browser, against the pages of the mock."""

import asyncio
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest

from refold_async.testing import Answer, MockRefold
from support.browser import browsing
from support.running_programs import ended, running

if TYPE_CHECKING:
    from playwright.async_api import Page

EXAMPLE: Final = Path(__file__).parent.parent.parent / "examples" / "connect_page.py"
CUSTOMER: Final = "user_7"


async def url_of(program: Process) -> str:
    """Return the URL that uvicorn logs once it listens."""
    assert program.stderr is not None
    told = ""
    async with asyncio.timeout(60):
        while not (found := re.findall(r"running on (http://[\d.:]+)", told)):
            line = (await program.stderr.readline()).decode()
            assert line, told
            told += line
    assert "Warning" not in told
    return str(found[0])


@asynccontextmanager
async def serving(mock: MockRefold | None) -> AsyncGenerator[tuple[str, Process]]:
    """Run the example as the README says, and give its URL; in the end it is told to stop, and does."""
    environment = {} if mock is None else {"REFOLD_API_KEY": "tk_test", "REFOLD_BASE_URL": mock.base_url}
    async with running(str(EXAMPLE), "--port", "0", environment=environment) as program:
        yield await url_of(program), program
        program.send_signal(signal.SIGTERM)
        complaints = (await ended(program)).complaints
    assert program.returncode in {0, -signal.SIGTERM}
    assert not [line for line in complaints.splitlines() if not line.startswith(("INFO:", "Refold"))], complaints


async def test_in_a_browser(mock: MockRefold) -> None:
    """A customer reconnects one app and connects others at once; the page says so by itself, and disconnects."""
    mock.catalogue.add_app("billing", name="Bills & Co", auth_type="keybased")
    customer = mock.account(CUSTOMER)
    customer.expire("hubspot")
    customer.disconnect("slack")
    customer.disconnect("billing")
    async with serving(mock) as (url, _), browsing() as page:
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(url)

        async def shown() -> list[str]:
            return [" ".join(text.split()) for text in await page.locator("li").all_inner_texts()]

        assert await shown() == ["HubSpot Reconnect", "Slack Connect", "Bills & Co Connect"]
        opened: dict[str, Page] = {}
        for slug, label in (("hubspot", "Reconnect"), ("slack", "Connect"), ("billing", "Connect")):
            async with page.context.expect_page() as opening:
                await page.locator(f"#{slug}").get_by_role("link", name=label, exact=True).click()
            opened[slug] = await opening.value
            assert customer.connection(slug) != "connected"
        for slug, button in (("slack", "Allow"), ("hubspot", "Allow"), ("billing", "Connect")):
            if slug == "billing":
                await opened[slug].get_by_label("API key").fill("k_123")
            await opened[slug].locator(f"button[value={slug}]", has_text=button).click()
            await page.locator(f"#{slug}").get_by_text("Connected").wait_for()
            assert customer.connection(slug) == "connected"
            if slug == "billing":  # from Refold's page there is a way back
                await opened[slug].get_by_role("link", name="Back").click()
                await opened[slug].get_by_role("heading", name="Your apps").wait_for()
            await opened[slug].close()
        assert await shown() == [f"{name} Connected Disconnect" for name in ("HubSpot", "Slack", "Bills & Co")]
        await page.locator("#slack").get_by_role("button", name="Disconnect").click()
        await page.locator("#slack").get_by_role("link", name="Connect").wait_for()
        assert customer.connection("slack") == "disconnected"
        assert not problems
    assert {request.linked_account_id for request in mock.requests if request.path.startswith("/api/")} == {
        CUSTOMER,
        None,
    }
    assert mock.connections_open <= 1  # the browser's, if any


async def test_without_a_browser(mock: MockRefold) -> None:
    """Each request by itself: where it leads, what it says where something fails, and that names are text."""
    mock.catalogue.add_app("a&b", name="<b>A</b>")
    mock.account(CUSTOMER).disconnect("a&b")
    async with serving(mock) as (url, _), aiohttp.ClientSession() as session:

        async def asked(method: str, path: str) -> tuple[int, str, str]:
            async with session.request(method, url + path, allow_redirects=False) as response:
                return response.status, response.headers.get("Location", ""), await response.text()

        status, _, page = await asked("GET", "/")
        assert status == 200
        assert '<li id="a&amp;b">&lt;b&gt;A&lt;/b&gt; <a href="/connect/a%26b"' in page
        assert f"{mock.base_url}/oauth/a%26b/" in (await asked("GET", "/connect/a%26b"))[1]
        status, location, _ = await asked("GET", "/connect/hubspot")
        assert (status, location.startswith(f"{mock.base_url}/oauth/hubspot/")) == (303, True)
        assert (await asked("GET", "/connected/hubspot"))[::2] == (200, "true")
        assert (await asked("POST", "/disconnect/hubspot"))[:2] == (303, "/")
        for method, path in (("POST", "/disconnect/hubspot"), ("GET", "/connect/no"), ("GET", "/connected/no")):
            assert (await asked(method, path))[::2] == (404, "There is no such app, or it is not connected.")
        assert (await asked("GET", "/disconnect/slack"))[0] == 405
        mock.script(Answer(401))
        status, _, text = await asked("GET", "/")
        assert (status, text) == (502, "That did not work. Try again in a minute.")


@pytest.mark.slow
async def test_without_a_key() -> None:
    """It runs as it is, against a mock of its own, with an app to reconnect."""
    async with serving(None) as (url, _), aiohttp.ClientSession() as session, session.get(url) as response:
        assert "Reconnect" in await response.text()
