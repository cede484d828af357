"""The benchmarks run, hardly for a moment, and write what they measured. How fast anything is, is not tested here."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import refold_async
from support.running_programs import run_program
from support.services import program

BENCHMARKS: Final = Path(__file__).parent.parent.parent / "benchmarks"
CASES: Final = {
    *("read", "actions", "large", "write", "fan-out", "retried", "cold", "latency", "memory", "account", "sdks"),
}


async def run_benchmark(script: str, results: Path, *more: str, environment: Mapping[str, str] | None = None) -> None:
    """Run one quickly, and not in Python's development mode, whose figures nobody needs."""
    ran = await run_program(
        *(str(BENCHMARKS / script), "--quick", "--results", str(results), *more),
        environment={"PYTHONDEVMODE": "", **(environment or {})},
    )
    assert ran.complaints == ""
    assert ran.exit_code == 0


def read_results(directory: Path) -> dict[str, Any]:
    """Return what each case wrote."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in directory.glob("*.json")}


@pytest.mark.slow
async def test_every_case_runs(tmp_path: Path) -> None:
    """Each case writes its tables, with targets and versions, whatever other libraries are installed."""
    await run_benchmark("suite.py", tmp_path)
    results = read_results(tmp_path)
    assert results.keys() == CASES
    for case, result in results.items():
        assert result["case"] == case
        assert result["packages"]["aiohttp"]
        assert all(table["rows"] for table in result["tables"])
    assert any(result["tables"][0]["targets"] for result in results.values())


@pytest.mark.slow
@pytest.mark.parametrize(("script", "rows"), [("timeline.py", "runs"), ("growth.py", "rows")])
async def test_what_pictures_show_is_measured(script: str, rows: str, tmp_path: Path) -> None:
    """Both write the figures and the circumstances."""
    await run_benchmark(script, tmp_path / "figures.json")
    result = read_results(tmp_path)["figures"]
    assert result["packages"]["aiohttp"]
    assert {"refold_async"} < {row["name"] for row in result[rows]}


@pytest.mark.slow
async def test_curves_are_measured(tmp_path: Path) -> None:
    """Each has its points, its exponent and its bars."""
    await run_benchmark("curves.py", tmp_path / "curves.json")
    rows = read_results(tmp_path)["curves"]["rows"]
    assert len({row["group"] for row in rows}) == 10
    assert all(len(row["points"]) == 2 and isinstance(row["exponent"], float) for row in rows)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="there is no valgrind")
async def test_instructions_are_counted(tmp_path: Path) -> None:
    """Calls are compared with the same by hand."""
    await run_benchmark("instructions.py", tmp_path / "instructions.json", "call", "lean")
    result = read_results(tmp_path)["instructions"]
    assert result["packages"]["aiohttp"]
    assert result["valgrind"]
    assert {row["name"] for row in result["rows"]} == {"call", "lean"}
    assert [ratio["to"] for ratio in result["ratios"]] == ["lean"]


@pytest.mark.slow
async def test_sharing_is_measured(tmp_path: Path) -> None:
    """For each limit, near Redis, far from it, and beside single calls. Without `redis-server` the test is skipped."""
    program("redis-server", "redis-server")
    await run_benchmark("limit_sharing.py", tmp_path / "sharing.json")
    result = read_results(tmp_path)["sharing"]
    assert result["packages"]["aiohttp"]
    assert [row["rate"] for row in result["rows"]] == 3 * [20, 200, 2000]
    assert all(row["calls"] > 0 and row["round trips a call"] > 0 for row in result["rows"])


@pytest.mark.slow
async def test_tuning_is_measured(tmp_path: Path) -> None:
    """Every way is measured whose packages are installed, and the circumstances are written."""
    await run_benchmark("tuning.py", tmp_path / "tuning.json")
    result = read_results(tmp_path)["tuning"]
    assert result["packages"]["aiohttp"]
    assert {"as it is", "gc.freeze", "one at a time, connections not reused"} <= {row["name"] for row in result["rows"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("large_job.py", {"items", "items, after the job", "log", "vacuum", "entries", "take over a part"}),
        ("journal_stores.py", {"SQLite", "PostgreSQL", "PostgreSQL behind PgBouncer"}),
    ],
)
async def test_journals_are_measured(script: str, names: set[str], tmp_path: Path, postgres_template: Path) -> None:
    """All figures that the documentation shows are written."""
    paths = [Path(refold_async.__file__).parent.parent, Path(__file__).parent.parent]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    await run_benchmark(script, tmp_path / "figures.json", environment=environment)
    result = read_results(tmp_path)["figures"]
    assert result["packages"]["psycopg"]
    assert names <= {row["name"] for row in result["rows"]}
