"""A run of a part of a job: what it writes and looks up. Everything here blocks."""

from collections.abc import Sequence
from typing import Final

from refold_async.journal.postgres import sql
from refold_async.journal.postgres.batches import encode, encoded_batches
from refold_async.journal.postgres.lease import Lease, PartState
from refold_async.journal.store import EntryRow, EntryValues

__all__ = ["PostgresRun"]

_LONGEST_KEY: Final = 2600


class PostgresRun:
    """A run of a part whose lease this process has.

    Attributes:
        location: Where the journal is, for messages.
        number: The number of the run.
        blank: Whether no earlier run has recorded an item. Nobody else records any while the lease lasts.
        longest_key: How many bytes a key may have. What PostgreSQL puts into an index must fit into a third of a page.
        closed: Whether the run has ended.
        releases: Whether the lease ends with the run.
    """

    def __init__(self, lease: Lease, state: PartState, *, releases: bool = False) -> None:
        """Begin.

        Args:
            lease: The right to change the part.
            state: The state of the part.
            releases: Whether the lease ends with the run.
        """
        self.location = lease.location
        self.number = state.runs
        self.blank = state.last_id == 0
        self.longest_key = _LONGEST_KEY
        self.closed = False
        self._lease = lease
        self.releases = releases

    def write(self, entries: Sequence[EntryValues]) -> None:
        """Commit what must be recorded about items, in this order.

        Raises:
            JournalError: It could not be written, or another worker took the part; then nothing was.
        """
        self._lease.change([(sql.WRITE, {"entries": text}) for text in encoded_batches(entries)], "written")

    def tally(self, items: int | None, refused: int) -> None:
        """Commit how many items the run was given and how many of them it refused.

        Raises:
            JournalError: That could not be written, or another worker took the part.
        """
        self._lease.change([(sql.TALLY, {"given": items, "refused": refused})], "written")

    def look_up(self, keys: Sequence[str]) -> list[EntryRow]:
        """Return the rows with these keys, and mark those of earlier runs with this run.

        Raises:
            JournalError: They could not be read or marked, or another worker took the part.
        """
        found = self._lease.read(sql.LOOK_UP, {"keys": encode(keys)}, "read")
        rows = [EntryRow._make(row[2:]) for row in found if row[2] is not None]
        # Only after they were read: if the answer to one statement for both were lost, they would look as if this run
        # had looked them up before.
        earlier = [row.key for row in rows if row.run != self.number]
        if earlier:
            self._lease.change([(sql.MARK, {"keys": encode(earlier)})], "written")
        return rows

    def close(self) -> None:
        """End the run."""
        self.closed = True
        if self.releases:
            self._lease.release()
