"""Notifies observers of what happens to calls. Imported when somebody, even if only the log, first observes a call.

`refold_async.observers` describes what an observer is and the rules for its hooks.
"""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import attrs

from refold_async.errors import ActionFailedError, ConfigurationError, RefoldError
from refold_async.pipeline.call_events import AttemptEnd, CallEnd, CallStart, Observation, Retry
from refold_async.pipeline.call_log import CallLog
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.item_context import ItemContext
from refold_async.protocol.headers import added_headers
from refold_async.protocol.redaction import redacted
from refold_async.protocol.responses import Response, request_id_of
from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["Observers", "checked_observers"]

Hook = Callable[[Any], object]
_NamedHook = tuple[str, Hook]

_HOOKS: Final = ("on_call_start", "on_attempt_end", "on_retry", "on_call_end", "request_headers")


@attrs.frozen(eq=False, repr=False)
class CheckedObserver:
    """The hooks of an observer. They are read once, because reading an attribute may run code of the observer."""

    name: str
    """The name of the observer in the log."""
    hooks: Mapping[str, Hook]


def checked_observers(observers: Any) -> list[CheckedObserver]:
    """Return the value of `observers=` as a list of checked observers.

    Raises:
        ConfigurationError: One of them has no hooks or an unusable one, or is given twice.
    """
    if not isinstance(observers, Iterable) or isinstance(observers, str | bytes):
        raise ConfigurationError(f"observers must be a list of observers, got {type(observers).__name__}.")
    given: list[object] = list(cast("Iterable[object]", observers))
    for number, observer in enumerate(given):
        if (first := list(map(id, given)).index(id(observer))) != number:
            raise ConfigurationError(f"observers[{number}] is the same object as observers[{first}]: pass it once.")
    return [_checked_observer(f"observers[{number}]", observer) for number, observer in enumerate(given)]


def _checked_observer(name: str, observer: object) -> CheckedObserver:
    if isinstance(observer, type):
        raise ConfigurationError(f"{name} is the class {observer.__qualname__}: pass an instance of it.")
    kind = type(observer).__qualname__
    try:
        hooks = {hook: found for hook in _HOOKS if (found := getattr(observer, hook, None)) is not None}
        problems = {hook: problem for hook, function in hooks.items() if (problem := _problem_with(function))}
    except EXITS:
        raise
    except BaseException as error:
        raise ConfigurationError(f"{name}, a {kind}, raised {safe_repr(error)} when its hooks were read.") from error
    if not hooks:
        raise ConfigurationError(f"{name}, a {kind}, has no hook: define at least one of {', '.join(_HOOKS)}.")
    for hook, problem in problems.items():
        raise ConfigurationError(f"The {hook} of {name}, a {kind}, must be a {problem}.")
    return CheckedObserver(kind, hooks)


def _problem_with(hook: object) -> str:
    if not callable(hook):
        return f"function, not {type(hook).__name__}"
    return "plain function, not an async one: that would not run" if _runs_later(hook) else ""


def _runs_later(function: object) -> bool:
    """Return whether a call of this function runs none of its code yet."""
    tests = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    called = getattr(function, "__call__", None)  # noqa: B004 - this method may be async
    return any(test(part) for part in (function, called) for test in tests)


def _take_headers(headers: Any, into: dict[str, str]) -> None:
    if not isinstance(headers, Mapping):
        raise TypeError(f"request_headers() must return a mapping, not {type(headers).__name__}")
    into.update(added_headers(cast("Mapping[str, str]", headers)))


def _take_nothing(returned: object) -> None:
    if inspect.iscoroutine(returned):
        returned.close()
        raise TypeError("it returned a coroutine, which never runs: it must be a plain function")


