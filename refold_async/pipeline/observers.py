"""Tells observers what happens to calls. Loaded once somebody observes one, if only the log.

An observer is any object with some of these methods:

```python
def on_call_start(self, call: CallStart) -> None: ...
def on_attempt_end(self, attempt: AttemptEnd) -> None: ...
def on_retry(self, retry: Retry) -> None: ...
def on_call_end(self, end: CallEnd) -> None: ...
```

They run in the task and the context of whoever calls, so that a span which `on_call_start` makes current is current
during the call. Whatever has started ends, also where it is cancelled. What is refused before anything could be done
about it, such as by a client that is closed, does not start.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from refold_async.errors import RefoldError
from refold_async.pipeline.call_events import AttemptEnd, CallEnd, CallStart, Observation, Retry
from refold_async.pipeline.call_log import CallLog
from refold_async.pipeline.call_state import CallState
from refold_async.protocol.redaction import redacted
from refold_async.protocol.responses import Response, request_id_of
from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["Observers"]

Hook = Callable[[Any], object]


class Observers:
    """The observers of a client's calls, and the log after them.

    What one of them raises is logged, once for each of its methods, and stops nothing.
    """

    def __init__(self, observers: Sequence[object]) -> None:
        every = [*observers, CallLog()]
        self._on_call_start: Final = _hooks(every, "on_call_start")
        self._on_attempt_end: Final = _hooks(every, "on_attempt_end")
        self._on_retry: Final = _hooks(every, "on_retry")
        # The last to start is the first to end: of two spans, the inner one.
        self._on_call_end: Final = _hooks(reversed(every), "on_call_end")
        self._reported: Final = set[int]()

    def call_started(self, call: CallState) -> None:
        """Tell that a call starts."""
        self._tell(self._on_call_start, _observation(call).start)

    def attempt_ended(
        self, call: CallState, response: Response | None, error: BaseException | None, secrets: Sequence[str]
    ) -> None:
        """Tell that an attempt which was handed to the network is over, and what it ended with, unless it succeeded.

        None of the secrets is told that were sent with it.
        """
        observation = _observation(call)
        refold_error = error if isinstance(error, RefoldError) else None
        effect = call.effect_if_abandoned if refold_error is None else call.effect_of(refold_error)
        request_id = None if refold_error is None else refold_error.request_id
        if request_id is None and response is not None:
            request_id = request_id_of(response.headers, {})
            request_id = None if request_id is None else redacted(request_id, secrets)
        seconds_on_wire = observation.returned_at - observation.left_at
        observation.seconds_on_wire += seconds_on_wire
        observation.last_attempt = AttemptEnd(
            call=observation.start,
            number=call.attempts,
            status=None if response is None else response.status,
            fault=None if refold_error is None else refold_error.fault,
            effect="done" if error is None else effect,
            error=None if error is None else type(error),
            request_id=request_id,
            seconds_queued=observation.queued,
            seconds_on_wire=seconds_on_wire,
        )
        observation.queued = 0.0  # the next attempt may not have to wait
        self._tell(self._on_attempt_end, observation.last_attempt)

    def call_retried(self, call: CallState, delay: float) -> None:
        """Tell that a call whose last attempt was told of is tried again, after `delay` seconds."""
        attempt = _observation(call).last_attempt
        if attempt is not None:
            self._tell(self._on_retry, Retry(attempt=attempt, delay=delay))

    def call_ended(self, call: CallState, error: BaseException | None) -> None:
        """Tell that a call is over, and what it ended with, unless it succeeded."""
        observation = _observation(call)
        last = observation.last_attempt
        self._tell(
            self._on_call_end,
            CallEnd(
                call=observation.start,
                attempts=call.attempts,
                status=None if last is None else last.status,
                fault=error.fault if isinstance(error, RefoldError) else None,
                effect="done" if error is None else call.effect,
                error=None if error is None else type(error),
                request_id=None if last is None else last.request_id,
                seconds_queued=observation.seconds_queued,
                seconds_on_wire=observation.seconds_on_wire,
                seconds=call.deadlines.now() - observation.began,
            ),
        )

    def _tell(self, hooks: list[Hook], what: object) -> None:
        ends_program: BaseException | None = None
        for hook in hooks:
            try:
                hook(what)
            except EXITS as error:
                ends_program = ends_program or error  # once all are told: what has started ends for each of them
            except BaseException as error:  # noqa: BLE001 - whatever it raises, the call goes on
                self._report(hook, error)
        if ends_program is not None:
            try:
                raise ends_program
            finally:
                del ends_program

    def _report(self, hook: Hook, error: BaseException) -> None:
        if id(hook) not in self._reported:
            self._reported.add(id(hook))
            name = getattr(hook, "__qualname__", type(hook).__qualname__)
            logger.error(
                "%s() of an observer raised %s, which harms no call and is not told again",
                name,
                safe_repr(error),
                exc_info=error,
            )


def _hooks(observers: Iterable[object], name: str) -> list[Hook]:
    """Return the methods of this name that observers have, in their order."""
    return [hook for observer in observers if (hook := getattr(observer, name, None)) is not None]


def _observation(call: CallState) -> Observation:
    """Return what is noted of a call, from its start on or, where only the log observes, from now on."""
    if call.observation is None:
        request = call.request
        target = request.target
        start = CallStart(
            method=target.method,
            path=target.path.partition("?")[0],
            endpoint=target.template,
            # Executing a workflow takes it as a header.
            slug=target.ids.get("slug", request.headers.get("slug")),
            action_id=target.ids.get("action_id"),
            linked_account_id=call.linked_account_id,
            kind=request.kind,
            bulk=call.item is not None,
        )
        call.observation = Observation(start, call.deadlines.now())
    return call.observation
