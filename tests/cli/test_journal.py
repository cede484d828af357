"""`refold journal summary`, `entries` and `report`."""

import asyncio
import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import tracemalloc
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from refold_async.testing import Delay, MockRefold
from support import killable_job
from support.command_line import CommandLine
from support.journals import largest_file, opened
from support.reported_job import HOSTILE_SHOWN, JOB, make_journal
from support.running_programs import ended, run_program, running
from support.waiting import until


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a job whose items ended in every way."""
    path = tmp_path_factory.mktemp("journal") / "june.sqlite"
    make_journal(path)
    return path


@pytest.fixture
def journal(finished: Path, tmp_path: Path) -> str:
    """A copy of it."""
    return str(shutil.copy(finished, tmp_path / "june.sqlite"))


def listed(command_line: CommandLine, *arguments: str) -> list[Any]:
    """Return the entries that are listed as JSON."""
    ended = command_line.run("journal", "entries", *arguments)
    assert ended.code == 0
    entries: list[Any] = json.loads(ended.out)
    return entries


def make_failures(path: Path, count: int) -> None:
    """Write a journal of items that failed, with four kilobytes for each."""
    run = opened(path)
    for begin in range(0, count, 60):
        numbers = range(begin, min(begin + 60, count))
        run.write(
            [
                (f"user_{number}", None, "failed", "none", "ValueError", "no " * 99, f'"{"x" * 4000}"')
                for number in numbers
            ]
        )
    run.close()


def test_summary(command_line: CommandLine, journal: str) -> None:
    """How many items ended how, and how many are left."""
    told = json.loads(command_line.run("journal", "summary", journal).out)
    assert (told["job"], told["slug"], told["action_id"]) == (JOB, "hubspot", "create_contact")
    counted = {name: told[name] for name in ("ok", "failed", "unknown", "in_flight", "withdrawn", "refused")}
    assert counted == {"ok": 33, "failed": 4, "unknown": 3, "in_flight": 0, "withdrawn": 1, "refused": 1}
    assert (told["running"], told["not_begun"]) == (False, 0)
    assert told["updated_at"].endswith("Z")
    shown = command_line.run("journal", "summary", journal, terminal=True).out
    assert "33 ok, 4 failed (1 of them never sent), 3 unknown, 0 in flight, 1 not begun" in shown


def test_nothing_is_sent(command_line: CommandLine, journal: str) -> None:
    """Journals are read without a key and without Refold."""
    command_line.environment.delenv("REFOLD_API_KEY")
    for command in ("summary", "entries", "report"):
        assert command_line.run("journal", command, journal).code == 0
    assert not command_line.mock.requests


def test_entries(command_line: CommandLine, journal: str) -> None:
    """Each item, with its error, what the error says and the request it came from."""
    entries = listed(command_line, journal)
    by_key = {entry["key"]: entry for entry in entries}
    assert Counter(entry["status"] for entry in entries) == {"ok": 33, "failed": 3, "unknown": 3, "withdrawn": 1}
    failed = by_key["user_3"]
    assert (failed["error"], failed["effect"], failed["attempts"]) == ("NotFoundError", "none", 1)
    assert failed["message"].startswith("Refold returned HTTP 404")
    assert "[POST" not in failed["message"]
    assert failed["request_id"]
    assert by_key["user_6"]["error"] == "interrupted"
    assert (by_key["user_7"]["error"], by_key["user_7"]["finished_at"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--status", "unknown"], ["user_5", "user_6", "user_9"]),
        (["-s", "failed", "--status", "withdrawn"], ["user_3", "user_4", "user_7", "user_8"]),
        (["--error", "notfounderror", "-e", "interrupted"], ["user_3", "user_6"]),
        (["-e", "ActionFailedError"], ["user_8", "user_9"]),
        (["-e", "ActionFailedError", "-s", "failed"], ["user_8"]),
        (["-s", "started"], []),
    ],
)
def test_some_entries(command_line: CommandLine, journal: str, options: list[str], keys: list[str]) -> None:
    """Those with one of the statuses and one of the errors that were asked for."""
    assert sorted(entry["key"] for entry in listed(command_line, journal, *options)) == keys


def test_an_error_that_no_item_has(command_line: CommandLine, journal: str) -> None:
    """Standard error names the errors that items have; stdout is an empty list."""
    ended = command_line.run("journal", "entries", journal, "-e", "NotFuond", "-s", "failed")
    assert (ended.code, json.loads(ended.out)) == (0, [])
    assert ended.err.startswith("No item ended with NotFuond. Items ended with: ")
    assert "NotFoundError" in ended.err
    assert "interrupted" not in ended.err


def test_entries_on_a_terminal(command_line: CommandLine, journal: str) -> None:
    """A table, in which no text can control the terminal. Accounts are shown once if they are also the keys."""
    command_line.environment.setenv("COLUMNS", "400")
    ended = command_line.run("journal", "entries", journal, "-s", "failed", terminal=True)
    rows = [line for line in ended.out.splitlines() if line.startswith("failed")]
    assert [row.split()[1:3] for row in rows] == [
        ["user_3", "NotFoundError"],
        ["user_4", "ReconnectRequiredError"],
        ["user_8", "ActionFailedError"],
    ]
    assert HOSTILE_SHOWN in rows[2]
    assert not {"\x1b[31m", "\u202e", "\u2028"} & {
        ended.out[at : at + n] for n in (1, 5) for at in range(len(ended.out))
    }
    assert command_line.run("journal", "entries", journal, "-s", "started", terminal=True).out == "None.\n"


def test_entries_on_a_narrow_terminal(command_line: CommandLine, tmp_path: Path) -> None:
    """Each takes two lines at most, and no name is split; an account that differs from its key is shown."""
    command_line.environment.setenv("COLUMNS", "80")
    path = tmp_path / "june.sqlite"
    run = opened(path)
    error = "Action 'update_contact' of app 'hubspot' failed with status 422: " + "properties were not valid " * 9
    run.write(
        [(f"user_{number}", f"user_{number}", "failed", "none", "ActionFailedError", error) for number in range(3)]
    )
    run.close()
    ended = command_line.run("journal", "entries", str(path), terminal=True)
    assert ended.err == "Pass --json for times and whole messages.\n"
    shown = ended.out
    lines = [line for line in shown.splitlines() if line]
    assert lines[0].split() == ["STATUS", "ITEM", "ERROR", "MESSAGE"]
    assert len(lines) == 2 + 3 * 2
    assert shown.count("ActionFailedError") == shown.count("...") == 3
    run = opened(path)
    run.write([("order 7", "user_7", "ok", "done")])
    run.close()
    shown = command_line.run("journal", "entries", str(path), terminal=True).out
    assert "ACCOUNT" in shown
    assert "user_7" in shown


def test_what_a_killed_job_has_left(command_line: CommandLine, tmp_path: Path) -> None:
    """The summary says how to continue, and neither it nor the page shows the hash in the job's name."""
    path = tmp_path / "june.sqlite"
    run = opened(path, name="hubspot get_contact of rows a22aaaa1ea5b")
    run.write([("user_1", None, "started"), ("user_2", None, "ok", "done"), ("user_3", None, "withdrawn")])
    run.tally(10, 0)
    run.close()
    shown = command_line.run("journal", "summary", str(path), terminal=True).out
    first, counts, _, to_do = shown.splitlines()
    assert first == "hubspot get_contact (https://app.refold.ai, test)"
    assert counts == "1 ok, 0 failed, 1 unknown, 0 in flight, 8 not begun"
    assert to_do == "To continue, run the same command or program again."
    page = tmp_path / "page.html"
    assert command_line.run("journal", "report", str(path), "--html", str(page)).code == 0
    assert "a22aaaa1ea5b" not in page.read_text()
    report = command_line.run("journal", "report", str(path), terminal=True).out
    unknown = report[report.index("Accounts and times (UTC):") :].splitlines()
    assert re.fullmatch(r"    user_1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", unknown[1])
    attempts = {entry["key"]: entry["attempts"] for entry in listed(command_line, str(path))}
    assert attempts == {"user_1": None, "user_2": 0, "user_3": 0}


