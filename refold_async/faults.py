"""The faults of an attempt, what becomes of the action, and the kinds of request, which differ in whether to retry.

What follows from each fault is in `retry_table`.
"""

from enum import Enum
from typing import Any, Final, Literal

__all__ = ["THROTTLED", "Effect", "Fault", "Kind"]

Effect = Literal["none", "done", "unknown"]
"""What became of the action: it did not run, it ran, or it may have run."""

Kind = Literal["read", "write", "idempotent"]
"""`read`: GET and HEAD requests, and others without a side effect. `write`: all other requests. `idempotent`: a write
that the caller has marked as safe to execute twice."""


class Fault(Enum):
    """One thing that can go wrong with one attempt."""

    NEVER_SENT = "the body was never sent: DNS, connection refused, TLS, proxy, no connection in time"
    CERTIFICATE = "the server's certificate or fingerprint is wrong"
    RATE_LIMITED = "HTTP 429, from Refold or a gateway in front of it"
    LOST = "the connection was reset, the response was lost or cut, or a timeout passed, after the body was started"
    SERVER_ERROR = "HTTP 408, or 5xx except 501"
    REFUSED = "HTTP 3xx, 501 or another 4xx"
    NOT_CONNECTED = "Refold has no working credentials of this linked account for the app"
    UNREADABLE = "a 2xx response that is not JSON, has the wrong shape, is too large, too slow, or could not be saved"
    MISFIT = "the action succeeded, but its data does not fit `into=`, or could not be saved"
    APP_REFUSED = "the app responded with 4xx"
    APP_RATE_LIMITED = "the app responded with 429"
    APP_FAILED = "the app responded with 5xx"
    APP_UNCLEAR = "the action did not succeed, and the response does not say how far it got"
    WORKFLOW_UNCLEAR = (
        "an error status of a synchronous workflow that may be from Refold or the workflow, such as with half a body"
    )
    WORKFLOW_RATE_LIMITED = "HTTP 429 to a synchronous workflow, not in Refold's shape: the workflow may have set it"
    WORKFLOW_SET_STATUS = "the workflow ran, and its own Response node set an error status"
    WORKFLOW_ERRORED = "the workflow stopped at an error in one of its nodes"
    WORKFLOW_DUPLICATE = "Refold treated the execution as a repeat of an earlier one, and ran nothing"

    def __reduce_ex__(self, proto: object) -> tuple[Any, ...]:
        """Pickle it by its name: the text of another version may differ."""
        return getattr, (Fault, self.name)


THROTTLED: Final = frozenset({Fault.RATE_LIMITED, Fault.WORKFLOW_RATE_LIMITED, Fault.APP_RATE_LIMITED})
"""Refusals because calls came too fast: by Refold, by a gateway in front of it, or by the connected app."""
