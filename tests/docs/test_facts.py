"""What the guides say in tables and trees is what the library does."""

import hmac
import json
import re
import sqlite3
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from docs.pages import blocks_of
from docs.wording import ROOT
from pictures.results import read_results
from refold_async import errors
from refold_async.faults import Fault
from refold_async.pipeline import call_log
from refold_async.retry_table import RULES
from refold_async.testing import MockRefold
from support.journals import opened

GUIDES: Final = ROOT / "docs" / "guides"
# The rows of the table of retries, in order.
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
# The columns of the table of costs, except for the last.
COMPARED: Final = ("aiohttp, plain", "aiohttp, careful", "refold_async")


async def test_forged_webhooks_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver in the guide accepts what is signed, and nothing else."""
    monkeypatch.setenv("REFOLD_API_KEY", "tk_docs")
    names: dict[str, Any] = {}
    exec(next(block.code for block in blocks_of(GUIDES / "webhooks.md") if "webhooks.unwrap" in block.code), names)
    body = b'{"event": "Connection Expired", "linked_account_id": "user_12345", "slug": "hubspot"}'
    signature = hmac.digest(b"tk_docs", body, "sha256").hex()
    app = web.Application()
    app.router.add_post("/refold", names["receive"])
    async with TestClient(TestServer(app)) as client:
        for sent, signed, status in [(body, signature, 200), (body + b" ", signature, 401), (body, "", 401)]:
            async with client.post("/refold", data=sent, headers={"x-cobalt-signature": signed}) as response:
                assert response.status == status


async def test_customers_connect_on_the_page(mock: MockRefold, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page in the guide leads a customer to where apps are connected, and disconnects them."""
    monkeypatch.setenv("REFOLD_API_KEY", "tk_docs")
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    names: dict[str, Any] = {"__name__": "connect_page"}
    exec(next(block.code for block in blocks_of(GUIDES / "connections.md") if block.title == "connect_page.py"), names)
    app, account = names["app"], mock.account("user_12345")
    account.disconnect("hubspot")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as browser,
        ClientSession() as refolds_page,
    ):
        assert 'href="/connect">Connect<' in (await browser.get("/apps")).text
        link = (await browser.get("/connect")).headers["location"]
        async with refolds_page.get(link) as response:
            assert 'href="http://test/apps"' in await response.text()
        async with refolds_page.post(f"{link}/hubspot") as response:
            assert response.status == 200
        assert account.connection("hubspot") == "connected"
        assert 'action="/apps/hubspot"' in (await browser.get("/apps")).text
        for _ in range(2):  # the second click finds it disconnected
            assert (await browser.post("/apps/hubspot")).headers["location"] == "/apps"
        assert account.connection("hubspot") == "disconnected"


def test_tree_of_errors() -> None:
    """The tree in the guide is the complete tree of the classes."""
    page = (GUIDES / "errors.md").read_text(encoding="utf-8")
    parents: list[type[Any]] = [errors.RefoldError]
    found = {"RefoldError"}
    for branches, name in re.findall(r"^([│ ]*[├└]── )(\w+)", page, re.MULTILINE):
        depth = len(branches) // 4
        error = getattr(errors, name)
        assert error.__bases__[0] is parents[depth - 1]
        parents[depth:] = [error]
        found.add(name)
    assert found == set(errors.__all__)


def test_advice_about_errors() -> None:
    """The guide says of every error what to do about it."""
    page = (GUIDES / "errors.md").read_text(encoding="utf-8")
    advice = re.findall(r"^\| `(\w+Error)` \| \w.+ \|$", page, re.MULTILINE)
    assert sorted(advice) == sorted(set(errors.__all__) - {"RefoldError"})


