"""The command line as the user typed it, to show how to run it again."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from refold_async.cli.terminal import plain

__all__ = ["INVOCATION", "Invocation"]


class Invocation:
    """A command line.

    Attributes:
        arguments: Its words, without the program's name.
    """

    def __init__(self) -> None:
        self.arguments: tuple[str, ...] = ()

    def begin(self, arguments: Sequence[str]) -> None:
        """Remember a command line, without the program's name."""
        self.arguments = tuple(arguments)

    def again(self, *added: str, without: frozenset[str] = frozenset()) -> str:
        """Return it, quoted for a shell.

        Args:
            added: Options to add.
            without: Options without a value to leave out.
        """
        given = self.arguments
        place = given.index("--") if "--" in given else len(given)  # what follows "--" is not an option
        kept = [argument for argument in given[:place] if _option_of(argument) not in {*without, *added}]
        return " ".join(map(_quoted, [*self._program(), *kept, *added, *given[place:]]))

    def _program(self) -> list[str]:
        main = getattr(sys.modules.get("__main__"), "__spec__", None)
        if main is not None and main.name == "refold_async.__main__":  # python -m refold_async
            return sys.orig_argv[: len(sys.orig_argv) - len(self.arguments)]
        script, found = Path(sys.argv[0]), shutil.which("refold")
        if script.name == "refold" and script.is_file() and (found is None or not script.samefile(found)):
            return [str(script)]  # its name alone would run nothing, or another program
        return ["refold"]


def _option_of(argument: str) -> str:
    """Return the option in an argument, which may be written in several ways."""
    return argument.partition("=")[0].replace("_", "-")


def _quoted(argument: str) -> str:
    """Return an argument quoted for a shell, also if it contains characters that are unsafe on a terminal."""
    if plain(argument) == argument:
        return shlex.quote(argument)
    shown = [
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in os.fsencode(argument)
    ]
    return f"$'{''.join(shown)}'"


INVOCATION: Final = Invocation()
"""The command line of this process."""
