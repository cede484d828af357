"""`refold workflows` and `refold executions`."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import refold_async
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, Reset, Silence, Truncated
from support.command_line import CommandLine, Ended
from support.running_programs import ended, running
from support.waiting import until

RUN = ("workflows", "run", SAMPLE_WORKFLOW_ID, "email=ada@example.com")


def started_by(run: Ended) -> str:
    """Return the id of the execution that a command says it has started."""
    assert run.err.startswith("Started execution "), run.err
    return run.err.split()[2]


def starts(command_line: CommandLine) -> list[object]:
    """Return the bodies of the requests that started a workflow."""
    return [request.json for request in command_line.mock.requests_to("execute_workflow")]


def test_workflows(command_line: CommandLine) -> None:
    """They are listed and shown, and so is what payload one takes."""
    table = command_line.run("workflows", "list", terminal=True)
    assert (table.code, table.err) == (0, "")
    assert [SAMPLE_WORKFLOW_ID, "Welcome", "a", "contact", "hubspot", "yes"] in [
        line.split() for line in table.out.splitlines()
    ]
    piped = json.loads(command_line.run("workflows", "list", "--slug", "hubspot", "--published").out)
    assert [workflow["_id"] for workflow in piped] == [SAMPLE_WORKFLOW_ID]
    shown = command_line.run("workflows", "get", SAMPLE_WORKFLOW_ID, terminal=True)
    assert "NAME         Welcome a contact" in shown.out.splitlines()
    taken = command_line.run("workflows", "params", SAMPLE_WORKFLOW_ID, terminal=True)
    assert ["email", "string", "yes", "-"] in [line.split() for line in taken.out.splitlines()]
    assert '"email": "jane@example.com"' in taken.out
    assert json.loads(command_line.run("workflows", "params", SAMPLE_WORKFLOW_ID).out)["schema"]["required"] == [
        "email"
    ]


def test_run(command_line: CommandLine) -> None:
    """What the run gave back goes to stdout; which execution it was, to stderr."""
    ran = command_line.run(*RUN)
    assert ran.code == 0
    assert json.loads(ran.out) == {"contact_id": json.loads(ran.out)["contact_id"], "created": True}
    execution_id = started_by(ran)
    assert starts(command_line) == [{"payload": {"email": "ada@example.com"}}]
    shown = json.loads(command_line.run("executions", "get", execution_id).out)
    assert (shown["_id"], shown["status"]) == (execution_id, "COMPLETED")
    assert command_line.run("executions", "wait", execution_id).out == ran.out
    assert json.loads(command_line.run("executions", "response", execution_id).out)["response"] == json.loads(ran.out)


def test_run_in_parts(command_line: CommandLine) -> None:
    """One that is not waited for prints its id; `watch` prints how it goes on, in lines for people or programs."""
    begun = command_line.run(*RUN, "--no-wait", "--slug", "hubspot")
    assert begun.code == 0
    execution_id = json.loads(begun.out)["execution_id"]
    assert f"`refold executions watch {execution_id} -a user_1`" in begun.err
    assert not command_line.mock.requests_to("get_workflow")  # the app was given
    piped = command_line.run("executions", "watch", execution_id)
    assert (piped.code, json.loads(piped.out.splitlines()[-1])["status"]) == (0, "COMPLETED")
    watched = command_line.run("executions", "watch", execution_id, terminal=True)
    assert [line.split()[2:] for line in watched.out.splitlines()] == [["COMPLETED", "100", "%"]]
    again = command_line.run("executions", "rerun", execution_id)
    new = json.loads(again.out)["id"]
    assert started_by(again).rstrip(".") == new
    assert f"`refold executions watch {new} -a user_1`" in again.err
    listed = json.loads(command_line.run("executions", "list", "--oldest-first").out)
    assert [execution["_id"] for execution in listed] == [execution_id, new]


def test_long_lists(command_line: CommandLine) -> None:
    """A terminal is shown so many, and told that there are more."""
    for _ in range(3):
        command_line.run(*RUN, "--no-wait")
    some = command_line.run("executions", "list", "--limit", "2", terminal=True)
    assert some.out.count("Welcome a contact") == 2
    assert some.err == "There are more: pass a --limit larger than 2.\n"
    assert command_line.run("executions", "list", "--limit", "3", terminal=True).err == ""
    assert len(json.loads(command_line.run("executions", "list").out)) == 3
    assert command_line.run("executions", "list", "--limit", "0").code == 2


def test_dry_run(command_line: CommandLine) -> None:
    """It checks the payload and shows the request; nothing is started."""
    shown = json.loads(command_line.run(*RUN, "--dry-run").out)
    assert (shown["headers"]["x-api-key"], shown["headers"]["slug"]) == ("***", "hubspot")
    assert shown["body"] == {"payload": {"email": "ada@example.com"}}
    assert not starts(command_line)


@pytest.mark.parametrize("given", [("email:=5",), (), ("email:=5", "--dry-run")])
def test_a_payload_that_does_not_fit(command_line: CommandLine, given: tuple[str, ...]) -> None:
    """It is refused before anything is started, and the error names the command that shows what fits."""
    misfit = command_line.run("workflows", "run", SAMPLE_WORKFLOW_ID, *given)
    assert (misfit.code, misfit.out) == (2, "")
    assert "email" in misfit.err
    assert f"`refold workflows params {SAMPLE_WORKFLOW_ID} -a user_1`" in misfit.err
    assert not starts(command_line)


def test_a_payload_that_cannot_be_checked(command_line: CommandLine) -> None:
    """Without an answer about what fits, nothing is started; an alias, of which Refold may not know it, is."""
    command_line.mock.script(Answer(404), route="get_request_structure", calls=1)
    ran = command_line.run(*RUN, "--slug", "hubspot")
    assert ran.code == 0
    assert "The payload was not checked" in ran.err
    command_line.mock.script(Answer(503), route="get_request_structure")
    unread = command_line.run(*RUN)
    assert (unread.code, unread.out) == (1, "")
    assert "Nothing was started" in unread.err
    assert len(starts(command_line)) == 1


def test_filters(command_line: CommandLine) -> None:
    """A date that is not one is refused; a status that may be new is asked for, with a hint."""
    refused = command_line.run("executions", "list", "--start-date", "yesterday")
    assert (refused.code, refused.out) == (2, "")
    assert "--start-date 'yesterday' is not a date" in refused.err
    assert command_line.run("executions", "list", "--end-date", "2026-06-01T12:00:00Z").code == 0
    unknown = command_line.run("executions", "list", "--status", "FOO")
    assert (unknown.code, unknown.out) == (0, "[]\n")
    assert "COMPLETED" in unknown.err
    assert command_line.run("executions", "list", "--status", "errored").err == ""


@pytest.mark.parametrize("name", ["welcome_contct", "Welcome a contat", SAMPLE_WORKFLOW_ID[:-1]])
def test_an_unknown_workflow(command_line: CommandLine, name: str) -> None:
    """The error tells which was meant, also by its name."""
    unknown = command_line.run("workflows", "run", name)
    assert (unknown.code, unknown.out) == (1, "")
    assert f"Did you mean '{SAMPLE_WORKFLOW_ID}'?" in unknown.err
    assert "`refold workflows list` lists" in unknown.err
    assert not starts(command_line)


def test_an_unknown_execution(command_line: CommandLine) -> None:
    """The error tells which was meant, if it can be but one."""
    first = started_by(command_line.run(*RUN))
    for verb in ("get", "watch", "wait", "response", "stop", "rerun"):
        unknown = command_line.run("executions", verb, f"{first[:-1]}f")
        assert (unknown.code, unknown.out) == (1, ""), verb
        assert f"Did you mean '{first}'?" in unknown.err
    command_line.run(*RUN)
    assert "Did you mean" not in command_line.run("executions", "get", first[:-1]).err


def test_runs_that_end_otherwise(command_line: CommandLine) -> None:
    """A run that failed may have done a part; a duplicate has done nothing."""
    command_line.mock.end_executions("ERRORED")
    failed = command_line.run(*RUN)
    assert (failed.code, failed.out) == (3, "")
    assert "ended as ERRORED" in failed.err
    for reading in ("watch", "wait"):  # which have written nothing, and may be run again
        seen = command_line.run("executions", reading, started_by(failed))
        assert seen.code == 1
        assert "ended as ERRORED" in seen.err
        assert "before you run it again" not in seen.err
    command_line.mock.end_executions("DUPLICATE")
    duplicate = command_line.run(*RUN)
    assert (duplicate.code, duplicate.out) == (1, "")
    assert "ran nothing" in duplicate.err


def test_runs_that_take_long(command_line: CommandLine) -> None:
    """Once the time to wait is up it may go on: the error tells the command that goes on watching it."""
    command_line.mock.hold_executions()
    ran = command_line.run(*RUN, "--max-wait", "0.2", "-a", "ada lovelace")
    assert (ran.code, ran.out) == (3, "")
    execution_id = started_by(ran)
    told = f"`refold executions watch {execution_id} -a 'ada lovelace'`"
    assert ran.err.count(told) == 1
    waited = command_line.run("executions", "wait", execution_id, "--max-wait", "0.2", "-a", "ada lovelace")
    assert waited.code == 1  # it has written nothing, and may be run again
    assert told in waited.err
    stopped = command_line.run("executions", "stop", execution_id, "-a", "ada lovelace")
    assert json.loads(stopped.out) == {"message": "Stopping instance"}
    assert command_line.run(*RUN, "--max-wait", "-1").code == 2


def test_what_is_not_known_of_a_start(command_line: CommandLine) -> None:
    """A start whose answer was lost may have happened; one after which the return value is lost has."""
    command_line.mock.script(Reset("after"), route="execute_workflow", calls=1)
    assert command_line.run(*RUN).code == 3
    command_line.mock.script(Answer(400, json={"message": "no"}), route="get_execution_response")
    unusable = command_line.run(*RUN)
    assert (unusable.code, unusable.out) == (4, "")
    assert f"`refold executions response {started_by(unusable)}` prints it." in unusable.err
    command_line.mock.script(Truncated(0.5), route="get_execution")
    unseen = command_line.run(*RUN, "--max-wait", "0.2")
    assert unseen.code == 3
    assert "The last poll failed: " in unseen.err


@pytest.mark.parametrize("execution_id", ["", "a\nb"])
def test_a_start_with_an_odd_id(command_line: CommandLine, execution_id: str) -> None:
    """It has started, though nothing can be asked of it: that is no misuse of the command."""
    answer = Answer(200, json={"message": "started", "execution_id": execution_id})
    command_line.mock.script(answer, route="execute_workflow")
    ran = command_line.run(*RUN)
    assert (ran.code, ran.out) == (3, "")
    assert "check in the app before you run it again" in ran.err


def test_commands_stay_in_one_line(command_line: CommandLine) -> None:
    """A command that an error tells is copied from a narrow terminal as a whole."""
    command_line.environment.setenv("COLUMNS", "40")
    command_line.mock.script(Silence(), route="get_execution")
    waited = command_line.run("executions", "wait", "6a30f0c2d4616e99e7fa5a01", "--max-wait", "0.1", terminal=True)
    lines = waited.err.splitlines()
    assert "`refold executions watch 6a30f0c2d4616e99e7fa5a01 -a user_1" in waited.err
    assert [line for line in lines if "`refold executions watch" in line and line.count("`") == 2]
    assert len(lines) > 2


def test_ids_stay_in_one_line(command_line: CommandLine) -> None:
    """In a list on a usual terminal, the id of an execution is there as a whole, and so are its dates."""
    command_line.environment.setenv("COLUMNS", "80")
    execution_id = started_by(command_line.run(*RUN))
    listed = command_line.run("executions", "list", terminal=True).out.splitlines()
    assert all(len(line) <= 80 for line in listed)
    first, second = listed[3:5]
    assert first.startswith(f"{execution_id}  ")
    assert [len(word) for word in first.split()[-2:]] == [10, 10]
    assert [word[-1] for word in second.split()[-2:]] == ["Z", "Z"]


def test_a_production_key(command_line: CommandLine) -> None:
    """Nothing is started, stopped or repeated with it unasked; watching needs no yes."""
    command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    assert command_line.run(*RUN).code == 2
    execution_id = started_by(command_line.run(*RUN, "--yes"))
    assert command_line.run(*RUN, "--read").code == 0
    assert len(starts(command_line)) == 2
    for verb in ("stop", "rerun"):
        refused = command_line.run("executions", verb, execution_id)
        assert refused.code == 2
        assert "--read" not in refused.err
    assert not command_line.mock.requests_to("stop_execution") + command_line.mock.requests_to("rerun_execution")
    assert command_line.run("executions", "watch", execution_id).code == 0
    assert command_line.run("executions", "rerun", execution_id, "-y").code == 0


@asynccontextmanager
async def refold(mock: MockRefold, *arguments: str) -> AsyncGenerator[Process]:
    """Run a command as a process, for the linked account `user_1`."""
    environment = {
        "REFOLD_BASE_URL": mock.base_url,
        "REFOLD_API_KEY": "tk_test",
        "REFOLD_LINKED_ACCOUNT_ID": "user_1",
        "REFOLD_LOG": "",
    }
    async with running("-m", "refold_async", *arguments, environment=environment) as process:
        yield process


async def test_interrupted() -> None:
    """Ctrl-C while a run goes on exits 3, and tells the command that goes on watching it; of a watch it exits 130."""
    async with MockRefold() as mock:
        mock.hold_executions()
        async with refold(mock, *RUN) as process:
            await until(lambda: mock.requests_to("get_execution"))
            process.send_signal(signal.SIGINT)
            stopped = await ended(process)
        execution_id = mock.requests_to("get_execution")[0].path.rpartition("/")[2]
        assert (stopped.exit_code, stopped.output) == (3, "")
        first, second = stopped.complaints.splitlines()
        assert first == f"Started execution {execution_id} of workflow {SAMPLE_WORKFLOW_ID}."
        assert second.startswith(f"refold: Stopped waiting. Execution {execution_id} still runs. To follow it: ")
        assert f"`refold executions stop {execution_id} -a user_1`" in second
        mock.clear()
        async with refold(mock, "executions", "watch", execution_id) as process:
            assert process.stdout is not None
            assert json.loads(await process.stdout.readline())["status"] == "RUNNING"
            process.send_signal(signal.SIGINT)
            stopped = await ended(process)
        assert (stopped.exit_code, stopped.complaints) == (130, "refold: Stopped.\n")


async def test_interrupted_while_it_starts() -> None:
    """Nobody knows then whether it runs."""
    async with MockRefold() as mock:
        mock.script(Silence(), route="execute_workflow")
        async with refold(mock, *RUN) as process:
            await until(lambda: mock.requests_to("execute_workflow"))
            process.send_signal(signal.SIGINT)
            stopped = await ended(process)
        assert (stopped.exit_code, stopped.output) == (3, "")
        assert stopped.complaints.startswith("refold: Stopped. It may have happened")


async def test_on_a_terminal() -> None:
    """There it asks before it writes with a production key, and prints tables."""
    async with MockRefold() as mock:
        shown = await on_a_terminal(mock, *RUN, answer="y\n")
        assert "with a production key? [y/N] " in shown
        assert '"created": true' in shown
        assert shown.splitlines()[-1] == "COMPLETED."
        shown = await on_a_terminal(mock, "executions", "list")
        [row] = [line.split() for line in shown.splitlines() if "Welcome a contact" in line]
        assert row[1:6] == ["Welcome", "a", "contact", "COMPLETED", "100"]
        assert len(mock.requests_to("execute_workflow")) == 1


async def on_a_terminal(mock: MockRefold, *arguments: str, answer: str = "") -> str:
    """Return what a terminal shows of a command of a user with a production key who types an answer."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 160))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "refold_async", *arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={
            **{name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}},
            "PYTHONPATH": str(Path(refold_async.__file__).parent.parent),
            "TERM": "xterm",
            "REFOLD_BASE_URL": mock.base_url,
            "REFOLD_API_KEY": "pk_live",
            "REFOLD_LINKED_ACCOUNT_ID": "user_1",
        },
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    with contextlib.suppress(OSError):  # what Linux says once nobody holds the other end
        while piece := await asyncio.to_thread(os.read, ours, 65536):
            shown += piece
    os.close(ours)
    assert await process.wait() == 0, shown
    return shown.decode().replace("\r\n", "\n")


async def test_the_log_stays_off_stderr() -> None:
    """What the library warns of is not said beside the paragraph of the command, unless `REFOLD_LOG` asks for it."""
    async with MockRefold() as mock:
        mock.script(Answer(400, json={"message": "no"}), route="get_execution_response")
        async with refold(mock, *RUN) as process:
            ran = await ended(process)
        assert (ran.exit_code, len(ran.complaints.splitlines())) == (4, 2)
