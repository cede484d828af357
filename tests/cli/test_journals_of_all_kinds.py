"""`refold journal` with a file, a directory of parts, and PostgreSQL. No output shows a connection string.

Each test gets a journal of the job `june sync` in SQLite and one in PostgreSQL.
"""

import asyncio
import json
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from refold_async import Journal, PostgresJournal
from refold_async.cli.bulk.displays import duration
from refold_async.cli.connection_strings import is_connection_string, without_connection_strings
from refold_async.cli.journal_watch import Speed, line_of
from refold_async.cli.journals import NamedJournal
from refold_async.journal.journal import store_of
from refold_async.journal.opening import run_opener
from refold_async.journal.reading import JournalSummary
from refold_async.journal.store import PartClaim, PartedStore
from support.command_line import CommandLine
from support.journals import IDENTITY, AnyJournal
from support.postgres_journals import created, executed, opened
from support.postgres_server import PostgresProcess
from support.running_programs import ended, first_line, running

NEVER_SHOWN = "hunter2"


@pytest.fixture
def finished(journal: AnyJournal) -> AnyJournal:
    """A journal of a job whose run has ended."""
    run = run_opener(journal, IDENTITY)()
    run.write([("a", "user_a", "started"), ("b", "user_b", "started"), ("c", "user_c", "started")])
    run.write([("a", None, "ok", "done", None, None, None, 1), ("c", None, "ok", "done", None, None, None, 2, "done")])
    run.write([("d", "user_d", "failed", "none", "NotFoundError", "No.", None, 1), ("b", None, "unknown", "unknown")])
    run.close()
    return journal


def named(command_line: CommandLine, journal: AnyJournal) -> list[str]:
    """Return the words that name a journal; if it is in PostgreSQL, the variable names the database."""
    if isinstance(journal, Journal):
        return [str(journal.path)]
    assert journal.dsn is not None
    command_line.environment.setenv("REFOLD_JOURNAL_DSN", journal.dsn)
    return ["--job", "june sync"]


def parted_store(journal: AnyJournal) -> PartedStore:
    """Return the store of a journal in parts."""
    if isinstance(journal, Journal):
        store: Any = store_of(journal)
        return store  # type: ignore[no-any-return]
    from refold_async.journal.postgres.postgres_journal import store_of_postgres

    return store_of_postgres(journal)


def claim(store: PartedStore, parts: int) -> PartClaim:
    """Claim a part."""
    claimed: Any = store.claim("june sync", parts, set())
    assert not isinstance(claimed, tuple), claimed
    return claimed  # type: ignore[no-any-return]


def test_every_command(command_line: CommandLine, finished: AnyJournal, tmp_path: Path) -> None:
    """Each reads both stores, and says the same."""
    words = named(command_line, finished)
    told = json.loads(command_line.run("journal", "summary", *words).out)
    assert (told["job"], told["ok"], told["failed"], told["unknown"], told["running"]) == ("june sync", 2, 1, 1, False)
    assert told["parts"] is None
    entries = json.loads(command_line.run("journal", "entries", *words, "-s", "unknown", "-s", "ok").out)
    assert [(entry["key"], entry["reconciled"], entry["sends"]) for entry in entries] == [
        ("a", None, 1),
        ("b", None, 1),
        ("c", "done", 1),
    ]
    assert entries[0]["first_started_at"] == entries[0]["started_at"]
    report = command_line.run("journal", "report", *words, terminal=True)
    assert "Of 4 items, 1 failed and 1 may or may not have happened." in report.out
    page, lines = tmp_path / "page.html", tmp_path / "items.csv"
    ended = command_line.run("journal", "report", *words, "--html", str(page), "--csv", str(lines))
    assert ended.code == 0
    assert len(lines.read_text().splitlines()) == 5
    assert f"from {'june.sqlite' if isinstance(finished, Journal) else 'PostgreSQL'} at" in page.read_text()
    watched = command_line.run("journal", "watch", *words)
    assert (watched.code, watched.err) == (0, "")
    assert json.loads(watched.out)["per_second"] is None
    shown = command_line.run("journal", "watch", *words, terminal=True)
    assert shown.out == "\r\x1b[Kjune sync: 4 items · not running · 1 failed · 1 unknown · 0 in flight · 2 ok\n"


