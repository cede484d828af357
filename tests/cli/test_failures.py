"""How commands fail: one paragraph on stderr, the exit code that is documented, no key and no secret in either."""

import inspect
import io
import re
from pathlib import Path
from typing import Final

import pytest
from cyclopts import App

from refold_async.cli.app import make_app
from refold_async.testing import Answer, Reset, Silence
from support.command_line import CommandLine, Ended

SECRET: Final = "tk_very_secret"
CREATE: Final = ("execute", "hubspot", "create_contact", "email=ada@example.com")


_NO_SERVER: Final = ("nothing answers at 127.0.0.1:1. Is the server running?", "Nothing was sent.")


def failed(ended: Ended, code: int, *says: str) -> None:
    """Check that a command failed so, in one paragraph without the key."""
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("refold: ")
    assert ended.err.count("\n") == 1
    assert all(text in ended.err for text in says), ended.err
    assert SECRET not in ended.err


@pytest.fixture(autouse=True)
def _a_secret_key(command_line: CommandLine) -> None:
    command_line.environment.setenv("REFOLD_API_KEY", SECRET)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, "No API key: set REFOLD_API_KEY, or pass --api-key-file"),
        ("", "No API key"),
        (f"{SECRET}\n", "REFOLD_API_KEY ends with a space or a line break: remove it."),
        (f"\ufeff{SECRET}", "ZERO WIDTH NO-BREAK SPACE at position 1 of 15"),
    ],
)
def test_keys_of_the_environment(command_line: CommandLine, key: str | None, says: str) -> None:
    """One that is missing or cannot be one is refused before anything is sent."""
    if key is None:
        command_line.environment.delenv("REFOLD_API_KEY")
    else:
        command_line.environment.setenv("REFOLD_API_KEY", key)
    failed(command_line.run("apps"), 2, says)
    assert command_line.mock.request_count == 0


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\r\n", f"\ufeff{SECRET}\n", f"  {SECRET}\n\n"])
def test_key_files(command_line: CommandLine, tmp_path: Path, content: str) -> None:
    """What editors of any system leave around a key does no harm."""
    command_line.environment.delenv("REFOLD_API_KEY")
    file = tmp_path / "key"
    file.write_bytes(content.encode())
    assert command_line.run("apps", "--api-key-file", str(file)).code == 0
    assert command_line.mock.requests[-1].headers["x-api-key"] == SECRET


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"{SECRET}\ntk_other\n".encode(), "must hold an API key and nothing else."),
        (f"{SECRET}\rtk_other".encode(), "must hold an API key and nothing else."),
        (f"REFOLD_API_KEY={SECRET}\n".encode(), "must hold an API key and nothing else."),
        (b"", "must hold an API key and nothing else."),
        (SECRET.encode("utf-16"), "cannot be read: it is not text."),
        (SECRET.encode() + b"x" * 5000, "must hold an API key and nothing else."),
    ],
)
def test_key_files_with_something_else(command_line: CommandLine, tmp_path: Path, content: bytes, says: str) -> None:
    """They are refused, and what they hold is not shown."""
    file = tmp_path / "key"
    file.write_bytes(content)
    failed(command_line.run("apps", "--api-key-file", str(file)), 2, says)
    assert command_line.mock.request_count == 0


def test_key_files_that_cannot_be_read(command_line: CommandLine, unprivileged: Path) -> None:
    """The error says why; a key that was given for the name of a file is not shown."""
    failed(command_line.run("apps", "--api-key-file", str(unprivileged)), 2, "Is a directory.")
    failed(
        command_line.run("apps", "--api-key-file", "no/such/file"),
        2,
        "no/such/file cannot be read: there is no such file.",
    )
    failed(command_line.run("apps", "--api-key-file", SECRET), 2, "takes the name of a file")
    locked = unprivileged / "key"
    locked.write_text(SECRET)
    locked.chmod(0)
    failed(command_line.run("apps", "--api-key-file", str(locked)), 2, "Permission denied.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("apps", "--api-key", SECRET),
        ("apps", f"--api-key={SECRET}"),
        ("--api-key", SECRET, "apps"),
        (f"--api-key={SECRET}",),
        ("executions", f"--api-key={SECRET}", "list"),
    ],
)
def test_keys_as_options(command_line: CommandLine, arguments: tuple[str, ...]) -> None:
    """There is no such option, and the error shows where the key belongs instead of the key."""
    failed(command_line.run(*arguments), 2, "There is no --api-key", "REFOLD_API_KEY", "--api-key-file")


