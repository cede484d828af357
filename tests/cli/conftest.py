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
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is not signal.SIG_IGN:
        yield
        return
    signal.signal(hangup, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(hangup, signal.SIG_IGN)
