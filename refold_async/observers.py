"""Observers: your own objects, which the client notifies of what happens to every call.

```python
from refold_async import AsyncRefold
from refold_async.observers import CallEnd


class Durations:
    def on_call_end(self, end: CallEnd) -> None:
        print(end.call.operation, end.call.slug, end.attempts, end.seconds, end.effect, end.error)


async with AsyncRefold(observers=[Durations()]) as refold:
    ...
```

An observer has one or more of these methods. They are plain functions, and each receives one frozen record:

```python
def on_call_start(self, call: CallStart) -> None: ...
def on_attempt_end(self, attempt: AttemptEnd) -> None: ...
def on_retry(self, retry: Retry) -> None: ...
def on_call_end(self, end: CallEnd) -> None: ...
def request_headers(self, call: CallStart) -> Mapping[str, str]: ...  # headers to add, such as traceparent
```

`attempt.call` and `end.call` are the same object that `on_call_start` received. So you can use it as the key of a dict
in which you keep data about the call.

The methods run on the event loop, in the task and the context of the caller. If `on_call_start` sets a context variable
or makes a span current, that remains so during the call. The methods must not block.

Every call that starts also ends, even if it is cancelled. A call that is refused immediately, for example because the
client is closed, does not start. Pass each observer only once. Observers are notified in the order in which you pass
them, and in reverse order at the end of a call.

If a method raises an exception, it is logged once for each method. The call and the other observers continue.
Exceptions that end the program, such as `SystemExit`, still end it. No record contains a key, a token, a message or a
body.
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
