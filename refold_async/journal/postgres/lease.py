"""The right to change a part of a job, which one worker has at a time: its fence, and its lease. All blocks."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from refold_async.errors import JournalError, RefoldError
from refold_async.journal.postgres import sql
from refold_async.journal.postgres.connection import Connection
from refold_async.journal.postgres.session import Session

__all__ = ["Change", "Lease", "PartState", "is_held_here"]

_LAST_WORDS: Final = 2.0  # seconds that giving a part back may take: if it fails, the lease ends by itself
_LONGEST_RENEWAL: Final = 5.0
_RENEWALS: Final = 3  # within the time of a lease

_held: Final[dict[str, int]] = {}  # the names of the claims of this process; in a child of it, those of its parent too

Change = tuple[str, Mapping[str, Any]]
"""A statement that changes a part if it is still this worker's, and its parameters."""


class PartState(NamedTuple):
    """What the row of a part says after a change."""

    fence: int
    batch: int
    runs: int
    last_id: int
    started: int


class Lease:
    """The right to change a part, as long as no other worker takes it.

    Attributes:
        part: The number of the part, from 0.
        job: The id of its job.
        location: Where the journal is, for messages.
    """

    def __init__(
        self,
        session: Session,
        job: int,
        worker: str,
        claimed: tuple[int, int, int],
        seconds: float,
        give_back: Callable[[Session], object],
    ) -> None:
        """Keep the lease from now on.

        Args:
            session: The session, which is this part's alone until it is given back.
            job: The id of the job.
            worker: The name of the claim.
            claimed: The number of the part, its fence and its last batch, as `CLAIM` returns them.
            seconds: After how long without a sign of this process others may take the part.
            give_back: Called with the session when the claim has ended.
        """
        self.part, self._fence, self._batch = claimed
        self.job = job
        self.location = session.server.location
        self._session = session
        self._give_back = give_back
        self._unclear = False  # whether a change failed that may have been made, or may still be made
        self._renewed_at = time.monotonic()
        self._ended = threading.Event()
        self._worker = worker
        _held[worker] = os.getpid()
        weakref.finalize(self, _forget, worker, self._ended)  # nobody may be left to give the part back
        self._renewing = threading.Thread(
            target=_keep,
            args=(weakref.ref(self), self._ended, seconds / _RENEWALS),
            name="refold_async journal lease",
            daemon=True,
        )
        self._renewing.start()

    def release(self) -> None:
        """Let others claim the part immediately. Without the server, they have to wait until the lease ends."""
        if self._ended.is_set():
            return
        _forget(self._worker, self._ended)
        with suppress(RefoldError):  # the log says why
            self._session.query(sql.RELEASE, self._mine(), "written", patience=_LAST_WORDS)
        self._renewing.join()
        self._give_back(self._session)

    def check_held(self) -> None:
        """Check that the part was not given back.

        Raises:
            JournalError: It was.
        """
        if self._ended.is_set():
            raise JournalError(f"Part {self.part} in the journal {self.location!r} was given back: claim it again.")

    def change(self, changes: Sequence[Change], doing: str, *, slow: float = 0.0) -> PartState:
        """Change the part, in one transaction, if it is still this worker's. What was done already is not done again.

        Args:
            changes: The changes. Each returns the new state of the part.
            doing: What becomes of the journal, for messages.
            slow: Seconds that it may take although the server is well, if that is longer than patience.

        Raises:
            JournalError: Another worker took the part, the server has lost what it committed, or it cannot be used.
        """
        self.check_held()
        if self._unclear:
            self._reclaim(doing)
        batch = self._batch + len(changes)

        def make(connection: Connection) -> PartState:
            state: PartState | None = None
            if len(changes) == 1:
                state = self._make(connection, changes[0], self._batch)
            else:
                with connection.transaction():
                    for done, change in enumerate(changes, self._batch):
                        if (state := self._make(connection, change, done)) is None:
                            break
            return state or self._state(connection, batch)

        self._unclear = True
        state = self._session.run(make, doing, slow=slow)
        self._unclear = False
        self._batch = batch
        self._renewed_at = time.monotonic()
        return state

    def read(self, template: str, parameters: Mapping[str, Any], doing: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that changes nothing; each begins with the fence and the batch of the part.

        Raises:
            JournalError: Another worker took the part, the server has lost what it committed, or it cannot be used.
        """
        self.check_held()
        rows = self._session.query(template, {**self._mine(), **parameters}, doing)
        self._check(rows[0] if rows else None, self._batch)
        return rows

    def renew(self) -> bool:
        """Renew the lease, unless that was done a short while ago. Return whether the part is still this worker's."""
        session = self._session
        statement = session.server.statement(sql.RENEW)
        # If the session is in use, what it does renews the lease.
        rows = session.run_if_idle(
            lambda connection: connection.query(statement, self._mine()), "written", patience=_LONGEST_RENEWAL
        )
        if rows:
            self._renewed_at = time.monotonic()
        return rows is None or bool(rows)

    def seconds_since_renewal(self) -> float:
        """Return how long ago the lease was renewed."""
        return time.monotonic() - self._renewed_at

    def _reclaim(self, doing: str) -> None:
        """Accept what there is after a change that may have been made or not, and prevent that it is made later."""
        rows = self._session.query(sql.RECLAIM, self._mine(), doing)
        if not rows:
            raise self._taken_over()
        ((self._fence, self._batch),) = rows
        self._unclear = False

    def _mine(self) -> dict[str, Any]:
        return {"job": self.job, "part": self.part, "worker": self._worker, "fence": self._fence}

    def _make(self, connection: Connection, change: Change, batch: int) -> PartState | None:
        """Make a change that follows a batch. Return None if another worker has the part, or the change was made."""
        template, parameters = change
        statement = self._session.server.statement(template)
        rows = connection.query(statement, {**self._mine(), "batch": batch, **parameters})
        return PartState(*rows[0]) if rows else None

    def _state(self, connection: Connection, batch: int) -> PartState:
        """Return the state of the part, if a change was made before, in this batch, and only its answer was lost."""
        rows = connection.query(self._session.server.statement(sql.PART_STATE), self._mine())
        self._check(rows[0] if rows else None, batch)
        return PartState(*rows[0])

    def _check(self, row: Sequence[Any] | None, batch: int) -> None:
        """Check that a part with this row is still this worker's, and was last changed in this batch."""
        if row is None or row[0] != self._fence:
            raise self._taken_over()
        if row[1] != batch:
            raise JournalError(
                f"The journal {self.location!r} lost what was committed to part {self.part}: it has batch {row[1]}, "
                f"and this run wrote batch {batch}. Was it restored from a backup, or did a standby take over that did "
                "not have everything? Items of this run may be missing in it: check them before you run the job again."
            )

    def _taken_over(self) -> JournalError:
        return JournalError(
            f"The journal {self.location!r} has another worker for part {self.part}: another worker took this part, "
            "because this one was stopped or could not reach the database for longer than its lease. This run stops; "
            "what it had sent is recorded."
        )


def is_held_here(worker: str) -> bool:
    """Return whether this process holds the lease of the claim with this name."""
    return _held.get(worker) == os.getpid()


def _forget(worker: str, ended: threading.Event) -> None:
    ended.set()
    _held.pop(worker, None)


def _keep(of: "weakref.ref[Lease]", ended: threading.Event, interval: float) -> None:
    """Renew the lease of a part until its claim has ended, or until another worker has the part."""
    pause = interval
    while not ended.wait(pause):
        lease = of()
        if lease is None:
            return
        pause = interval - lease.seconds_since_renewal()
        if pause <= 0:
            try:
                if not lease.renew():
                    return  # what the run does next is told so
            except RefoldError:
                pass  # what the run does next is told why, or the server is there again
            pause = max(interval - lease.seconds_since_renewal(), interval / 5)
        del lease
