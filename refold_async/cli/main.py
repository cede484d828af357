"""Runs the command line: a command and its exit code, never a traceback."""

import sys

# Nothing else is imported before main() catches Ctrl-C. Type checkers know this name from typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main", "run"]

_NEEDED = {"cyclopts", "rich"}


def main() -> "NoReturn":
    """Run the command line of this process, and exit with its exit code."""
    try:
        from refold_async.cli import process
        from refold_async.cli.failures import report_failure
        from refold_async.cli.write_effects import WRITES

        process.prepare_streams()
    except KeyboardInterrupt:
        print("refold: Stopped.", file=sys.stderr)
        sys.exit(130)
    try:
        process.silence()
        process.heed_signals()
        code = int(run(sys.argv[1:]))
    except KeyboardInterrupt as error:  # before it ran, or while it reported its end
        process.ignore_signals()
        code = report_failure(error, WRITES.worst)
    process.ignore_signals()
    process.finish_streams()
    sys.exit(process.exit_code_of(code))


def run(arguments: "Sequence[str]") -> int:
    """Run a command, and return its exit code.

    Args:
        arguments: The command line, without the program's name.
    """
    import os

    from refold_async.cli.failures import ExitCode, report_failure, say
    from refold_async.cli.invocation import INVOCATION
    from refold_async.cli.write_effects import WRITES
    from refold_async.runtime.log import logger

    WRITES.reset()
    INVOCATION.begin(arguments)
    logger.keep_off_stderr()  # the command reports warnings itself
    if not os.environ.get("COLUMNS", "1").strip("0 "):
        del os.environ["COLUMNS"]  # some terminals set it to 0 before they have a width, and help would fail
    try:
        from cyclopts import CycloptsError

        from refold_async.cli.app import make_app

        try:
            make_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
            sys.stdout.flush()
        except CycloptsError as error:
            from refold_async.cli.misuse import misuse

            say(f"refold: {misuse(error)}")
            return ExitCode.USAGE
    except ImportError as error:
        if str(error.name).partition(".")[0] not in _NEEDED:
            return report_failure(error, WRITES.worst)
        say(f"refold: The command line needs {error.name}: pip install 'refold-async[cli]'")
        return ExitCode.USAGE
    except SystemExit as end:
        if end.code != 1:
            return end.code if isinstance(end.code, int) else ExitCode.OK
        return report_failure(BrokenPipeError(), WRITES.worst)  # this is how rich ends when nobody reads its output
    except BaseException as error:  # noqa: BLE001 - every error becomes a readable message
        return report_failure(error, WRITES.worst)
    return ExitCode.OK
