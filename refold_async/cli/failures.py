"""How a command ends: exit codes, and the paragraph that explains what went wrong."""

import contextlib
import errno
import os
import re
import shutil
import sys
import textwrap
from enum import IntEnum
from typing import Final

from refold_async.cli.connection_strings import without_connection_strings
from refold_async.cli.invocation import INVOCATION
from refold_async.cli.rewording import reworded
from refold_async.cli.terminal import is_terminal, plain
from refold_async.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    ParameterError,
    RefoldError,
    WorkflowFailedError,
)
from refold_async.faults import Effect, Fault

__all__ = ["ExitCode", "StoppedError", "UsageError", "begin_line", "report_failure", "say", "say_command"]

_PROGRAM: Final = "refold"
_KEPT_SPACE: Final = "\0"
"""Replaces a space at which a line may not end. No message contains it."""
_CHECK: Final = " It may have happened: check in the app before you run it again."
_CHECK_A_RUN: Final = " Check in the app before you run it again."  # the error says that nodes may have run


class ExitCode(IntEnum):
    """The exit codes of `refold`."""

    OK = 0
    """Done."""
    FAILED = 1
    """Failed, and nothing happened in the app."""
    USAGE = 2
    """The command is wrong; nothing was sent."""
    UNKNOWN = 3
    """A write may have happened: check in the app before you run it again."""
    UNUSABLE = 4
    """Done, but the response could not be used: do not run it again."""
    INTERRUPTED = 130
    """Ctrl-C, before a write was sent; SIGHUP and SIGTERM make it 129 and 143."""
    UNREAD = 141
    """The reader of the output, such as head, stopped early. Programs that SIGPIPE ends have this code."""


class UsageError(Exception):
    """A command that is wrong. Nothing was sent."""


class StoppedError(Exception):
    """A command that ends with an exit code other than 0, and has already explained why."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(code)
        self.code = code


def say(text: str) -> None:
    """Print a message about the command on stderr, as one paragraph."""
    text = plain(" ".join(without_connection_strings(text, INVOCATION.arguments).split()))
    if is_terminal(sys.stderr):
        text = _filled(text, max(20, shutil.get_terminal_size().columns - 1))
    with contextlib.suppress(OSError, ValueError):  # nobody reads stderr
        print(text, file=sys.stderr, flush=True)


def _filled(text: str, width: int) -> str:
    """Return a text in lines of this width. A command in it stays on one line, because a shell would run its parts."""
    kept = re.sub("`[^`]*`", lambda command: command.group().replace(" ", _KEPT_SPACE), text)
    filled = textwrap.fill(kept, width, break_on_hyphens=False, break_long_words=_KEPT_SPACE not in kept)
    return filled.replace(_KEPT_SPACE, " ")


def say_command(command: str) -> None:
    """Print a command to run, quoted for the shell, on a line of its own, however long."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads stderr
        print(f"  {plain(command)}", file=sys.stderr, flush=True)


def report_failure(error: BaseException, effect: Effect) -> ExitCode:
    """Explain what ended a command, and return its exit code.

    Args:
        error: The error that ended it.
        effect: The worst effect of the writes that it had sent by then.
    """
    if isinstance(error, StoppedError):
        return error.code
    if isinstance(error, RefoldError) and effect != "unknown" and error.effect != "none":
        effect = error.effect
    code = _exit_code(error, effect)
    if code == ExitCode.UNREAD:
        return code  # with `| head`, which shows the beginning of a list
    advice = {
        ExitCode.FAILED: _way_out(error),
        ExitCode.UNKNOWN: _CHECK_A_RUN if isinstance(error, WorkflowFailedError) else _CHECK,
        ExitCode.UNUSABLE: " It happened: do not run it again.",
    }
    if _is_interruption(error):
        begin_line()
    say(f"{_PROGRAM}: {_reason(error)}{advice.get(code, '')}")
    if os.environ.get("REFOLD_LOG") == "debug":
        import traceback

        traceback.print_exception(error)
    return code


def begin_line() -> None:
    """Begin a new line on stderr, where a terminal shows ^C for Ctrl-C."""
    if is_terminal(sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads stderr
            sys.stderr.write("\n")


def _way_out(error: BaseException) -> str:
    """Return what to do about a request that did not get through, with nothing written."""
    if not isinstance(error, APIConnectionError) or "--timeout" in _reason(error):
        return ""
    if error.fault is Fault.NEVER_SENT:
        return " Nothing was sent."
    return " Nothing was written. Pass a larger --timeout." if isinstance(error, APITimeoutError) else ""


def _exit_code(error: BaseException, effect: Effect) -> ExitCode:
    if effect == "none" and isinstance(error, UsageError | ConfigurationError | ParameterError):
        return ExitCode.USAGE
    if _is_interruption(error):
        return ExitCode.INTERRUPTED if effect == "none" else ExitCode.UNKNOWN
    if isinstance(error, BrokenPipeError) and effect == "none":
        return ExitCode.UNREAD
    return {"none": ExitCode.FAILED, "done": ExitCode.UNUSABLE, "unknown": ExitCode.UNKNOWN}[effect]


def _is_interruption(error: BaseException) -> bool:
    # Not imported here, because the interruption may have interrupted that import.
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
        return "The program that reads the output ended before all of it was written."
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "The output cannot be written: stdout is closed."
    if isinstance(error, OSError):
        named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{named}{error.strerror or error}."
    name = f"{type(error).__name__}: {error}".rstrip(": .")
    return f"{name}. This is a bug in {_PROGRAM}; REFOLD_LOG=debug shows where."
