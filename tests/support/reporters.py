"""Error reporters that show the local variables of every frame. Each is a function that returns the text."""

import json
import traceback
from collections.abc import Callable
from typing import Any, Final

import rich.traceback
import sentry_sdk
import sentry_sdk.envelope
import sentry_sdk.scrubber
import sentry_sdk.transport
import sentry_sdk.utils

__all__ = ["REPORTERS"]


class _Kept(sentry_sdk.transport.Transport):
    """Keeps the events instead of sending them."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.envelopes: list[sentry_sdk.envelope.Envelope] = []

    def capture_envelope(self, envelope: sentry_sdk.envelope.Envelope) -> None:
        self.envelopes.append(envelope)


def with_the_standard_library(error: BaseException) -> str:
    """Report as `traceback` does with `capture_locals`."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def with_rich(error: BaseException) -> str:
    """Report what rich shows with `show_locals`, without the colours."""
    trace = rich.traceback.Traceback.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_hide_dunder=False
    )
    return "\n".join(
        f"{frame.filename} {frame.name}: {name} = {value}"
        for stack in trace.stacks
        for frame in stack.frames
        for name, value in (frame.locals or {}).items()
    )


def with_sentry(error: BaseException) -> str:
    """Report as Sentry does by default, but without its list of names whose values it hides."""
    transport = _Kept()
    names_do_not_count = sentry_sdk.scrubber.EventScrubber(denylist=[], pii_denylist=[])
    client = sentry_sdk.Client(
        "http://public@127.0.0.1/1",
        transport=transport,
        default_integrations=False,
        auto_enabling_integrations=False,
        event_scrubber=names_do_not_count,
    )
    event, hint = sentry_sdk.utils.event_from_exception(error, client_options=client.options)
    client.capture_event(event, hint, sentry_sdk.Scope())
    (envelope,) = transport.envelopes
    client.close(timeout=0)
    return json.dumps(envelope.get_event(), default=repr)


REPORTERS: Final[dict[str, Callable[[BaseException], str]]] = {
    "standard library": with_the_standard_library,
    "rich": with_rich,
    "sentry": with_sentry,
}
