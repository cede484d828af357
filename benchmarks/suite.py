"""What calls cost with this library, by hand on aiohttp, and with other libraries: CPU, throughput, latency, memory.

`python benchmarks/suite.py [CASE ...]` runs the server on one core and the clients on another. It prints a table per
case with the targets and whether they are met, and writes the measurements to `benchmarks/results/`.
With `--check` it ends with status 1 if a target is missed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import attrs
from arena import open_arena
from cases import CASES, Settings, held
from circumstances import Circumstances
from measuring import Table
from servers import take_core

RESULTS: Final = Path(__file__).with_name("results")


def write_results(directory: Path, case: str, tables: list[Table], circumstances: dict[str, Any]) -> None:
    """Write the measurements of a case to a file."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {"case": case, **circumstances, "tables": [attrs.asdict(table) for table in tables]}
    (directory / f"{case}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


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
            circumstances = Circumstances(server_core)
            tables: list[Table] = []
            for table in CASES[case](Settings(arguments.quick, arena)):
                table.show()
                tables.append(table)
            if not all(all(table.targets.values()) for table in tables):
                missed.append(case)
            if results is not None:
                write_results(results, case, tables, circumstances.at_end())
    print(f"\nTargets missed: {', '.join(missed)}." if missed else "\nAll targets are met.")
    sys.exit(1 if missed and arguments.check else 0)


if __name__ == "__main__":
    main()
