"""Runs `refold` in this process, against a mock in a thread."""

import asyncio
import contextlib
import io
import threading
from collections.abc import Generator
from typing import TextIO

import attrs
import pytest

from refold_async.cli.main import run
from refold_async.testing import MockRefold

__all__ = ["CommandLine", "Ended", "served_by_thread"]


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    """A stream that can claim to be a terminal."""

    def __init__(self, content: str = "", *, terminal: bool) -> None:
        super().__init__(io.BytesIO(content.encode()), encoding="utf-8", newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._terminal

    def text(self) -> str:
        """Return what was written to it."""
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


class CommandLine:
    """Runs commands with a key of the test environment, for the linked account `user_1`."""

    def __init__(self, mock: MockRefold, environment: pytest.MonkeyPatch) -> None:
        self.mock = mock
        self.environment = environment
        environment.setenv("REFOLD_API_KEY", "tk_test")
        environment.setenv("REFOLD_BASE_URL", mock.base_url)
        environment.setenv("REFOLD_LINKED_ACCOUNT_ID", "user_1")
        environment.setenv("COLUMNS", "120")
        environment.setenv("NO_COLOR", "1")

    def run(self, *arguments: str, stdin: str = "", terminal: bool = False, stdout: TextIO | None = None) -> Ended:
        """Run a command to its end.

        Args:
            *arguments: The command line, without `refold`.
            stdin: What the command reads from stdin.
            terminal: Whether all three streams are a terminal.
            stdout: Where to write its output, instead of returning it.
        """
        out, err = _Stream(terminal=terminal), _Stream(terminal=terminal)
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(stdout or out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr("sys.stdin", _Stream(stdin, terminal=terminal))
            code = run(arguments)
        return Ended(code, out.text(), err.text())

    def wait(self, *arguments: str, sees: str, terminal: bool = False) -> Ended:
        """Run a command that waits in vain, for as long as the machine takes for a poll.

        Args:
            *arguments: The command line, without `refold` and `--max-wait`.
            sees: What the command shows once a poll has ended.
            terminal: Whether all three streams are a terminal.
        """
        for max_wait in ("0.2", "2", "20"):
            ended = self.run(*arguments, "--max-wait", max_wait, terminal=terminal)
            if sees in ended.out + ended.err:
                break
        return ended


@contextlib.contextmanager
def served_by_thread(mock: MockRefold) -> Generator[MockRefold]:
    """Serve a mock in a thread of its own, so that code that blocks this thread can call it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(mock.__aenter__(), loop).result(10)
        try:
            yield mock
        finally:
            asyncio.run_coroutine_threadsafe(mock.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
