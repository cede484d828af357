"""The shape of Refold's errors, by which they are told from what apps, workflows and gateways answer."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FIELDS_OF_ERRORS", "is_refolds_error"]

FIELDS_OF_ERRORS: Final = frozenset({"message", "status_code", "http_error_type", "error_code", "error"})
"""The fields of Refold's errors; each has some of them."""


def is_refolds_error(fields: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is in the shape of Refold's errors, which others are not likely to have."""
    return "message" in fields and len(fields.keys() & FIELDS_OF_ERRORS) > 1
