"""Words that messages are made of."""

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 row" or "2,000 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
