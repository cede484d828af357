"""What calls cost with this library, by hand on aiohttp, and with other libraries: CPU, throughput, latency, memory.

`python benchmarks/suite.py [CASE ...]` runs the server on one core and the clients on another. It prints a table per
case with the targets and whether they are met, and writes the measurements to `benchmarks/results/`, with a chart of
the case `read`. With `--check` it ends with status 1 if a target is missed.
"""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs
from arena import open_arena
from cases import CASES, Settings, held
from chart import draw
from contestants import FLOORS, PLAIN
from measuring import Table
from servers import take_core

RESULTS: Final = Path(__file__).with_name("results")
PACKAGES: Final = (
    *("refold-async", "aiohttp", "attrs", "cattrs", "backoff", "orjson", "uvloop"),
    *("httpx", "httpx-aiohttp", "niquests"),
)


def versions() -> dict[str, str]:
    """Return the versions of the packages that take part."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def load() -> list[float]:
    """Return the load of the system over one, five and fifteen minutes."""
    return [round(figure, 1) for figure in os.getloadavg()]


def write_results(directory: Path, case: str, tables: list[Table], circumstances: dict[str, Any]) -> None:
    """Write the measurements of a case to a file, and draw the chart if it is the case of the chart."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {"case": case, **circumstances, "tables": [attrs.asdict(table) for table in tables]}
    (directory / f"{case}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if case == "read":
        rows = [row for row in tables[0].rows if row[""] not in FLOORS]
        figures = {str(row[""]): float(row[f"CPU / {PLAIN}"]) for row in rows}
        (directory / "chart.svg").write_text(draw(figures), encoding="utf-8")


def main() -> None:
    """Run the chosen cases, print their tables and write their results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", metavar="CASE", nargs="*", help=f"{', '.join(CASES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="hardly any rounds, with meaningless figures")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a target is missed")
    parser.add_argument("--results", type=Path, help=f"where to write; by default {RESULTS.name}/, unless --quick")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")

    results: Path | None = arguments.results or (None if arguments.quick else RESULTS)
    server_core = take_core()
    if server_core is None:
        print("Clients and server share the only core, so the figures are less steady.")
    missed: list[str] = []
    with open_arena(server_core, held(quick=arguments.quick)) as arena:
        for case in arguments.cases or CASES:
            began, load_before = time.perf_counter(), load()
            tables: list[Table] = []
            for table in CASES[case](Settings(arguments.quick, arena)):
                table.show()
                tables.append(table)
            if not all(all(table.targets.values()) for table in tables):
                missed.append(case)
            if results is not None:
                circumstances = {
                    "date": datetime.now(UTC).date().isoformat(),
                    "seconds": round(time.perf_counter() - began),
                    "python": platform.python_version(),
                    "packages": versions(),
                    "system": f"{platform.system()} {platform.machine()}",
                    "cores": os.cpu_count(),
                    "server on a core of its own": server_core is not None,
                    "load before": load_before,
                    "load after": load(),
                }
                write_results(results, case, tables, circumstances)
    print(f"\nTargets missed: {', '.join(missed)}." if missed else "\nAll targets are met.")
    sys.exit(1 if missed and arguments.check else 0)


if __name__ == "__main__":
    main()
