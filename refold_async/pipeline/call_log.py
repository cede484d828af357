"""The observer that writes the log: a line for each attempt, for each retry, and for each write cancelled too late."""

import asyncio

from refold_async.errors import APIStatusError, named_request_id
from refold_async.pipeline.call_events import CANCELLED, AttemptEnd, CallEnd, Retry
from refold_async.runtime.log import logger

__all__ = ["CallLog"]


class CallLog:
    """Writes the log."""

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """Tell how an attempt ended."""
        told = f"{attempt.status or 'no answer'}{named_request_id(attempt.request_id)}"
        logger.debug("%s: attempt %d: %s", attempt.call, attempt.number, told)

    def on_retry(self, retry: Retry) -> None:
        """Tell why there is another attempt, and when."""
        attempt = retry.attempt
        what = f"HTTP {attempt.status}"
        if attempt.error is not None and not issubclass(attempt.error, APIStatusError):
            what = attempt.error.__name__
        logger.info("%s: attempt %d: %s; again in %.2f s", attempt.call, attempt.number, what, retry.delay)

    def on_call_end(self, end: CallEnd) -> None:
        """Tell of a write that was cancelled and may have run."""
        if end.error is not None and issubclass(end.error, asyncio.CancelledError) and end.effect != "none":
            logger.warning(CANCELLED, end.call, end.attempts)
