"""The version of this package. No other file states it."""

__all__ = ["__version__"]

__version__ = "0.2.0"
"""The version of this package."""