def test_table_of_retries() -> None:
    """The table in the guide is the table that the client uses."""
    row = re.compile(r"^\| .+? \| (retry|raise|\u2013) \| (retry|raise)(?:, (?:else )?`(\w+)`)? \| (retry|raise)", re.M)
    table = row.findall((GUIDES / "retries.md").read_text(encoding="utf-8"))
    assert len(table) == len(ROWS)
    for fault, (read, write, effect, idempotent) in zip(ROWS, table, strict=True):
        rule = RULES[fault]
        assert read == "\u2013" or (read == "retry") is rule.read, fault
        assert ((write == "retry"), effect) == (rule.write, rule.effect), fault
        assert (idempotent == "retry") is rule.idempotent, fault
    assert RULES[Fault.APP_RATE_LIMITED] == RULES[Fault.APP_REFUSED]._replace(idempotent=True)
    assert RULES[Fault.NOT_CONNECTED] == RULES[Fault.APP_REFUSED]


def test_costs_are_those_that_were_measured() -> None:
    """The page that compares the library with others has the figures of the last benchmarks."""

    def table(case: str, number: int = 0) -> dict[str, dict[str, Any]]:
        results = json.loads((ROOT / "benchmarks" / "results" / f"{case}.json").read_text(encoding="utf-8"))
        return {row[""]: row for row in results["tables"][number]["rows"]}

    def ratio(case: str, column: str, to: str = "aiohttp, plain") -> str:
        rows = table(case)
        return f"{rows['refold_async'][column] / rows[to][column]:.2f}"

    cpu, careful = "CPU / aiohttp, plain", "aiohttp, careful"
    costs = [
        [f"{table('read', number)[name]['CPU µs per call']:,.0f}" for name in (*COMPARED, "httpx")] for number in (0, 1)
    ]
    shown = {
        "one at a time": costs[0],
        "50 at the same time": costs[1],
        "a list of 500 actions": [ratio("actions", cpu), ratio("actions", cpu, careful)],
        "100 KB of parameters": [ratio("write", cpu)],
        "1 MB of data": [ratio("large", cpu), f"{table('large')['refold_async, orjson'][cpu]:.2f}"],
        "a call that gets HTTP 503": [ratio("retried", "CPU / aiohttp, careful", careful)],
        "50,000 accounts": [f"{1 / float(ratio('fan-out', cpu)):.2f}"],
        "1,000 calls in flight": [ratio("memory", "peak / aiohttp, plain")],
        "import and first call": [f"{row['CPU ms']:.0f} ms" for row in list(table("cold").values())[:2]],
        "99th percentile": [ratio("latency", "p99 / aiohttp, plain")],
    }
    page = (ROOT / "docs" / "start" / "compared.md").read_text(encoding="utf-8").splitlines()
    for case, figures in shown.items():
        row = next(line for line in page if line.startswith(f"| {case}"))
        assert all(figure in row for figure in figures), (row, figures)
    least, most = (
        table("read", number)["httpx"]["CPU µs per call"] / table("read", number)["refold_async"]["CPU µs per call"]
        for number in (0, 1)
    )
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"With httpx it costs {least:.0f} to {most:.0f} times as much" in readme
    more = [round(100 * (table("read", number)["refold_async"][cpu] - 1)) for number in (0, 1)]
    assert f"costs {more[0]} to {more[1]} % more CPU time than the shortest one by hand on aiohttp" in readme
    assert all(table("read", number)["refold_async"][cpu] < table("read", number)[careful][cpu] for number in (0, 1))


def test_names_of_telemetry() -> None:
    """The guide lists the attributes and metrics that the observer writes, and no others."""
    written = set(re.findall(r'"(refold\.[\w.]+)"', (ROOT / "refold_async" / "telemetry.py").read_text("utf-8")))
    listed = set(re.findall(r"`(refold\.[a-z_.]+)`", (GUIDES / "observability.md").read_text("utf-8")))
    assert listed == written


def test_fields_of_the_log() -> None:
    """The guide lists the fields that lines of the log have, and no others."""
    page = (GUIDES / "observability.md").read_text("utf-8")
    table = page.partition("each with the prefix `refold_`")[2].partition("\n\n")[0]
    listed = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    fields = {*call_log._OF_A_CALL, *call_log._OF_AN_ATTEMPT, *call_log._OF_AN_END}  # pyright: ignore[reportPrivateUsage]
    assert listed == fields | {"fault", "error", "outcome", "delay"}


