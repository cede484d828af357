"""The operations of Refold's description that have no method yet. A line goes when its method comes."""

from typing import Final

__all__ = ["MISSING"]

MISSING: Final = frozenset(
    {
        # Datarefs
        "GET /api/v2/public/dataref",
        "POST /api/v2/public/dataref",
        "GET /api/v2/public/dataref/{refName}",
        "DELETE /api/v2/public/dataref/{refName}",
        "PUT /api/v2/public/dataref/{refName}/clear-records",
        "PUT /api/v2/public/datarefs/group",
    }
)
