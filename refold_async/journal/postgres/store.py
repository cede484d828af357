"""The journals in a schema of PostgreSQL: claiming parts of a job, and reading it while it runs. All blocks."""

import os
import secrets
import socket
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final
from weakref import WeakMethod

from refold_async.errors import JournalError
from refold_async.journal.postgres import sql
from refold_async.journal.postgres.connection import Connection, Server
from refold_async.journal.postgres.lease import Lease, is_held_here
from refold_async.journal.postgres.part import PostgresPart
from refold_async.journal.postgres.run import PostgresRun
from refold_async.journal.postgres.session import Session
from refold_async.journal.send_fence import SEND_WITHIN
from refold_async.journal.store import (
    EntryRow,
    JobIdentity,
    JobRow,
    PartCounts,
    PartsLeft,
    StoreSummary,
)

__all__ = ["PostgresStore"]

_READ_PATIENCE: Final = 2.0  # seconds: who looks at a job wants to be told that the server is gone
_SLOW: Final = 3600.0  # seconds that a reader may search many rows for a few
_MOST_SCANNED: Final = 20_000  # rows that one statement looks at, at most
_MOST_ROWS: Final = 1000  # rows and characters that one statement returns: few enough to keep in memory
_MOST_CHARACTERS: Final = 1_000_000
_POLL: Final = 0.25  # seconds between two looks whether a job without parts is still run by another process


