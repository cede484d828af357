"""What a journal costs does not depend on how many items have ended."""

import sys
from pathlib import Path

import pytest

from refold_async.journal.journal import Journal
from support.journals import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing says how much a process reads")


def bytes_read() -> int:
    """Return how many bytes this process has read so far, from files or from the cache of the system."""
    return int(Path("/proc/self/io").read_text(encoding="utf-8").split()[1])


def read_by_a_summary_and_a_run(path: Path, items: int) -> tuple[int, int]:
    """Return how many bytes a summary reads, and how many a run that does nothing, after so many items have ended."""
    run = opened(path)
    for first in range(0, items, 500):
        rows = [(f"user_{number}", "user", "ok", "done", None, "x" * 100) for number in range(first, first + 500)]
        run.write(rows)
    run.close()
    before = bytes_read()
    summary = Journal(path).summary()
    summed_up = bytes_read()
    opened(path).close()
    ran = bytes_read()
    assert summary.ok == items
    return summed_up - before, ran - summed_up


def test_a_summary_and_a_run_read_the_same_of_any_journal(tmp_path: Path) -> None:
    """Neither goes through the items."""
    few = read_by_a_summary_and_a_run(tmp_path / "few.sqlite", 1_000)
    many = read_by_a_summary_and_a_run(tmp_path / "many.sqlite", 20_000)
    for small, large in zip(few, many, strict=True):
        assert large < small + 50_000
    assert (tmp_path / "many.sqlite").stat().st_size > 2_000_000
