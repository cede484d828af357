"""The organisation of the mock, as documents show it."""

from typing import Final

__all__ = ["ENVIRONMENT", "ORGANISATION_ID"]

ENVIRONMENT: Final = "test"
ORGANISATION_ID: Final = "63cabcc596d0d10500000000"
