"""Retry policies for tests."""

from typing import Final

from refold_async import RetryPolicy

__all__ = ["IMPATIENT"]

IMPATIENT: Final = RetryPolicy(max_retries=2, initial_delay=0.001, max_delay=0.001)