def test_many_unknown_items(command_line: CommandLine, tmp_path: Path) -> None:
    """The report shows the accounts and times of ten, and the command that lists all."""
    path = tmp_path / "june.sqlite"
    run = opened(path)
    run.write([(f"user_{number:02}", None, "unknown", "unknown", "APITimeoutError", "late") for number in range(12)])
    run.close()
    report = command_line.run("journal", "report", str(path), terminal=True).out
    assert ("user_09  " in report, "user_10  " in report) == (True, False)
    assert f"    … and 2 more: `refold journal entries {path} -s unknown` lists all.\n" in report


def test_report_on_a_terminal(command_line: CommandLine, journal: str) -> None:
    """What happened, and what to do about the unknown items."""
    command_line.environment.setenv("COLUMNS", "100")
    ended = command_line.run("journal", "report", journal, terminal=True)
    assert "Of 41 items, 4 failed, 3 may or may not have happened and 1 has not ended." in ended.out
    assert "  1 interrupted\n" in ended.out
    assert "Check in hubspot whether create_contact was executed" in ended.out
    assert "--resend-unknown" in ended.out
    assert all(len(line) <= 100 for line in ended.out.splitlines())
    assert HOSTILE_SHOWN in " ".join(ended.out.split())


def test_report_as_json(command_line: CommandLine, journal: str) -> None:
    """Errors by how often they occurred, each with an example and what to do."""
    told = json.loads(command_line.run("journal", "report", journal).out)
    assert told["verdict"] == "Of 41 items, 4 failed, 3 may or may not have happened and 1 has not ended."
    assert told["reconciled"] == 0
    assert [(group["status"], group["error"], group["items"]) for group in told["errors"]] == [
        ("unknown", "APIConnectionError", 1),
        ("unknown", "ActionFailedError", 1),
        ("unknown", "interrupted", 1),
        ("failed", "ActionFailedError", 1),
        ("failed", "NotFoundError", 1),
        ("failed", "ReconnectRequiredError", 1),
    ]
    assert told["errors"][4]["example"]["key"] == "user_3"
    assert all(group["advice"] for group in told["errors"])


