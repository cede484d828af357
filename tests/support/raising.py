"""A function that other processes import by its name."""

__all__ = ["fail"]


def fail(error: Exception) -> None:
    """Raise an error that came from another process."""
    raise error
