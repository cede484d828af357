"""`refold completion`: the shells themselves complete with its scripts."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from support.command_line import CommandLine
from support.services import program

_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_TYPED: Final = (
    ("refold ", {"fan-out", "workflows", "completion"}),
    ("refold executions ", {"watch", "rerun"}),
    ("refold workflows run x --c", {"--config-id", "--connection-id"}),
    ("refold completion ", {"bash", "fish"}),
    ("refold journal summary ", {"june.sqlite", "customers.csv"}),
    ("refold fan-out hubspot x --accounts ", {"june.sqlite", "customers.csv"}),
)
"""What is typed, and some of what may follow."""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(command_line: CommandLine, tmp_path: Path, shell: str) -> None:
    """The scripts know every command and its options; a shell that is at hand can read its own."""
    script = command_line.run("completion", shell)
    assert (script.code, script.err) == (0, "")
    for word in ("workflows", "rerun", "max-wait", "connected-to", "allow-remote"):
        assert word in script.out
    found = shutil.which(shell)
    if found is not None:
        file = tmp_path / "refold"
        file.write_text(script.out)
        checked = subprocess.run([found, "-n", str(file)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_completion_by_bash(command_line: CommandLine, tmp_path: Path) -> None:
    """Bash offers what may be typed next."""
    (tmp_path / "script").write_text(command_line.run("completion", "bash").out)
    completing = """
    source "$1"; read -ra COMP_WORDS <<< "$2"; [[ "$2" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _refold refold; printf '%s\\n' "${COMPREPLY[@]}"
    """
    for typed, completed in (
        ("refold exe", {"execute", "executions"}),
        ("refold executions w", {"wait", "watch"}),
        ("refold workflows run x --max", {"--max-wait"}),
        ("refold completion ", {"bash", "zsh", "fish"}),
    ):
        shown = subprocess.run(
            ["bash", "-c", completing, "bash", str(tmp_path / "script"), typed],
            capture_output=True,
            text=True,
            check=True,
        )
        assert set(shown.stdout.split()) == completed
        assert not shown.stderr


@pytest.mark.slow
@pytest.mark.parametrize("installed", ["in_a_directory", "sourced"])
def test_completion_by_zsh(command_line: CommandLine, tmp_path: Path, installed: str) -> None:
    """Zsh offers it, whether it loads the script itself or is given it."""
    zsh = program("zsh", "zsh")
    folder = _with_files(tmp_path)
    script = tmp_path / "_refold"
    script.write_text(command_line.run("completion", "zsh").out)
    loaded = {
        "in_a_directory": f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -D -u",
        "sourced": f"autoload -Uz compinit; compinit -D -u; source {script}",
    }
    with _terminal(zsh, folder) as terminal:
        terminal.type(f"{loaded[installed]}; PS1='> '; LISTMAX=1000; echo be''gun\n")
        terminal.wait_for({"begun"})
        for typed, offered in _TYPED:
            terminal.type(f"{typed}\t")
            terminal.wait_for(offered)
            terminal.type("\x15")


@pytest.mark.slow
def test_completion_by_fish(command_line: CommandLine, tmp_path: Path) -> None:
    """Fish offers it, with the script where the help puts it."""
    fish = program("fish", "fish")
    folder = _with_files(tmp_path)
    script = tmp_path / "config" / "fish" / "completions" / "refold.fish"
    script.parent.mkdir(parents=True)
    script.write_text(command_line.run("completion", "fish").out)
    refold = tmp_path / "bin" / "refold"
    refold.parent.mkdir()
    refold.write_text("#!/bin/sh\n")
    refold.chmod(0o755)
    for typed, offered in _TYPED:
        shown = subprocess.run(
            [fish, "-c", f"complete -C '{typed}'"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            cwd=folder,
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "XDG_CONFIG_HOME": str(tmp_path / "config"),
                "PATH": f"{refold.parent}{os.pathsep}{os.environ['PATH']}",
            },
        )
        assert {line.partition("\t")[0] for line in shown.stdout.splitlines()} >= offered
        assert not shown.stderr


def _with_files(directory: Path) -> Path:
    folder = directory / "folder"
    folder.mkdir()
    for name in ("june.sqlite", "customers.csv"):
        (folder / name).touch()
    return folder


class _Terminal:
    """A shell in a terminal, as a person uses it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._descriptor, text.encode())

    def wait_for(self, words: set[str]) -> None:
        """Wait until all of these words were shown since the last wait."""
        shown, deadline = "", time.monotonic() + 60
        while not words <= set(_CONTROL.sub(" ", shown).split()):
            assert time.monotonic() < deadline, shown
            if select.select([self._descriptor], [], [], 0.1)[0]:
                shown += os.read(self._descriptor, 65536).decode(errors="replace")


@contextmanager
def _terminal(shell: str, folder: Path) -> Generator[_Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 150, 0, 0))
    process = subprocess.Popen(
        [shell, "-f", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield _Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
