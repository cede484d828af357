"""Asking before something is written with a production key."""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say
from refold_async.cli.terminal import is_terminal, one_line

__all__ = ["confirm_write"]


def confirm_write(environment: str | None, what: str, *, yes: bool, may_read: bool = True) -> None:
    """Ask whether to write, where the key is not one of the test environment.

    Args:
        environment: What `refold.environment` says of the key.
        what: What is about to be done, as in "Execute create_contact of hubspot for user_12345".
        yes: Whether `--yes` has answered already.
        may_read: Whether the command takes `--read`.

    Raises:
        UsageError: There is no terminal to ask on.
        StoppedError: The answer was no.
    """
    if yes or environment == "test":
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            f"{what}: this writes with a production key (it does not start with tk). Pass --yes to mean it"
            f"{', or --read where it only reads' if may_read else ''}. Nothing was sent."
        )
    with _interruptible():
        sys.stderr.write(one_line(f"{what}, with a production key? [y/N] "))
        sys.stderr.flush()
        answer = sys.stdin.readline()
    if answer.strip().lower() not in {"y", "yes"}:
        say("Nothing was sent.")
        raise StoppedError(ExitCode.FAILED)


@contextmanager
def _interruptible() -> Generator[None]:
    """Have Ctrl-C end a wait for a key: what asyncio does on it comes only after that."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in {signal.SIG_IGN, None}:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # what is said next begins a line
        raise
    finally:
        signal.signal(signal.SIGINT, before)
