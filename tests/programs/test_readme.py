"""The README: its code runs as printed against the mock, and its tables say what the library does."""

import ast
import hmac
import inspect
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from refold_async import AsyncRefold, errors
from refold_async.faults import Fault
from refold_async.retry_table import RULES
from refold_async.testing import Answer, MockRefold
from support.running_programs import run_program

README: Final = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
# A python block, and the text block that shows what it prints where one follows at once.
BLOCKS: Final = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, re.DOTALL)
# The rows of the README's table, in order.
ROWS: Final = [
    Fault.NEVER_SENT,
    Fault.CERTIFICATE,
    Fault.RATE_LIMITED,
    Fault.WORKFLOW_RATE_LIMITED,
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
async def test_block_runs_as_printed(
    block: str,
    printed: str,
    mock: MockRefold,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A block is a program, or stands where the README says: in an `async def`, with `refold` and `account` open."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REFOLD_API_KEY", "tk_readme")
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    if ".request(" in block:  # what has no method of its own, the mock does not serve either
        mock.script(Answer(200, json={"docs": []}))
    if "asyncio.run(" in block:
        ran = await run_program("-c", block)
        assert (ran.exit_code, ran.complaints) == (0, "")
        output = ran.output
    else:
        await run_in_place(block, mock)
        output = capsys.readouterr().out
    if printed:
        assert output == printed
    assert mock.request_count > 0 or "MockRefold" in block or "mock_refold" in block or "webhooks.unwrap" in block


async def run_in_place(block: str, mock: MockRefold) -> None:
    """Run a block as if it stood in an `async def`; where it defines tests, run those, with the plugin's fixtures."""
    code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    async with AsyncRefold() as refold:
        names: dict[str, Any] = {"refold": refold, "account": refold.account("user_12345"), "__name__": "readme"}
        if (awaited := eval(code, names)) is not None:
            await awaited
        for name, value in names.items():
            if name.startswith("test_"):
                fixtures = {"mock_refold": mock, "refold": refold}
                await value(**{fixture: fixtures[fixture] for fixture in inspect.signature(value).parameters})


async def test_forged_webhooks_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver of the README takes what is signed, and nothing else."""
    monkeypatch.setenv("REFOLD_API_KEY", "tk_readme")
    names: dict[str, Any] = {}
    exec(next(block for block, _ in BLOCKS if "webhooks.unwrap" in block), names)
    body = b'{"event": "Connection Expired", "linked_account_id": "user_12345", "slug": "hubspot"}'
    signature = hmac.digest(b"tk_readme", body, "sha256").hex()
    app = web.Application()
    app.router.add_post("/refold", names["receive"])
    async with TestClient(TestServer(app)) as client:
        for sent, signed, status in [(body, signature, 200), (body + b" ", signature, 401), (body, "", 401)]:
            async with client.post("/refold", data=sent, headers={"x-cobalt-signature": signed}) as response:
                assert response.status == status


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
        for name in names.split(", "):
            assert name in import_module(module).__all__ or find_spec(f"{module}.{name}")
