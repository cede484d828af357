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
"""That of every such file."""


class OutcomeFile:
    """A file with a line for each outcome, written as the job runs: so it outlives the process, by `kill -9` too.

    A job with a journal writes it anew in every run, those outcomes included that earlier runs recorded. Without a
    journal it is all that is known of the job: then a file that is there is not replaced.
    """

    def __init__(self, path: Path, rows: RowFile, journal: Path | None) -> None:
        """Touch nothing yet.

        Args:
            path: Where it is.
            rows: The rows of the job.
            journal: The journal of the job, or None.
        """
        self.path = path
        self._rows = rows
        self._journal = journal
        self._writer: OutcomeWriter | None = None
        self.problem: str | None = None
        """Why it cannot be written any more, or None."""

    def open(self) -> None:
        """Open the file. Only its owner may read one that is new, as with the journal.

        Raises:
            UsageError: It cannot be written, or may not be replaced.
        """
        path = self.path
        try:
            with ending():  # a pipe may have nobody to read it
                self._check()
                with suppress(FileExistsError):
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                self._writer = OutcomeWriter(path)
        except OSError as error:
            raise UsageError(
                f"--output {path} cannot be written: {error.strerror or error}. Nothing was sent."
            ) from None

    def _check(self) -> None:
        """Refuse to replace anything but a file of outcomes that can be written again."""
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
                f"--output {path} is there already, and is no file of outcomes: name another. Nothing was sent."
            )
        if beginning and self._journal is None:
            raise UsageError(
                f"--output {path} is there already, and may be all that tells of an earlier run: name another file, or "
                "pass --journal. Nothing was sent."
            )

    def write(self, outcome: Outcome[dict[str, Any], Any]) -> str | None:
        """Write an outcome's line; return why it cannot be written, or None."""
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
            with suppress(OSError):  # of what could not be written, which was told
                self._writer.close()


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()
