"""Traces and metrics of every call with OpenTelemetry (`pip install refold-async[otel]`).

```python
from refold_async import AsyncRefold
from refold_async.telemetry import OpenTelemetryObserver

async with AsyncRefold(observers=[OpenTelemetryObserver()]) as refold:
    await refold.account("user_12345").execute_action("hubspot", "get_contact")
```

Each call is a span, such as `execute_action hubspot/get_contact`, which is the current span during the call. Each
attempt is an event `refold.attempt` of that span. The spans of other endpoints are named after their template, such as
`GET /api/v2/public/execution/{execution_id}`. An attempt is an event and not a span, so that you can also use
`opentelemetry-instrumentation-aiohttp-client`, which adds a span for each attempt below the span of the call. Spans
have the attributes of HTTP clients, such as `http.request.method` and `error.type`, and these:

- `refold.operation`, `refold.slug`, `refold.action_id`, `refold.kind` (`read`, `write`, `idempotent`);
- `refold.outcome` (`ok`, `failed`, `unknown`, `cancelled`), `refold.effect` (`none`, `done`, `unknown`);
- `refold.app_status`: the status with which the app responded to Refold, if the action failed in the app;
- `refold.fault`, `refold.attempts`, `refold.request_id`, `refold.seconds_queued`, `refold.seconds_on_wire`;
- `refold.job` and `refold.item_index` for the items of fan-outs; with `account_ids=True` also
  `refold.linked_account_id` and `refold.item_key`.

The status of a span is an error whenever the call raised one, even if Refold responded with HTTP 200 because only the
app failed. No span contains the URL, the message of an error, a header or a body, because these can contain ids of your
customers.

Metrics, by method, endpoint, app and (except for the last) outcome:

- `refold.client.call.duration`: a histogram, in seconds;
- `refold.client.attempts`: a counter of attempts, each with its own outcome and status;
- `refold.client.throttled`: a counter of the seconds that calls waited for rate limits, for connections and after
  refusals;
- `refold.client.active_calls`: the number of calls in flight.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from refold_async.config.validation import check_bool
from refold_async.faults import THROTTLED
from refold_async.observers import AttemptEnd, CallEnd, CallStart, Retry
from refold_async.version import __version__

try:
    from opentelemetry import context, metrics, propagate, trace
    from opentelemetry.trace import Span, SpanKind, StatusCode
except ImportError as error:
    raise ImportError("refold_async.telemetry needs opentelemetry-api: pip install refold-async[otel].") from error

__all__ = ["OpenTelemetryObserver"]

_SCOPE: Final = "refold_async"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets that the HTTP semantic conventions recommend for durations, in seconds."""

Attributes = dict[str, str | int | float | bool]


