"""The built documentation site, in a real browser: on a phone and on a desktop, in light and dark."""

import asyncio
import sys
import tomllib
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

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


@pytest_asyncio.fixture
async def site() -> AsyncGenerator[str]:
    """Build the site, and serve it."""
    building = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "scripts" / "docs" / "build.py")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await building.communicate()
    assert building.returncode == 0, said.decode()
    app = web.Application()
    app.router.add_get("/{path:.*}", _file)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def _file(request: web.Request) -> web.FileResponse:
    path = ROOT / "build" / "site" / request.match_info["path"]
    return web.FileResponse(path / "index.html" if path.is_dir() else path)
