"""How many instructions calls, imports and lists take, next to the same by hand.

`python benchmarks/instructions.py` runs each program of `counted.py` twice under Valgrind's cachegrind, for few and for
many calls. The difference is what the further calls took, without the start. Unlike times, the figures hardly depend
on the machine and its load. Instructions of the system are not counted, nor what waiting for memory costs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from circumstances import Circumstances
from servers import server

RESULTS: Final = Path(__file__).with_name("results") / "instructions.json"
HERE: Final = Path(__file__).parent

COUNTS: Final[Mapping[str, tuple[int, int]]] = {
    "lean": (100, 1100),
    "plain": (100, 1100),
    "careful": (100, 1100),
    "call": (100, 1100),
    "fan-out": (100, 1100),
    "fan-out, one account": (100, 1100),
    "json.loads of 500 actions": (5, 25),
    "500 actions, made without checks": (5, 25),
    "500 actions": (5, 25),
    "json.loads of 1,000 contacts": (5, 25),
    "1,000 contacts as list[Contact]": (5, 25),
}
"""The few and the many, by program."""

BARS: Final[Sequence[tuple[str, str, float]]] = (
    ("call", "lean", 1.05),
    ("500 actions", "json.loads of 500 actions", 2.6),
    ("1,000 contacts as list[Contact]", "json.loads of 1,000 contacts", 2.5),
    ("import and first call", "import aiohttp and first call", 1.06),
)
"""What is compared with what, and how many times as much it may take."""

REPORTED: Final[Sequence[tuple[str, str, None]]] = (
    ("call", "careful", None),
    ("call", "plain", None),
    ("careful", "lean", None),
    ("lean", "plain", None),
    ("fan-out", "lean", None),
)
"""What is compared too, without a bar."""


ENVIRONMENT: Final = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
"""Every run has the same order of sets, and finds its modules compiled."""


def instructions(*command: str) -> int:
    """Return how many instructions a Python script of this directory takes."""
    script, *arguments = command
    ran = subprocess.run(
        [
            *("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"),
            *(sys.executable, str(HERE / script), *arguments),
        ],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    counted = re.search(r"I\s+refs:\s+([\d,]+)", ran.stderr)
    if ran.returncode or counted is None:
        sys.exit(ran.stderr)
    return int(counted[1].replace(",", ""))


def per_call(program: str, url: str, few: int, many: int) -> int:
    """Return how many instructions each further call of a program takes."""
    compile_modules("counted.py", program, url, str(few))
    least, most = (instructions("counted.py", program, url, str(count)) for count in (few, many))
    return round((most - least) / (many - few))


def first_call(program: str, url: str) -> int:
    """Return how many instructions the imports and the first call of a program take."""
    compile_modules("cold.py", program, url, "--without-orjson")
    return instructions("cold.py", program, url, "--without-orjson") - instructions("counted.py")


def compile_modules(script: str, *arguments: str) -> None:
    """Run a script, so that Python finds all its modules compiled the next time."""
    subprocess.run([sys.executable, HERE / script, *arguments], env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Count, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", metavar="PROGRAM", nargs="*", help=f"{', '.join(COUNTS)}, cold; by default all")
    parser.add_argument("--quick", action="store_true", help="one call more instead of many: figures mean little")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a bar is missed")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()
    if unknown := set(arguments.programs) - {*COUNTS, "cold"}:
        parser.error(f"there is no program {', '.join(sorted(unknown))}; there are {', '.join(COUNTS)}, cold")
    if shutil.which("valgrind") is None:
        sys.exit("Instructions are counted by Valgrind, which is not installed. On Debian: apt-get install valgrind")

    chosen = arguments.programs or [*COUNTS, "cold"]
    circumstances = Circumstances(None)
    taken: dict[str, int] = {}
    with server("canned_server.py", None) as url:
        for program in chosen:
            if program == "cold":
                taken["import aiohttp and first call"] = first_call("by_hand", url)
                taken["import and first call"] = first_call("refold", url)
                continue
            few, many = (1, 2) if arguments.quick else COUNTS[program]
            taken[program] = per_call(program, url, few, many)
            print(f"{program}: {taken[program]:,} instructions", flush=True)
    rows: list[dict[str, Any]] = [{"name": name, "instructions": count} for name, count in taken.items()]
    ratios: list[dict[str, Any]] = []
    for name, other, most in (*BARS, *REPORTED):
        if name in taken and other in taken:
            ratio = round(taken[name] / taken[other], 3)
            ratios.append({"name": name, "to": other, "ratio": ratio, "most": most})
            told = "" if most is None else f", at most {most}: {'met' if ratio <= most else 'MISSED'}"
            print(f"{name} / {other}: {ratio:.3f}{told}")
    if not arguments.programs or arguments.results != RESULTS:  # the file has all of them
        valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        content = {
            "case": "instructions",
            **circumstances.at_end(),
            "valgrind": valgrind,
            "rows": rows,
            "ratios": ratios,
        }
        arguments.results.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    missed = any(ratio["most"] is not None and ratio["ratio"] > ratio["most"] for ratio in ratios)
    sys.exit(1 if missed and arguments.check else 0)


if __name__ == "__main__":
    main()