def test_a_job_in_parts(command_line: CommandLine, journal: AnyJournal) -> None:
    """A summary says how far its parts are; a directory needs no number of parts to be read."""
    journal = attrs.evolve(journal, parts=3)
    words = named(command_line, journal)
    with closing(parted_store(journal)) as store:
        parts: list[PartClaim] = []
        for number in range(3):
            part = claim(store, 3)
            parts.append(part)
            run = part.open_run("june sync", IDENTITY)
            run.write([(f"{number} a", None, "ok", "done"), (f"{number} b", None, "started")])
            run.close()
            if number < 2:
                part.close()
        shown = command_line.run("journal", "summary", *words, terminal=True).out
        assert "3 ok, 0 failed, 2 unknown, 1 in flight\n2 of 3 parts closed, 1 held\nrunning" in shown
        assert "To continue" not in shown
        parts[2].release()
    shown = command_line.run("journal", "summary", *words, terminal=True).out
    assert "3 ok, 0 failed, 3 unknown, 0 in flight\n2 of 3 parts closed, 0 held\nnot running" in shown
    assert "To continue, run the same command or program again." in shown
    keys = [entry["key"] for entry in json.loads(command_line.run("journal", "entries", *words).out)]
    assert keys == [f"{number} {letter}" for number in range(3) for letter in "ab"]


def test_ways_to_name_a_database(command_line: CommandLine, postgres_dsn: str, tmp_path: Path) -> None:
    """As an argument, in a file, in the variable; the schema, and the job if there are several."""
    file = tmp_path / "dsn"
    file.write_text(postgres_dsn + "\n")
    command_line.environment.delenv("REFOLD_JOURNAL_DSN", raising=False)
    missing = command_line.run("journal", "summary", postgres_dsn)
    assert (missing.code, missing.out) == (1, "")
    assert "create its tables with `refold journal init`" in missing.err
    for words in ([postgres_dsn], ["--dsn-file", str(file)], [postgres_dsn, "--schema", "other"]):
        created = command_line.run("journal", "init", *words)
        schema = "other" if "other" in words else "refold_async"
        assert (created.code, created.out, created.err) == (0, "", f"The tables are there, in the schema {schema}.\n")
    assert "has no job" in command_line.run("journal", "summary", postgres_dsn).err
    for job in ("june sync", "july sync"):
        run_opener(PostgresJournal(postgres_dsn, job=job), IDENTITY)().close()
    several = command_line.run("journal", "summary", "--dsn-file", str(file))
    assert several.code == 1
    assert "has several jobs: name one with --job. Its jobs are: 'july sync', 'june sync'." in several.err
    command_line.environment.setenv("REFOLD_JOURNAL_DSN", postgres_dsn)
    assert json.loads(command_line.run("journal", "summary", "--job", "july sync").out)["job"] == "july sync"
    assert command_line.run("journal", "summary", "--job", "august sync").code == 1
    assert "has no job" in command_line.run("journal", "summary", "--schema", "other").err


@pytest.mark.parametrize(
    "words",
    [
        ["summary", "{dsn}"],
        ["summary", "{dsn}", "--job", "x", "--json"],
        ["entries", "{dsn}"],
        ["report", "{dsn}"],
        ["watch", "{dsn}"],
        ["init", "{dsn}"],
        ["{dsn}"],
        ["summry", "{dsn}"],
        ["summary", "{dsn}", "{dsn}"],
        ["summary", "june.sqlite", "{dsn}"],
        ["summary", "--dsn-file", "{dsn}"],
        ["summary", "{dsn}", "--dsn-file", "x"],
        ["summary", "--dsn={dsn}"],
        ["summary", "--job={dsn}"],
        ["summary", "--every", "{dsn}"],
        ["watch", "x", "--every", "{dsn}"],
        ["report", "x", "--html", "{dsn}"],
        ["entries", "x", "-s", "{dsn}"],
    ],
)
@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://ada:{NEVER_SHOWN}@127.0.0.1:1/refold",
        f"postgres://ada:an @odd {NEVER_SHOWN}'\"\\@127.0.0.1:1/refold",
        f"postgressql://ada:{NEVER_SHOWN}@127.0.0.1:1/refold",
        f"host=127.0.0.1 port=1 password='its {NEVER_SHOWN}' user=ada",
        f"postgresql://ada:{NEVER_SHOWN}@[::1/refold",
    ],
)
def test_no_connection_string_is_shown(command_line: CommandLine, words: Sequence[str], dsn: str) -> None:
    """Whatever is wrong with the command, the string or the server: no output contains the password."""
    command_line.environment.delenv("REFOLD_JOURNAL_DSN", raising=False)
    command_line.environment.setenv("PGCONNECT_TIMEOUT", "2")
    ended = command_line.run("journal", *(word.format(dsn=dsn) for word in words))
    assert ended.code in {1, 2}
    assert NEVER_SHOWN not in ended.out + ended.err
    assert "bug" not in ended.err
    assert ended.err.startswith("refold: ")


