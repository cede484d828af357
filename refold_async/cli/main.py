"""Runs the command line: a command, and then an exit code; never a traceback."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cyclopts import CycloptsError

__all__ = ["main", "run"]


def main() -> NoReturn:
    """Run the command line of this process, and end with its exit code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        # What is still buffered for a reader that has gone would be complained about at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command, and return its exit code.

    Args:
        arguments: The command line, without the program's name.
    """
    try:
        from cyclopts import CycloptsError
    except ImportError as missing:
        print(f"refold: the command line needs {missing.name}: pip install 'refold-async[cli]'", file=sys.stderr)
        return 2
    from refold_async.cli.app import make_app
    from refold_async.cli.failures import ExitCode, report_failure, say
    from refold_async.cli.invocation import INVOCATION
    from refold_async.cli.session import WRITES
    from refold_async.runtime.log import logger

    WRITES.reset()
    INVOCATION.begin(arguments)
    logger.keep_off_stderr()  # whatever it would warn of, the command says itself
    try:
        make_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        say(f"refold: {_misuse(error)} Try --help.")
        return ExitCode.USAGE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told as people read it
        return report_failure(error, WRITES.worst)
    return ExitCode.OK


def _misuse(error: "CycloptsError") -> str:
    """Return what is wrong with a command line."""
    from cyclopts import MissingArgumentError

    from refold_async.cli.options import NO_ACCOUNT

    argument = error.argument if isinstance(error, MissingArgumentError) else None
    return NO_ACCOUNT if argument is not None and argument.name == "--account" else str(error)