@pytest.mark.parametrize(
    "arguments", [(SECRET,), ("apps", SECRET), ("apps", f"-k{SECRET}"), ("apps", f"--key={SECRET}")]
)
def test_keys_as_words(command_line: CommandLine, arguments: tuple[str, ...]) -> None:
    """A key that stands anywhere else on a command line is not shown either."""
    failed(command_line.run(*arguments), 2)


def test_which_key_is_none(command_line: CommandLine, tmp_path: Path) -> None:
    """The error about a key tells where it was found."""
    file = tmp_path / "key"
    file.write_text(f"'{SECRET}'")
    failed(command_line.run("apps", "--api-key-file", str(file)), 2, f"The key in {file} is in quotes")
    command_line.environment.setenv("REFOLD_API_KEY", f"'{SECRET}'")
    failed(command_line.run("apps"), 2, "REFOLD_API_KEY is in quotes")


def test_proxies(command_line: CommandLine) -> None:
    """The proxy of the environment is called for Refold, as by other programs, but for none on this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        command_line.environment.setenv(name, "http://127.0.0.1:1")
        command_line.environment.delenv(name.lower(), raising=False)
    for name in ("NO_PROXY", "no_proxy", "REQUEST_METHOD"):
        command_line.environment.delenv(name, raising=False)
    assert command_line.run("apps").code == 0
    failed(command_line.run("apps", "--base-url", "https://refold.invalid"), 1, *_NO_SERVER)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["aps"], 'Did you mean "apps"?'),
        (["apps", "--jsn"], "Did you mean --json?"),
        (
            ["accounts", "upsert", "a", "--name", "Ada", "King", "L"],
            "`refold accounts upsert` does not take King L. Put a value with spaces in quotes.",
        ),
        (["-a", "user_1", "apps"], "Options come after the command: refold COMMAND -a."),
        (["executions", "--json", "list"], "Options come after the command: refold executions COMMAND --json."),
        (["apps", "--tiemout", "1"], "Did you mean --timeout?"),
        (["execute", "hubspot"], "`refold execute` needs ACTION_ID. Try `refold execute --help`."),
        (["fan-out", "hubspot", "create_contact"], "`refold fan-out` needs --accounts."),
        (["apps", "--timeout", "soon"], '--timeout must be a number, not "soon".'),
        (["executions", "list", "--limit", "few"], '--limit must be a whole number, not "few".'),
        (["apps", "--timeout"], "--timeout needs a value."),
        (["apps", "--account"], "--account needs a value."),
        (["apps", "--json=maybe"], '--json takes no value: leave out "=maybe".'),
        (["apps", "--json", "--json"], "--json is given more than once."),
        (["apps", "hubspot"], "`refold apps` does not take hubspot. Try `refold apps --help`."),
        (["apps", "--", "--json"], '`refold apps` does not take "--json".'),
        (["--json", "apps"], "Options come after the command: refold COMMAND --json. Try `refold --help`."),
        (["workflows", "lst"], 'Did you mean "list"?'),
        (["workflows", "show"], "The commands are list, get, params, run."),
        (["fan-out", "hubspot", "create_contact", "--accounts", "x", "-a", "y"], "--account-column names another"),
        (["apps", "-a", "a\tb"], "--account contains '\\t'"),
        (["mock", "--port", "99999"], "--port must be 0 to 65535"),
        (["generate", "hubspot", "--json"], "Unknown option: --json."),
        (["apps", "--timeout", "-1"], "number of seconds above 0"),
        (["apps", "--base-url", "nonsense"], "must be a full URL"),
        (["apps", "--base-url", "http://refold.example"], "http"),
        (["apps", "--base-url", f"https://user:{SECRET}@refold.example"], "user name or password"),
        (["apps", "-a", ""], ""),
        (["params", "hubspot", "\udcff"], "surrogates cannot be sent"),
        (["params", "\x1b[31m", "x"], "control characters"),
        (["execute", "hubspot", "create_contact", "email=\udcff"], "surrogates not allowed"),
        (["execute", "hubspot", "create_contact", "email=@\0"], "cannot be read: "),
    ],
)
def test_misuse(command_line: CommandLine, arguments: list[str], says: str) -> None:
    """What is written wrongly is told with what was meant, and nothing is sent to an app."""
    failed(command_line.run(*arguments), 2, says)
    assert not command_line.mock.requests_to("execute_action")


def test_fractions_of_whole_numbers(command_line: CommandLine) -> None:
    """No option that takes a whole number rounds what it is given."""
    refused = 0
    for command in commands(make_app(), ()):
        app = make_app().parse_commands(command)[1][-1]
        arguments = app.assemble_argument_collection() if app.default_command else ()
        needed = ["--accounts=x", "hubspot", "create_contact"] if command == ("fan-out",) else []
        for option in (argument.name for argument in arguments if argument.hint in (int, int | None)):
            for number in ("2.7", "1e1", "inf"):
                ended = command_line.run(*command, *needed, f"{option}={number}")
                failed(ended, 2, f'{option} must be a whole number, not "{number}". Try `refold')
                refused += 1
    assert refused >= 24
    assert command_line.mock.request_count == 0


def test_answers_that_fail(command_line: CommandLine) -> None:
    """A wrong key, no server, and one that does not answer in time."""
    command_line.mock.script(Answer(401), calls=1)
    failed(command_line.run("apps"), 1, "401", f"The key came from REFOLD_API_KEY, and {command_line.mock.base_url}")
    command_line.mock.script(Silence())
    failed(command_line.run("apps", "--timeout", "0.1"), 1, "0.1", "Pass a larger --timeout.")
    failed(command_line.run(*CREATE, "--read", "--timeout", "0.1"), 1, "0.1", "Nothing was executed")
    for command in (("apps",), ("executions", "watch", "x"), ("executions", "wait", "x")):  # not after --max-wait
        failed(command_line.run(*command, "--base-url", "http://127.0.0.1:1"), 1, *_NO_SERVER)


def test_writes_that_fail(command_line: CommandLine) -> None:
    """What may have happened is told, by the exit code too."""
    command_line.mock.script(Reset("after"), route="execute_action", calls=1)
    failed(command_line.run(*CREATE), 3, "It may have happened: check in the app")
    command_line.mock.script(Answer(403), route="execute_action", calls=1)
    failed(command_line.run(*CREATE), 1, "403")
    command_line.mock.script(Answer(502, body=b"<html>"), route="execute_action", calls=1)
    failed(command_line.run(*CREATE), 3, "It may have happened: check in the app")


@pytest.mark.parametrize(
    "stdin", ['{"password": hunter2}', '{"password": "hunter2"}', '"hunter2"', '{"email": "hunter2"']
)
def test_secrets_of_stdin(command_line: CommandLine, stdin: str) -> None:
    """What came from stdin is not in an error about it."""
    ended = command_line.run("execute", "hubspot", "create_contact", "@-", stdin=stdin)
    failed(ended, 2)
    assert "hunter2" not in ended.err


def test_a_dry_run_shows_no_key(command_line: CommandLine) -> None:
    """It shows the request but for the key."""
    ended = command_line.run(*CREATE, "--dry-run")
    assert '"x-api-key": "***"' in ended.out
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("columns", ["20", "0", "many", "1000"])
def test_widths(command_line: CommandLine, columns: str) -> None:
    """Errors, tables and help fit into any terminal."""
    command_line.environment.setenv("COLUMNS", columns)
    for arguments, code in ((["apps"], 0), (["--help"], 0), (["execute", "--help"], 0), (["aps"], 2)):
        ended = command_line.run(*arguments, terminal=True)
        assert ended.code == code
        if columns == "20":
            shown = re.sub(r"\x1b\[[\d;]*m", "", ended.out + ended.err)
            assert not [line for line in shown.splitlines() if len(line) > 20]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_encodings(command_line: CommandLine, encoding: str) -> None:
    """JSON is JSON in any of them."""

    @command_line.mock.catalogue.action("hubspot", "greet", description="\u4f60\u597d")
    async def greet(_context: object, _parameters: object) -> str:
        return "\u4f60\u597d"

    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    assert command_line.run("execute", "hubspot", "greet", stdout=out).code == 0
    assert command_line.run("generate", "hubspot", "--action", "greet", stdout=out).code == 0
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    written = buffer.getvalue().decode("ascii")
    assert written.startswith('"\\u4f60\\u597d"\n')
    compile(written.partition("\n")[2], "module", "exec")


def commands(app: App, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return all commands below one, as they are written."""
    names = [name for name in app if not name.startswith("-")]
    return [found for name in names for found in [(*path, name), *commands(app[name], (*path, name))]]


