"""A headless browser for tests, on machines that have one."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["browsing"]

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@asynccontextmanager
async def browsing() -> AsyncGenerator["Page"]:
    """Open a page in the Chromium of this machine or of Playwright. Skip the test if there is neither."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, _NAMES)), None) or playwright.chromium.executable_path
        if not os.path.exists(installed):  # noqa: ASYNC240 - once
            pytest.skip("no Chromium: apt-get install chromium-headless-shell, or playwright install chromium")
        # Its sandbox does not work for root, nor in most containers; what is opened here is our own.
        browser = await playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            page.set_default_timeout(60_000)
            yield page
        finally:
            await browser.close()
