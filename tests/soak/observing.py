"""What the client made of a call, as one who calls sees it."""

import asyncio
import json
import types
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, Final

import refold_async
from refold_async import RefoldError

from .ledger import SECRET, CallRecord, Ledger, marks_in

__all__ = ["note_error", "note_result", "observe"]

_PARTS: Final = ("body", "headers", "result", "execution", "error_code", "http_error_type", "request_id")
_PACKAGE: Final = str(Path(refold_async.__file__).parent)
_DEEPEST: Final = 10
_SAMPLED: Final = ("0", "5")
"""The last digits of calls whose frames are looked at: that takes longer than all else."""


async def observe(ledger: Ledger, record: CallRecord, call: Awaitable[Any]) -> None:
    """Make a call and note how it ends."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        value = await call
    except BaseException as error:
        record.elapsed = loop.time() - began
        note_error(ledger, record, error)
        if isinstance(error, asyncio.CancelledError):
            raise
    else:
        record.elapsed = loop.time() - began
        note_result(ledger, record, value)


def note_result(ledger: Ledger, record: CallRecord, value: Any) -> None:
    """Note what came back."""
    record.begin_anew("ok")
    record.marks = marks_in(value)
    if record.cancelled:
        ledger.violate("swallowed a cancellation", _last(record), record.story())


def note_error(ledger: Ledger, record: CallRecord, error: BaseException) -> None:
    """Note what was raised, and look for what must not be in it."""
    record.begin_anew(type(error).__name__)
    record.error = str(error)
    if isinstance(error, asyncio.CancelledError):
        record.ended = "cancelled"
        record.noted = bool(getattr(error, "__notes__", None))
        if not record.cancelled:
            ledger.violate("was cancelled by nobody", _last(record), record.story())
    elif isinstance(error, RefoldError):
        record.effect = error.effect
        record.attempts = error.attempts
        record.status = getattr(error, "status_code", None) or None
        record.marks = marks_in(str(error), *_parts(error))
        if record.cancelled:
            ledger.violate("swallowed a cancellation", _last(record), record.story())
    else:
        ledger.violate("raised an error of another library", type(error).__name__, f"{record.story()}; {error!r}")
    frames_too = record.call_id.endswith(_SAMPLED)
    for one in _chain(error):
        for place, text in _texts(one, frames_too=frames_too):
            if SECRET in text.replace("\\", ""):
                ledger.violate(f"showed a secret in {place}", _last(record), record.story())


def _last(record: CallRecord) -> str:
    return record.faults[-1] if record.faults else ""


def _parts(error: BaseException) -> list[Any]:
    parts = [getattr(error, name, None) for name in _PARTS]
    return [part if not hasattr(part, "raw") else (part, part.raw) for part in parts if part is not None]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error, and those it came of."""
    for _ in range(_DEEPEST):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _texts(error: BaseException, *, frames_too: bool) -> Iterator[tuple[str, str]]:
    """Give what of an error is shown: by itself, in its attributes, and by those who show the variables of frames."""
    yield "an error's text", f"{error} {error!r} {getattr(error, '__notes__', '')}"
    yield "an error's attributes", repr(_parts(error))
    for frame in _frames(error.__traceback__ if frames_too else None):
        if frame.f_code.co_filename.startswith(_PACKAGE):
            yield "a frame", " ".join(map(_shown, frame.f_locals.values()))


def _frames(traceback: types.TracebackType | None) -> Iterator[types.FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _shown(value: Any) -> str:
    """Return what error reporters show of a variable: its repr, and what a mapping holds."""
    if isinstance(value, dict):
        return f"{value!r} {list(value.items())!r}"  # pyright: ignore[reportUnknownArgumentType]
    return repr(value) if not isinstance(value, bytes) else json.dumps(value.decode("latin-1"))
