"""Fixtures: a mock Refold, a client of it, and a check for what a test left behind."""

import asyncio
import copyreg
import gc
import inspect
import math
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from refold_async import AccountScope, AsyncRefold, Journal
from refold_async.testing import MockRefold
from support.retry_policies import IMPATIENT

if TYPE_CHECKING:
    from support.journals import AnyJournal
    from support.postgres_server import PostgresProcess
    from support.redis_server import RedisProcess

SETTINGS_OF_OTHERS: Final = [
    *("REFOLD_API_KEY", "REFOLD_BASE_URL", "REFOLD_LINKED_ACCOUNT_ID"),
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the settings of whoever runs the tests out of the tests and of the programs that they start.

    Those programs react to Ctrl-C even if this process ignores it, which they would inherit.
    """
    # Python's development mode, which programs are handed down too, makes asyncio look closely.
    config.option.asyncio_debug = sys.flags.dev_mode
    for name in SETTINGS_OF_OTHERS:
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of the garbage collections of every test."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check every test that has an event loop. The many others can leave nothing behind."""
    for item in items:
        function: Any = getattr(item, "obj", None)
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(function):
            item.fixturenames.insert(0, "nothing_left")


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task running. What is left to the garbage collector warns, and warnings are errors."""
    # That a machine is slow is no fault: what is said of it is not to be among what tests find logged.
    asyncio.get_running_loop().slow_callback_duration = math.inf
    gc.collect()
    gc.freeze()  # the collection after the test, and this one before the next, look only at what was made since
    yield
    gc.collect()
    for _ in range(3):  # tasks that are ending need a turn of the loop to be gone
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, left


@pytest.fixture
async def mock() -> AsyncIterator[MockRefold]:
    """A mock Refold."""
    async with MockRefold() as mock:
        yield mock


@pytest.fixture
async def refold(mock: MockRefold) -> AsyncIterator[AsyncRefold]:
    """A client of the mock, which retries twice and almost without a pause."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        yield refold


@pytest.fixture
def account(refold: AsyncRefold) -> AccountScope:
    """The scope of one linked account."""
    return refold.account("user_12345")


@pytest.fixture
def own_reducers() -> Iterator[None]:
    """Forget after the test how it, or what it imported, has objects pickled."""
    reducers = dict(copyreg.dispatch_table)
    yield
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(reducers)


@pytest.fixture
def pickled_by_dask(own_reducers: None) -> None:
    """Have errors pickled, and so by default copied, as in a process that has imported Dask's `distributed`."""
    pytest.importorskip("tblib.pickling_support").install()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A directory that this process owns. During the test, the process has no more rights than any user."""
    directory = Path(tempfile.mkdtemp())
    user = os.geteuid()
    if user == 0:
        os.chown(directory, 65534, -1)
        os.seteuid(65534)
    try:
        yield directory
    finally:
        os.seteuid(user)
        shutil.rmtree(directory)


@pytest.fixture
async def redis() -> AsyncIterator["RedisProcess"]:
    """A Redis of the test's own, which it may stop, kill and freeze."""
    from support.redis_server import running_redis

    async with running_redis() as redis:
        yield redis


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[Path]:
    """The data that every PostgreSQL begins with."""
    from support.postgres_server import postgres_template

    with postgres_template() as template:
        yield template


@pytest.fixture
async def postgres(postgres_template: Path) -> AsyncIterator["PostgresProcess"]:
    """A PostgreSQL of the test's own, which it may stop, kill and freeze."""
    from support.postgres_server import running_postgres

    async with running_postgres(postgres_template) as postgres:
        yield postgres


@pytest.fixture(scope="session")
def shared_postgres(postgres_template: Path) -> Iterator["PostgresProcess"]:
    """A PostgreSQL for all tests of this process. No test may stop it."""
    from support.postgres_server import PostgresProcess
    from support.services import service_directory

    with service_directory() as directory:
        postgres = PostgresProcess(postgres_template, directory)
        try:
            yield postgres
        finally:
            postgres.end()


@pytest.fixture
async def postgres_dsn(shared_postgres: "PostgresProcess") -> AsyncIterator[str]:
    """A connection string for a new, empty database. The test must leave no connection to it open."""
    if not shared_postgres.is_running:
        await shared_postgres.start()
    async with shared_postgres.database() as name:
        yield shared_postgres.dsn(name)


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> "AnyJournal":
    """A journal of the job `june sync` that nobody has used, in each store."""
    if request.param == "sqlite":
        return Journal(tmp_path / "june.sqlite", job="june sync")
    from support.postgres_journals import created

    return created(request.getfixturevalue("postgres_dsn"), job="june sync")
