"""The entries of a batch as the JSON that a statement takes."""

import json
from collections.abc import Sequence
from typing import Final

from refold_async.journal.store import EntryRow, EntryValues

__all__ = ["encoded_batches"]

_WIDTH: Final = EntryRow._fields.index("run") - EntryRow._fields.index("key")
_LONGEST: Final = 4_000_000  # characters in one statement; PostgreSQL takes 60 times as many

encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def encoded_batches(entries: Sequence[EntryValues]) -> list[str]:
    """Return entries as JSON, each key once: nearly always as one text, and as several if that would be too long."""
    if len({entry[0] for entry in entries}) < len(entries):
        entries = _merged(entries)
    return _encoded(entries)


def _encoded(entries: Sequence[EntryValues]) -> list[str]:
    text = encode(entries)
    if len(text) <= _LONGEST or len(entries) == 1:
        return [text]
    middle = len(entries) // 2
    return [*_encoded(entries[:middle]), *_encoded(entries[middle:])]


def _merged(entries: Sequence[EntryValues]) -> list[EntryValues]:
    """Return one entry for each key: the last one, with what the ones before it changed.

    It then ends with how often the item was started since it was last withdrawn, whether it was withdrawn, and whether
    it was started.
    """
    merged: dict[object, list[str | int | bool | None]] = {}
    for entry in entries:
        key, account, status = entry[:3]
        before = merged.get(key)
        sends, withdrawn, started = before[_WIDTH:] if before is not None else (0, False, False)
        if status == "started":
            sends, started = int(sends or 0) + 1, True
        elif status == "withdrawn":
            sends, withdrawn = 0, True
        if account is None and before is not None:
            account = before[1]
        padding = [None] * (_WIDTH - len(entry))
        merged[key] = [key, account, *entry[2:], *padding, sends, withdrawn, started]
    return list(merged.values())
