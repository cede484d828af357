"""`refold apps`, `actions`, `params` and `execute`."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from refold_async.cli.suggestions import closest, noting
from refold_async.errors import NotFoundError
from refold_async.testing import Reset, Silence
from support.command_line import CommandLine

EXECUTE = ("execute", "hubspot", "create_contact", "email=ada@example.com")


def executed(command_line: CommandLine) -> list[object]:
    """Return the parameters of the actions that were executed."""
    return [request.json for request in command_line.mock.requests_to("execute_action")]


def test_apps(command_line: CommandLine) -> None:
    """A table on a terminal, JSON with all there is elsewhere, and where it is asked for."""
    table = command_line.run("apps", terminal=True)
    assert (table.code, table.err) == (0, "")
    assert [line.split() for line in table.out.splitlines()[3:5]] == [
        ["hubspot", "HubSpot", "connected"],
        ["slack", "Slack", "connected"],
    ]
    piped = command_line.run("apps")
    assert [(app["slug"], app["connected"]) for app in json.loads(piped.out)] == [("hubspot", True), ("slack", True)]
    assert command_line.run("apps", "--json", terminal=True).out == piped.out


def test_what_an_action_takes(command_line: CommandLine) -> None:
    """Its parameters, with their types."""
    ended = command_line.run("params", "hubspot", "get_contact", terminal=True)
    assert ["limit", "number", "no", "Limit"] in [line.split() for line in ended.out.splitlines()]


def test_execute(command_line: CommandLine) -> None:
    """The app's data goes to stdout, what became of the call to stderr."""
    ended = command_line.run(*EXECUTE, "firstname=Ada", terminal=True)
    assert ended.code == 0
    assert json.loads(ended.out)["id"]
    assert ended.err.startswith("Success")
    assert executed(command_line) == [{"email": "ada@example.com", "firstname": "Ada"}]
    assert command_line.run(*EXECUTE).err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("execute", "hubspot", "create_contct"), "Did you mean 'create_contact'?"),
        (("execute", "hubspt", "create_contact"), "Did you mean 'hubspot'?"),
        (("params", "hubspot", "create_contct"), "Did you mean 'create_contact'?"),
        (("actions", "hubspt"), "Did you mean 'hubspot'?"),
        (("actions", "zzz"), "`refold apps` lists the apps."),
    ],
)
def test_what_is_unknown(command_line: CommandLine, arguments: tuple[str, ...], says: str) -> None:
    """An app or an action that is misspelled fails, and the error tells which was meant."""
    ended = command_line.run(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err
    assert not executed(command_line)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("emial=x",), "'emial' is unknown (did you mean 'email'?)"),
        ((), "'email' is required and missing"),
        (("email",), "'email' is not a parameter: write name=text"),
        (("email", "ada@example.com"), "as one word: email=VALUE."),
        (("email:=ada b",), "For plain text, write email= without the colon."),
        (("--email", "x"), "Parameters are written without dashes: email=VALUE."),
        (("--email=x",), "Parameters are written without dashes: email=VALUE."),
        (("--dry-rn",), "Did you mean --dry-run?"),
        (("lifecyclestage=lead",), "`refold params hubspot create_contact -a user_1` shows which it takes."),
        (("=x",), "'=x' is not a parameter"),
        (("email:=x",), "The value of email:= is not JSON"),
        (("email:=NaN",), "The value of email:= is not JSON: NaN is not a number in JSON."),
        (('email:={"a": 1, "a": 2}',), "The value of email:= has the key 'a' twice."),
        (('email:=[{"a": {"b": 1, "b": 1}}]',), "The value of email:= has the key 'b' twice."),
        (("email:=" + "[" * 100_000,), "The value of email:= is JSON that is nested too deeply."),
        (("email=x", "email=y"), "'email' is given twice"),
        (("email=@/no/such/file",), "/no/such/file cannot be read: No such file or directory."),
        (("email=@ada",), """For a text that begins with @, write 'email:="@ada"'."""),
        (("email=@",), "A file without a name cannot be read"),
        (("email=@-", "firstname=@-"), "email=@- and firstname=@- cannot all read stdin"),
        (("email:=@-", "@-"), "cannot all read stdin"),
    ],
)
def test_parameters_that_do_not_fit(command_line: CommandLine, given: tuple[str, ...], says: str) -> None:
    """They are refused before anything is sent to the app."""
    ended = command_line.run("execute", "hubspot", "create_contact", *given)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert not executed(command_line)


