"""`refold` as a process: its streams, its signals, what it does without, and that it ends in one paragraph."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import refold_async
from refold_async.testing import MockRefold, Reset, Silence
from support.command_line import Ended, served_by_thread

CREATE: Final = "execute hubspot create_contact email=ada@example.com"
LOOK: Final = "check in the app before you run it again."
DONE: Final = "It happened: do not run it again."
SECRET: Final = "tk_very_secret"
SOURCES: Final = str(Path(refold_async.__file__).parent.parent)


STARTED: Final[list["subprocess.Popen[bytes]"]] = []


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def mock() -> Iterator[MockRefold]:
    """A mock that a thread serves."""
    with served_by_thread(MockRefold()) as mock:
        yield mock


def environment_for(mock: MockRefold, changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the environment of a command; what is None is taken out."""
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COLUMNS", "LC_", "LANG", "PYTHON"))
        },
        "PYTHONPATH": SOURCES,
        "REFOLD_API_KEY": SECRET,
        "REFOLD_BASE_URL": mock.base_url,
        "REFOLD_LINKED_ACCOUNT_ID": "user_1",
        **changes,
    }
    return {name: value for name, value in environment.items() if value is not None}


def started(mock: MockRefold, shell: str, changes: Mapping[str, str | None]) -> "subprocess.Popen[bytes]":
    """Start a line of shell, in which `refold` is the command line."""
    refold = f'refold() {{ "{sys.executable}" -W error -m refold_async "$@"; }}\n'
    process = subprocess.Popen(
        ["bash", "-c", refold + shell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment_for(mock, changes),
        start_new_session=True,
    )
    STARTED.append(process)
    return process


def ended(process: "subprocess.Popen[bytes]") -> Ended:
    """Wait for what was started, which leaves neither a traceback nor the key."""
    out, err = process.communicate(timeout=60)
    shown = Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    for text in (shown.out, shown.err):
        assert "Traceback" not in text
        assert "Exception ignored" not in text
        assert SECRET not in text
    return shown


def run(mock: MockRefold, shell: str, changes: Mapping[str, str | None] = {}) -> Ended:
    """Run a line of shell."""
    return ended(started(mock, shell, changes))


def executed(mock: MockRefold) -> int:
    """Return how many actions were executed, or are being."""
    return len(mock.requests_to("execute_action"))


def wait_until(condition: object, *arguments: object) -> None:
    """Wait until a function gives something true."""
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition(*arguments):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("shell", "code", "says"),
    [
        ("refold apps >/dev/full", 1, "No space left on device."),
        (f"refold {CREATE} >/dev/full", 4, f"No space left on device. {DONE}"),
        ("refold apps | true; exit ${PIPESTATUS[0]}", 141, None),
        (f"refold {CREATE} | true; exit ${{PIPESTATUS[0]}}", 4, f"ended before all of it was written. {DONE}"),
        ("refold apps >&-", 1, "The output cannot be written: stdout is closed."),
        (f"refold {CREATE} >&-", 4, DONE),
        ("refold execute hubspot create_contact email=@- <&-", 2, "stdin cannot be read: it is closed."),
        ("refold apps >&- 2>&- <&-", 1, None),
        pytest.param("refold --help >/dev/full", 1, "No space left on device.", marks=pytest.mark.slow),
        pytest.param("refold --version >&-", 1, "stdout is closed.", marks=pytest.mark.slow),
        pytest.param("refold --help | true; exit ${PIPESTATUS[0]}", 141, None, marks=pytest.mark.slow),
        pytest.param("refold generate hubspot >/dev/full", 1, "No space left on device.", marks=pytest.mark.slow),
        pytest.param("refold aps 2>&-", 2, None, marks=pytest.mark.slow),
        pytest.param("refold aps 2>/dev/full", 2, None, marks=pytest.mark.slow),
        pytest.param(f"refold {CREATE} >/dev/full 2>/dev/full", 4, None, marks=pytest.mark.slow),
    ],
)
def test_streams(mock: MockRefold, shell: str, code: int, says: str | None) -> None:
    """What cannot be printed is told in one paragraph, with what became of a write; so it is without stderr."""
    if "/dev/full" in shell and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    shown = run(mock, shell)
    assert (shown.code, shown.out) == (code, "")
    assert shown.err.count("\n") == (0 if says is None else 1)
    if says is not None:
        assert shown.err.startswith("refold: ")
        assert says in shown.err
    assert executed(mock) == (CREATE in shell)


