"""Asks before a write with a production key."""

import sys

from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say
from refold_async.cli.options import ConfirmationOptions, WriteOptions
from refold_async.cli.process import check_interrupted, reading
from refold_async.cli.terminal import is_terminal, one_line

__all__ = ["confirm_write"]


def confirm_write(environment: str | None, what: str, options: ConfirmationOptions) -> None:
    """Ask whether to write, unless the key belongs to the test environment, or `--yes` or `--read` was passed.

    Args:
        environment: The environment of the key, as `refold.environment` has it.
        what: What the command is about to do, such as "Execute create_contact of hubspot for user_12345".
        options: The options of the command.

    Raises:
        UsageError: There is no terminal to ask on, and no `--yes`.
        StoppedError: The answer was no.
        KeyboardInterrupt: Ctrl-C has come.
    """
    check_interrupted()
    read = options.read if isinstance(options, WriteOptions) else None
    if options.yes or read or environment == "test":
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            f"{what}: this writes with a production key (it does not start with tk). Pass --yes to confirm"
            f"{'' if read is None else ', or --read if it only reads'}. Nothing was sent."
        )
    with reading():
        sys.stderr.write(one_line(f"{what}, with a production key? [y/N] "))
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # after Ctrl-D, so that the next message begins a line
            sys.stderr.write("\n")
    if answer.strip().lower() not in {"y", "yes"}:
        say("Nothing was sent.")
        raise StoppedError(ExitCode.FAILED)
