"""The process of the command line: its streams, and the signals that end it."""

import contextlib
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Generator
from types import FrameType
from typing import Final

from refold_async.cli.failures import ExitCode

__all__ = [
    "check_interrupted",
    "ending",
    "exit_code_of",
    "finish_streams",
    "heed_signals",
    "ignore_signals",
    "note_signal",
    "prepare_streams",
    "reading",
    "silence",
    "write_output",
]

# How a closed stream is reopened: stdin to write and stdout to read, so that using them fails.
_STREAMS: Final = (("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))
# Windows lacks some of them.
_ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

_received: list[int] = []


def prepare_streams() -> None:
    """Make sure that all three streams are open, even if the process was started without them.

    If one is closed, the next file or connection would take its number, and receive what is written to the stream.
    Using such a stdin or stdout fails; what is written to such a stderr is lost.
    """
    for descriptor, (name, flags) in enumerate(_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number, which is this one
        # With PYTHONUNBUFFERED, Python silently loses what a full disk or a closed pipe does not take.
        unbuffered = name == "stdout" and isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase)
        if (stream := getattr(sys, name)) is None or unbuffered:
            encoding = getattr(stream, "encoding", "utf-8")
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(descriptor, mode, encoding=encoding, closefd=False))  # noqa: SIM115 - stays open
    # Text that a stream cannot encode is escaped; input that is not UTF-8 is no reason to fail.
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def finish_streams() -> None:
    """Flush the streams, and drop what cannot be written: Python would complain about it at exit."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def silence() -> None:
    """Hide errors on stderr that asyncio and Python cannot raise, unless REFOLD_LOG=debug asks for them.

    They help only the developers of the command line.
    """
    if os.environ.get("REFOLD_LOG") != "debug":
        logging.getLogger("asyncio").addHandler(logging.NullHandler())
        sys.unraisablehook = lambda _: None


def heed_signals() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: it closes what it opened, and reports what happened."""
    _received.clear()
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # else the parent process wants it to be ignored
            signal.signal(number, _end)


def ignore_signals() -> None:
    """Let nothing disturb the process, which is about to end."""
    for number in (signal.SIGINT, *_ENDING):
        signal.signal(number, signal.SIG_IGN)


def note_signal(number: int) -> None:
    """Let the exit code show a signal that ends the command, but that this module does not handle."""
    if number in _ENDING:
        _received.append(number)


def exit_code_of(code: int) -> int:
    """Return the exit code of a command that a signal may have ended."""
    return 128 + _received[-1] if _received and code == ExitCode.INTERRUPTED else code


def _end(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def ending() -> Generator[None]:
    """Let Ctrl-C end code that blocks the event loop while it waits for a person or another program.

    The event loop itself would notice Ctrl-C only after the wait.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(
        before
    ):  # ignored, or the default that ends the process
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def reading() -> Generator[None]:
    """Let Ctrl-C end code that waits for input, as `ending` does, even if it came just before."""
    with ending():
        check_interrupted()
        yield


def check_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C came while code ran that did not await anything, such as an import.

    The event loop itself would notice it only at the next wait, and a write could be sent before.
    """
    import asyncio

    with contextlib.suppress(RuntimeError):  # no event loop is running
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise KeyboardInterrupt


def write_output(text: str) -> None:
    """Write to stdout without buffering, so that an error is raised here."""
    with ending():
        sys.stdout.write(text)
        sys.stdout.flush()