@pytest.mark.parametrize(
    "words",
    [
        ["summary", "postgresql://ada:my", f"{NEVER_SHOWN}@127.0.0.1/refold"],
        ["summary", "host=127.0.0.1", f"password={NEVER_SHOWN}"],
    ],
)
def test_connection_strings_without_their_quotes(command_line: CommandLine, words: Sequence[str]) -> None:
    """Nor is one shown that a shell has split into words."""
    ended = command_line.run("journal", *words)
    assert ended.code == 2
    assert NEVER_SHOWN not in ended.err


def test_a_bulk_job_has_a_file(command_line: CommandLine, tmp_path: Path) -> None:
    """`refold fan-out` says so, before it reads a row, and does not show the string."""
    dsn = f"postgresql://ada:{NEVER_SHOWN}@127.0.0.1/refold"
    ended = command_line.run("fan-out", "hubspot", "create_contact", "--accounts", "none.csv", "--journal", dsn)
    assert (ended.code, ended.out) == (2, "")
    assert "--journal takes a file" in ended.err
    assert "PostgresJournal in Python" in ended.err
    assert NEVER_SHOWN not in ended.err


def test_files_whose_names_look_like_one(command_line: CommandLine, tmp_path: Path) -> None:
    """A file that exists is a file."""
    command_line.environment.chdir(tmp_path)
    run_opener(Journal("host=a", job="june sync"), IDENTITY)().close()
    assert json.loads(command_line.run("journal", "summary", "host=a").out)["runs"] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://host/db", True),
        ("postgresql:/host/db", True),
        ("service=refold", True),
        (" password = x", True),
        ("june.sqlite", False),
        ("/var/lib/june=1.sqlite", False),
        ("C:\\june.sqlite", False),
        ("C:/june.sqlite", False),
        ("jobs/june", False),
        ("", False),
    ],
)
def test_what_is_a_connection_string(text: str, expected: bool) -> None:
    """Paths are none, of Windows neither."""
    assert is_connection_string(text) is expected


def test_messages_are_otherwise_left_alone() -> None:
    """Addresses of web servers and other words are shown."""
    typed = ["execute", "hubspot", "x", "--base-url", "https://example.com", "email=ada@example.com"]
    text = "https://example.com does not know ada@example.com, such as 'postgresql://user@host/database'."
    assert without_connection_strings(text, typed) == text


def summary_of(**values: Any) -> JournalSummary:
    """Return the summary of a running job in four parts."""
    defaults: dict[str, Any] = {
        "job": "june sync",
        "base_url": "https://app.refold.ai",
        "environment": "test",
        "slug": None,
        "action_id": None,
        "runs": 1,
        "running": True,
        "ok": 1000,
        "failed": 2,
        "unknown": 3,
        "in_flight": 5,
        "withdrawn": 0,
        "refused": 0,
        "not_begun": None,
        "parts": 4,
        "closed_parts": 1,
        "held_parts": 2,
        "created_at": None,
        "updated_at": None,
    }
    return JournalSummary(**defaults | values)


@pytest.mark.parametrize(
    ("values", "per_second", "expected"),
    [
        ({}, None, "1,005 items · 1/4 parts closed, 2 at work · 2 failed · 3 unknown · 5 in flight · 1,000 ok"),
        (
            {"not_begun": 990},
            99.5,
            f"1,005/2,000 · 1/4 parts closed, 2 at work · 99.5/s · {duration(10)} left · 2 failed",
        ),
        ({"not_begun": 990}, 1234.5, "1,005/2,000 · 1/4 parts closed, 2 at work · 1,234/s · 1 s left · 2 failed"),
        ({"not_begun": 990}, 0.0, "1,005/2,000 · 1/4 parts closed, 2 at work · 2 failed"),
        ({"closed_parts": 4, "held_parts": 0}, 9.0, "1,005 items · 4/4 parts closed, 0 at work · ended · 2 failed"),
        ({"parts": None, "not_begun": 0, "in_flight": 0, "running": False}, 9.0, "1,005/1,005 · ended · 2 failed"),
        (
            {"parts": None, "not_begun": 7, "in_flight": 0, "running": False},
            9.0,
            "1,005/1,012 · not running · 2 failed",
        ),
        ({"job": "june\x1b[31m\nsync of rows 0123456789ab"}, None, "1,005 items"),
    ],
)
def test_lines(values: dict[str, Any], per_second: float | None, expected: str) -> None:
    """A line says how far a job is; a narrow terminal cuts off its end."""
    job = summary_of(**values)
    line = line_of(job, per_second, 200)
    assert line.partition(": ")[2].startswith(expected)
    assert not re.search(r"[\x00-\x1f]|0123456789ab", line)
    for width in (20, 40, 60):
        assert line_of(job, per_second, width) == line[: width - 1] + "…"


