"""The effect of the writes that a command sent."""

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Final

from refold_async.errors import RefoldError
from refold_async.faults import Effect

if TYPE_CHECKING:
    from refold_async.observers import CallEnd

__all__ = ["WRITES", "WriteEffects", "only_reading"]


class WriteEffects:
    """The worst effect of the writes that a command has sent so far."""

    def __init__(self) -> None:
        self.worst: Effect = "none"

    def reset(self) -> None:
        """Forget the previous command, if a process runs several."""
        self.worst = "none"

    def on_call_end(self, end: "CallEnd") -> None:
        """Record how a call ended."""
        if end.call.kind == "write" and self.worst != "unknown" and end.effect != "none":
            self.worst = end.effect

    def find_out(self, effect: Effect) -> None:
        """Replace the effect, once it has become clear what the writes did."""
        self.worst = effect


WRITES: Final = WriteEffects()
"""The writes of the command that this process runs."""


@contextlib.contextmanager
def only_reading(reads: bool) -> Generator[None]:
    """If a call only reads, as `--read` says, give its error the effect none: there is nothing to check in the app."""
    try:
        yield
    except RefoldError as error:
        if reads:
            error.effect = "none"
        raise
