"""Writes the reference page of the command line, docs/reference/command-line.md: the help of every command."""

import contextlib
import io
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cyclopts import App

from refold_async.cli.app import make_app
from refold_async.cli.main import run

__all__ = ["PAGE", "page"]

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "command-line.md"
_INTRODUCTION: Final = """\
# Command line

The extra `cli` installs the program `refold`: `pip install 'refold-async[cli]'`. `python -m refold_async` runs it too.
The guide [Command line](../guides/command-line.md) shows how to use it. This page has the help of every command.
"""


def page() -> str:
    """Return the page."""
    sections = [f"## {shlex.join(command)}\n\n```console\n{_help_of(command[1:])}\n```\n" for command in _commands()]
    return "\n".join([_INTRODUCTION, *sections])


def _commands() -> Iterator[tuple[str, ...]]:
    """Yield every command, in the order of the help."""
    app = make_app()
    yield ("refold",)
    for name in _names(app):
        yield ("refold", name)
        for inner in _names(app[name]):
            yield ("refold", name, inner)


def _names(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]


def _help_of(command: tuple[str, ...]) -> str:
    printed = io.StringIO()
    os.environ |= {"COLUMNS": "90", "NO_COLOR": "1", "TERM": "dumb"}
    with contextlib.redirect_stdout(printed):
        run([*command, "--help"])
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
