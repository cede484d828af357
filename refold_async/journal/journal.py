"""The journal of a bulk job: a file that records how every item ended, so that the job can be run again."""

import os
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final, get_args

import attrs

from refold_async.config.validation import check_bool
from refold_async.errors import ConfigurationError
from refold_async.journal.entries import EntryStatus, JournalEntry
from refold_async.journal.identity import check_job, checked_by
from refold_async.journal.parts import JournalPart, check_claimable, check_parts, claim_parts
from refold_async.journal.reading import JournalSummary, read_entries, read_summary
from refold_async.journal.store import Durability, JournalStore, PartedStore

__all__ = ["Journal", "store_of"]

_DURABILITIES: Final = get_args(Durability)


def _check_path(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    path: object = getattr(value, "__fspath__", lambda: value)()
    if not isinstance(path, str) or not path or "\0" in path:
        raise ConfigurationError(f"Journal(path) must be the path of a file, got {value!r}.")


def _check_durability(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value not in _DURABILITIES:
        raise ConfigurationError(f"Journal(durability=) must be 'process' or 'power', got {value!r}.")


@attrs.frozen
class Journal:
    """A file that records how every item of a job ended, so that running the job again does only what is left.

    Pass it to a fan-out as `journal=`. An item is recorded as started before a request for it is sent, and its outcome
    is recorded before you get it. So even if the process dies, the journal has every request that may have been sent,
    and an item that was in flight becomes `unknown`.

    The file must be on a local disk: locks do not work reliably on network file systems. SQLite's `-wal` and `-shm`
    files next to it belong to it. If one of these files is moved, deleted or overwritten while the job runs, the job
    stops with a `JournalError` before it sends more.

    The file contains no API key. It contains the keys of the items, their errors and, if you ask for them, their
    results. Only its owner may read it.
    """

    path: str | os.PathLike[str] = attrs.field(validator=_check_path)
    """The path of the file. The first run creates it; its directory must exist."""

    job: str | None = attrs.field(default=None, kw_only=True, validator=checked_by(check_job))
    """The name of the job. A run needs it; reading the journal does not. Another name means another job."""

    results: bool = attrs.field(default=False, kw_only=True, validator=checked_by(check_bool))
    """Whether to record what the calls return as well, as JSON; by default False. The log warns if the next run cannot
    return a result as it was: once if results change their type, such as a tuple that becomes a list; and for each
    result that cannot be written as JSON."""

    durability: Durability = attrs.field(default="process", kw_only=True, validator=_check_durability)
    """What a record survives: `process` (the default), the death of the process; `power`, a power failure too. With
    `power`, every commit waits until it is on the disk."""

    parts: int | None = attrs.field(default=None, kw_only=True, validator=checked_by(check_parts))
    """How many parts the job has, so that several processes of one machine can share it, see `claim()`. `path` is then
    a directory, which holds a file for each part. By default the job is not split."""

    def claim(self) -> AsyncGenerator[JournalPart, None]:
        """Iterate over parts of the job. Each belongs to you until you close it or ask for the next.

        ```python
        async for part in journal.claim():
            async with refold.fan_out_action(items_of(part.number), slug, action_id, journal=part) as outcomes:
                async for outcome in outcomes:
                    ...
            await part.close()
        ```

        Any number of processes of one machine may do this at the same time. A part has one worker at a time: if that
        dies, another worker gets the part, and the journal shows it what is left. The iteration ends when all parts are
        closed, and waits for parts that others are working on, in case their workers die. A part that you leave without
        closing it, for example by `break`, is given back for others to claim.

        Yields:
            The next part. Each is yielded at most once.

        Raises:
            ConfigurationError: The journal has no `job` or no `parts`.
            JournalError: The job has another number of parts; the journal cannot be read or written; or the only parts
                left are those that this iteration got and did not close.
        """
        job, parts = check_claimable("Journal", self.job, self.parts, such_as=16)
        return claim_parts(_folder_of(self), job, parts, results=self.results)

    def summary(self) -> JournalSummary:
        """Return the state of the job. The job may be running, in this process or another. This waits for the disk.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        return read_summary(store_of(self))

    def entries(self, *, status: EntryStatus | None = None) -> Iterator[JournalEntry]:
        """Yield the recorded entry of each item, in the order in which items were first recorded.

        While the job runs, each entry is as it was when it was read, and new entries come at the end. Reading waits for
        the disk.

        Args:
            status: Yield only entries with this status; by default all.

        Raises:
            ConfigurationError: The status does not exist.
            JournalError: The journal does not exist or cannot be read.
        """
        # The path as it is now: the reader may change its working directory half way.
        return read_entries(store_of(attrs.evolve(self, path=os.path.realpath(self.path))), status)


def store_of(journal: Journal) -> JournalStore:
    """Return the store of a journal."""
    if journal.parts is not None or os.path.isdir(journal.path):
        return _folder_of(journal)
    from refold_async.journal.sqlite.store import SQLiteStore

    return SQLiteStore(os.fspath(journal.path), journal.durability)


def _folder_of(journal: Journal) -> PartedStore:
    from refold_async.journal.sqlite.folder import SQLiteFolder

    return SQLiteFolder(os.fspath(journal.path), journal.durability)
