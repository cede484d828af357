"""Pages of the documentation, and running what they show.

- A `python` block stands in an `async def`, with `refold` and `account` open against a mock. The blocks of a page share
  their names, from the first to the last.
- One that calls `asyncio.run(` or makes an `asyncio.Runner(` is a program: it runs in a process of its own.
- One with a title, as in ```` ```python title="service.py" ````, is a module that later blocks can import, and
  `crm/views.py` is `crm.views`. If it calls `asyncio.run(` at the top level, it is a program, run from a file of that
  name.
- One that defines tests (`async def test_…`) has them run, each with a new mock and client as the plugin makes them.
- A `text` block that follows at once is what a block prints. It has the address of `refold mock` for the mock's own.
- In a `sh` block, lines that begin with `refold ` or `pytest` are run, each to its end, and have to succeed. pytest has
  the plugins that a reader has: pytest-asyncio and the library's own.
- A `toml`, `csv` or `json` block with a title is saved as that file, such as the configuration of pytest.
- What a block needs and the page does not show is in a comment before it, `<!-- run: mock.script(Answer(503)) -->`,
  which can use `mock`, the names of `refold_async.testing`, and `stack`: what enters it is left at the end of the page.
  `modules_of("sync.md")` imports the modules of another page in the same directory.
- A block with `<!-- run with redis-server: … -->` before it, or `with postgres`, is run only on machines that have that
  program. `support.redis_server.redis_server()` and `support.postgres_server.postgres_server()` start one.
"""

import ast
import importlib
import inspect
import os
import re
import shlex
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs
import pytest

import refold_async.testing
from refold_async import AsyncRefold, RetryPolicy
from refold_async.testing import MockRefold
from support.running_programs import run_program
from support.services import REQUIRED, find_program

__all__ = ["Block", "Runner", "blocks_of"]

_FENCE: Final = re.compile(
    r"(?:^<!-- run(?: with (?P<program>[\w-]+))?:\s(?P<setup>.*?)-->\s*)?"
    r"^```(?P<language>python|sh|toml|csv|json)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<printed>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
_PYTEST: Final = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin", "-p", "pytest_refold_async")
_SERVED_MOCK: Final = "http://127.0.0.1:8080"


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

    @property
    def is_program(self) -> bool:
        """Whether it runs in a process of its own."""
        if self.title is not None:
            return "\nasyncio.run(" in self.code
        return "asyncio.run(" in self.code or "asyncio.Runner(" in self.code


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
        self._names["modules_of"] = self._import_from
        self._modules: dict[str, ModuleType | None] = {}

    async def run(self, blocks: list[Block]) -> None:
        """Run them all."""
        try:
            async with AsyncExitStack() as stack, AsyncRefold() as refold:
                self._names |= {"stack": stack, "refold": refold, "account": refold.account("user_12345")}
                for block in blocks:
                    await self._run(block)
        finally:
            for name, replaced in self._modules.items():
                sys.modules.pop(name, None)
                if replaced is not None:
                    sys.modules[name] = replaced

    async def _run(self, block: Block) -> None:
        if block.program is not None and find_program(block.program) is None:
            assert os.environ.get(REQUIRED) != "1", f"there is no {block.program}, and {REQUIRED} is 1"
            return
        await self._execute(block.setup, block.line)
        self._output.readouterr()
        printed = ""
        if block.language == "sh":
            printed = await self._run_commands(block)
        elif block.language in {"toml", "csv", "json"}:
            if block.title:
                _saved(block, block.title)
        elif block.is_program:
            printed = await self._run_as_program(block)
        elif block.title:
            printed = self._import(block, block.title)
        else:
            await self._execute(block.code, block.line)
            await self._run_tests()
            printed = self._output.readouterr().out
        if block.printed is not None:
            printed = printed.replace(self._mock.base_url, _SERVED_MOCK)
            assert printed == block.printed, f"{self._page.name}:{block.line}"

    async def _execute(self, code: str, line: int) -> None:
        """Run code as if it stood in an `async def`; a traceback names the page and its line."""
        at_its_place = "\n" * (line - 1) + code
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compiled = compile(at_its_place, str(self._page), "exec", flags=flags, dont_inherit=True)
        if (awaited := eval(compiled, self._names)) is not None:
            await awaited

    async def _run_as_program(self, block: Block) -> str:
        ran = await run_program(*(["-c", block.code] if block.title is None else [str(_saved(block, block.title))]))
        assert (ran.exit_code, ran.complaints) == (0, ""), f"{self._page.name}:{block.line}"
        return ran.output

    def _import_from(self, page: str) -> None:
        for block in blocks_of(self._page.parent / page):
            if block.title is not None and block.language == "python" and not block.is_program:
                self._import(block, block.title)

    def _import(self, block: Block, title: str) -> str:
        path = _saved(block, title)
        if path.suffix == ".py":
            parts = path.with_suffix("").parts
            *packages, name = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
            for each in [*packages, name]:
                # Other files may have this name, such as one of the examples, or an earlier block.
                if each == name or each not in self._modules:
                    self._modules.setdefault(each, sys.modules.pop(each, None))
            importlib.invalidate_caches()
            importlib.import_module(name)
        return self._output.readouterr().out

    async def _run_tests(self) -> None:
        for name in [name for name in self._names if name.startswith("test_")]:
            test = self._names.pop(name)
            quick = RetryPolicy(initial_delay=0)
            with pytest.MonkeyPatch.context() as patch:
                async with MockRefold() as mock, AsyncRefold("tk_mock", base_url=mock.base_url, retry=quick) as refold:
                    patch.setenv("REFOLD_BASE_URL", mock.base_url)
                    patch.setenv("REFOLD_API_KEY", "tk_mock")
                    fixtures = {"mock_refold": mock, "mock": mock, "refold": refold}
                    await test(**{fixture: fixtures[fixture] for fixture in inspect.signature(test).parameters})

    async def _run_commands(self, block: Block) -> str:
        printed = ""
        for line in block.code.replace("\\\n", "").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["pytest"]:
                command, environment = [*_PYTEST, *words[1:]], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            elif words[:1] == ["refold"] and words[1:2] != ["mock"]:
                command, environment = ["-m", "refold_async", *words[1:]], {"REFOLD_LINKED_ACCOUNT_ID": "user_12345"}
            else:
                continue
            ran = await run_program(*command, environment=environment)
            assert ran.exit_code == 0, f"{self._page.name}:{block.line}: {line}: {ran.complaints}{ran.output}"
            printed += ran.output
        return printed


def _saved(block: Block, title: str) -> Path:
    path = Path(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code, encoding="utf-8")
    return path
