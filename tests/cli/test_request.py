"""`refold request`."""

import json
from pathlib import Path

import pytest

from refold_async.testing import Answer
from support.command_line import CommandLine

EXECUTE = "/api/v2/integration-schema/hubspot/actions/create_contact/execute"


def test_reads(command_line: CommandLine) -> None:
    """What is given to a GET is its query; it is for the account, or for the organisation."""
    read = command_line.run("request", "GET", "/api/v2/public/linked-account", "limit:=1", "-q", "page=1")
    assert (read.code, json.loads(read.out)["limit"]) == (0, 1)
    [sent] = command_line.mock.requests
    assert (sent.query, sent.linked_account_id) == ({"limit": "1", "page": "1"}, "user_1")
    assert command_line.run("request", "get", "/api/v2/public/linked-account", "--organisation").code == 0
    assert command_line.mock.requests[-1].linked_account_id is None


def test_writes(command_line: CommandLine, tmp_path: Path) -> None:
    """What is given to any other method is its body."""
    written = command_line.run("request", "POST", EXECUTE, "email=ada@example.com", "-q", "trace=1", "-H", "slug=x")
    assert json.loads(written.out)["node_status"] == "Success"
    [sent] = command_line.mock.requests_to("execute_action")
    assert (sent.json, sent.query, sent.headers["slug"]) == ({"email": "ada@example.com"}, {"trace": "1"}, "x")
    (tmp_path / "body.json").write_text("[1, 2]")
    command_line.run("request", "POST", "/api/anything", f"@{tmp_path / 'body.json'}")
    assert command_line.mock.requests[-1].json == [1, 2]


def test_headers_of_files(command_line: CommandLine, tmp_path: Path) -> None:
    """The line break at a file's end is no part of the header."""
    (tmp_path / "token").write_bytes(b"secret\r\n")
    shown = command_line.run("request", "POST", "/api", "-H", f"token=@{tmp_path / 'token'}", "--dry-run")
    assert json.loads(shown.out)["headers"]["token"] == "secret"
    made = command_line.run(
        *("webhooks", "create", "https://example.com", "Workflow Errored", "-H", "token=@-"), stdin="secret\n"
    )
    assert made.code == 0
    assert command_line.mock.requests[-1].json["webhook_headers"] == {"token": "secret"}


def test_numbers_that_are_too_large(command_line: CommandLine) -> None:
    """JSON stays JSON, and texts stay as they are."""
    command_line.mock.script(Answer(200, body=b'{"Infinity": [1e999, -1e999, "\\"-Infinity"]}'))
    assert command_line.run("request", "GET", "/api").out.split() == [
        *("{", '"Infinity":', "[", "1e999,", "-1e999,", '"\\"-Infinity"', "]", "}")
    ]


def test_a_production_key(command_line: CommandLine) -> None:
    """Every method but GET counts as a write, unless `--read` vouches that it only reads."""
    command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert command_line.run("request", method, EXECUTE).code == 2
    assert not command_line.mock.requests
    assert command_line.run("request", "GET", "/api/v2/public/linked-account").code == 0
    assert command_line.run("request", "POST", EXECUTE, "email=x", "--dry-run").code == 0
    command_line.mock.script(Answer(503), route="execute_action", calls=1)
    assert command_line.run("request", "POST", EXECUTE, "email=ada@example.com", "--read").code == 0
    assert len(command_line.mock.requests_to("execute_action")) == 2


def test_effects(command_line: CommandLine) -> None:
    """The exit code tells whether a write may have happened."""
    command_line.mock.script(Answer(503), route="execute_action")
    assert command_line.run("request", "POST", EXECUTE, "email=ada@example.com").code == 3
    assert command_line.run("request", "POST", "/api/v2/nothing").code == 1


def test_files(command_line: CommandLine, tmp_path: Path) -> None:
    """An answer that is a file is saved."""
    target = tmp_path / "invoice.pdf"
    command_line.mock.script(Answer(200, body=b"%PDF-1", content_type="application/pdf"), route="get_workflow")
    path = "/api/v2/public/workflow/1"
    refused = command_line.run("request", "GET", path)
    assert refused.code == 1
    assert "pass --save-to FILE" in refused.err
    saved = command_line.run("request", "GET", path, "--save-to", str(target))
    assert json.loads(saved.out) == {"path": str(target), "size": 6, "content_type": "application/pdf"}
    assert target.read_bytes() == b"%PDF-1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("BREW", "/api"), "method must be one of"),
        (("GET", "api"), "must start with one '/'"),
        (("GET", "/api?page=1"), "pass the query as name=value or --query"),
        (("GET", "/api/100%"), "write a % as %25"),
        (("GET", "/api", "page"), "'page' is not a parameter"),
        (("POST", "/api", "-q", "page"), "'page' is not a parameter"),
        (("POST", "/api", "-H", "x-api-key=tk"), "x-api-key"),
        (("POST", "/api", "a=@-", "-H", "b=@-"), "a=@- and b=@- cannot all read stdin"),
        (("GET", "/api", "-q", "a=@-", "-q", "b=@-"), "cannot all read stdin"),
        (("POST", "/api", "-a", ""), "is empty: pass --organisation"),
        (("GET", "/api", "--save-to", "/no/such/folder/x"), "--save-to /no/such/folder/x cannot be written"),
    ],
)
def test_what_cannot_be_sent(command_line: CommandLine, arguments: tuple[str, ...], says: str) -> None:
    """It is refused before anything is sent."""
    refused = command_line.run("request", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err
    assert not command_line.mock.requests
