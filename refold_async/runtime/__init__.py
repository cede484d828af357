"""What every package needs of Python and asyncio: a log that raises nothing, errors of foreign code, cancellation."""
