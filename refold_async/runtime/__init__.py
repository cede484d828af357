"""What every floor asks of Python and asyncio: the log, others' code that raises, and being cancelled."""
