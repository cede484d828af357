"""The README: its code runs as printed against the mock, and its tables say what the library does."""

import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import pytest

from programs import run_program
from refold_async import errors
from refold_async.faults import RULES, Fault
from refold_async.testing import MockRefold

README: Final = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# A python block, and the text block that shows what it prints where one follows at once.
BLOCKS: Final = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, re.DOTALL)
PROGRAM: Final = """\
import asyncio
import refold_async

async def main():
    async with refold_async.AsyncRefold() as refold:
        account = refold.account("user_12345")
{block}
        for test in [value for name, value in locals().items() if name.startswith("test_")]:
            await test()

asyncio.run(main())
"""
# The rows of the README's table, in order.
ROWS: Final = [
    Fault.NEVER_SENT,
    Fault.CERTIFICATE,
    Fault.RATE_LIMITED,
    Fault.THROTTLED_ELSEWHERE,
    Fault.LOST,
    Fault.SERVER_ERROR,
    Fault.REFUSED,
    Fault.UNREADABLE,
    Fault.MISFIT,
    Fault.APP_REFUSED,
    Fault.APP_FAILED,
    Fault.APP_UNCLEAR,
]


@pytest.mark.parametrize(("block", "printed"), BLOCKS, ids=range(len(BLOCKS)))
async def test_block_runs_as_printed(mock: MockRefold, block: str, printed: str) -> None:
    """A block is a program, or stands where the README says: in an `async def`, with `refold` and `account` open."""
    program = block if "asyncio.run(" in block else PROGRAM.format(block=textwrap.indent(block, " " * 8))
    ran = await run_program("-c", program, REFOLD_API_KEY="tk_readme", REFOLD_BASE_URL=mock.base_url)
    assert ran.complaints == ""
    assert ran.exit_code == 0
    if printed:
        assert ran.output == printed
    assert mock.request_count > 0 or "MockRefold" in block


def test_blocks_are_found() -> None:
    """The README has the blocks it had; a changed fence does not hide them."""
    assert len(BLOCKS) == README.count("```python") >= 12
    assert any(printed for _, printed in BLOCKS)


def test_tree_of_errors() -> None:
    """The tree in the README is the tree of the classes, whole."""
    parents: list[type[Any]] = [errors.RefoldError]
    found = {"RefoldError"}
    for branches, name in re.findall(r"^([│ ]*[├└]── )(\w+)", README, re.MULTILINE):
        depth = len(branches) // 4
        error = getattr(errors, name)
        assert error.__bases__[0] is parents[depth - 1]
        parents[depth:] = [error]
        found.add(name)
    assert found == set(errors.__all__)


def test_table_of_retries() -> None:
    """The table in the README is the table that the client looks things up in."""
    row = re.compile(r"^\| .+? \| (again|raise|\u2013) \| (again|raise)(?:, (?:else )?`(\w+)`)? \| (again|raise)", re.M)
    table = row.findall(README)
    assert len(table) == len(ROWS)
    for fault, (read, write, effect, idempotent) in zip(ROWS, table, strict=True):
        rule = RULES[fault]
        assert read == "\u2013" or (read == "again") is rule.read, fault
        assert ((write == "again"), effect) == (rule.write, rule.effect), fault
        assert (idempotent == "again") is rule.idempotent, fault
    assert RULES[Fault.APP_RATE_LIMITED] == RULES[Fault.APP_REFUSED]._replace(idempotent=True)


def test_names_exist() -> None:
    """What the README imports can be imported from where it says."""
    imports = re.findall(r"^from (refold_async[\w.]*) import (.+)$", README, re.MULTILINE)
    assert imports
    for module, names in imports:
        assert set(names.split(", ")) <= set(sys.modules[module].__all__)
