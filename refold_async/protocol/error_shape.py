"""The shape of Refold's errors, which distinguishes them from errors of apps, workflows and gateways."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FIELDS_OF_ERRORS", "is_refolds_error"]

FIELDS_OF_ERRORS: Final = frozenset({"message", "status_code", "http_error_type", "error_code", "error"})
"""The fields of Refold's errors. Each error has some of them."""


def is_refolds_error(fields: Mapping[str, Any]) -> bool:
    """Return whether a JSON object has the shape of Refold's errors, which other senders are unlikely to use."""
    return "message" in fields and len(fields.keys() & FIELDS_OF_ERRORS) > 1
