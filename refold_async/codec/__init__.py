"""Bytes to values and back: JSON, and values to classes. Depends on nothing of Refold's API except its models."""
