"""What commands say of errors names commands and options, no Python."""

import ast
import functools
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import refold_async
from operations_page import namespaces
from refold_async.cli.rewording import REWORDINGS, reworded
from refold_async.testing import (
    SAMPLE_WORKFLOW_ID,
    ActionContext,
    Answer,
    Errored,
    FileAnswer,
    Reset,
    RouteName,
    Silence,
    Trouble,
    Truncated,
)
from support.command_line import CommandLine

PYTHON: Final = re.compile(
    r"\w\(|\w=(?=[\s:.,;{…('x7]|$)|\bawait\b|\blist\[|\bAsyncRefold\b|\b(save_to|into|base_url)\b"
)
"""What a call in Python looks like, or an argument of one."""

EXECUTE: Final = ("execute", "hubspot", "create_contact", "email=ada@example.com")
RUN: Final = ("workflows", "run", SAMPLE_WORKFLOW_ID, "email=ada@example.com", "--max-wait", "0.2")
UNKNOWN: Final = ("execute", "hubspot", "create_contct", "--dry-run")
NOT_CONNECTED: Final = {"message": "Application Authentication not found for linked_account_id x and app y"}

ROOT: Final = Path(refold_async.__file__).parent
# What a command can meet: its calls, their arguments and their answers.
HEARD: Final = (
    *("codec/json_schema.py", "config", "jobs/stopping.py", "pipeline", "protocol", "resources", "transport"),
    *(f"journal/postgres/{name}.py" for name in ("connection", "postgres_journal", "schema", "session", "store")),
    "webhooks.py",
)
# What no command can meet: it passes on no such argument, or checks it before.
UNHEARD: Final = (
    "rate_limit=",
    "reconcile",
    "Reconcile(",
    "it must return Done(data)",
    "connector=",
    "trace_configs=",
    "request_headers()",
    "of an observer",
    "max_refusal_wait",
    "require_environment",
    "reuse_connections=",
    "was never closed",
    "read it with `async for`",
    "datetime without a time zone",
    "retry must be a RetryPolicy",
    "user_defined_fields",
    "a hook for",
    "must be a plain function",
    "if the method has this argument",
    "refold_async save_to",
    "make a new AsyncRefold",
    "make an AsyncRefold",
    "Pass either payload or body",
    "into= and save_to= cannot be combined",
    "does not fit into=",
    "save_to must be a path",
    "properties must be",
    "webhook_events must be",
    "environment='test'",
    "pass `await request.read()`",
    "request.headers",
    "api_key= to AsyncRefold",
    "must be a connection string, or None",
    "Pass PostgresJournal(dsn)",
    "To claim parts of a job",
    "job='june sync', parts=256",
    "A key may be at most",
)


def filled_in(piece: ast.expr) -> str:
    """Return a piece of an f-string, with something that may stand where a value is filled in."""
    if isinstance(piece, ast.FormattedValue):
        return "'x'" if piece.conversion == ord("r") else "7" if piece.format_spec is not None else "x"
    return str(piece.value) if isinstance(piece, ast.Constant) else ""


