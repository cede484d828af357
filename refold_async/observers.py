"""Observers: objects of yours that are told what happens to every call of a client.

```python
from refold_async import AsyncRefold
from refold_async.observers import CallEnd


class Durations:
    def on_call_end(self, end: CallEnd) -> None:
        print(end.call.operation, end.call.slug, end.attempts, end.seconds, end.effect, end.error)


async with AsyncRefold(observers=[Durations()]) as refold:
    ...
```

An observer has any of these methods, which are plain functions; each takes one frozen record:

```python
def on_call_start(self, call: CallStart) -> None: ...
def on_attempt_end(self, attempt: AttemptEnd) -> None: ...
def on_retry(self, retry: Retry) -> None: ...
def on_call_end(self, end: CallEnd) -> None: ...
def request_headers(self, call: CallStart) -> Mapping[str, str]: ...  # to send along, such as traceparent
```

`attempt.call` and `end.call` are the very object that `on_call_start` was given: keep what belongs to a call under it,
in a dict.

The methods run on the event loop, in the task and the context of whoever calls: a context variable, or a span, that
`on_call_start` sets is set during the call. They must not block. Whatever has started ends, also where it is cancelled.
What is refused before anything could be done about it, such as by a client that is closed, does not start. Observers,
each of which is given once, are told in their order, but of the end of a call in reverse.

What one of them raises is logged, once for each of its methods, and stops neither the call nor other observers. What
ends the program, such as `SystemExit`, ends it. No record holds a key, a token, a message or a body.
"""

from collections.abc import Mapping
from typing import Protocol

from refold_async.pipeline.call_events import AttemptEnd, CallEnd, CallStart, Retry

__all__ = ["AttemptEnd", "CallEnd", "CallStart", "Observer", "Retry"]


class _OnCallStart(Protocol):
    def on_call_start(self, call: CallStart, /) -> None: ...


class _OnAttemptEnd(Protocol):
    def on_attempt_end(self, attempt: AttemptEnd, /) -> None: ...


class _OnRetry(Protocol):
    def on_retry(self, retry: Retry, /) -> None: ...


class _OnCallEnd(Protocol):
    def on_call_end(self, end: CallEnd, /) -> None: ...


class _RequestHeaders(Protocol):
    def request_headers(self, call: CallStart, /) -> Mapping[str, str]: ...


Observer = _OnCallStart | _OnAttemptEnd | _OnRetry | _OnCallEnd | _RequestHeaders
"""What `AsyncRefold(observers=[...])` takes: any object with at least one of these methods."""