def test_report_as_csv(command_line: CommandLine, journal: str, tmp_path: Path) -> None:
    """A line for each item, safe from formulas, which only its owner may read."""
    path = tmp_path / "items.csv"
    path.write_text("old")
    path.chmod(0o644)
    ended = command_line.run("journal", "report", journal, "--csv", str(path))
    assert (ended.code, ended.out, ended.err) == (0, "", f"Wrote {path}.\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8-sig")
    rows = {row["key"]: row for row in csv.DictReader(text.splitlines())}
    assert len(text.split("\n")) == len(rows) + 2 == 42
    assert (rows["'=1+1"]["linked_account_id"], rows["'=1+1"]["status"]) == ("'=1+1", "ok")
    assert rows["user_8"]["error"] == "ActionFailedError"
    assert "\\x1b[31m" in rows["user_8"]["message"]


def test_very_long_texts_on_a_terminal(command_line: CommandLine, tmp_path: Path) -> None:
    """They are shortened, with their length; JSON has them whole."""
    path = tmp_path / "june.sqlite"
    run = opened(path)
    run.write([("k" * 1000, "a" * 1000, "failed", "none", "ValueError", "m" * 1_000_000)])
    run.close()
    shown = command_line.run("journal", "entries", str(path), terminal=True).out
    assert "".join(shown.split()).count("m") < 1000
    assert "(1,000,000 characters)" in " ".join(
        command_line.run("journal", "report", str(path), terminal=True).out.split()
    )
    (entry,) = listed(command_line, str(path))
    assert (len(entry["key"]), len(entry["message"])) == (1000, 1_000_000)


