"""Pages of the documentation, and running what they show.

- A `python` block stands in an `async def`, with `refold` and `account` open against a mock. The blocks of a page share
  their names, from the first to the last.
- One that calls `asyncio.run(` is a program: it runs in a process of its own.
- One with a title, as in ```` ```python title="service.py" ````, is a module that later blocks can import.
- One that defines tests (`async def test_…`) has them run, with the fixtures of the plugin.
- A `text` block that follows at once is what a block prints.
- In a `sh` block, lines that begin with `refold ` are run, each to its end, and have to succeed.
- What a block needs and the page does not show is in a comment before it, `<!-- run: mock.script(Answer(503)) -->`,
  which can use `mock`, the names of `refold_async.testing`, and `stack`: what enters it is left at the end of the page.
- A block with `<!-- run with redis-server: … -->` before it is run only on machines that have that program.
"""

import ast
import importlib.util
import inspect
import re
import shlex
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import refold_async.testing
from refold_async import AsyncRefold
from refold_async.testing import MockRefold
from support.running_programs import run_program

__all__ = ["Block", "Runner", "blocks_of"]

_FENCE: Final = re.compile(
    r"(?:^<!-- run(?: with (?P<program>[\w-]+))?:\s(?P<setup>.*?)-->\s*)?"
    r"^```(?P<language>python|sh)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<printed>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


@attrs.frozen
class Block:
    """A block of a page."""

    language: str
    code: str
    line: int
    title: str | None = None
    setup: str = ""
    printed: str | None = None
    program: str | None = None
    """A program that it needs."""


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page that can be run."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["code"],
            text.count("\n", 0, found.start("code")) + 1,
            found["title"],
            found["setup"] or "",
            found["printed"],
            found["program"],
        )
        for found in _FENCE.finditer(text)
    ]


class Runner:
    """Runs blocks of a page in order, in an empty directory that is the current one."""

    def __init__(self, page: Path, mock: MockRefold, output: pytest.CaptureFixture[str]) -> None:
        self._page = page
        self._mock = mock
        self._output = output
        self._names: dict[str, Any] = {"__name__": page.stem, "mock": mock, **vars(refold_async.testing)}
        self._modules: list[str] = []

    async def run(self, blocks: list[Block]) -> None:
        """Run them all."""
        try:
            async with AsyncExitStack() as stack, AsyncRefold() as refold:
                self._names |= {"stack": stack, "refold": refold, "account": refold.account("user_12345")}
                for block in blocks:
                    await self._run(block)
        finally:
            for name in self._modules:
                sys.modules.pop(name, None)

    async def _run(self, block: Block) -> None:
        if block.program is not None and shutil.which(block.program) is None:
            return
        await self._execute(block.setup, block.line)
        self._output.readouterr()
        if block.language == "sh":
            printed = await self._run_commands(block)
        elif block.title:
            printed = self._import(block, block.title)
        elif "asyncio.run(" in block.code:
            ran = await run_program("-c", block.code)
            assert (ran.exit_code, ran.complaints) == (0, ""), f"{self._page.name}:{block.line}"
            printed = ran.output
        else:
            await self._execute(block.code, block.line)
            await self._run_tests()
            printed = self._output.readouterr().out
        if block.printed is not None:
            assert printed == block.printed, f"{self._page.name}:{block.line}"

    async def _execute(self, code: str, line: int) -> None:
        """Run code as if it stood in an `async def`; a traceback names the page and its line."""
        at_its_place = "\n" * (line - 1) + code
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compiled = compile(at_its_place, str(self._page), "exec", flags=flags, dont_inherit=True)
        if (awaited := eval(compiled, self._names)) is not None:
            await awaited

    def _import(self, block: Block, title: str) -> str:
        path = Path(title)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, encoding="utf-8")
        if path.suffix == ".py":
            name = path.stem
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            self._modules.append(name)
            spec.loader.exec_module(module)
        return self._output.readouterr().out

    async def _run_tests(self) -> None:
        for name in [name for name in self._names if name.startswith("test_")]:
            test = self._names.pop(name)
            fixtures = {"mock_refold": self._mock, "mock": self._mock, "refold": self._names["refold"]}
            await test(**{fixture: fixtures[fixture] for fixture in inspect.signature(test).parameters})

    async def _run_commands(self, block: Block) -> str:
        printed = ""
        for line in block.code.replace("\\\n", "").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["refold"] or words[1:2] == ["mock"]:
                continue
            ran = await run_program(
                "-m", "refold_async", *words[1:], environment={"REFOLD_LINKED_ACCOUNT_ID": "user_12345"}
            )
            assert ran.exit_code == 0, f"{self._page.name}:{block.line}: {line}: {ran.complaints}"
            printed += ran.output
        return printed
