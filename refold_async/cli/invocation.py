"""The command line as it was given, to tell how to run it again."""

import shlex
import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["INVOCATION", "Invocation"]


class Invocation:
    """A command line."""

    def __init__(self) -> None:
        self._arguments: tuple[str, ...] = ()

    def begin(self, arguments: Sequence[str]) -> None:
        """Remember a command line, without the program's name."""
        self._arguments = tuple(arguments)

    def again(self, *added: str, without: frozenset[str] = frozenset()) -> str:
        """Return it as a shell takes it, with options that are added, and without some that take no value."""
        kept = [argument for argument in self._arguments if argument not in without and argument not in added]
        # What follows "--" is no option.
        place = kept.index("--") if "--" in kept else len(kept)
        return shlex.join([*self._program(), *kept[:place], *added, *kept[place:]])

    def _program(self) -> list[str]:
        main = getattr(sys.modules.get("__main__"), "__spec__", None)
        if main is not None and main.name == "refold_async.__main__":  # python -m refold_async
            return sys.orig_argv[: len(sys.orig_argv) - len(self._arguments)]
        return ["refold"]


INVOCATION: Final = Invocation()
"""The one of the command that this process runs."""
