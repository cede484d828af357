"""The commands of the README's section about the command line run as they are printed."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from support.command_line import CommandLine

README: Final = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
SECTION: Final = re.findall(r"^## Command line\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE)
COMMANDS: Final = [
    line
    for block in re.findall(r"```sh\n(.*?)```", "".join(SECTION), re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


def test_commands_of_the_readme(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One after the other, in one directory."""
    monkeypatch.chdir(tmp_path)
    command_line.environment.delenv("REFOLD_LINKED_ACCOUNT_ID")
    (tmp_path / "customers.csv").write_text("linked_account_id,email\nuser_1,one@example.com\nuser_2,two@example.com\n")
    for line in COMMANDS:
        program, *arguments = shlex.split(line, comments=True)
        if program == "export":
            command_line.environment.setenv(*arguments[0].split("=", 1))
            continue
        assert program == "refold"
        ended = command_line.run(*arguments)
        assert ended.code == 0, (line, ended.err)
    created = [request.json for request in command_line.mock.requests_to("execute_action")]
    assert created[0] == {"email": "jane@example.com", "firstname": "Jane"}
    assert len(created) == 3
    for made in ("june.csv", "june.html", "hubspot_actions.py"):
        assert (tmp_path / made).exists()


def test_the_section_is_short() -> None:
    """It is an appetizer; `--help` has the rest."""
    assert len(SECTION) == 1
    assert SECTION[0].count("\n") <= 25
    assert len(COMMANDS) >= 5
