"""`refold completion`."""

from typing import Literal

from refold_async.cli.process import write_output

__all__ = ["completion"]


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script with which a shell completes the commands of refold and their options.

    Args:
        shell: The shell.
    """
    from refold_async.cli.app import make_app

    write_output(make_app().generate_completion(shell=shell))
