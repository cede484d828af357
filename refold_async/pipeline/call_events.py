"""What observers are told of a call: that it started, how each attempt ended, that it is tried again, how it ended.

And what is noted of it meanwhile. Loaded once somebody observes a call.
"""

import asyncio
from typing import Final, Literal

import attrs

from refold_async.faults import Effect, Fault, Kind

__all__ = ["CANCELLED", "AttemptEnd", "CallEnd", "CallStart", "Observation", "Retry", "named_call"]

CANCELLED: Final = "%s: cancelled after it was sent (attempt %d); it may have run."
"""What is said of a call that was cancelled too late; takes the call and the number of the attempt."""


def named_call(method: str, path: str, linked_account_id: str | None) -> str:
    """Return what logs and notes call a call, by its path without the query."""
    account = "" if linked_account_id is None else f" for linked account {linked_account_id!r}"
    return f"{method} {path.partition('?')[0]}{account}"


EndedAs = Literal["ok", "failed", "unknown", "cancelled"]


def _outcome(error: type[BaseException] | None, effect: Effect) -> EndedAs:
    if error is None:
        return "ok"
    if effect == "unknown":
        return "unknown"
    return "cancelled" if issubclass(error, asyncio.CancelledError) else "failed"


# By identity, so that an observer can keep what belongs to a call under it.
@attrs.frozen(eq=False, kw_only=True)
class CallStart:
    """A call. The same object comes with everything that is told of it later."""

    method: str
    """The HTTP method."""
    base_url: str
    """Where Refold is, without a trailing slash."""
    path: str
    """The path below the base URL, quoted, without the query. It may hold ids: group by `endpoint` instead."""
    endpoint: str | None
    """The path with the names of its ids, `/api/v2/integration-schema/{slug}/actions/{action_id}/execute`; None for
    `request()`, whose path may be any."""
    operation: str | None
    """`list_actions`, `get_action_parameters`, `execute_action` or `execute_workflow`; None for all else."""
    slug: str | None
    """The app, where the call names one."""
    action_id: str | None
    """The action, where the call is about one."""
    linked_account_id: str | None
    """The linked account, or None for the organisation, or where only a session token names it."""
    kind: Kind
    """`read`, `write`, or `idempotent`: a write that may be sent twice."""
    bulk: bool
    """Whether it is made for an item of a fan-out."""
    job: str | None
    """The name of the job that the item is part of, as its journal has it; None without a journal."""
    item_index: int | None
    """The item's place in the input of its fan-out, from 0. Of fan-outs inside a job, that of the job's item."""
    item_key: str | None
    """What the job's journal knows the item by; by default its linked account id."""

    def __str__(self) -> str:
        return named_call(self.method, self.path, self.linked_account_id)


@attrs.frozen(eq=False, kw_only=True)
class AttemptEnd:
    """The end of an attempt that was handed to the network."""

    call: CallStart
    """The call it was made for."""
    number: int
    """Its number, from 1."""
    status: int | None
    """The HTTP status of the response, or None if there was none. It is Refold's: 200 also where the app failed."""
    app_status: int | None
    """The HTTP status that the app answered Refold, where the action failed in it and Refold passes the status on."""
    fault: Fault | None
    """The row of the retry table, or None if nothing went wrong that has one."""
    effect: Effect
    """What became of the action by this attempt."""
    error: type[BaseException] | None
    """The class of what it ended with, `asyncio.CancelledError` included, or None if it succeeded."""
    request_id: str | None
    """Refold's id of the request, where the response tells."""
    seconds_queued: float
    """Seconds it waited for its permit: for the rate limit, the limits of its linked account, a connection."""
    seconds_on_wire: float
    """Seconds from when it was handed to the network to when its response was there, or it failed."""

    @property
    def outcome(self) -> EndedAs:
        """In one word, how it ended; what was cancelled and may have run is `unknown`."""
        return _outcome(self.error, self.effect)


@attrs.frozen(eq=False, kw_only=True)
class Retry:
    """A call is tried again."""

    attempt: AttemptEnd
    """The attempt that failed."""
    delay: float
    """Seconds until the next one, or until it asks for a permit."""


@attrs.frozen(eq=False, kw_only=True)
class CallEnd:
    """The end of a call."""

    call: CallStart
    """The call."""
    attempts: int
    """How many attempts were handed to the network."""
    status: int | None
    """The HTTP status of the last response, or None if the last attempt got none. It is Refold's."""
    app_status: int | None
    """The HTTP status that the app answered Refold, where the action failed in it and Refold passes the status on."""
    fault: Fault | None
    """The row of the retry table that its error falls under, or None."""
    effect: Effect
    """What became of the action by all attempts; `done` if the call succeeded."""
    error: type[BaseException] | None
    """The class of what it ended with, `asyncio.CancelledError` included, or None if it succeeded."""
    request_id: str | None
    """Refold's id of the last request, where the response tells."""
    seconds_queued: float
    """Seconds that its attempts waited for permits."""
    seconds_on_wire: float
    """Seconds that its attempts were on the wire."""
    seconds: float
    """Seconds from its start to its end."""

    @property
    def outcome(self) -> EndedAs:
        """In one word, how it ended; what was cancelled and may have run is `unknown`."""
        return _outcome(self.error, self.effect)


@attrs.define(eq=False, repr=False)
class Observation:
    """What is noted of one call that is observed. Times are by the loop's clock.

    Where only the log observes, it may begin with the first attempt's end, and these times are not taken.
    """

    start: CallStart
    queued: float = 0.0
    """Seconds that the present attempt waited for its permit."""
    left_at: float = 0.0
    """When the present attempt was handed to the network."""
    returned_at: float = 0.0
    """When its response was there, or it failed."""
    seconds_queued: float = 0.0
    """Seconds that all attempts waited for their permits."""
    seconds_on_wire: float = 0.0
    """Seconds that the attempts which are over were on the wire."""
    last_attempt: AttemptEnd | None = None
    """The last of those."""

    def note_queued(self, seconds: float) -> None:
        """Count what an attempt waited for its permit."""
        self.queued = seconds
        self.seconds_queued += seconds