class OpenTelemetryObserver:
    """An observer that creates a span for each call and records metrics. The module lists what they contain.

    Args:
        tracer_provider: The provider for spans; by default the global provider, which does nothing until you set one.
        meter_provider: The provider for metrics; by default the global provider.
        account_ids: Add the linked account and the item key of each call to its span, as `refold.linked_account_id` and
            `refold.item_key`. Metrics never contain them.
        propagate: Send the trace context to Refold with each request, as `traceparent` or as the global propagator
            writes it. Use it if your own gateway continues the trace.

    Raises:
        ConfigurationError: `account_ids` or `propagate` is not a bool.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        account_ids: bool = False,
        propagate: bool = False,
    ) -> None:
        self._account_ids = check_bool("account_ids", account_ids)
        self._propagates = check_bool("propagate", propagate)
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._duration = meter.create_histogram(
            "refold.client.call.duration",
            unit="s",
            description="Duration of calls to Refold, including all attempts and waits.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._attempts = meter.create_counter(
            "refold.client.attempts", unit="{attempt}", description="Number of attempts, retries included."
        )
        self._throttled = meter.create_counter(
            "refold.client.throttled",
            unit="s",
            description="Time that calls waited for rate limits, for connections and after refusals.",
        )
        self._active = meter.create_up_down_counter(
            "refold.client.active_calls", unit="{call}", description="Number of calls in flight."
        )
        self._calls: dict[CallStart, _Call] = {}

    def on_call_start(self, call: CallStart) -> None:
        """Start the span of the call and make it current.

        Args:
            call: The call that starts.
        """
        attributes = _attributes_of_call(call)
        if self._account_ids:
            attributes |= _given({"refold.linked_account_id": call.linked_account_id, "refold.item_key": call.item_key})
        span = self._tracer.start_span(_span_name(call), kind=SpanKind.CLIENT, attributes=attributes)
        self._calls[call] = _Call(span)
        self._active.add(1, _dimensions(call))

    def request_headers(self, call: CallStart) -> Mapping[str, str]:
        """Return the headers with the trace context, or none unless `propagate` is set.

        Args:
            call: The call whose request is sent.
        """
        headers: dict[str, str] = {}
        if self._propagates:
            propagate.inject(headers)
        return headers

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """Add an event for the attempt to the span of its call.

        Args:
            attempt: The attempt that has ended.
        """
        ended = _attributes_of_end(attempt)
        times = {"refold.seconds_queued": attempt.seconds_queued, "refold.seconds_on_wire": attempt.seconds_on_wire}
        resent = {"http.request.resend_count": attempt.number - 1} if attempt.number > 1 else {}
        if (known := self._calls.get(attempt.call)) is not None:
            known.span.add_event("refold.attempt", {"refold.attempt": attempt.number, **resent, **ended, **times})
        status = _given({"http.response.status_code": attempt.status})
        self._attempts.add(1, {**_dimensions(attempt.call), **_dimensions_of_end(attempt), **status})

    def on_retry(self, retry: Retry) -> None:
        """Count the pause after a refusal. An item of a fan-out spends this pause waiting for its next permit.

        Args:
            retry: The retry, with the pause before it.
        """
        call = retry.attempt.call
        if retry.attempt.fault in THROTTLED and not call.bulk and (known := self._calls.get(call)) is not None:
            known.paused += retry.delay

    def on_call_end(self, end: CallEnd) -> None:
        """End the span of the call and make the previous span current again.

        Args:
            end: The end of the call.
        """
        call = end.call
        known = self._calls.pop(call, None)
        if known is None:
            return
        known.leave(end)  # first: even if something fails below, what the caller does next is not part of the call
        dimensions = _dimensions(call)
        self._active.add(-1, dimensions)
        span = known.span
        span.set_attributes(_attributes_of_end(end))
        span.set_attribute("refold.attempts", end.attempts)
        span.set_attribute("refold.seconds_queued", end.seconds_queued)
        span.set_attribute("refold.seconds_on_wire", end.seconds_on_wire)
        if end.attempts > 1:
            span.set_attribute("http.request.resend_count", end.attempts - 1)
        if end.error is not None:
            span.set_status(StatusCode.ERROR, f"{end.error.__name__}, effect {end.effect}")
        span.end()
        dimensions |= _dimensions_of_end(end)
        # Recorded in the context of the span, so that exemplars lead from a bucket to a trace.
        self._duration.record(end.seconds, dimensions, trace.set_span_in_context(span))
        if (throttled := min(end.seconds_queued + known.paused, end.seconds - end.seconds_on_wire)) > 0:
            self._throttled.add(throttled, dimensions)


class _Call:
    """A call in flight, whose span is current."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.paused = 0.0
        self._token = context.attach(trace.set_span_in_context(span))

    def leave(self, end: CallEnd) -> None:
        """Make the previous span current again. A discarded coroutine may end while another call's span is current."""
        if end.error is not GeneratorExit or trace.get_current_span() is self.span:
            context.detach(self._token)


def _span_name(call: CallStart) -> str:
    if call.operation is None:
        return call.method if call.endpoint is None else f"{call.method} {call.endpoint}"
    about = "/".join(filter(None, [call.slug, call.action_id]))
    return f"{call.operation} {about}"


def _attributes_of_call(call: CallStart) -> Attributes:
    host, port = _server(call.base_url)
    return _given(
        {
            "http.request.method": call.method,
            "server.address": host,
            "server.port": port,
            "url.template": call.endpoint,
            "refold.operation": call.operation,
            "refold.slug": call.slug,
            "refold.action_id": call.action_id,
            "refold.kind": call.kind,
            "refold.job": call.job,
            "refold.item_index": call.item_index,
        }
    )


def _attributes_of_end(end: AttemptEnd | CallEnd) -> Attributes:
    return _given(
        {
            "http.response.status_code": end.status,
            "refold.app_status": end.app_status,
            "error.type": _error_type(end),
            "refold.outcome": end.outcome,
            "refold.effect": end.effect,
            "refold.fault": None if end.fault is None else end.fault.name,
            "refold.request_id": end.request_id,
        }
    )


def _dimensions(call: CallStart) -> Attributes:
    return _given({"http.request.method": call.method, "url.template": call.endpoint, "refold.slug": call.slug})


def _dimensions_of_end(end: AttemptEnd | CallEnd) -> Attributes:
    return _given({"refold.outcome": end.outcome, "error.type": _error_type(end)})


def _error_type(end: AttemptEnd | CallEnd) -> str | None:
    return None if end.error is None else end.error.__name__


def _given(attributes: Mapping[str, str | int | float | bool | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


@lru_cache(maxsize=16)
def _server(base_url: str) -> tuple[str | None, int]:
    parts = urlsplit(base_url)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
