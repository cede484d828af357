"""The CSV file of outcomes, `--output`."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from refold_async.cli.failures import UsageError
from refold_async.jobs.outcome_writer import OutcomeWriter
from refold_async.jobs.outcomes import Outcome

__all__ = ["OutcomeFile"]


class OutcomeFile:
    """A file with a line for each outcome, written as the job runs: so it outlives the process, by `kill -9` too.

    A job with a journal writes it anew in every run, those outcomes included that earlier runs recorded. Without a
    journal it is all that is known of the job: then a file that is there is not replaced.
    """

    def __init__(self, path: Path, *, others: Iterable[Path], replaces: bool) -> None:
        """Open the file.

        Args:
            path: Where it is.
            others: The other files of the job, of which it must be none.
            replaces: Whether a file that is there may be replaced.

        Raises:
            UsageError: It cannot be written, or may not be replaced.
        """
        self.path = path
        if any(_is_same(path, other) for other in others):
            raise UsageError(f"--output {path} would overwrite another file of the job. Nothing was sent.")
        if not replaces and path.is_file() and path.stat().st_size:
            raise UsageError(
                f"--output {path} is there already, and may be all that tells of an earlier run: name another file, or "
                "pass --journal. Nothing was sent."
            )
        try:
            self._writer = OutcomeWriter(path)
        except OSError as error:
            raise UsageError(
                f"--output {path} cannot be written: {error.strerror or error}. Nothing was sent."
            ) from None
        self.problem: str | None = None
        """Why it cannot be written any more, or None."""

    def write(self, outcome: Outcome[dict[str, Any], Any]) -> str | None:
        """Write an outcome's line; return why it cannot be written, or None."""
        if self.problem is None:
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
        with contextlib.suppress(OSError):  # of what could not be written, which was told
            self._writer.close()


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()
