"""The operations of Refold's description that have no method yet. A line goes when its method comes."""

from typing import Final

__all__ = ["MISSING"]

MISSING: Final = frozenset(
    {
        # Auth Structure
        "GET /api/v2/public/auth-structure/{slug}",
        # Credentials
        "PUT /api/v2/public/linked-account/default-app/auth-credentials/{key}",
        "DELETE /api/v2/public/linked-account/default-app/auth-credentials/{key}",
        "PUT /api/v2/public/linked-account/integration/save-key-credentials/{slug}",
        "PUT /api/v2/public/migrate-token",
        # Hosted Properties
        "GET /api/v2/public/hosted-properties",
        # Datarefs
        "GET /api/v2/public/dataref",
        "POST /api/v2/public/dataref",
        "GET /api/v2/public/dataref/{refName}",
        "DELETE /api/v2/public/dataref/{refName}",
        "PUT /api/v2/public/dataref/{refName}/clear-records",
        "PUT /api/v2/public/datarefs/group",
    }
)
