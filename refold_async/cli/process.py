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

# What each is opened for where it is closed: stdin and stdout for what they are not used for, so that using them fails.
_STREAMS: Final = (("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))
# Those that Windows has not are left out.
_ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

_received: list[int] = []


def prepare_streams() -> None:
    """Have three streams that can be used, whatever the process was started with.

    Where one is closed, the next file or connection to be opened would take its place, and get what is written to it.
    Using stdin or stdout fails then, rather than giving nothing; what stderr gets is lost.
    """
    for descriptor, (name, flags) in enumerate(_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free, which is this one
        # With PYTHONUNBUFFERED, Python loses silently what a disk that is full or a reader who has gone does not take.
        unbuffered = name == "stdout" and isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase)
        if (stream := getattr(sys, name)) is None or unbuffered:
            encoding = getattr(stream, "encoding", "utf-8")
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(descriptor, mode, encoding=encoding, closefd=False))  # noqa: SIM115 - stays open
    # What a stream cannot encode is shown by its number; what does not come in UTF-8 is no reason to fail.
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def finish_streams() -> None:
    """Write what is buffered, and drop what cannot be written: Python would complain of it at the end."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def silence() -> None:
    """Have neither asyncio nor Python tell on stderr of what cannot be raised, unless REFOLD_LOG asks for it.

    It helps only whoever mends the command line.
    """
    if os.environ.get("REFOLD_LOG") != "debug":
        logging.getLogger("asyncio").addHandler(logging.NullHandler())
        sys.unraisablehook = lambda _: None


def heed_signals() -> None:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does: it closes what it opened, and tells what became of it."""
    _received.clear()
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # else whoever started the process wants it to be ignored
            signal.signal(number, _end)


def ignore_signals() -> None:
    """Have nothing disturb the end of the process, which is near."""
    for number in (signal.SIGINT, *_ENDING):
        signal.signal(number, signal.SIG_IGN)


def note_signal(number: int) -> None:
    """Have the exit code tell of a signal that ends the command, but is not heeded here."""
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
    """Let Ctrl-C end what waits for a person or another program while the event loop stands still.

    The event loop would hear of it only once that is over.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):  # it is ignored, or kills
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def reading() -> Generator[None]:
    """Let Ctrl-C end what waits for input, as `ending` does, also one that came just before."""
    with ending():
        import asyncio

        with contextlib.suppress(RuntimeError):  # there is no event loop
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise KeyboardInterrupt
        yield


def write_output(text: str) -> None:
    """Write to stdout at once, so that what cannot be written is known now."""
    with ending():
        sys.stdout.write(text)
        sys.stdout.flush()
