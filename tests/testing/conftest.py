"""A mock and a caller for each test."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from refold_async.testing import MockRefold
from support.mock_caller import MockCaller


@pytest.fixture
async def mock() -> AsyncIterator[MockRefold]:
    """A mock of its own for each test."""
    async with MockRefold(workflow_seconds=0.005) as mock:
        yield mock


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest.fixture
def caller(session: aiohttp.ClientSession, mock: MockRefold) -> MockCaller:
    """Calls the test's mock."""
    return MockCaller(session, mock)
