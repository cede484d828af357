"""Datarefs of a linked account: records that workflows keep under a name."""

from typing import Any

from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.state.documents import Documents

__all__ = ["find_dataref", "new_dataref"]


def find_dataref(datarefs: Documents, name: str) -> dict[str, Any] | None:
    """Return the dataref of a name, or None."""
    return next(iter(datarefs.all(name=name)), None)


def new_dataref(datarefs: Documents, linked_account_id: str, name: str) -> dict[str, Any]:
    """Make a dataref without records, and return it."""
    return datarefs.create(
        {
            "linked_account_id": linked_account_id,
            "org_id": ORGANISATION_ID,
            "environment": ENVIRONMENT,
            "name": name,
            "data": {},
            "__v": 0,
        }
    )
