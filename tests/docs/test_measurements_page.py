"""The reference page of measurements is what the benchmark wrote, and leaves nothing out silently."""

import re

from measurements_page import CALLS, PAGE, page
from pictures.results import read_results


def test_page_is_up_to_date() -> None:
    """Run `PYTHONPATH=scripts python scripts/docs/measurements_page.py` after a change of what benchmarks wrote."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_peer_is_accounted_for() -> None:
    """Each was measured, with its version, or the page says why not."""
    results = read_results("sdks")
    text = page()
    for table in results["tables"]:
        measured = {row[""] for row in table["rows"]}
        left_out = {name for note in table["notes"] for name in re.findall(r"^Left out: (.+), because", note)}
        assert measured | left_out >= CALLS.keys()
        assert not measured & left_out
        assert all(f": {note}\n" in text for note in table["notes"])
    for name in {row[""] for row in results["tables"][0]["rows"]} & CALLS.keys():
        package, call = CALLS[name]
        assert f"| {name} | {call} | {package} {results['packages'][package]} |" in text
