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
        # Webhooks
        "PUT /api/v2/public/webhook/{id}",
        "PUT /api/v2/public/webhooks/group/edit",
        # Events
        "GET /api/v2/public/application/event",
        "POST /api/v2/public/application/event",
        "GET /api/v2/public/application/event/{event_id}",
        "PUT /api/v2/public/application/event/{event_id}",
        "DELETE /api/v2/public/application/event/{event_id}",
        "POST /api/v2/public/event/{slug}",
        # Datastores
        "GET /api/v2/public/datastore/config/{slug}",
        "GET /api/v2/public/datastore/config/{slug}/{datastore_name}/records",
        "POST /api/v2/public/datastore/config/{slug}/{datastore_name}/search",
        # Human Tasks
        "GET /api/v2/public/human-tasks/{id}",
        "POST /api/v2/public/human-tasks/{id}",
    }
)