def test_the_speed() -> None:
    """It is that of the last half minute, and never negative."""
    moments: Iterator[float] = iter([0.0, 10.0, 20.0, 40.0, 100.0, 101.0])
    speed = Speed(lambda: next(moments))
    expected = [None, 10.0, 10.0, 5.0, 0.0, 0.0]
    for ok, rate in zip([0, 100, 200, 250, 250, 7], expected, strict=True):
        speed.add(summary_of(ok=ok))
        assert speed.per_second == rate


async def test_watching_workers(journal: AnyJournal) -> None:
    """It prints a line whenever the job has changed, and ends when all parts are closed."""
    journal = attrs.evolve(journal, parts=2)
    environment: dict[str, str] = {}
    words = [str(journal.path)] if isinstance(journal, Journal) else []
    if isinstance(journal, PostgresJournal):
        environment["REFOLD_JOURNAL_DSN"] = journal.dsn or ""
    with closing(parted_store(journal)) as store:
        parts = [claim(store, 2), claim(store, 2)]
        runs = [part.open_run("june sync", IDENTITY) for part in parts]
        arguments = ("-m", "refold_async", "journal", "watch", *words, "--every", "0.05")
        async with running(*arguments, environment=environment) as watch:

            async def told() -> Any:
                return json.loads(await first_line(watch))

            first = await told()
            assert (first["ok"], first["closed_parts"], first["held_parts"], first["per_second"]) == (0, 0, 2, None)
            runs[0].write([("a", None, "ok", "done")])
            second = await told()
            assert (second["ok"], second["per_second"] > 0) == (1, True)
            for run, part in zip(runs, parts, strict=True):
                run.close()
                part.close()
            left = await ended(watch)
    assert (left.exit_code, left.complaints) == (0, "")
    last = json.loads(left.output.splitlines()[-1])
    assert (last["ok"], last["closed_parts"], last["running"]) == (1, 2, False)


async def test_ctrl_c_while_watching(journal: AnyJournal) -> None:
    """It stops watching, as it stops any command, and says that the job goes on."""
    words = [str(journal.path)] if isinstance(journal, Journal) else [journal.dsn or ""]
    run = run_opener(journal, IDENTITY)()
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        async with running("-m", "refold_async", "journal", "watch", *words, "--every", "30") as watch:
            assert json.loads(await first_line(watch))["running"]
            watch.send_signal(number)
            left = await ended(watch)
        assert (left.exit_code, left.output) == (code, "")
        assert left.complaints == "refold: Stopped watching. The job itself is not affected.\n"
    run.close()


async def test_watching_while_the_server_ends(postgres: PostgresProcess, command_line: CommandLine) -> None:
    """The command ends with the reason, and without the password."""
    dsn = postgres.tcp_dsn()
    journal = PostgresJournal(dsn, job="june sync")
    await journal.create_schema()
    run = await asyncio.to_thread(run_opener(journal, IDENTITY))
    async with running(
        *("-m", "refold_async", "journal", "watch", "--every", "0.05"), environment={"REFOLD_JOURNAL_DSN": dsn}
    ) as watch:
        assert json.loads(await first_line(watch))["running"]
        await postgres.kill()
        left = await ended(watch)
    assert (left.exit_code, left.output) == (1, "")
    assert "cannot be read" in left.complaints
    assert postgres.password not in left.complaints
    run.close()


def test_following_keeps_one_connection(postgres_dsn: str) -> None:
    """However often a job is looked at, until the end of the iteration."""
    journal = created(postgres_dsn, job="june sync")
    opened(postgres_dsn).close()
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with closing(NamedJournal(journal, "", "", "").follow_summary()) as summaries:
        seen: list[Any] = []
        for _ in range(3):
            assert next(summaries).runs == 1
            seen.append(executed(postgres_dsn, sessions))
    assert len(seen[0]) == 1
    assert seen[0] == seen[1] == seen[2]