class PostgresStore:
    """The journal of a job, or of the only one, in a schema of PostgreSQL.

    Attributes:
        location: The place, for messages.
    """

    def __init__(
        self, server: Server, job: str | None, *, patience: float, lease: float, send_within: float = SEND_WITHIN
    ) -> None:
        """Connect to nothing yet.

        Args:
            server: The server, with the database and the schema.
            job: The name of the job, or None to read the only one there is.
            patience: Seconds that a run waits for the server.
            lease: Seconds after which others may take a part whose worker gives no sign.
            send_within: Seconds for which that worker may still send what it had recorded.
        """
        self.location = server.location
        self._server = server
        self._job = job
        self._patience = patience
        self._lease = lease
        self._send_within = send_within
        self._session: Session | None = None
        self._is_open = False  # whether the session is kept for the next claim
        self._ids: dict[str | None, int] = {}

    def open_run(self, job: str, identity: JobIdentity) -> PostgresRun:
        """Begin a run of a job without parts, which has one part here. Wait for the end of a dead worker's lease.

        Raises:
            JournalError: The job is running, has parts, or belongs to another journal; or that cannot be recorded.
        """
        session = Session(self._server, self._patience)
        try:
            part = self._claim_alone(session, job)
        except BaseException:
            session.close()
            raise
        try:
            return part.open_run(job, identity, releases=True)
        except BaseException:
            part.release()
            raise

    def _claim_alone(self, session: Session, job: str) -> PostgresPart:
        job_id = self._find_or_add(session, job, 1)
        seen: object = None
        while not isinstance(claimed := self._claim(session, job_id, (), Session.close), PostgresPart):
            if not claimed.open:
                raise JournalError(
                    f"The job {job!r} in the journal {self.location!r} was claimed with parts=1, and its part is "
                    "closed: all its items have ended. Begin a job of another name for other items."
                )
            # A worker that lives renews its lease; one that died cannot.
            ((worker, until),) = session.query(sql.READ_LEASE, {"job": job_id}, "opened")
            if seen not in (None, until) or is_held_here(worker):
                raise JournalError(
                    f"The journal {self.location!r} is in use: another run of the job {job!r} has not ended. Wait "
                    "until it ends, or stop it."
                )
            seen = until
            time.sleep(_POLL)
        return claimed

    def claim(self, job: str, parts: int, skip: Collection[int]) -> PostgresPart | PartsLeft:
        """Claim a part that is not closed and that nobody has claimed.

        Raises:
            JournalError: The job has another number of parts, or the journal cannot be read or written.
        """
        session = self._session = self._session or Session(self._server, self._patience)
        self._is_open = True
        if job not in self._ids:
            self._ids[job] = self._find_or_add(session, job, parts)
        take_back = WeakMethod(self._take_back)

        def give_back(session: Session) -> None:
            (take_back() or Session.close)(session)

        claimed = self._claim(session, self._ids[job], skip, give_back)
        if isinstance(claimed, PostgresPart):
            self._session = None  # it belongs to the part until the claim ends
        return claimed

    def _take_back(self, session: Session) -> None:
        """Keep the session of a part for the next claim."""
        if self._is_open and self._session is None:
            self._session = session
        else:
            session.close()

    def _claim(
        self, session: Session, job: int, skip: Collection[int], give_back: Callable[[Session], object]
    ) -> PostgresPart | PartsLeft:
        # A new name for each claim, so that a repeated statement finds the part that it got, and no earlier one.
        worker = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}"
        values = {
            "job": job,
            "skip": list(skip),
            "worker": worker,
            "lease": self._lease,
            "send_within": self._send_within,
        }
        if rows := session.query(sql.CLAIM, values, "written"):
            ((number, fence, batch),) = rows
            return PostgresPart(session, Lease(session, job, worker, (number, fence, batch), self._lease, give_back))
        left = session.query(sql.PARTS_LEFT, values, "read")
        return PartsLeft(frozenset(number for number, _ in left), frozenset(number for number, held in left if held))

    def _find_or_add(self, session: Session, job: str, parts: int) -> int:
        """Return the id of a job, which is added with its parts if there is none of this name.

        Raises:
            JournalError: It has another number of parts.
        """
        values = {"name": job, "parts": parts}
        while not (rows := session.query(sql.FIND_JOB, values, "opened")):
            session.query(sql.ADD_JOB, values, "written")
        ((job_id, there, rows_of_parts),) = rows
        if there != parts:
            raise JournalError(
                f"The job {job!r} has {_named(there)}, not {'none' if parts == 1 else parts}. With another number, "
                "items would change their part and be sent twice: pass the number that it has, or begin a job of "
                "another name."
            )
        if rows_of_parts != there:
            raise JournalError(
                f"The journal {self.location!r} is damaged: the job {job!r} has {there} parts, and {rows_of_parts} "
                "rows in the table parts."
            )
        return int(job_id)

    def read_summary(self) -> StoreSummary:
        """Return what the journal has about the job as a whole.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        session, job = self._reading()
        ((*told, started, withdrawn, ok, failed, unknown, items, refused, parts, closed, held),) = session.query(
            sql.SUMMARISE, {"job": job}, "read"
        )
        *told, updated_at = told
        row = JobRow._make(told)
        if row.opened_at is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise JournalError(f"The job {row.name!r} in the journal {self.location!r} has not been run yet.")
        counts = {"started": started, "withdrawn": withdrawn, "ok": ok, "failed": failed, "unknown": unknown}
        return StoreSummary(
            row, held > 0, counts, updated_at, items, refused, None if parts == 1 else PartCounts(parts, closed, held)
        )

    def read_entries(self, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[EntryRow]:
        """Return the next rows with one of `statuses` and an id larger than `after`; none if there are no more.

        Rows whose status is none of the `known` ones are returned too, so that the caller can report them.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        session, job = self._reading()
        values: dict[str, Any] = {
            "job": job,
            "statuses": list(statuses),
            "known": list(known),
            "scanned": _MOST_SCANNED,
            "rows": _MOST_ROWS,
            "characters": _MOST_CHARACTERS,
        }

        def read(connection: Connection) -> list[EntryRow]:
            with connection.transaction():
                connection.query(sql.BY_INDEX)
                last: int | None = after
                while last is not None:
                    values["after"] = last
                    if found := connection.query(read_page, values):
                        return [EntryRow._make(row) for row in found]
                    ((last,),) = connection.query(find_end, values)
            return []

        read_page, find_end = map(self._server.statement, (sql.READ_ENTRIES, sql.LAST_SCANNED))
        return session.run(read, "read", slow=_SLOW)

    def _reading(self) -> tuple[Session, int]:
        """Return a session, and the id of the job that is read.

        Raises:
            JournalError: There is no such job, or there are several and none was named.
        """
        session = self._session = self._session or Session(self._server, _READ_PATIENCE)
        if self._job not in self._ids:
            self._ids[self._job] = self._find(session)
        return session, self._ids[self._job]

    def _find(self, session: Session) -> int:
        job = self._job
        if job is None:
            names: list[str] = [name for (name,) in session.query(sql.FIND_JOBS, {}, "read")]
            if not names:
                raise JournalError(f"The journal {self.location!r} has no job: the first run of one creates it.")
            if len(names) > 1:
                raise JournalError(
                    f"The journal {self.location!r} has several jobs: name one, PostgresJournal(..., job='june sync'). "
                    f"Its jobs are: {', '.join(map(repr, names[:10]))}{', …' * (len(names) > 10)}."
                )
            (job,) = names
        rows = session.query(sql.FIND_JOB, {"name": job}, "read")
        if not rows:
            raise JournalError(f"There is no job {job!r} in the journal {self.location!r}: its first run creates it.")
        return int(rows[0][0])

    def close(self) -> None:
        """Close the connection, if one is open."""
        session, self._session, self._is_open = self._session, None, False
        if session is not None:
            session.close()


def _named(parts: int) -> str:
    return "no parts" if parts == 1 else f"{parts} parts"
