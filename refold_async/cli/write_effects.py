"""What became of the writes that a command sent."""

from typing import TYPE_CHECKING, Final

from refold_async.faults import Effect

if TYPE_CHECKING:
    from refold_async.observers import CallEnd

__all__ = ["WRITES", "WriteEffects"]


class WriteEffects:
    """What became of the writes of a command, as far as it has come: the worst effect."""

    def __init__(self) -> None:
        self.worst: Effect = "none"

    def reset(self) -> None:
        """Forget the command before, where a process runs several."""
        self.worst = "none"

    def on_call_end(self, end: "CallEnd") -> None:
        """See how a call ended."""
        if end.call.kind == "write" and self.worst != "unknown" and end.effect != "none":
            self.worst = end.effect

    def find_out(self, effect: Effect) -> None:
        """Take back what was known: it has become clear what the writes came to."""
        self.worst = effect


WRITES: Final = WriteEffects()
"""Those of the command that this process runs."""
