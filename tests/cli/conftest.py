"""Fixtures: the command line, with a mock to talk to."""

from collections.abc import Iterator

import pytest

from refold_async.testing import MockRefold
from support.command_line import CommandLine, served_by_thread


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """The command line of a user whose key is one of the test environment."""
    with served_by_thread(MockRefold()) as mock:
        yield CommandLine(mock, monkeypatch)
