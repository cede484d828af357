"""Writes the reference page of the command line, docs/reference/command-line.md: the help of every command.

On a terminal the help is laid out in boxes. A page has lists instead, which any screen can show.
"""

import contextlib
import io
import os
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from cyclopts import App

from refold_async.cli.app import make_app
from refold_async.cli.main import run

__all__ = ["PAGE", "page"]

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "reference" / "command-line.md"
_INTRODUCTION: Final = """\
# Command line

This page describes every command, argument and option of the program `refold`, which the extra `cli` installs:
`pip install 'refold-async[cli]'`. `python -m refold_async` runs it too. The guide
[Command line](../guides/command-line.md) shows how to use it. `refold COMMAND --help` prints what is here.
"""
_SHARED: Final = "Shared options"
_SHARED_HEADING: Final = (
    "## Shared options\n\nMany commands have these options; each command lists those that it has.\n"
)
_COLUMNS: Final = 600  # so wide that nothing is broken into lines
_BOX_TITLE: Final = re.compile(r"^╭─ (.*?) ─+╮$")
_BOX_ENTRY: Final = re.compile(r"^│ (?:\* +)?\s*(\S.*?)(?: {2,}(\S.*?))? *│$")
_CODE: Final = re.compile(
    r"(?<![\w`-])(--?[a-z][\w-]*(?: \d+)?|[A-Z]+_[A-Z_]+|\w+:?=@?[A-Z]\w*|\w+=text|@[A-Z]+|kill -9)(?![\w`])"
)
_NOTE: Final = re.compile(r" \[([^\]]+)\]")


def page() -> str:
    """Return the page."""
    shared: dict[str, str] = {}
    sections = [_section(command, shared) for command in _commands()]
    listed = "\n".join(shared.values())
    return "\n".join([_INTRODUCTION, f"{_SHARED_HEADING}\n{listed}\n", *sections])


@cache
def _commands() -> tuple[tuple[str, ...], ...]:
    """Return every command, in the order of the help."""
    app = make_app()
    commands: list[tuple[str, ...]] = [("refold",)]
    for name in _names(app):
        commands += [("refold", name), *(("refold", name, inner) for inner in _names(app[name]))]
    return tuple(commands)


def _names(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]


def _help_of(command: tuple[str, ...]) -> list[str]:
    printed = io.StringIO()
    os.environ |= {"COLUMNS": str(_COLUMNS), "NO_COLOR": "1", "TERM": "dumb"}
    with contextlib.redirect_stdout(printed):
        run([*command, "--help"])
    return [line.rstrip() for line in printed.getvalue().strip().splitlines()]


def _section(command: tuple[str, ...], shared: dict[str, str]) -> str:
    """Return the part of the page about a command, and note the shared options that it has."""
    usage, *rest = _help_of(command[1:])
    parts = [f"{'###' if len(command) > 2 else '##'} {shlex.join(command)}"]
    parts.append(f"```text\n{usage.removeprefix('Usage: ')}\n```")
    for block in _blocks(rest):
        title = _BOX_TITLE.match(block[0])
        if title:
            parts.append(_box(title[1], block[1:-1], command, shared))
        elif all(line.startswith("  ") for line in block):
            parts.append(f"```text\n{textwrap.dedent(chr(10).join(block))}\n```")
        elif len(block) > 1:  # a title, and lines of a name and its meaning
            pairs = (line.split(maxsplit=1) for line in block[1:])
            parts.append("\n".join([f"{block[0]}\n", *(_wrapped(f"- `{name}`: {what}") for name, what in pairs)]))
        else:
            parts.append(_wrapped(_marked(block[0])))
    return "\n\n".join(parts) + "\n"


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the paragraphs and the boxes of a help."""
    block: list[str] = []
    for line in [*lines, ""]:
        if block and (not line or line.startswith("╭")):
            yield block
            block = []
        if line:
            block.append(line)


def _box(title: str, lines: list[str], command: tuple[str, ...], shared: dict[str, str]) -> str:
    entries: dict[str, str] = {}
    for line in lines:
        found = _BOX_ENTRY.match(line)
        assert found, line
        entries[found[1]] = _entry(found[1], found[2], command)
    if title == _SHARED:
        shared |= entries
        names = ", ".join(f"`{name.split()[0]}`" for name in entries)
        return _wrapped(f"[{_SHARED}](#shared-options): {names}")
    return "\n".join([f"**{title}**\n", *entries.values()])


def _entry(name: str, text: str | None, command: tuple[str, ...]) -> str:
    notes = [_note(note) for note in _NOTE.findall(text or "")]
    described = _marked(_NOTE.sub("", text or ""))
    return _wrapped(f"- {_shown(name, command)}: {' '.join([described, *notes])}")


def _shown(name: str, command: tuple[str, ...]) -> str:
    """Return a name as the page shows it: a command with a link, an option with its short form."""
    if (*command, name) in _commands():
        return f"[`{name}`](#{'-'.join([*command, name])})"
    forms = [word.strip("()") for word in name.split() if word.lstrip("(").startswith("-")]
    value = "".join(f" {word}" for word in name.split() if not word.lstrip("(").startswith("-"))
    return ", ".join(f"`{form}{value}`" for form in forms) or f"`{name}`"


def _note(note: str) -> str:
    kind, _, rest = note.partition(": ")
    match kind:
        case "required":
            return "Required."
        case "env var":
            return f"Environment variable: `{rest}`."
        case "choices":
            return f"One of {rest}."
        case _:
            pass
    return f"{note[0].upper()}{note[1:]}."


def _marked(text: str) -> str:
    """Return a text with code marked as such: options, variables, and how parameters are written."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _CODE.sub(r"`\1`", part) for part in parts)


def _wrapped(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
