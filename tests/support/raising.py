"""A function for other processes, which import it by its name."""

__all__ = ["fail"]


def fail(error: Exception) -> None:
    """Raise an error that came from another process."""
    raise error