class Observers:
    """The observers of a client's calls, followed by the log.

    An exception of an observer is logged, once for each of its methods, and stops nothing.
    """

    def __init__(self, observers: Sequence[CheckedObserver], base_url: str) -> None:
        every = [*observers, *checked_observers([CallLog()])]
        self._base_url = base_url
        self._on_call_start: Final = _hooks(every, "on_call_start")
        self._on_attempt_end: Final = _hooks(every, "on_attempt_end")
        self._on_retry: Final = _hooks(every, "on_retry")
        # The last to start is the first to end: of two nested spans, the inner one.
        self._on_call_end: Final = _hooks(reversed(every), "on_call_end")
        self._request_headers: Final = _hooks(observers, "request_headers")
        self._reported: Final = set[int]()

    def call_started(self, call: CallState) -> None:
        """Notify the observers that a call starts, and add to the request the headers that they return."""
        start = self._observation(call).start
        self._tell(self._on_call_start, start)
        if self._request_headers:
            added: dict[str, str] = {}
            for hook in self._request_headers:
                self._run(hook, start, partial(_take_headers, into=added))
            if added:
                call.request = copy.copy(call.request)
                call.request.headers = {**added, **call.request.headers}

    def attempt_ended(self, call: CallState, response: Response | None, error: BaseException | None) -> None:
        """Notify the observers of the end of an attempt that was sent; `error` is None on success."""
        observation = self._observation(call)
        refold_error = error if isinstance(error, RefoldError) else None
        effect = call.effect_if_abandoned if refold_error is None else call.effect_of(refold_error)
        request_id = None if refold_error is None else refold_error.request_id
        if request_id is None and response is not None:
            request_id = response.request_id or request_id_of(response.headers, {})
            request_id = None if request_id is None else redacted(request_id, response.secrets)
        seconds_on_wire = observation.returned_at - observation.left_at
        observation.seconds_on_wire += seconds_on_wire
        observation.last_attempt = AttemptEnd(
            call=observation.start,
            number=call.attempts,
            status=None if response is None else response.status,
            app_status=_app_status(refold_error),
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
        """Notify the observers, who know of the failed attempt, that the call is retried in `delay` seconds."""
        attempt = self._observation(call).last_attempt
        if attempt is not None:
            self._tell(self._on_retry, Retry(attempt=attempt, delay=delay))

    def call_ended(self, call: CallState, error: BaseException | None) -> None:
        """Notify the observers that a call has ended; `error` is None if it succeeded."""
        observation = self._observation(call)
        last = observation.last_attempt
        self._tell(
            self._on_call_end,
            CallEnd(
                call=observation.start,
                attempts=call.attempts,
                status=None if last is None else last.status,
                app_status=None if last is None else last.app_status,
                fault=error.fault if isinstance(error, RefoldError) else None,
                effect="done" if error is None else call.effect,
                error=None if error is None else type(error),
                request_id=None if last is None else last.request_id,
                seconds_queued=observation.seconds_queued,
                seconds_on_wire=observation.seconds_on_wire,
                seconds=call.deadlines.now() - call.began,
            ),
        )

    def _observation(self, call: CallState) -> Observation:
        """Return what is collected about a call.

        It begins at the start of the call, or now if only the log observes it.
        """
        if call.observation is None:
            request, item = call.request, _item_of_job(call.item)
            target = request.target
            recorder = None if item is None else item.recorder
            start = CallStart(
                method=target.method,
                base_url=self._base_url,
                path=target.shown_path.partition("?")[0],
                endpoint=target.template,
                operation=target.operation,
                slug=request.slug,
                action_id=request.action_id,
                linked_account_id=call.linked_account_id,
                kind=request.kind,
                bulk=item is not None,
                job=None if item is None else item.job,
                item_index=None if item is None or item.index < 0 else item.index,
                item_key=None if recorder is None else recorder.key,
            )
            call.observation = Observation(start)
        return call.observation

    def _tell(self, hooks: list[_NamedHook], what: object) -> None:
        ends_program: BaseException | None = None
        for hook in hooks:
            try:
                self._run(hook, what)
            except EXITS as error:
                ends_program = ends_program or error  # raised below, once every observer knows of the end
        if ends_program is not None:
            try:
                raise ends_program
            finally:
                del ends_program

    def _run(self, hook: _NamedHook, what: object, take: Callable[[Any], object] = _take_nothing) -> None:
        """Run a hook and take what it returns. The call continues, whatever the hook raises."""
        name, function = hook
        try:
            if (returned := function(what)) is not None:
                take(returned)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the observer's fault, not the call's
            if id(function) not in self._reported:
                self._reported.add(id(function))
                logger.error(
                    "%s() of an observer raised %s. This affects no call, and it is logged only once.",
                    name,
                    safe_repr(error),
                    exc_info=error,
                )


def _hooks(observers: Iterable[CheckedObserver], method: str) -> list[_NamedHook]:
    """Return the hooks of this name, in the order of their observers."""
    return [
        (f"{observer.name}.{method}", hook)
        for observer in observers
        if (hook := observer.hooks.get(method)) is not None
    ]


def _app_status(error: RefoldError | None) -> int | None:
    """Return the HTTP status that the app returned, if the error is about an action that failed in the app."""
    result = error.result if isinstance(error, ActionFailedError) else None
    return None if result is None else result.http_status


def _item_of_job(item: ItemContext | None) -> ItemContext | None:
    """Return the item that a call belongs to: for a fan-out inside a job, the item of the job."""
    told = item
    while told is not None and told.job is None:
        told = told.outer
    return told or item
