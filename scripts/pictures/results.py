"""Reads the results of the benchmarks from benchmarks/results."""

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["read_results"]

_RESULTS: Final = Path(__file__).parent.parent.parent / "benchmarks" / "results"


def read_results(case: str) -> dict[str, Any]:
    """Return the results of a case."""
    results: dict[str, Any] = json.loads((_RESULTS / f"{case}.json").read_text(encoding="utf-8"))
    return results
