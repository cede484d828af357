"""Bytes to values and back: JSON, and values to classes. Knows nothing of Refold's API but its models."""
