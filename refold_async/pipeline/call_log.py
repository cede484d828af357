"""The observer that writes the log: a line for each attempt, each retry, and the end of each call."""

import asyncio
from typing import Any, Final

from refold_async.errors import APIStatusError, named_request_id
from refold_async.pipeline.call_events import CANCELLED, AttemptEnd, CallEnd, CallStart, Retry
from refold_async.runtime.log import DEBUG, INFO, logger

__all__ = ["CallLog"]

_OF_A_CALL: Final = (
    *("method", "endpoint", "operation", "slug", "action_id", "linked_account_id", "kind", "bulk"),
    *("job", "item_index", "item_key"),
)
_OF_AN_ATTEMPT: Final = ("number", "status", "app_status", "effect", "request_id")
_OF_AN_END: Final = ("attempts", "status", "app_status", "effect", "request_id", "seconds")


class CallLog:
    """Writes the log.

    The log record of each line also has its facts as fields, for logs that are kept as JSON: `refold_slug`,
    `refold_status`, …
    """

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """Log how an attempt ended."""
        if logger.enabled(DEBUG):
            told = f"{attempt.status or 'no response'}{named_request_id(attempt.request_id)}"
            logger.debug(
                "%s: attempt %d: %s", attempt.call, attempt.number, told, extra=_fields(attempt, _OF_AN_ATTEMPT)
            )

    def on_retry(self, retry: Retry) -> None:
        """Log why there is another attempt, and when."""
        attempt = retry.attempt
        what = f"HTTP {attempt.status}"
        if attempt.error is not None and not issubclass(attempt.error, APIStatusError):
            what = attempt.error.__name__
        extra = {**_fields(attempt, _OF_AN_ATTEMPT), "refold_delay": retry.delay}
        logger.info("%s: attempt %d: %s; retry in %.2f s", attempt.call, attempt.number, what, retry.delay, extra=extra)

    def on_call_end(self, end: CallEnd) -> None:
        """Log how a call ended.

        A cancelled write that may have run is logged at WARNING, because nothing else reports it to the caller. Calls
        that succeed or raise are logged at INFO. Items of a fan-out that succeed are logged at DEBUG: there may be
        millions.
        """
        call, outcome = end.call, end.outcome
        if end.error is not None and issubclass(end.error, asyncio.CancelledError) and end.effect != "none":
            logger.warning(CANCELLED, call, end.attempts, extra=_fields(end, _OF_AN_END))
            return
        level = DEBUG if call.bulk and end.error is None else INFO
        if not logger.enabled(level):
            return
        told = [
            *([] if end.error is None or outcome == "cancelled" else [end.error.__name__]),
            *([] if end.status is None else [f"HTTP {end.status}"]),
            *([] if end.app_status is None else [f"HTTP {end.app_status} from the app"]),
            "1 attempt" if end.attempts == 1 else f"{end.attempts} attempts",
            f"effect {end.effect}",
            f"{end.seconds:.3f} s",
        ]
        named = "" if end.error is None else named_request_id(end.request_id)
        logger.log(level, "%s: %s: %s%s", call, outcome, ", ".join(told), named, extra=_fields(end, _OF_AN_END))


def _fields(record: AttemptEnd | CallEnd, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the extra fields of a log record. The prefix `refold_` avoids clashes with the fields of `logging`."""
    call: CallStart = record.call
    fields = {name: getattr(call, name) for name in _OF_A_CALL} | {name: getattr(record, name) for name in names}
    fields["fault"] = None if record.fault is None else record.fault.name
    fields["error"] = None if record.error is None else record.error.__name__
    fields["outcome"] = record.outcome
    return {f"refold_{name}": value for name, value in fields.items()}
