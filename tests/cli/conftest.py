"""Fixtures: the command line, with a mock to talk to."""

import signal
from collections.abc import Iterator

import pytest

from refold_async.testing import MockRefold
from support.command_line import CommandLine, served_by_thread


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """The command line of a user whose key is one of the test environment."""
    with served_by_thread(MockRefold()) as mock:
        yield CommandLine(mock, monkeypatch)


@pytest.fixture
def hangups() -> Iterator[None]:
    """Let programs that the test starts heed a hangup even if whoever runs the tests ignores it, as `nohup` does."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    if ignored:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
