"""The CSV file of outcomes, `--output`."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from refold_async.cli.bulk.rows import RowFile
from refold_async.cli.failures import UsageError
from refold_async.cli.private_file import check_replaceable
from refold_async.cli.process import ending
from refold_async.jobs.outcome_rows import COLUMNS
from refold_async.jobs.outcome_writer import OutcomeWriter
from refold_async.jobs.outcomes import Outcome

__all__ = ["OutcomeFile"]

_BEGINNING: Final = ",".join(COLUMNS[:4]).encode("utf-8-sig")
"""How every such file begins."""


class OutcomeFile:
    """A file with a line for each outcome, written while the job runs, so that its lines survive even `kill -9`.

    With a journal, each run replaces the file and includes the outcomes that earlier runs recorded. Without a journal,
    the file is the only record of the job, so an existing file is not replaced.
    """

    def __init__(self, path: Path, rows: RowFile, journal: Path | None) -> None:
        """Remember where it is; `open()` touches it.

        Args:
            path: Its path.
            rows: The rows of the job.
            journal: The journal of the job, or None.
        """
        self.path = path
        self._rows = rows
        self._journal = journal
        self._writer: OutcomeWriter | None = None
        self.problem: str | None = None
        """Why it can no longer be written, or None."""

    def open(self) -> None:
        """Open the file. Only its owner may read a new one, as with the journal.

        Raises:
            UsageError: It cannot be written, or must not be replaced.
        """
        path = self.path
        try:
            with ending():  # opening a pipe waits for its reader
                self._check()
                with suppress(FileExistsError):
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                self._writer = OutcomeWriter(path)
        except OSError as error:
            raise UsageError(
                f"--output {path} cannot be written: {error.strerror or error}. Nothing was sent."
            ) from None

    def _check(self) -> None:
        """Refuse to replace anything except a file of outcomes that the journal can restore."""
        path = self.path
        if self._rows.is_at(path) or (self._journal is not None and _is_same(path, self._journal)):
            raise UsageError(f"--output {path} would overwrite another file of the job. Nothing was sent.")
        if not path.is_file():
            return
        check_replaceable("--output", path)
        with path.open("rb") as file:
            beginning = file.read(len(_BEGINNING))
        if not _BEGINNING.startswith(beginning):
            raise UsageError(
                f"--output {path} exists and is not a file of outcomes: name another file. Nothing was sent."
            )
        if beginning and self._journal is None:
            raise UsageError(
                f"--output {path} exists and may be the only record of an earlier run: name another file, or pass "
                "--journal. Nothing was sent."
            )

    def write(self, outcome: Outcome[dict[str, Any], Any]) -> str | None:
        """Write the line of an outcome. Return None, or the reason why it cannot be written."""
        if self.problem is None and self._writer is not None:
            try:
                self._writer.write(outcome)
            except OSError as error:
                self.problem = f"--output {self.path} cannot be written: {error.strerror or error}."
        return self.problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writer is not None:
            with suppress(OSError):  # write() has reported it
                self._writer.close()


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them does not exist
        return path.absolute() == other.absolute()
