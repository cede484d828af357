"""A part of a job that this process has claimed. Everything here blocks."""

from typing import Final

import attrs

from refold_async.errors import JournalError
from refold_async.journal.identity import check_identity
from refold_async.journal.postgres import sql
from refold_async.journal.postgres.lease import Lease
from refold_async.journal.postgres.run import PostgresRun
from refold_async.journal.postgres.session import Session
from refold_async.journal.store import JobIdentity

__all__ = ["PostgresPart"]

_SLOW: Final = 3600.0  # seconds, for the search for what was in flight when a worker died


class PostgresPart:
    """A part of a job that this process has claimed.

    Attributes:
        number: Its number, from 0.
    """

    def __init__(self, session: Session, lease: Lease) -> None:
        self.number = lease.part
        self._session = session
        self._lease = lease
        self._run: PostgresRun | None = None

    def open_run(self, job: str, identity: JobIdentity, *, releases: bool = False) -> PostgresRun:
        """Begin a run of the part; with `releases`, the claim ends with it.

        Raises:
            JournalError: It was given back, a run of it has not ended, the journal belongs to another job, or it cannot
                be written.
        """
        self._lease.check_held()
        location = self._lease.location
        if self._is_running:
            raise JournalError(
                f"The journal {location!r} is in use: another fan-out over part {self.number} of the job {job!r} has "
                "not ended."
            )
        values = {"job": self._lease.job, **attrs.asdict(identity)}
        self._session.query(sql.IDENTIFY_JOB, values, "opened")
        (recorded,) = self._session.query(sql.READ_IDENTITY, values, "opened")
        check_identity(location, recorded, job, identity)
        state = self._lease.change([(sql.BEGIN_RUN, {})], "opened", slow=_SLOW)
        if state.started:
            raise JournalError(
                f"The journal {location!r} is damaged: according to its table parts, part {self.number} of the job "
                f"{job!r} has {state.started} more items in flight than its table items."
            )
        self._run = PostgresRun(self._lease, state, releases=releases)
        return self._run

    def close(self) -> None:
        """Record that all items of the part have ended, and end the claim.

        Raises:
            JournalError: Another worker took the part, or that cannot be recorded.
        """
        self._lease.change([(sql.CLOSE, {})], "written")
        self._lease.release()

    def release(self) -> None:
        """End the claim, or let it end with the run that is open, so that others can claim the part.

        Without the server, they wait until the lease has ended.
        """
        if self._run is not None:
            self._run.releases = True
        if not self._is_running:
            self._lease.release()

    @property
    def _is_running(self) -> bool:
        return self._run is not None and not self._run.closed
