"""How long after it was recorded in a journal a request may still leave, so that another run knows when none can.

A process may be stopped, or its machine may sleep, between the record of a request and its first byte. Without a limit
the request could leave hours later, long after another worker took the job over and wrote the item itself.
"""

from typing import Final

__all__ = ["SEND_WITHIN", "leaves_before"]

SEND_WITHIN: Final = 15.0
"""Seconds after its record is committed within which a request leaves; later it fails, and is recorded again.

It is longer than making a connection may take by default. A worker that takes a part of a job over waits for the end of
the lease and for as long as this, before it begins its run. It is the same in every process, because a process cannot
know which value another one used.
"""


def leaves_before(asked_at: float) -> float:
    """Return until when a request may leave.

    Args:
        asked_at: When its record was asked for, by `boot_time()`: before it was committed. So the request leaves less
            than `SEND_WITHIN` seconds after the time in the record.
    """
    return asked_at + SEND_WITHIN
