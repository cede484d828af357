"""Where a connection string comes from, that wrong ones are refused, and that no password is ever shown."""

import asyncio
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import attrs
import pytest

from refold_async import AsyncRefold, ConfigurationError, JournalError, PostgresJournal
from support.postgres_journals import created, server_at
from support.postgres_server import PostgresProcess
from support.running_programs import run_program

SECRET = "s3cr3t"


def everything_of(error: BaseException) -> str:
    """Return what an error reporter shows: messages, causes, frames and their variables, but not those of tests."""
    frames = error.__traceback__
    while frames is not None and "tests" in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return "".join(traceback.TracebackException(type(error), error, frames, capture_locals=True).format())


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://user:{SECRET}@{SECRET}@host/database",
        f"postgresql://user:{SECRET}/{SECRET}@host/database",
        f"postgresql://user:123/{SECRET}@host/database",
        f"postgresql://user:{SECRET}@host:{SECRET}/database",
        f"postgresql://user:{SECRET}@[host/database",
        f"host=host password=my {SECRET} user=user",
        f"host=host password='{SECRET} user=user",
        f"host=host password={SECRET} {SECRET}=user",
        f"host=host pasword={SECRET}",
        f"{SECRET}",
        f"mysql://user:{SECRET}@host/database",
    ],
)
def test_wrong_connection_strings(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are refused, wherever they come from, and nothing of them is shown: it may be the password."""
    file = tmp_path / "dsn"
    file.write_text(f"{dsn}\n")
    monkeypatch.setenv("REFOLD_JOURNAL_DSN", dsn)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"dsn": dsn}, r"PostgresJournal\(dsn\) is not"),
        ({"dsn_file": file}, r"PostgresJournal\(dsn_file=\) is not"),
        ({}, "REFOLD_JOURNAL_DSN is not"),
    ]
    for arguments, named in cases:
        with pytest.raises(ConfigurationError, match=named) as refused:
            PostgresJournal(**arguments, job="june sync")
        assert SECRET not in everything_of(refused.value)


def test_reprs(tmp_path: Path) -> None:
    """Neither a journal nor what it is made of shows the password; a pickled one has it."""
    journal = PostgresJournal(f"postgresql://user:{SECRET}@host:5433/database", job="june sync", parts=3)
    assert repr(journal) == "<PostgresJournal database.refold_async on host:5433, job 'june sync', 3 parts>"
    assert SECRET not in repr([vars(server_at(str(journal.dsn))), journal.dsn, attrs.asdict(journal)])
    assert str(pickle.loads(pickle.dumps(journal)).dsn) == f"postgresql://user:{SECRET}@host:5433/database"
    other = attrs.evolve(journal, job="july sync", schema="other")
    assert repr(other) == "<PostgresJournal database.other on host:5433, job 'july sync', 3 parts>"
    assert repr(PostgresJournal("service=refold")).startswith("<PostgresJournal ")
    assert "on service refold" in repr(PostgresJournal("service=refold"))


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/database",
        f"postgresql://user:{SECRET}@nowhere.invalid/database",
        f"host=127.0.0.1 port=1 password={SECRET}",
        f"host=/nowhere password={SECRET}",
        f"host=127.0.0.1 port=1 password={SECRET} sslmode=verify-full sslpassword={SECRET}",
    ],
)
async def test_servers_that_cannot_be_reached(refold: AsyncRefold, dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    """The errors, their frames, and the log tell where the server should be, and no password."""
    caplog.set_level(logging.DEBUG)
    journal = PostgresJournal(dsn, job="june sync", patience=0.1, parts=3)
    errors: list[BaseException] = []
    with pytest.raises(JournalError, match=journal._server.location) as failure:  # pyright: ignore[reportPrivateUsage]
        await asyncio.to_thread(journal.summary)
    errors.append(failure.value)
    for call in (journal.create_schema, lambda: anext(journal.claim())):
        with pytest.raises(JournalError, match="cannot be") as failure:
            await call()
        errors.append(failure.value)
    with pytest.raises(JournalError, match="cannot be") as failure:
        await refold.fan_out_action(["a"], "hubspot", "x", journal=attrs.evolve(journal, parts=None)).collect()
    errors.append(failure.value)
    assert SECRET not in "".join(map(everything_of, errors))
    assert SECRET not in caplog.text


def test_parameters_that_libpq_refuses() -> None:
    """They are told at once, however long one would wait for a server."""
    with pytest.raises(JournalError, match='invalid sslmode value: "wrong"'):
        PostgresJournal(f"host=127.0.0.1 password={SECRET} sslmode=wrong", job="june sync", patience=3600.0).summary()


async def test_wrong_password(shared_postgres: PostgresProcess, postgres_dsn: str) -> None:
    """What the server says about it is told, and not the password."""
    created(postgres_dsn)
    journal = PostgresJournal(shared_postgres.tcp_dsn(password=SECRET), job="june sync")
    with pytest.raises(JournalError, match="password authentication failed for user") as refused:
        await asyncio.to_thread(journal.summary)
    assert SECRET not in everything_of(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


async def test_sources(
    shared_postgres: PostgresProcess, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A connection string comes from an argument, a file, a variable, or what libpq finds: a service, or `PG…`."""
    database = postgres_dsn.rpartition("=")[2]
    created(postgres_dsn)
    file = tmp_path / "dsn"
    file.write_text(f"{postgres_dsn}\n")
    services = tmp_path / "services"
    settings = {"host": shared_postgres.directory, "port": shared_postgres.port, "user": "postgres", "dbname": database}
    services.write_text("[refold]\n" + "".join(f"{name}={value}\n" for name, value in settings.items()))

    def check(journal: PostgresJournal) -> None:
        assert database in repr(journal) or "service refold" in repr(journal)
        with pytest.raises(JournalError, match="There is no job 'june sync'"):
            journal.summary()

    check(PostgresJournal(dsn_file=file, job="june sync"))
    check(PostgresJournal(dsn_file=str(file), job="june sync"))
    with monkeypatch.context() as patch:
        patch.setenv("REFOLD_JOURNAL_DSN", postgres_dsn)
        check(PostgresJournal(job="june sync"))
    with monkeypatch.context() as patch:
        for name, value in (("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user"), ("PGDATABASE", "dbname")):
            patch.setenv(name, str(settings[value]))
        check(PostgresJournal(job="june sync"))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    check(PostgresJournal("service=refold", job="june sync"))
    monkeypatch.setenv("PGSERVICE", "refold")
    check(PostgresJournal(job="june sync"))


def test_a_file_is_read_for_each_connection(postgres_dsn: str, tmp_path: Path) -> None:
    """So a password can be changed while a job runs; one that is gone is told."""
    journal = created(postgres_dsn)
    file = tmp_path / "dsn"
    file.write_text(postgres_dsn.replace("host=", "host=/nowhere"))
    journal = PostgresJournal(dsn_file=file, job="june sync")
    file.write_text(postgres_dsn)
    with pytest.raises(JournalError, match="There is no job"):
        journal.summary()
    file.unlink()
    with pytest.raises(ConfigurationError, match=r"dsn_file=\) cannot be read: .* No such file"):
        journal.summary()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"dsn": 7}, "dsn"),
        ({"dsn": "host=a", "dsn_file": "b"}, "not both"),
        ({"dsn_file": 7}, "dsn_file="),
        ({"dsn_file": b"a"}, "dsn_file="),
        ({"job": ""}, "job="),
        ({"job": "a\nb"}, "job="),
        ({"parts": 0}, "parts="),
        ({"parts": 100_001}, "parts="),
        ({"results": 1}, "results="),
        ({"schema": ""}, "schema="),
        ({"schema": 1}, "schema="),
        ({"schema": "x" * 64}, "schema="),
        ({"schema": "a\0b"}, "schema="),
        ({"patience": 0}, "patience="),
        ({"patience": float("inf")}, "patience="),
        ({"lease": "30"}, "lease="),
        ({"lease": 0.1}, "lease="),
        ({"lease": 1e12}, "lease="),
        ({"job": "x" * 1001}, "job="),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], named: str) -> None:
    """A wrong argument is refused when the journal is made, and named."""
    with pytest.raises(ConfigurationError, match=named):
        PostgresJournal(**arguments)


async def test_without_psycopg() -> None:
    """What to install is said when a journal is made, and nothing else needs it."""
    program = """
import sys
sys.modules["psycopg"] = None
from refold_async import Journal, PostgresJournal
Journal("june.sqlite", job="june sync")
try:
    PostgresJournal("postgresql://user:s3cr3t@host/database")
except Exception as error:
    print(type(error).__name__, error)
"""
    ran = await run_program("-c", program)
    assert (ran.exit_code, ran.complaints) == (0, "")
    needed = "ConfigurationError PostgresJournal needs psycopg: pip install 'refold-async[postgres]'."
    assert ran.output.strip() == needed
