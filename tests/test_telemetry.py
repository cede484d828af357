"""The observer for OpenTelemetry: spans, metrics, what they must not hold, and that it gets on with others."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import refold_async
from refold_async import (
    ActionFailedError,
    APIConnectionError,
    AsyncRefold,
    ConfigurationError,
    Journal,
    NotFoundError,
    RateLimit,
)
from refold_async.observers import CallEnd, CallStart
from refold_async.telemetry import OpenTelemetryObserver
from refold_async.testing import Answer, Errored, MockRefold, Reset, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

TEMPLATE: Final = "/api/v2/integration-schema/{slug}/actions/{action_id}/execute"
ENDPOINT: Final = {"http.request.method": "POST", "url.template": TEMPLATE, "refold.slug": "hubspot"}


@attrs.define
class Telemetry:
    """What was exported."""

    spans_exported: InMemorySpanExporter = attrs.field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = attrs.field(factory=InMemoryMetricReader)
    tracer_provider: TracerProvider = attrs.field(init=False, factory=lambda: TracerProvider(shutdown_on_exit=False))
    meter_provider: MeterProvider = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.spans_exported))
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def observer(self, **options: Any) -> OpenTelemetryObserver:
        """Return an observer that exports here."""
        return OpenTelemetryObserver(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, **options
        )

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in that order."""
        return list(self.spans_exported.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        """The only span."""
        (span,) = self.spans
        return span

    def points(self, name: str) -> list[Any]:
        """Return the points of a metric."""
        data: Any = self.reader.get_metrics_data()
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def values(self, name: str) -> list[tuple[Any, dict[str, Any]]]:
        """Return the values of a counter, with what each is about."""
        return [(point.value, dict(point.attributes)) for point in self.points(name)]


def id_of(span: Any) -> int:
    """Return the id of a span."""
    return span.get_span_context().span_id  # type: ignore[no-any-return]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """What is exported."""
    telemetry = Telemetry()
    yield telemetry
    telemetry.tracer_provider.shutdown()
    telemetry.meter_provider.shutdown()


@asynccontextmanager
async def traced(mock: MockRefold, telemetry: Telemetry, **options: Any) -> AsyncGenerator[AsyncRefold]:
    """A client whose calls are traced."""
    asked = {name: options.pop(name) for name in ("account_ids", "propagate") if name in options}
    observer = telemetry.observer(**asked)
    async with AsyncRefold(
        "tk_secret_key", base_url=mock.base_url, retry=IMPATIENT, observers=[observer], **options
    ) as refold:
        yield refold


async def test_a_call(mock: MockRefold, telemetry: Telemetry) -> None:
    """Its span is named for the action, and tells app, effect, attempts and where Refold is."""
    async with traced(mock, telemetry) as refold:
        result = await refold.account("user_1").execute_action("hubspot", "get_contact")
    span = telemetry.span
    assert (span.name, span.kind, span.status.status_code) == (
        "execute_action hubspot/get_contact",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    told = dict(span.attributes or {})
    times = {name: told.pop(name) for name in ("refold.seconds_queued", "refold.seconds_on_wire")}
    assert times["refold.seconds_queued"] == 0
    assert float(str(times["refold.seconds_on_wire"])) > 0
    port = int(mock.base_url.rpartition(":")[2])
    assert told == {
        **ENDPOINT,
        "server.address": "127.0.0.1",
        "server.port": port,
        "http.response.status_code": 200,
        "refold.operation": "execute_action",
        "refold.action_id": "get_contact",
        "refold.kind": "write",
        "refold.outcome": "ok",
        "refold.effect": "done",
        "refold.attempts": 1,
        "refold.request_id": result.request_id,
    }
    (attempt,) = span.events
    assert attempt.name == "refold.attempt"
    assert (attempt.attributes or {})["http.response.status_code"] == 200
    assert "http.request.resend_count" not in (attempt.attributes or {})


async def test_attempts(mock: MockRefold, telemetry: Telemetry) -> None:
    """Each is an event of the span, which counts those that were sent again."""
    mock.script(Answer(503), calls=1)
    mock.script(Reset("after"), calls=2)
    async with traced(mock, telemetry) as refold:
        await refold.account("user_1").execute_action("hubspot", "get_contact", idempotent=True)
    span = telemetry.span
    assert span.attributes is not None
    assert (span.attributes["refold.attempts"], span.attributes["http.request.resend_count"]) == (3, 2)
    events = [event.attributes or {} for event in span.events]
    assert [event.get("http.request.resend_count") for event in events] == [None, 1, 2]
    assert [event.get("http.response.status_code") for event in events] == [503, None, 200]
    assert [event.get("error.type") for event in events] == ["InternalServerError", "APIConnectionError", None]
    assert [event["refold.effect"] for event in events] == ["unknown", "unknown", "done"]
    assert [event.get("refold.fault") for event in events] == ["SERVER_ERROR", "LOST", None]


@pytest.mark.parametrize(
    ("trouble", "error", "status", "outcome", "description"),
    [
        (Answer(404), NotFoundError, 404, "failed", "NotFoundError, effect none"),
        (Errored(400), ActionFailedError, 200, "failed", "ActionFailedError, effect none"),
        (Reset("after"), APIConnectionError, None, "unknown", "APIConnectionError, effect unknown"),
    ],
    ids=["not found", "the app failed", "lost"],
)
async def test_a_call_that_fails(
    mock: MockRefold,
    telemetry: Telemetry,
    trouble: Any,
    error: type[Exception],
    status: int | None,
    outcome: str,
    description: str,
) -> None:
    """The span says so, also where Refold answered 200; it keeps neither the exception nor what it says."""
    mock.script(trouble)
    async with traced(mock, telemetry) as refold:
        with pytest.raises(error):
            await refold.account("user_1").execute_action("hubspot", "get_contact")
    span = telemetry.span
    told = span.attributes or {}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, description)
    assert (told["error.type"], told.get("http.response.status_code")) == (error.__name__, status)
    assert told["refold.outcome"] == outcome
    assert told.get("refold.app_status") == (400 if error is ActionFailedError else None)
    assert [event.name for event in span.events] == ["refold.attempt"]
    ((count, about),) = [
        (point.count, dict(point.attributes)) for point in telemetry.points("refold.client.call.duration")
    ]
    assert (count, about) == (1, {**ENDPOINT, "refold.outcome": outcome, "error.type": error.__name__})


@pytest.mark.parametrize("asked", [False, True])
async def test_no_ids_unless_asked(mock: MockRefold, telemetry: Telemetry, tmp_path: Path, *, asked: bool) -> None:
    """Neither spans nor metrics hold whose call it is, or the key; spans do where that is asked for."""
    mock.script(Errored(400, {"message": "no contact jane@example.com"}), linked_account_id="user_1")
    journal = Journal(tmp_path / "june.sqlite", job="june")
    async with traced(mock, telemetry, account_ids=asked) as refold:
        await refold.fan_out_action(["user_1"], "hubspot", "get_contact", journal=journal).collect()
        await refold.linked_accounts.get("user_2")
        await refold.account("user_1").request("GET", "/api/v2/public/execution", query={"x": "user_1"})
    job, account, raw = telemetry.spans
    assert [job.name, account.name, raw.name] == [
        "execute_action hubspot/get_contact",
        "GET /api/v2/public/linked-account/{linked_account_id}",
        "GET",
    ]
    assert job.attributes is not None
    assert (job.attributes["refold.job"], job.attributes["refold.item_index"]) == ("june", 0)
    told = {name: job.attributes.get(name) for name in ("refold.linked_account_id", "refold.item_key")}
    assert set(told.values()) == {"user_1" if asked else None}
    exported = [*(span.to_json() for span in telemetry.spans), str(telemetry.reader.get_metrics_data())]
    secrets = ["tk_secret_key", "jane@example.com", "user_2", *([] if asked else ["user_1"])]
    assert not [secret for secret in secrets for text in exported if secret in text]


async def test_the_span_is_current_during_the_call(mock: MockRefold, telemetry: Telemetry) -> None:
    """What a limiter or another library does meanwhile lies within it; afterwards the span around it is current."""
    within: list[str] = []

    class Looking:
        async def acquire(self) -> None:
            within.append(getattr(trace.get_current_span(), "name", "none"))

    tracer = telemetry.tracer_provider.get_tracer("test")
    async with traced(mock, telemetry, rate_limit=Looking()) as refold:
        with tracer.start_as_current_span("work") as work:
            await refold.account("user_1").list_actions("hubspot")
            assert trace.get_current_span() is work
    assert within == ["list_actions hubspot"]
    call, around = telemetry.spans
    assert call.parent is not None
    assert call.parent.span_id == id_of(around)


async def test_a_cancelled_call(mock: MockRefold, telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Its span ends, and what was current is again; a write that had left is unknown."""
    mock.script(Silence())
    after: list[bool] = []

    async def work(refold: AsyncRefold) -> None:
        with telemetry.tracer_provider.get_tracer("test").start_as_current_span("work") as around:
            try:
                await refold.account("user_1").execute_action("hubspot", "get_contact")
            finally:
                after.append(trace.get_current_span() is around)

    async with traced(mock, telemetry) as refold:
        task = asyncio.create_task(work(refold))
        await until(lambda: mock.in_flight)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert after == [True]
    told = telemetry.spans[0].attributes or {}
    assert (told["refold.outcome"], told["refold.effect"], told["error.type"]) == (
        "unknown",
        "unknown",
        "CancelledError",
    )
    assert telemetry.spans[0].status.status_code is StatusCode.ERROR
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]
    assert telemetry.values("refold.client.active_calls") == [(0, ENDPOINT)]


async def test_a_call_that_is_thrown_away(
    mock: MockRefold, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Its span ends too; in the context of whoever throws it away nothing changes."""
    mock.script(Silence())
    async with traced(mock, telemetry) as refold:
        call: Any = refold.account("user_1").list_actions("hubspot")
        copy_context().run(call.send, None)
        call.close()
    assert telemetry.span.status.status_code is StatusCode.ERROR
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


async def test_metrics(mock: MockRefold, telemetry: Telemetry) -> None:
    """They count calls, attempts and waits by endpoint, app and outcome, in the buckets of HTTP's conventions."""
    mock.script(Answer(503), calls=1)
    mock.script(Answer(404), calls=3)
    async with traced(mock, telemetry) as refold:
        account = refold.account("user_1")
        await account.execute_action("hubspot", "get_contact", idempotent=True)
        with pytest.raises(NotFoundError):
            await account.execute_action("hubspot", "get_contact")
    durations = telemetry.points("refold.client.call.duration")
    assert {point.attributes["refold.outcome"]: point.count for point in durations} == {"ok": 1, "failed": 1}
    assert durations[0].explicit_bounds == (
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
        *(1, 2.5, 5, 7.5, 10),
    )
    ok = {**ENDPOINT, "refold.outcome": "ok"}
    attempts = {
        about["http.response.status_code"]: (value, about)
        for value, about in telemetry.values("refold.client.attempts")
    }
    assert attempts == {
        200: (1, {**ok, "http.response.status_code": 200}),
        503: (
            1,
            {
                **ENDPOINT,
                "refold.outcome": "unknown",
                "error.type": "InternalServerError",
                "http.response.status_code": 503,
            },
        ),
        404: (
            1,
            {**ENDPOINT, "refold.outcome": "failed", "error.type": "NotFoundError", "http.response.status_code": 404},
        ),
    }
    assert telemetry.values("refold.client.active_calls") == [(0, ENDPOINT)]
    assert telemetry.values("refold.client.throttled") == []


async def test_in_flight(mock: MockRefold, telemetry: Telemetry) -> None:
    """Calls that are under way are counted."""
    mock.script(Silence())
    async with traced(mock, telemetry) as refold:
        tasks = [asyncio.create_task(refold.account("user_1").execute_action("hubspot", "get_contact")) for _ in "ab"]
        await until(lambda: mock.in_flight == 2)
        assert telemetry.values("refold.client.active_calls") == [(2, ENDPOINT)]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.parametrize("in_fan_out", [False, True])
async def test_throttled_seconds(mock: MockRefold, telemetry: Telemetry, *, in_fan_out: bool) -> None:
    """They hold the pauses after refusals, once, and the waits for a rate limit."""
    mock.script(Answer(429, retry_after=0.2), calls=1)
    async with traced(mock, telemetry, rate_limit=RateLimit(1000)) as refold:
        if in_fan_out:
            await refold.fan_out_action(["user_1"], "hubspot", "get_contact").collect()
        else:
            await refold.account("user_1").execute_action("hubspot", "get_contact")
    ((seconds, about),) = telemetry.values("refold.client.throttled")
    (duration,) = telemetry.points("refold.client.call.duration")
    assert 0.2 <= seconds <= duration.sum
    assert about == {**ENDPOINT, "refold.outcome": "ok"}


@pytest.mark.parametrize("asked", [False, True])
async def test_nothing_is_sent_along_unless_asked(mock: MockRefold, telemetry: Telemetry, *, asked: bool) -> None:
    """Requests say nothing of the trace, or of the call's span."""
    async with traced(mock, telemetry, propagate=asked) as refold:
        await refold.account("user_1").execute_action("hubspot", "get_contact")
    sent = mock.requests[-1].headers.get("traceparent")
    if asked:
        assert sent is not None
        assert f"{id_of(telemetry.span):016x}" in sent
    else:
        assert sent is None


async def test_beside_the_instrumentation_of_aiohttp(mock: MockRefold, telemetry: Telemetry) -> None:
    """Each attempt is one span of aiohttp's below the call's, and there is nothing twice."""
    mock.script(Answer(503), calls=1)
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider, meter_provider=telemetry.meter_provider)
    try:
        async with traced(mock, telemetry) as refold:
            await refold.account("user_1").execute_action("hubspot", "get_contact", idempotent=True)
    finally:
        instrumentor.uninstrument()
    first, second, call = telemetry.spans
    assert (call.name, len(call.events), call.parent) == ("execute_action hubspot/get_contact", 2, None)
    assert {span.name for span in (first, second)} == {"POST"}
    assert {span.parent and span.parent.span_id for span in (first, second)} == {id_of(call)}
    assert len(mock.requests) == 2


async def test_concurrent_calls(mock: MockRefold, telemetry: Telemetry) -> None:
    """The spans of calls side by side, and of a fan-out's items, have one parent."""
    async with traced(mock, telemetry) as refold:
        with telemetry.tracer_provider.get_tracer("test").start_as_current_span("work") as work:
            account = refold.account("user_1")
            await asyncio.gather(*(account.list_actions("hubspot") for _ in range(3)))
            await refold.fan_out_action([f"user_{number}" for number in range(3)], "hubspot", "get_contact").collect()
    *calls, _ = telemetry.spans
    assert len(calls) == 6
    assert {span.parent and span.parent.span_id for span in calls} == {id_of(work)}


START: Final = CallStart(
    method="GET",
    base_url="https://app.refold.ai",
    path="/api/v2/public/application",
    endpoint="/api/v2/public/application",
    operation=None,
    slug=None,
    action_id=None,
    linked_account_id=None,
    kind="read",
    bulk=False,
    job=None,
    item_index=None,
    item_key=None,
)
END: Final = CallEnd(
    call=START,
    attempts=1,
    status=200,
    app_status=None,
    fault=None,
    effect="done",
    error=None,
    request_id=None,
    seconds_queued=0.0,
    seconds_on_wire=0.0,
    seconds=0.0,
)


def test_seconds_that_do_not_quite_add_up(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Differences of floats may be a little less than nothing, which no counter takes."""
    observer = telemetry.observer()
    observer.on_call_start(START)
    observer.on_call_end(attrs.evolve(END, seconds_on_wire=0.1 + 0.2, seconds=0.3))
    assert telemetry.values("refold.client.throttled") == []
    assert not caplog.records


def test_a_tracer_that_fails(telemetry: Telemetry) -> None:
    """What was current before the call is again, and the call is not under way any longer."""

    class Broken(trace.NonRecordingSpan):
        def set_attributes(self, attributes: Any) -> None:
            raise ValueError("full")

    class Tracers(trace.NoOpTracerProvider, trace.NoOpTracer):
        def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
            return self

        def start_span(self, *_: Any, **__: Any) -> trace.Span:
            return Broken(trace.INVALID_SPAN_CONTEXT)

    observer = OpenTelemetryObserver(tracer_provider=Tracers(), meter_provider=telemetry.meter_provider)
    before = trace.get_current_span()
    observer.on_call_start(START)
    assert isinstance(trace.get_current_span(), Broken)
    with pytest.raises(ValueError, match="full"):
        observer.on_call_end(END)
    assert trace.get_current_span() is before
    assert [value for value, _ in telemetry.values("refold.client.active_calls")] == [0]


def test_wrong_options() -> None:
    """They are told."""
    wrong: Mapping[str, Any] = {"account_ids": "yes"}
    with pytest.raises(ConfigurationError, match="account_ids"):
        OpenTelemetryObserver(**wrong)


def test_without_opentelemetry() -> None:
    """Whoever imports the module is told what to install."""
    program = "import sys; sys.modules['opentelemetry'] = None; import refold_async.telemetry"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(refold_async.__file__).parent.parent,
    )
    assert "pip install refold-async[otel]" in ran.stderr
