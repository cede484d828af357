"""Documents of one kind, which calls create, read, change and delete, such as definitions of events, or schedules."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import attrs

from refold_async.testing.protocol.replies import Refused
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["Documents"]


@attrs.define(eq=False)
class Documents:
    """All documents of one kind, of the organisation or of one linked account.

    A document is a dict, as the API shows it. It has an `_id`, and the times `createdAt` and `updatedAt`.

    Args:
        kind: What they are, such as `event`.
        owner: The serial number of the linked account they belong to; 0 for the organisation.
    """

    kind: str
    owner: int = 0
    _by_id: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]], init=False)
    _changes: dict[str, int] = attrs.field(factory=dict[str, int], init=False)
    _created: int = attrs.field(default=0, init=False)

    def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make a document with these fields, and return it."""
        self._created += 1
        number = f"{crc32(self.kind.encode()):08x}{self.owner:08x}{self._created:08x}"
        document = {"_id": number, **fields, "createdAt": timestamp(), "updatedAt": timestamp()}
        self._by_id[number] = document
        return document

    def find(self, document_id: str) -> dict[str, Any] | None:
        """Return the document with this id, or None."""
        return self._by_id.get(document_id)

    def get(self, document_id: str, name: str) -> dict[str, Any]:
        """Return the document with this id.

        Args:
            document_id: The id.
            name: What to call it in the message if there is none, such as `Event`.

        Raises:
            Refused: 404, there is none.
        """
        document = self._by_id.get(document_id)
        if document is None:
            raise Refused(404, f"{name} not found", "RESOURCE_NOT_FOUND")
        return document

    def all(self, **having: Any) -> list[dict[str, Any]]:
        """Return the documents whose fields have these values, oldest first. A value that is None matches all."""
        wanted = {name: value for name, value in having.items() if value is not None}
        return [
            document
            for document in self._by_id.values()
            if all(document.get(name) == value for name, value in wanted.items())
        ]

    def change(self, document: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        """Set fields of a document, and return it."""
        changes = self._changes[document["_id"]] = self._changes.get(document["_id"], 0) + 1
        document |= {**fields, "updatedAt": timestamp(changes)}
        return document

    def delete(self, document: Mapping[str, Any]) -> None:
        """Delete a document."""
        del self._by_id[document["_id"]]
