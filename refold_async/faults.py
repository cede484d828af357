"""What can go wrong with a call, what became of the action then, and whether to try again.

This table is the whole policy. The transport and the response reader name the `Fault`; `retry` looks it up here.
"""

from enum import Enum
from typing import Literal, NamedTuple

__all__ = ["RULES", "Effect", "Fault", "Kind", "Rule"]

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
    UNREADABLE = "an answer with a 2xx status that is not JSON, of the wrong shape, too large, or not read in time"
    MISFIT = "the action succeeded, but its data does not fit `into=`"
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


class Rule(NamedTuple):
    """A row of the table: the effect on a write, and whether a read, a write, an idempotent write is tried again."""

    effect: Effect
    read: bool
    write: bool
    idempotent: bool


# fmt: off
RULES: dict[Fault, Rule] = {
    #                                 effect on    try again:
    #                                 a write      read   write  idempotent
    Fault.NEVER_SENT:            Rule("none",      True,  True,  True),
    Fault.CERTIFICATE:           Rule("none",      False, False, False),
    Fault.RATE_LIMITED:          Rule("none",      True,  True,  True),  # a write unless the RetryPolicy forbids it
    Fault.LOST:                  Rule("unknown",   True,  False, True),
    Fault.SERVER_ERROR:          Rule("unknown",   True,  False, True),
    Fault.REFUSED:               Rule("none",      False, False, False),
    Fault.NOT_CONNECTED:         Rule("none",      False, False, False),
    Fault.UNREADABLE:            Rule("unknown",   False, False, False),
    Fault.MISFIT:                Rule("done",      False, False, False),
    Fault.APP_REFUSED:           Rule("none",      False, False, False),
    Fault.APP_RATE_LIMITED:      Rule("none",      False, False, True),
    Fault.APP_FAILED:            Rule("unknown",   False, False, True),
    Fault.APP_UNCLEAR:           Rule("unknown",   False, False, False),
    Fault.WORKFLOW_UNCLEAR:      Rule("unknown",   False, False, False),
    Fault.WORKFLOW_RATE_LIMITED: Rule("unknown",   False, False, False),
    Fault.WORKFLOW_SET_STATUS:   Rule("done",      False, False, False),
    Fault.WORKFLOW_ERRORED:      Rule("unknown",   False, False, False),
}
# fmt: on
