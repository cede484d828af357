"""The organisation that a mock belongs to, as its documents name it."""

from typing import Final

__all__ = ["ENVIRONMENT", "ORGANISATION_ID"]

ENVIRONMENT: Final = "test"
ORGANISATION_ID: Final = "63cabcc596d0d10500000000"
