"""How a command ends: exit codes, and the paragraph that says what went wrong."""

import contextlib
import errno
import os
import re
import shutil
import sys
import textwrap
from enum import IntEnum
from typing import Final

from refold_async.cli.rewording import reworded
from refold_async.cli.terminal import is_terminal, plain
from refold_async.errors import ConfigurationError, ParameterError, RefoldError
from refold_async.faults import Effect

__all__ = ["ExitCode", "StoppedError", "UsageError", "report_failure", "say", "say_command"]

_PROGRAM: Final = "refold"
_KEPT_SPACE: Final = "\0"
"""Stands for a space at which a line may not end; no text that is said has it."""


class ExitCode(IntEnum):
    """What `refold` ends with."""

    OK = 0
    """It did what was asked."""
    FAILED = 1
    """It failed, and nothing happened in the app."""
    USAGE = 2
    """The command was not understood, or may not be run so; nothing was sent."""
    UNKNOWN = 3
    """A write may have happened: look in the app before you run it again."""
    UNUSABLE = 4
    """It happened, and what came of it could not be used: do not run it again."""
    INTERRUPTED = 130
    """Ctrl-C, before a write was sent; SIGHUP and SIGTERM make it 129 and 143."""
    UNREAD = 141
    """Whatever read the output, such as head, had enough before its end; what SIGPIPE ends programs with."""


class UsageError(Exception):
    """A command that may not be run as it was given. Nothing was sent."""


class StoppedError(Exception):
    """A command that ends with another exit code than 0, and has said why."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(code)
        self.code = code


def say(text: str) -> None:
    """Say something about the command to whoever runs it: on stderr, as one paragraph."""
    text = plain(" ".join(text.split()))
    if is_terminal(sys.stderr):
        text = _filled(text, max(20, shutil.get_terminal_size().columns - 1))
    with contextlib.suppress(OSError, ValueError):  # nobody is there to be told
        print(text, file=sys.stderr, flush=True)


def _filled(text: str, width: int) -> str:
    """Return a text in lines so long. A command in it stays in one, however long: a shell would run its parts."""
    kept = re.sub("`[^`]*`", lambda command: command.group().replace(" ", _KEPT_SPACE), text)
    filled = textwrap.fill(kept, width, break_on_hyphens=False, break_long_words=_KEPT_SPACE not in kept)
    return filled.replace(_KEPT_SPACE, " ")


def say_command(command: str) -> None:
    """Say a command to run, as the shell takes it: on a line of its own, however long."""
    with contextlib.suppress(OSError, ValueError):  # nobody is there to be told
        print(f"  {plain(command)}", file=sys.stderr, flush=True)


def report_failure(error: BaseException, effect: Effect) -> ExitCode:
    """Say what ended a command, and return its exit code.

    Args:
        error: What ended it.
        effect: What became of the writes that it had sent by then, whichever is worst.
    """
    if isinstance(error, StoppedError):
        return error.code
    if isinstance(error, RefoldError) and effect != "unknown" and error.effect != "none":
        effect = error.effect
    code = _exit_code(error, effect)
    if code == ExitCode.UNREAD:
        return code  # `| head` is how people look at the beginning of a list
    advice = {
        ExitCode.UNKNOWN: " It may have happened: look in the app before you run it again.",
        ExitCode.UNUSABLE: " It happened: do not run it again.",
    }
    say(f"{_PROGRAM}: {_reason(error)}{advice.get(code, '')}")
    if os.environ.get("REFOLD_LOG") == "debug":
        import traceback

        traceback.print_exception(error)
    return code


def _exit_code(error: BaseException, effect: Effect) -> ExitCode:
    if effect == "none" and isinstance(error, UsageError | ConfigurationError | ParameterError):
        return ExitCode.USAGE
    if _is_interruption(error):
        return ExitCode.INTERRUPTED if effect == "none" else ExitCode.UNKNOWN
    if isinstance(error, BrokenPipeError) and effect == "none":
        return ExitCode.UNREAD
    return {"none": ExitCode.FAILED, "done": ExitCode.UNUSABLE, "unknown": ExitCode.UNKNOWN}[effect]


def _is_interruption(error: BaseException) -> bool:
    # Not imported for it: what interrupts may have interrupted the import.
    cancelled = getattr(sys.modules.get("asyncio.exceptions"), "CancelledError", ())
    return isinstance(error, (KeyboardInterrupt, cancelled) if cancelled else KeyboardInterrupt)


def _reason(error: BaseException) -> str:
    notes = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
    if isinstance(error, RefoldError):
        named = "" if error.request_id is None else f" Request id: {error.request_id}."
        return f"{reworded(error.message + notes)}{named}"
    if isinstance(error, UsageError):
        return str(error)
    if _is_interruption(error):
        return "Stopped."
    if isinstance(error, BrokenPipeError):
        return "The program that reads the output has ended before all of it was written."
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "The output cannot be written: stdout is closed."
    if isinstance(error, OSError):
        named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{named}{error.strerror or error}."
    told = f"{type(error).__name__}: {error}".rstrip(": .")
    return f"{told}. This is a fault of {_PROGRAM}; REFOLD_LOG=debug shows where."