def test_parameters_from_files(command_line: CommandLine, tmp_path: Path) -> None:
    """From files and stdin come texts, JSON, and whole objects."""
    (tmp_path / "name").write_text("Ada\n")
    (tmp_path / "all.json").write_text('\ufeff{"lastname": "Lovelace"}', encoding="utf-8")  # as some editors do
    given = ("email=@-", f"firstname=@{tmp_path / 'name'}", f"@{tmp_path / 'all.json'}")
    assert command_line.run("execute", "hubspot", "create_contact", *given, stdin="ada@example.com").code == 0
    assert executed(command_line) == [{"email": "ada@example.com", "firstname": "Ada\n", "lastname": "Lovelace"}]


@pytest.mark.parametrize("given", ["@-", "email:=@-"])
def test_files_with_a_key_twice(command_line: CommandLine, given: str) -> None:
    """It is not decided for the user which of the two values counts."""
    ended = command_line.run("execute", "hubspot", "create_contact", given, stdin='{"email": "a", "email": "b"}')
    assert (ended.code, ended.out, ended.err) == (2, "", "refold: stdin has the key 'email' twice.\n")
    assert command_line.mock.request_count == 0


async def test_a_suggestion_that_takes_long() -> None:
    """The error is told without it."""

    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NotFoundError) as unknown:
        async with noting(never, patience=0.01):
            raise NotFoundError("x")
    assert not hasattr(unknown.value, "__notes__")


def test_what_is_known_is_not_suggested() -> None:
    """Where another thing was unknown than what was given, it is no suggestion."""
    known = {"e10": "e10", "e11": "e11", "alias": "e10"}
    assert [closest(given, known, likeness=0.1) for given in ("e10", "alias", "e1")] == [None, "e10", None]


def test_dry_run(command_line: CommandLine) -> None:
    """It checks, shows what would be sent without the key, and sends nothing to the app."""
    ended = command_line.run(*EXECUTE, "--dry-run")
    shown = json.loads(ended.out)
    assert ended.code == 0
    assert (shown["method"], shown["headers"]["x-api-key"]) == ("POST", "***")
    assert (
        shown["url"] == f"{command_line.mock.base_url}/api/v2/integration-schema/hubspot/actions/create_contact/execute"
    )
    assert shown["body"] == {"email": "ada@example.com"}
    assert not executed(command_line)
    assert command_line.run("execute", "hubspot", "create_contact", "--dry-run").code == 2


def test_a_production_key(command_line: CommandLine) -> None:
    """Nothing is written with it unasked: it takes a yes, in words or as an option."""
    command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    refused = command_line.run(*EXECUTE)
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    declined = command_line.run(*EXECUTE, stdin="n\n", terminal=True)
    assert declined.code == 1
    assert not executed(command_line)
    assert command_line.run(*EXECUTE, stdin="y\n", terminal=True).code == 0
    assert command_line.run(*EXECUTE, "--yes").code == 0
    assert command_line.run("execute", "hubspot", "get_contact", "--read").code == 0
    assert len(executed(command_line)) == 3


@pytest.mark.parametrize(
    "command", [("execute", "hubspot"), ("request", "POST", "/api/v2/integration-schema/hubspot/actions")], ids=str
)
def test_a_read_that_fails(command_line: CommandLine, command: tuple[str, ...]) -> None:
    """With `--read` there is nothing to check in the app, whatever became of the request."""
    command_line.mock.script(Silence(), route="execute_action")
    *words, last = command
    action = [*words, last, "get_contact"] if words[0] == "execute" else [*words, f"{last}/get_contact/execute"]
    failed = command_line.run(*action, "--read", "--timeout", "0.3")
    assert failed.code == 1
    assert "in the app" not in failed.err
    assert "Pass a larger --timeout" in failed.err


def test_effects(command_line: CommandLine) -> None:
    """The exit code tells whether it may have happened, and whether it did."""
    command_line.mock.script(Reset("after"), route="execute_action", calls=1)
    lost = command_line.run(*EXECUTE)
    assert lost.code == 3
    assert "check in the app before you" in lost.err
    # What is buffered cannot be written at its end either.
    with contextlib.suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:
        unprinted = command_line.run(*EXECUTE, stdout=full)
        assert unprinted.code == 4
        assert "No space left on device. It happened: do not run it again." in unprinted.err
        assert command_line.run("apps", stdout=full).code == 1
