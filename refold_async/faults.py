"""What can go wrong with an attempt, what became of the action then, and how requests differ in what a retry may do.

What follows from a fault is in `retry_table`.
"""

from enum import Enum
from typing import Final, Literal

__all__ = ["THROTTLED", "Effect", "Fault", "Kind"]

Effect = Literal["none", "done", "unknown"]
"""What became of the action: it did not run, it ran, or it may have run."""

Kind = Literal["read", "write", "idempotent"]
"""`read`: GET and HEAD, and what is as good as one. `write`: all else. `idempotent`: a write whose caller vouches that
it may be sent twice."""


class Fault(Enum):
    """One thing that can go wrong with one attempt."""

    NEVER_SENT = "the body never began: DNS, refused, TLS, proxy, no connection in time"
    CERTIFICATE = "the server's certificate or fingerprint is wrong"
    RATE_LIMITED = "HTTP 429, from Refold or a gateway before it"
    LOST = "reset, lost or cut answer, or a timeout, after the body began"
    SERVER_ERROR = "HTTP 408, or 5xx but 501"
    REFUSED = "HTTP 3xx, 501 or another 4xx"
    NOT_CONNECTED = "Refold holds no working credentials of this linked account for the app"
    UNREADABLE = (
        "an answer with a 2xx status that is not JSON, of the wrong shape, too large, not read in time, or not saved"
    )
    MISFIT = "the action succeeded, but its data does not fit `into=`, or could not be saved"
    APP_REFUSED = "the app answered 4xx"
    APP_RATE_LIMITED = "the app answered 429"
    APP_FAILED = "the app answered 5xx"
    APP_UNCLEAR = "the action did not succeed and does not say how far it came"
    WORKFLOW_UNCLEAR = (
        "an error status of a synchronous workflow of which nobody can tell whose it is, such as with half a body"
    )
    WORKFLOW_RATE_LIMITED = "HTTP 429 to a synchronous workflow, not in Refold's shape: the workflow may have set it"
    WORKFLOW_SET_STATUS = "the workflow ran, and its own Response node chose an error status"
    WORKFLOW_ERRORED = "the workflow stopped at an error, somewhere on its way"
    WORKFLOW_DUPLICATE = "Refold took the run for a repeat of an earlier one, and ran nothing"


THROTTLED: Final = frozenset({Fault.RATE_LIMITED, Fault.WORKFLOW_RATE_LIMITED, Fault.APP_RATE_LIMITED})
"""Refusals because calls came too fast, whoever refused: Refold, a gateway before it, or the connected app."""
