"""What the APIs of other SDKs respond to their simplest calls, as their documentation shows it."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["RESPONSES"]

RESPONSES: Final[Mapping[str, Mapping[str, Any]]] = {
    # OpenAI: retrieve a model.
    "/v1/models/gpt-4o": {"id": "gpt-4o", "object": "model", "created": 1686935002, "owned_by": "openai"},
    # Stripe: retrieve a customer.
    "/v1/customers/cus_nffrfeuv2bib": {
        "id": "cus_nffrfeuv2bib",
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": 1680893993,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": "jennyrosen@example.com",
        "invoice_prefix": "0759376C",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": "Jenny Rosen",
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    },
    # Pipedream: retrieve an app.
    "/v1/connect/apps/slack": {
        "data": {
            "id": "app_OkrhR1",
            "name_slug": "slack",
            "name": "Slack",
            "auth_type": "oauth",
            "description": "Slack is a channel-based messaging platform.",
            "img_src": "https://assets.example.com/s.v0/app_OkrhR1/logo/orig",
            "custom_fields_json": "[]",
            "categories": ["Communication"],
            "featured_weight": 1000000001.0,
            "scope_profiles": [],
        }
    },
    # Composio: retrieve a toolkit.
    "/api/v3.1/toolkits/slack": {
        "name": "Slack",
        "slug": "slack",
        "type": "native",
        "enabled": True,
        "is_local_toolkit": False,
        "composio_managed_auth": [],
        "composio_managed_auth_schemes": ["OAUTH2"],
        "deprecated": {"rawProxyInfoByAuthSchemes": [], "toolkitId": "8f3e1c6e-4b7e-4d0c-9c2b-9d5f6a1b2c3d"},
        "meta": {
            "available_versions": ["20251101_00"],
            "categories": [{"name": "Communication", "slug": "communication"}],
            "created_at": "2024-05-03T11:44:32.061Z",
            "description": "Slack is a channel-based messaging platform.",
            "logo": "https://logos.example.com/slack",
            "tools_count": 120,
            "triggers_count": 9,
            "updated_at": "2025-11-01T10:12:27.233Z",
            "version": "20251101_00",
        },
    },
}
"""By the path of the GET request."""
