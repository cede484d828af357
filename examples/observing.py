"""See what happens to every call: in your own observer, in a trace, in results and errors, and in the log.

    pip install refold-async[otel] opentelemetry-sdk
    python examples/observing.py
    REFOLD_LOG=info python examples/observing.py

Without `REFOLD_API_KEY` it talks to a mock. It only reads.
"""

import argparse
import asyncio
from collections import Counter

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from refold_async import RefoldError
from refold_async.observers import CallEnd
from refold_async.telemetry import OpenTelemetryObserver
from service import open_refold


class Tally:
    """An observer: it counts calls by app and by how they ended, and adds up how long they took."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str | None, str]] = Counter()
        self.seconds = 0.0

    def on_call_end(self, end: CallEnd) -> None:
        """Count a call."""
        ended = "ok" if end.error is None else end.error.__name__
        self.calls[end.call.slug, ended] += 1
        self.seconds += end.seconds


def line_of(span: ReadableSpan) -> str:
    """Return a span in one line. A real service would send its spans to a collector instead."""
    names = ("refold.slug", "refold.action_id", "refold.attempts", "refold.effect", "error.type")
    told = {name: value for name in names if (value := (span.attributes or {}).get(name)) is not None}
    return f"span {span.name}: {told}\n"


async def main(linked_account_id: str) -> None:
    """Make a call that succeeds and one that may fail, and show what can be seen of them."""
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line_of)))
    tally = Tally()
    async with open_refold(observers=[OpenTelemetryObserver(tracer_provider=tracing), tally]) as refold:
        result = await refold.account(linked_account_id).execute_action(
            "hubspot", "get_contact", {"limit": "1"}, idempotent=True
        )
        meta = result.meta
        print(f"result: HTTP {meta.status}, {meta.attempts} attempt(s), {meta.headers.get('content-type')}")
        try:
            await refold.account("user_7").list_actions("no_such_app")
        except RefoldError as error:
            print(f"error: {type(error).__name__} of {error.slug}, HTTP {error.meta.status}, effect {error.effect}")
    for (slug, ended), count in tally.calls.items():
        print(f"tally: {slug}: {count} {ended}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show what can be seen of calls.")
    parser.add_argument("--account", default="user_12345", help="the linked account (default: %(default)s)")
    asyncio.run(main(parser.parse_args().account))
