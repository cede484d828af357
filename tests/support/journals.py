"""Helpers for the tests of the journal."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from refold_async.journal.journal import Journal
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.journal.store import Durability, JobIdentity

IDENTITY = JobIdentity(
    base_url="https://app.refold.ai",
    environment="test",
    slug="hubspot",
    action_id="get_contact",
    parameters_sha256=None,
)


def opened(
    path: Path | str, *, name: str = "june sync", identity: JobIdentity = IDENTITY, durability: Durability = "process"
) -> SQLiteRun:
    """Begin a run."""
    return SQLiteRun.open(str(path), name=name, identity=identity, durability=durability)


def statuses(journal: Journal) -> dict[str, str]:
    """Return the status of each key."""
    return {entry.key: entry.status for entry in journal.entries()}


@contextmanager
def largest_file(size: int) -> Generator[None]:
    """Keep every file of this process below `size` bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