def messages(path: Path) -> Iterator[str]:
    """Give the texts of a module that may be messages: its strings but docstrings, filled in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(filled_in, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | pieces:
            yield node.value


def without_commands() -> set[Path]:
    """Return the modules of resources that no command uses."""
    commands = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "cli").rglob("*.py"))
    unused = [
        owner for name, owner in namespaces().items() if "." in name and f".{name.rpartition('.')[2]}." not in commands
    ]
    return {Path(inspect.getfile(type(owner))) for owner in unused}


@functools.cache
def texts() -> list[str]:
    """Return the messages of all modules whose errors a command can meet."""
    paths = [path for name in HEARD for path in sorted((ROOT / name).rglob("*.py")) or [ROOT / name]]
    return [text for path in paths if path not in without_commands() for text in messages(path) if " " in text]


def test_no_message_names_a_python_call() -> None:
    """A message that the library gains, and that tells a programmer what to call, needs a line in the table."""
    heard = [text for text in texts() if not any(part in text for part in UNHEARD)]
    assert len(heard) > 100
    assert [text for text in heard if PYTHON.search(reworded(text))] == []


@pytest.mark.parametrize(
    ("route", "trouble", "arguments"),
    [
        (None, Answer(401), ("apps",)),
        (None, Answer(403), ("apps",)),
        (None, Answer(404), ("apps",)),
        (None, Answer(302, headers={"Location": "https://example.com"}), ("apps",)),
        (None, Answer(429, retry_after=3600), ("apps",)),
        (None, Answer(200, body="<html>"), ("apps",)),
        (None, Answer(200, json=[1]), ("apps",)),
        (None, Silence(), ("apps", "--timeout", "0.1")),
        ("execute_action", Reset("after"), EXECUTE),
        ("execute_action", Answer(429, retry_after=3600), EXECUTE),
        ("execute_action", Answer(503), EXECUTE),
        ("execute_action", Answer(400, json=NOT_CONNECTED), EXECUTE),
        ("execute_action", Errored(401), EXECUTE),
        ("execute_action", Errored(404), (*EXECUTE, "--connection-id", "c1")),
        ("execute_action", Answer(200, body=b"%PDF", content_type="application/pdf"), EXECUTE),
        ("execute_action", Truncated(0.5), EXECUTE),
        (None, Answer(404), UNKNOWN),
        ("execute_workflow", Answer(400), RUN),
        ("execute_workflow", Answer(404), (*RUN, "--connection-id", "c1")),
        ("get_execution", Answer(404), RUN),
        ("get_execution", Answer(503), RUN),
        ("get_execution_response", Answer(400), RUN),
        (None, Answer(404), ("executions", "stop", "x")),
        (None, Answer(404), ("executions", "watch", "x")),
        (None, Answer(404), ("accounts", "get", "x")),
        (None, Answer(404), ("accounts", "list", "--connected-to", "x")),
        (None, Answer(404), ("connect", "hubspot")),
        (None, Answer(404), ("webhooks", "delete", "x")),
    ],
)
def test_errors(
    command_line: CommandLine, route: RouteName | None, trouble: Trouble, arguments: tuple[str, ...]
) -> None:
    """However a call fails, what is said of it is one paragraph in the words of the command line."""
    command_line.mock.script(trouble, route=route)
    failed = command_line.run(*arguments)
    assert failed.code in {1, 3, 4}
    [paragraph] = [line for line in failed.err.splitlines() if not line.startswith("Started ")]
    assert paragraph.startswith("refold: ")
    assert not PYTHON.search(paragraph)


@pytest.mark.parametrize(
    "arguments",
    [
        ("apps", "--base-url", "http://example.com"),
        ("apps", "--base-url", "https://a:b@example.com"),
        ("apps", "--timeout", "0"),
        (*EXECUTE, "--save-to", "/no/such/folder/x"),
        ("request", "GET", "/api?x=1"),
        ("executions", "get", ".."),
        ("executions", "list", "--status", "\ud800"),
        ("webhooks", "create", "x\ny", "Workflow Errored"),
        ("request", "GET", "/api", "-H", "x-api-key=tk"),
        ("request", "GET", "/api", "q:={}"),
    ],
)
def test_misuse(command_line: CommandLine, arguments: tuple[str, ...]) -> None:
    """So is what is wrong with the command."""
    failed = command_line.run(*arguments)
    assert (failed.code, failed.out) == (2, "")
    [paragraph] = failed.err.splitlines()
    assert not PYTHON.search(paragraph)


def test_checks_that_need_another_package(command_line: CommandLine) -> None:
    """A payload is shown without a check where jsonschema is not installed, which is told in such words too."""
    command_line.environment.setitem(sys.modules, "jsonschema", None)
    ran = command_line.run(*RUN, "--dry-run")
    assert "The payload was not checked: The check needs jsonschema: pip install" in ran.err
    assert not PYTHON.search(ran.err)


def test_a_file_that_is_none(command_line: CommandLine) -> None:
    """An action that succeeded and gave no file is not to be run again."""

    @command_line.mock.catalogue.action("hubspot", "export")
    async def export(_context: ActionContext, _parameters: object) -> FileAnswer | dict[str, int]:
        return {"rows": 1}

    ended = command_line.run("execute", "hubspot", "export", "--save-to", "/tmp/refold-test-export")
    assert ended.code == 4
    assert "leave out --save-to" in ended.err
    assert not PYTHON.search(ended.err)


def test_the_table_is_of_use() -> None:
    """Each line rewords something that the library says; one that no longer does is taken out."""
    said = "\n".join(texts())
    assert not [pattern for pattern, _ in REWORDINGS if not re.search(pattern, said)]
