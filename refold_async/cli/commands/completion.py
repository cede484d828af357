"""`refold completion`."""

import re
from typing import Final, Literal

from refold_async.cli.process import write_output

__all__ = ["completion"]

_START_IN_ZSH: Final = """\
# zsh has loaded this file to complete a word, and it is the body of a function; or a shell has sourced it.
if [[ ${{funcstack[1]-}} == (_refold|{function}) ]]; then
  {function} "$@"
else
  compdef {function} refold
fi
"""


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script with which a shell completes the commands of refold and their options.

    Args:
        shell: The shell.
    """
    from refold_async.cli.app import make_app

    script = make_app().generate_completion(shell=shell)
    if shell == "zsh" and (defined := re.search(r"^(_\w+)\(\) \{", script, re.MULTILINE)):
        # That of cyclopts works only in a file with the name of its function.
        script += _START_IN_ZSH.format(function=defined[1])
    write_output(script)
