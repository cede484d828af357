"""The retry table: for every fault, its effect on a write, and which kinds of request are retried.

The table is the whole policy. The transport and the error mapping name the `Fault` of an attempt; the pipeline looks up
its row.
"""

from typing import NamedTuple

from refold_async.faults import Effect, Fault

__all__ = ["RULES", "Rule"]


class Rule(NamedTuple):
    """A row of the table: the effect on a write, and whether to retry a read, a write or an idempotent write."""

    effect: Effect
    read: bool
    write: bool
    idempotent: bool


# fmt: off
RULES: dict[Fault, Rule] = {
    #                                 effect on    retry:
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
    Fault.WORKFLOW_DUPLICATE:    Rule("none",      False, False, False),
}
# fmt: on