def test_every_command_has_help(command_line: CommandLine) -> None:
    """Each says what it does, by --help and -h."""
    known = commands(make_app(), ())
    assert ("execute",) in known
    assert command_line.run().out == command_line.run("--help").out
    for command in [(), *known]:
        ended = command_line.run(*command, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"Usage: refold {' '.join(command)}".rstrip())
        assert ("Exit codes:\n  0 " in ended.out) == (command == ())
    for command in ((), ("execute",), ("workflows", "run")):
        assert command_line.run(*command, "-h").out == command_line.run(*command, "--help").out
    assert command_line.run("--version").out.strip()


def test_help_tells_all_there_is(command_line: CommandLine) -> None:
    """What is told of an argument fills its lines; and help tells what a docstring does beside its first paragraph."""
    command_line.environment.setenv("COLUMNS", "1000")
    for command in commands(make_app(), ()):
        shown = command_line.run(*command, "--help").out
        rows = [line for line in shown.splitlines() if line.startswith("\u2502")]
        assert not [line for line in rows if line[1:].startswith(" " * 12)], command
        function = make_app().parse_commands(command)[1][-1].default_command
        told = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0].split("\n\n")[1:] if function else []
        for paragraph in told:
            assert " ".join(paragraph.split()) in " ".join(shown.split()), command