def test_files_that_do_not_fit(mock: MockRefold, tmp_path: Path) -> None:
    """What cannot be written as a whole is not written at all, and the error names the file that was asked for."""
    shown = run(
        mock, f"ulimit -f 1; refold generate hubspot -o {tmp_path}/hubspot_actions.py", {"PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert shown == Ended(1, "", f"refold: {tmp_path}/hubspot_actions.py: File too large.\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_readers_that_leave(mock: MockRefold, unbuffered: str) -> None:
    """A reader who takes the first line of many ends it without a word, also where Python would not notice."""
    mock.catalogue.add_app("large")
    for number in range(200):
        mock.catalogue.action("large", f"action_{number}", description="x" * 2000)(_nothing)
    shown = run(mock, "refold generate large | head -1; exit ${PIPESTATUS[0]}", {"PYTHONUNBUFFERED": unbuffered})
    assert (shown.code, shown.out.count("\n"), shown.err) == (141, 1, "")


async def _nothing(_context: object, _parameters: object) -> None: ...


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_signals_before_a_write(mock: MockRefold, number: signal.Signals, code: int) -> None:
    """What is ended while it reads has done nothing."""
    mock.script(Silence(), route="get_action_parameters")
    process = started(mock, f"exec {sys.executable} -m refold_async {CREATE}", {})
    wait_until(mock.requests_to, "get_action_parameters")
    process.send_signal(number)
    assert ended(process) == Ended(code, "", "refold: Stopped.\n")
    assert executed(mock) == 0


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_signals_during_a_write(mock: MockRefold, number: signal.Signals) -> None:
    """What is ended while it waits for the answer to a write says that this may have happened."""
    mock.script(Silence(), route="execute_action")
    process = started(mock, f"exec {sys.executable} -m refold_async {CREATE}", {})
    wait_until(executed, mock)
    process.send_signal(number)
    assert ended(process) == Ended(3, "", f"refold: Stopped. It may have happened: {LOOK}\n")


def test_ctrl_c_after_a_write(mock: MockRefold) -> None:
    """One who stops it while nobody takes its output is told that the write happened, by the exit code too."""

    @mock.catalogue.action("hubspot", "give_much")
    async def give_much(_context: object, _parameters: object) -> str:
        return "x" * 1_000_000

    process = started(mock, f"exec {sys.executable} -m refold_async execute hubspot give_much", {})
    wait_until(executed, mock)
    assert process.stdout is not None
    assert process.stdout.read(1) == b'"'  # it writes, and waits for the rest to be taken
    process.send_signal(signal.SIGINT)
    shown = ended(process)
    assert (shown.code, shown.err.count("\n")) == (3, 1)
    assert LOOK in shown.err


@pytest.mark.parametrize("during", ["typing", "cyclopts", "asyncio", "aiohttp"])
def test_ctrl_c_while_it_starts(mock: MockRefold, during: str) -> None:
    """Whatever it is loading, it ends as at any other moment, and nothing was sent."""
    program = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == '{during}': raise KeyboardInterrupt\n"
        f"for name in ('re', 'typing', '{during}'): sys.modules.pop(name, None)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv[1:] = ['apps']\n"
        "from refold_async.cli.main import main\n"
        "main()\n"
    )
    shown = run(mock, f'{sys.executable} -c "{program}"')
    assert shown == Ended(130, "", "refold: Stopped.\n")
    assert mock.request_count == 0


def test_ctrl_c_just_before_a_write(mock: MockRefold) -> None:
    """While it loads what checks the payload, the event loop notices nothing; the workflow is not run."""
    program = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'jsonschema': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv[1:] = ['workflows', 'run', '6a30f0c2d4616e99e7fa5a01', 'email=ada@example.com']\n"
        "from refold_async.cli.main import main\n"
        "main()\n"
    )
    shown = run(mock, f'{sys.executable} -c "{program}"')
    assert shown == Ended(130, "", "refold: Stopped.\n")
    assert len(mock.requests_to("get_request_structure")) == 1
    assert not mock.requests_to("execute_workflow")