def test_lines_of_the_log_that_are_quoted() -> None:
    """What the guide says to look for in the log is what is logged."""
    (line,) = re.findall(r"If your log shows `([^`]+)`", (GUIDES / "security.md").read_text("utf-8"))
    assert line in (ROOT / "refold_async" / "transport" / "connection_guard.py").read_text("utf-8")


def test_tables_of_a_journal(tmp_path: Path) -> None:
    """The reference lists all tables of a new journal, with their columns in order, and which of them are numbers."""
    opened(tmp_path / "june.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "june.sqlite")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            name: dict(database.execute("SELECT name, type FROM pragma_table_info(?)", [name]).fetchall())
            for name in tables
        }
        ((version,),) = database.execute("PRAGMA user_version")
        ((application,),) = database.execute("PRAGMA application_id")
    page = (ROOT / "docs" / "reference" / "journal-tables.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^## The table (\w+)\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL))
    row = re.compile(r"^\| `(\w+)` \| [^|]+ \|$", re.MULTILINE)
    assert {name: row.findall(text) for name, text in described.items()} == {
        name: list(types) for name, types in columns.items()
    }
    for name, text in described.items():
        (numbers,) = re.findall(r"^(.+) (?:is|are) INTEGER", text, re.MULTILINE)
        every = "All columns" in numbers
        assert columns[name] == {
            column: "INTEGER" if every or f"`{column}`" in numbers else "TEXT" for column in columns[name]
        }
    assert f"`PRAGMA user_version` is the version of this format, now {version}." in page
    assert f"`PRAGMA application_id` is {application} in every journal." in page


def figures(case: str, table: int, column: str, *names: str) -> list[str]:
    """Return what was measured of these contestants, as the guide shows it."""
    rows = {row[""]: row for row in read_results(case)["tables"][table]["rows"]}
    return [f"{rows[name][column]:,.0f}" for name in names]


def test_figures_of_performance() -> None:
    """The figures in the guide are those that the benchmarks wrote."""
    cpu = "CPU µs per call"
    kinds = ("refold_async", "refold_async, orjson", "aiohttp, plain")
    names = ("refold_async", "refold_async, orjson, uvloop", "aiohttp, plain", "aiohttp, careful", "httpx", "niquests")
    measured = {name: [*figures("read", 0, cpu, name), *figures("read", 1, cpu, name)] for name in names}
    measured |= {
        "send 100 KB of parameters": figures("write", 0, cpu, *kinds),
        "receive 1 MB of data": figures("large", 0, cpu, *kinds),
        "list 500 actions": figures("actions", 0, cpu, *kinds),
        "an item of a fan-out": figures("fan-out", 0, cpu, *kinds),
    }
    growth = {(row["name"], row["items"]): f"{row['peak MB']:.0f} MB" for row in read_results("growth")["rows"]}
    for shown, name in [
        ("fan-out", "refold_async"),
        ("fan-out with a journal", "refold_async, journal"),
        ("`asyncio.gather` by hand, which keeps all results", "gather"),
    ]:
        measured[shown] = [growth[name, count] for count in (1_000, 100_000)]
    tuning = {row["name"]: row for row in read_results("tuning")["rows"]}
    for shown, name in [
        ("neither", "as it is"),
        ("orjson", "orjson"),
        ("uvloop", "uvloop"),
        ("both", "orjson, uvloop"),
    ]:
        measured[shown] = [f"{tuning[name][cpu]:,.0f}"]
    for shown, name in [
        ("one client, connections reused", ""),
        ("one client, `reuse_connections=False`", ", connections not reused"),
        ("a new client for each call", ", a client each"),
    ]:
        measured[shown] = [f"{tuning[f'{tls}one at a time{name}'][cpu]:,.0f}" for tls in ("", "TLS, ")]
    for shown, ways in [
        ("a small program", ("as it is", "gc.freeze")),
        ("a program with a million objects of its own", ("large", "large, gc.freeze")),
    ]:
        measured[shown] = [f"{tuning[way]['CPU ms of a full collection']:.1f}" for way in ways]
    page = (GUIDES / "performance.md").read_text(encoding="utf-8")
    rows = [row[2:-2].split(" | ") for row in page.splitlines() if row.startswith("| ")]
    assert {name: shown for name, *shown in rows if name in measured} == measured


def test_names_exist() -> None:
    """What the pages import can be imported from where they say."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    imports = re.findall(r"^from (refold_async[\w.]*) import (\([^)]+\)|.+)$", text, re.MULTILINE)
    assert imports
    for module, names in imports:
        for name in re.findall(r"\w+", names):
            assert name in import_module(module).__all__ or find_spec(f"{module}.{name}")


def test_figures_of_large_jobs() -> None:
    """The figures that the page calls measured are those that the benchmark wrote, to two digits."""
    rows = {row["name"]: row for row in read_results("large-job")["rows"]}
    table, workers = "items, after the job", "100 workers, one item at a time"
    measured: dict[str, float] = {
        "rows of items": rows[table]["bytes per row"],
        "index of the keys": rows[table]["of the key"],
        "index of the order": rows[table]["of the order"],
        "write-ahead log, 100 items in flight for each worker": rows["log"]["bytes per item"],
        "write-ahead log, one item after the other": rows[workers]["bytes of log per item"],
        "changes of a row that touch no index (HOT)": 100 * rows[f"{table}: rows changed"]["without the indexes"],
        "dead rows after the job, without any vacuum": rows[f"{table}: rows changed"]["dead rows"] / 10_000,
        "items written by 4 workers, 100 in flight for each": rows["items"]["items per second"],
        "items written by 100 workers, one after the other": rows[workers]["items per second"],
        "parts claimed, begun and closed by 100 workers": rows["claims by 100 workers"]["per second"],
        "`summary()` of 256 parts with a million items": rows["summary of 256 parts"]["milliseconds"],
        "`summary()` of 10,000 parts": rows["summary of 10,000 parts"]["milliseconds"],
        "`entries()`": rows["entries"]["rows per second"],
        '`entries(status="unknown")`, if there are none': rows["search for unknown entries"]["rows per second"],
        "taking over a part of 390,625 items": rows["take over a part"]["seconds"],
        "looking up which of its items are done": rows["look up what is done"]["items per second"],
    }
    page = (ROOT / "docs" / "reference" / "large-jobs.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| (.+) \| ([\d.,]+) ", page.partition("## What a shared")[0], re.MULTILINE))
    assert shown.keys() == measured.keys()
    for name, text in shown.items():
        assert float(f"{float(text.replace(',', '')):.2g}") == float(f"{measured[name]:.2g}"), (name, measured[name])
    bytes_of_item = sum(rows[table][part] for part in ("bytes per row", "of the key", "of the order"))
    page = (ROOT / "docs" / "reference" / "postgres-journal.md").read_text(encoding="utf-8")
    assert f"An item takes about {10 * round(bytes_of_item / 10)} bytes" in page


def test_figures_of_sharing() -> None:
    """The figures of shared limits and of the stores are those that the benchmarks wrote."""
    lines: list[str] = []
    for row in read_results("limit-sharing")["rows"]:
        if "of ideal" in row:
            distance = "10 ms away" if row["seconds to Redis"] else "near"
            cells = [f"{100 * row['of ideal']:.1f} %", f"{row['refused']}", f"{row['round trips a call']:.2g}"]
            lines.append(" | ".join([f"| {row['rate']:,} a second, {distance}", *cells]) + " |")
        else:
            lines.append(f"| {row['rate']:,} a second | {row['milliseconds that a single call waits']['95']} |")
    for row in read_results("journal-stores")["rows"]:
        server = row["CPU µs per item, server"] or ""
        cells = [f"{row['items per second']:,}", f"{row['CPU µs per item']}", f"{server}"]
        if "durability" not in row["name"]:
            lines.append(" | ".join([f"| {row['name']}", *cells]).rstrip() + " |")
    page = (ROOT / "docs" / "reference" / "large-jobs.md").read_text(encoding="utf-8")
    assert [line for line in lines if line not in page] == []
    assert len(lines) == 12