def test_messages_in_the_words_of_the_command_line(command_line: CommandLine, journal: str) -> None:
    """Reports name commands instead of Python calls; JSON has messages as they were recorded."""
    command_line.environment.setenv("COLUMNS", "400")
    for command in ("entries", "report"):
        shown = command_line.run("journal", command, journal, terminal=True).out
        assert "`refold connect SLUG` prints the link" in shown
        assert "await account" not in shown
    assert "await account" in command_line.run("journal", "entries", journal).out


def make_text(path: Path) -> None:
    """Write no database."""
    path.write_text("no journal at all\n" * 100)


def make_empty(path: Path) -> None:
    """Make an empty file."""
    path.touch()


def make_other_database(path: Path) -> None:
    """Write the database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE pages (id INTEGER)")


def make_newer(path: Path) -> None:
    """Write a journal of a format that is not known yet."""
    opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def make_damaged(path: Path) -> None:
    """Write a journal with a status that there is not."""
    run = opened(path)
    run.write([("a", None, "fine")])
    run.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (None, "There is no journal"),
        (Path.mkdir, "There is no journal in the directory"),
        (make_text, "is not a journal but another kind of file"),
        (make_empty, "is empty: it becomes a journal when a job is first run with it"),
        (make_other_database, "is not a journal but a database of another program"),
        (make_newer, "has format 99, but this version of refold_async reads format 2: use the newer version"),
        (make_damaged, "is damaged"),
    ],
)
def test_no_journal(command_line: CommandLine, tmp_path: Path, make: Any, says: str) -> None:
    """A file that cannot be read is reported in a paragraph; nothing is written or changed."""
    path, page = tmp_path / "june.sqlite", tmp_path / "page.html"
    if make is not None:
        make(path)
    before = path.read_bytes() if path.is_file() else None
    for arguments in (
        ["summary"],
        ["entries"],
        ["report"],
        ["report", "--html", str(page)],
        ["report", "--csv", str(page)],
    ):
        ended = command_line.run("journal", *arguments, str(path))
        assert (ended.code, ended.err.count("\n")) == (1, 1), arguments
        assert ended.err.startswith("refold: ")
        assert says in ended.err
        assert "Traceback" not in ended.err
    assert not page.exists()
    assert not list(tmp_path.glob(".refold-*"))
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["entries", "{journal}", "--status", "fine"], "fine"),
        (["entries"], "name its file or directory. If it is in PostgreSQL, set REFOLD_JOURNAL_DSN."),
        (["watch", "{journal}", "--every", "0"], "--every must be more than 0 and at most 3600 seconds, not 0"),
        (["watch", "{journal}", "--every", "nan"], "--every must be more than 0"),
        (["summary", "{journal}", "--job", "x"], "--job is for journals in PostgreSQL, and {journal} is a file"),
        (["summary", "{journal}", "--dsn-file", "x"], "--dsn-file is for journals in PostgreSQL"),
        (["report", "{journal}", "--schema", "x"], "--schema is for journals in PostgreSQL"),
        (["init"], "set REFOLD_JOURNAL_DSN"),
        (["report", "{journal}", "--html", "{directory}"], "is a directory or a device: name a file"),
        (["report", "{journal}", "--csv", "/dev/null"], "is a directory or a device: name a file"),
        (["report", "{journal}", "--html", "{journal}"], "is a database, perhaps a journal, and is not replaced"),
        (["report", "{journal}", "--csv", "{journal}-wal"], "belongs to the database next to it, and is not replaced"),
        (["report", "{journal}", "--csv", "{directory}/no/such.csv"], "its directory does not exist"),
        (["report", "{journal}", "--csv", "{directory}/x", "--html", "{directory}/x"], "name the same file"),
        (["report", "{journal}", "--html", "{journal}/x"], "cannot be written: Not a directory"),
    ],
)
def test_wrong_commands(
    command_line: CommandLine, journal: str, tmp_path: Path, arguments: list[str], says: str
) -> None:
    """They exit with 2, and leave the journal alone."""
    before = Path(journal).read_bytes()
    filled = [argument.format(journal=journal, directory=tmp_path) for argument in arguments]
    ended = command_line.run("journal", *filled)
    assert (ended.code, ended.out) == (2, "")
    assert says.format(journal=journal) in ended.err
    assert Path(journal).read_bytes() == before


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_full_disks(command_line: CommandLine, tmp_path: Path, option: str) -> None:
    """What could not be written whole is not there; what was there still is."""
    journal, path = tmp_path / "june.sqlite", tmp_path / "report"
    path.write_text("what was there")
    make_failures(journal, 500)
    with largest_file(64 * 1024):  # SQLite, which reads the journal, needs half of it
        ended = command_line.run("journal", "report", str(journal), option, str(path))
    assert (ended.code, ended.err) == (1, f"refold: {path}: File too large.\n")
    assert path.read_text() == "what was there"
    assert not list(tmp_path.glob(".refold-*"))


def test_directories_that_may_not_be_written(command_line: CommandLine, unprivileged: Path) -> None:
    """The error names the file."""
    journal, page = unprivileged / "june.sqlite", unprivileged / "page.html"
    make_failures(journal, 1)
    unprivileged.chmod(0o555)
    ended = command_line.run("journal", "report", str(journal), "--html", str(page))
    assert (ended.code, ended.err) == (1, f"refold: {page}: Permission denied.\n")


def test_journals_that_may_not_be_read(command_line: CommandLine, unprivileged: Path) -> None:
    """The error names the file and the reason."""
    journal, lock = unprivileged / "june.sqlite", unprivileged / "june.sqlite-lock"
    make_failures(journal, 1)
    (unprivileged / "closed").mkdir(mode=0o000)
    (unprivileged / "loop").symlink_to("loop")

    def complaint(path: Path) -> str:
        ended = command_line.run("journal", "entries", str(path))
        assert (ended.code, ended.out) == (1, "")
        return ended.err

    loop = "cannot be read: Too many levels of symbolic links."
    assert loop in complaint(unprivileged / "loop")
    assert "cannot be read: Permission denied." in complaint(unprivileged / "closed" / "june.sqlite")
    lock.chmod(0o000)
    assert f"The file '{lock}' may not be read" in complaint(journal)
    journal.chmod(0o000)
    lock.unlink()
    assert f"'{journal}' cannot be read: Permission denied." in complaint(journal)


def test_output_that_cannot_be_printed(command_line: CommandLine, journal: str) -> None:
    """It fails, and nothing happened."""
    # What is buffered cannot be written at its end either.
    with suppress(OSError), open("/dev/full", "w", encoding="utf-8") as full:
        for command in ("summary", "entries", "report"):
            ended = command_line.run("journal", command, journal, stdout=full)
            assert (ended.code, ended.err) == (1, "refold: No space left on device.\n"), command


def test_links(command_line: CommandLine, journal: str, tmp_path: Path) -> None:
    """Where a symbolic link leads is written, and the link stays."""
    (tmp_path / "link.html").symlink_to(tmp_path / "page.html")
    assert command_line.run("journal", "report", journal, "--html", str(tmp_path / "link.html")).code == 0
    assert (tmp_path / "link.html").is_symlink()
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o600


@pytest.mark.slow
async def test_while_the_job_runs(command_line: CommandLine, mock: MockRefold, tmp_path: Path) -> None:
    """A journal can be read while its job runs, without disturbing it; once killed, items in flight are unknown."""
    path = tmp_path / "june.sqlite"
    mock.script(Delay(0.02))
    arguments = (killable_job.__file__, mock.base_url, str(path), "--items", "2000")

    def told() -> Any:
        return json.loads(command_line.run("journal", "summary", str(path)).out)

    async with running(*arguments) as job:
        await until(lambda: len(mock.requests) > 60, job)
        for _ in range(5):
            summary = await asyncio.to_thread(told)
            assert (summary["running"], summary["unknown"]) == (True, 0)
            for command in ("entries", "report"):
                assert (await asyncio.to_thread(command_line.run, "journal", command, str(path))).code == 0
        page = tmp_path / "page.html"
        await asyncio.to_thread(command_line.run, "journal", "report", str(path), "--html", str(page))
        assert "The job is running." in page.read_text()
        reached = len(mock.requests)
        await until(lambda: len(mock.requests) > reached + 60, job)
        job.kill()
        await ended(job)
    summary = await asyncio.to_thread(told)
    assert not summary["running"]
    assert 0 < summary["unknown"] <= killable_job.CONCURRENCY
    unknown = await asyncio.to_thread(listed, command_line, str(path), "--error", "interrupted")
    assert len(unknown) == summary["unknown"]


@pytest.mark.slow
async def test_ctrl_c_while_a_long_journal_is_read(tmp_path: Path) -> None:
    """It ends the command soon, wherever that is."""
    path, listed = tmp_path / "june.sqlite", tmp_path / "listed.json"
    run = opened(path)
    for begin in range(0, 96 * 400, 96):
        run.write([(f"user_{number}", None, "ok", "done") for number in range(begin, begin + 96)])
    run.close()
    with listed.open("wb") as file:
        async with running("-m", "refold_async", "journal", "entries", str(path), stdout=file.fileno()) as job:
            await until(lambda: listed.stat().st_size > 0)
            job.send_signal(signal.SIGINT)
            left = await ended(job)
    assert (left.exit_code, left.complaints) == (130, "refold: Stopped.\n")
    assert b"user_38399" not in listed.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [False, True])
def test_many_entries_take_no_memory(command_line: CommandLine, tmp_path: Path, *, terminal: bool) -> None:
    """They are printed as they are read: twelve megabytes of them within a fraction of that."""
    path = tmp_path / "june.sqlite"
    make_failures(path, 3000)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        if terminal:
            nowhere.isatty = lambda: True  # type: ignore[method-assign]
        command_line.run("journal", "entries", str(path), stdout=nowhere)  # loads what it needs
        tracemalloc.start()
        try:
            ended = command_line.run("journal", "entries", str(path), stdout=nowhere)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert ended.code == 0
    assert most < 4_000_000


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_large_entries_take_no_memory(command_line: CommandLine, tmp_path: Path, option: str) -> None:
    """Reports keep neither results nor messages as long as they come: a hundred megabytes within a tenth of that."""
    path, report = tmp_path / "june.sqlite", tmp_path / "report"
    run = opened(path)
    for number in range(100):
        run.write([(f"user_{number}", None, "failed", "none", "ValueError", "e" * 500_000, f'"{"x" * 500_000}"')])
    run.close()
    command_line.run("journal", "report", str(path), option, str(report))  # loads what it needs
    tracemalloc.start()
    try:
        ended = command_line.run("journal", "report", str(path), option, str(report))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ended.code == 0
    assert most < 12_000_000
    assert report.stat().st_size < 8_000_000


@pytest.mark.slow
async def test_as_a_program(journal: str, tmp_path: Path) -> None:
    """As a process of its own: what it prints, and how it ends."""
    page = tmp_path / "page.html"
    ran = await run_program("-m", "refold_async", "journal", "report", journal, "--html", str(page))
    assert (ran.exit_code, ran.output) == (0, "")
    assert ran.complaints.endswith(f"Wrote {page}: open it in a browser.\n")
    missing = await run_program("-m", "refold_async", "journal", "summary", str(tmp_path / "none.sqlite"))
    assert (missing.exit_code, missing.output, missing.complaints.count("\n")) == (1, "", 1)