@pytest.mark.parametrize("what", ["stdin", "a_pipe"])
def test_ctrl_c_while_it_waits_for_input(mock: MockRefold, tmp_path: Path, what: str) -> None:
    """It ends at once where it waits for a person or for another program."""
    os.mkfifo(tmp_path / "a_pipe")
    source = "-" if what == "stdin" else tmp_path / "a_pipe"
    process = started(
        mock,
        f"echo begun >&2; exec {sys.executable} -m refold_async execute hubspot create_contact email=@{source}",
        {},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"begun\n"
    wait_until(_sleeps, process.pid)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert ended(process) == Ended(130, "", "refold: Stopped.\n")
    assert mock.request_count == 0


def _sleeps(pid: int) -> bool:
    """Tell whether a process waits in a read or an open, rather than starting."""
    state = Path(f"/proc/{pid}/wchan")
    if not state.exists():
        pytest.skip("there is no /proc here")
    return state.read_text() in {"pipe_read", "anon_pipe_read", "wait_for_partner", "fifo_open", "pipe_wait"}


@pytest.mark.parametrize(("keys", "code", "says"), [(b"\x03", 130, "Stopped."), (b"\x04", 1, "Nothing was sent.")])
def test_ctrl_c_at_the_question(mock: MockRefold, keys: bytes, code: int, says: str) -> None:
    """On a terminal it ends at once, where a write was about to be confirmed."""
    in_a_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    shell = f"exec {sys.executable} -c '{in_a_terminal}' {sys.executable} -m refold_async {CREATE}"
    process = started(mock, shell, {"REFOLD_API_KEY": "pk_live"})
    assert process.stdin is not None
    assert process.stdout is not None
    question = b""
    while not question.endswith(b"[y/N] "):
        question += (part := os.read(process.stdout.fileno(), 4096))
        assert part, question
    process.stdin.write(keys)
    process.stdin.flush()
    process.wait(60)
    shown = ended(process)
    assert shown.code == code
    assert shown.out.splitlines()[1:] == [says if code == 1 else f"refold: {says}"]
    assert executed(mock) == 0


@pytest.mark.parametrize("nohup", ["trap '' INT; ", "trap '' HUP; "])
@pytest.mark.slow
def test_signals_that_are_ignored(mock: MockRefold, nohup: str) -> None:
    """What whoever starts it has ignored stays so; SIGTERM ends it nevertheless."""
    mock.script(Silence(), route="execute_action")
    process = started(mock, f"{nohup}exec {sys.executable} -m refold_async {CREATE}", {})
    wait_until(executed, mock)
    process.send_signal(signal.SIGINT if "INT" in nohup else signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    shown = ended(process)
    assert (shown.code, shown.err) == (3, f"refold: Stopped. It may have happened: {LOOK}\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"COLUMNS": "20"},
        {"TERM": "dumb", "HOME": None, "NO_COLOR": "1"},
    ],
)
@pytest.mark.slow
def test_surroundings(mock: MockRefold, changes: dict[str, str | None]) -> None:
    """It works in any encoding and any width; what cannot be shown is escaped, and JSON stays JSON."""

    @mock.catalogue.action("hubspot", "écho", description="Écho \U0001f600 \x1b[31m")
    async def echo(_context: object, parameters: object) -> object:
        return parameters

    shell = """
    refold --help >/dev/null &&
    refold actions hubspot | "$TESTED" -c "$SHOW_JSON" &&
    refold generate hubspot --action écho | "$TESTED" -c "$SHOW_MODULE" &&
    refold execute hubspot échp
    """
    programs: dict[str, str | None] = {
        "TESTED": sys.executable,
        "SHOW_JSON": "import json, sys; print(ascii(json.load(sys.stdin)[-1]['description']))",
        "SHOW_MODULE": "import sys; exec(sys.stdin.buffer.read()); print(ascii(ActionId))",
    }
    shown = run(mock, shell, {**changes, **programs})
    assert shown.code == 1
    assert shown.out.splitlines() == ["'\\xc9cho \\U0001f600 \\x1b[31m'", "typing.Literal['\\xe9cho']"]
    assert "Did you mean" in shown.err


def test_without_the_extra(mock: MockRefold, tmp_path: Path) -> None:
    """Where the command line's own dependencies are missing, it says what to install."""
    for missing in ("cyclopts", "rich"):
        (tmp_path / missing).mkdir()
        (tmp_path / missing / missing).mkdir()
        (tmp_path / missing / missing / "__init__.py").write_text(
            f"raise ModuleNotFoundError('No module named {missing}', name='{missing}')"
        )
        shown = run(mock, "refold --help", {"PYTHONPATH": f"{tmp_path / missing}:{SOURCES}"})
        assert (shown.code, shown.out) == (2, "")
        assert shown.err == f"refold: The command line needs {missing}: pip install 'refold-async[cli]'\n"


def test_faults_of_our_own(mock: MockRefold) -> None:
    """An exception that nobody expected ends in a paragraph too, with what became of the writes before it."""
    program = (
        "import sys\n"
        "from refold_async.cli import main\n"
        "from refold_async.cli.commands import actions\n"
        "def fail(*_):\n"
        "    raise ZeroDivisionError('a text')\n"
        "actions.print_json = fail\n"
        f"sys.argv[1:] = '{CREATE}'.split()\n"
        "main.main()\n"
    )
    shown = run(mock, f'{sys.executable} -c "{program}"')
    assert (shown.code, shown.out) == (4, "")
    fault = "refold: ZeroDivisionError: a text. This is a bug in refold; REFOLD_LOG=debug shows where."
    assert shown.err == f"{fault} {DONE}\n"


@pytest.mark.slow
def test_the_log_shows_no_key(mock: MockRefold) -> None:
    """What REFOLD_LOG adds holds neither the key nor what was sent."""
    mock.script(Reset("after"), route="execute_action", calls=1)
    environment = environment_for(mock, {"REFOLD_LOG": "debug"})
    ran = subprocess.run(
        [sys.executable, "-m", "refold_async", *CREATE.split()],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert ran.returncode == 3
    assert "Traceback" in ran.stderr
    assert SECRET not in ran.stderr
    assert "ada@example.com" not in ran.stderr


def test_help_is_quick(mock: MockRefold) -> None:
    """It loads neither the client nor what runs the commands."""
    program = (
        "import sys\n"
        "from refold_async.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "heavy = {'aiohttp', 'asyncio', 'cattrs', 'backoff', 'sqlite3', 'orjson', 'refold_async.client'}\n"
        "commands = {name for name in sys.modules if name.startswith('refold_async.cli.commands')}\n"
        "print(sorted(heavy & sys.modules.keys() | commands), file=sys.stderr)\n"
    )
    shown = run(mock, f'{sys.executable} -c "{program}"')
    assert shown.err == "[]\n"
    assert "Exit codes" in shown.out
