"""The records that observers receive: the start of a call, the end of each attempt, each retry, the end of the call.

`Observation` collects what they report. Imported when somebody first observes a call.
"""

import asyncio
from typing import Final, Literal

import attrs

from refold_async.faults import Effect, Fault, Kind

__all__ = ["CANCELLED", "AttemptEnd", "CallEnd", "CallStart", "Observation", "Retry", "named_call"]

CANCELLED: Final = "%s: cancelled after it was sent (attempt %d). It may have run: check before you retry it."
"""The warning about a call that was cancelled too late. It takes the call and the number of the attempt."""


def named_call(method: str, path: str, linked_account_id: str | None) -> str:
    """Return how logs and notes name a call: by its method, its path without the query, and its linked account."""
    account = "" if linked_account_id is None else f" for linked account {linked_account_id!r}"
    return f"{method} {path.partition('?')[0]}{account}"


EndedAs = Literal["ok", "failed", "unknown", "cancelled"]


def _outcome(error: type[BaseException] | None, effect: Effect) -> EndedAs:
    if error is None:
        return "ok"
    if effect == "unknown":
        return "unknown"
    return "cancelled" if issubclass(error, asyncio.CancelledError) else "failed"


# Compared by identity, so that an observer can use it as the key of what it keeps about a call.
@attrs.frozen(eq=False, kw_only=True)
class CallStart:
    """A call, as it was when it started. All later records of the call refer to this same object."""

    method: str
    """The HTTP method."""
    base_url: str
    """The base URL of Refold, without a trailing slash."""
    path: str
    """The path below the base URL, percent-encoded, without the query. It may contain ids: group by `endpoint`
    instead."""
    endpoint: str | None
    """The path with placeholders for its ids, such as `/api/v2/integration-schema/{slug}/actions/{action_id}/execute`.
    None for `request()`, which takes any path."""
    operation: str | None
    """`list_actions`, `get_action_parameters`, `execute_action` or `execute_workflow`. None for every other call."""
    slug: str | None
    """The slug of the app, if the call names one."""
    action_id: str | None
    """The id of the action, if the call is about one."""
    linked_account_id: str | None
    """The linked account. None for calls of the organisation, and where only the session token identifies the
    account."""
    kind: Kind
    """`read`, `write`, or `idempotent`. An idempotent call is a write that can be repeated safely."""
    bulk: bool
    """Whether the call is made for an item of a fan-out."""
    job: str | None
    """The name of the job in its journal, if the item is part of a job. None without a journal."""
    item_index: int | None
    """The position of the item in the input of its fan-out, from 0. For a fan-out inside a job, the position of the
    job's item."""
    item_key: str | None
    """The key of the item in the journal of the job. By default, this is its linked account id."""

    def __str__(self) -> str:
        return named_call(self.method, self.path, self.linked_account_id)


@attrs.frozen(eq=False, kw_only=True)
class AttemptEnd:
    """The end of one attempt that began, after its turn in the client's own queue."""

    call: CallStart
    """The call that the attempt belongs to."""
    number: int
    """The number of the attempt, from 1."""
    status: int | None
    """The HTTP status of Refold's response, or None without a response. It is 200 even if the app returned an error."""
    app_status: int | None
    """The HTTP status that the app returned to Refold, if the action failed in the app and Refold reports that
    status."""
    fault: Fault | None
    """The row of the retry table that the failure falls under. None if the attempt succeeded, or failed in a way that
    has no row."""
    effect: Effect
    """Whether this attempt ran the action: `none`, `done` or `unknown`."""
    error: type[BaseException] | None
    """The class of the exception that ended the attempt, which may be `asyncio.CancelledError`. None if the attempt
    succeeded."""
    request_id: str | None
    """The id that Refold gave the request, if the response contains it."""
    seconds_queued: float
    """Seconds that the attempt waited for the rate limit, for the limits of its linked account, and for a
    connection."""
    seconds_on_wire: float
    """Seconds from the moment the attempt began until the whole response arrived or the attempt failed."""

    @property
    def outcome(self) -> EndedAs:
        """How the attempt ended: `ok`, `failed`, `cancelled`, or `unknown` if the action may have run."""
        return _outcome(self.error, self.effect)


@attrs.frozen(eq=False, kw_only=True)
class Retry:
    """A call is about to be retried."""

    attempt: AttemptEnd
    """The attempt that failed."""
    delay: float
    """Seconds until the next attempt starts, or starts to wait for its permit."""


@attrs.frozen(eq=False, kw_only=True)
class CallEnd:
    """The end of a call."""

    call: CallStart
    """The call."""
    attempts: int
    """How many attempts the call made."""
    status: int | None
    """The HTTP status of Refold's last response, or None if the last attempt got no response."""
    app_status: int | None
    """The HTTP status that the app returned to Refold, if the action failed in the app and Refold reports that
    status."""
    fault: Fault | None
    """The row of the retry table that the error falls under, or None."""
    effect: Effect
    """Whether the action ran, over all attempts: `none`, `done` or `unknown`. It is `done` if the call succeeded."""
    error: type[BaseException] | None
    """The class of the exception that ended the call, which may be `asyncio.CancelledError`. None if the call
    succeeded."""
    request_id: str | None
    """The id that Refold gave the last request, if the response contains it."""
    seconds_queued: float
    """Seconds that all attempts together waited for their permits."""
    seconds_on_wire: float
    """Seconds that all attempts together spent on the network."""
    seconds: float
    """Seconds from the start of the call to its end."""

    @property
    def outcome(self) -> EndedAs:
        """How the call ended: `ok`, `failed`, `cancelled`, or `unknown` if the action may have run."""
        return _outcome(self.error, self.effect)


@attrs.define(eq=False, repr=False)
class Observation:
    """What is collected about one call for its observers. Times are those of the event loop's clock.

    If only the log observes the call, this may be created at the end of the first attempt. Its times are then not
    measured.
    """

    start: CallStart
    queued: float = 0.0
    """Seconds that the current attempt waited for its permit."""
    left_at: float = 0.0
    """When the current attempt began."""
    returned_at: float = 0.0
    """When its response arrived, or it failed."""
    seconds_queued: float = 0.0
    """Seconds that all attempts together waited for their permits."""
    seconds_on_wire: float = 0.0
    """Seconds that the attempts that have ended spent on the network."""
    last_attempt: AttemptEnd | None = None
    """The last attempt that has ended."""

    def note_queued(self, seconds: float) -> None:
        """Add the seconds that an attempt waited for its permit."""
        self.queued = seconds
        self.seconds_queued += seconds