def test_help_begins_with_what_a_newcomer_needs(command_line: CommandLine) -> None:
    """The three commands that it shows first run as they are shown, and the commands are in the order of their use."""
    shown = command_line.run("--help").out
    first = [line.split()[1:] for line in shown.splitlines() if line.startswith("  refold ")]
    assert [arguments[0] for arguments in first] == ["actions", "params", "execute"]
    for arguments in first:
        assert command_line.run(*arguments).code == 0
    listed = [
        line.split()[1] for line in shown.partition("Actions of apps")[2].splitlines() if line.startswith("\u2502")
    ]
    assert listed[:4] == ["apps", "actions", "params", "execute"]
    assert listed == [*(name for name in make_app() if not name.startswith("-")), "--help", "--version"]


def test_an_address_of_another_server(command_line: CommandLine) -> None:
    """A path that the server does not have is no fault of the app."""
    for arguments in (("apps",), ("actions", "hubspot")):
        ended = command_line.run(*arguments, "--base-url", f"{command_line.mock.base_url}/foo")
        failed(ended, 1, "the server has no path /foo/api/", "Check --base-url or REFOLD_BASE_URL")
        assert "slug" not in ended.err


def test_a_misspelled_option_of_which_another_is_missing(command_line: CommandLine) -> None:
    """The error is about what was written."""
    command_line.environment.delenv("REFOLD_LINKED_ACCOUNT_ID")
    failed(command_line.run("actions", "hubspot", "--acount", "x"), 2, "--acount. Did you mean --account?")


def test_usage_names_what_it_takes(command_line: CommandLine) -> None:
    """No usage line has a word that the help does not explain."""
    for command in commands(make_app(), ()):
        usage, _, explained = command_line.run(*command, "--help").out.partition("\n")
        for name in re.findall(r"(\w+)\.\.\.", usage):
            assert re.search(rf"\b{name}\b", explained), usage
