"""What a model reads after a call of a tool: the data of the app, or what went wrong and what became of the action."""

import json
from collections.abc import Sequence
from typing import Any, Final, Self

from refold_async.errors import (
    ActionFailedError,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    ParameterError,
    ReconnectRequiredError,
    RefoldError,
    UnprocessableEntityError,
)
from refold_async.faults import Effect
from refold_async.runtime.log import logger

__all__ = ["SHORTEST", "ToolResult", "failure_of_read", "failure_of_write", "refusal", "repetition", "success"]

SHORTEST: Final = 1000
"""The smallest number of characters to which results may be cut."""

_CUT: Final = "… [Cut here: it is longer than {:,} characters. Ask for less, for example with a limit or a filter.]"
_ABOUT_ARGUMENTS: Final = (
    ActionFailedError,
    BadRequestError,
    ConflictError,
    ParameterError,
    UnprocessableEntityError,
)
_to_pieces: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode


class ToolResult(str):
    """What a call of a tool returned: the text for the model, with attributes for your program.

    Attributes:
        is_error: Whether the tool did not do what it was called for. MCP and Anthropic's API have a field for that.
        effect: What became of a write: `"done"`, `"none"` if it did not run, or `"unknown"` if it may have run. It is
            `"none"` for a read.
        data: The app's data, complete even if the text was cut; None after an error.
        error: The error that the text is about, to log it or to act on it; None if there is none.
        is_cut: Whether the text is only the beginning of a longer one.
    """

    __slots__ = ("data", "effect", "error", "is_cut", "is_error")

    is_error: bool
    effect: Effect
    data: Any
    error: RefoldError | None
    is_cut: bool

    def __new__(
        cls,
        text: str,
        longest: int | None = None,
        *,
        is_error: bool = False,
        effect: Effect = "none",
        data: Any = None,
        error: RefoldError | None = None,
    ) -> Self:
        """Make a result of at most `longest` characters."""
        if longest is not None:
            # Half of a surrogate pair cannot be sent to a model.
            text = text[: longest + 1].encode(errors="backslashreplace").decode()
        is_cut = longest is not None and len(text) > longest
        if longest is not None and is_cut:
            note = _CUT.format(longest)
            text = text[: longest - len(note)] + note
        result = super().__new__(cls, text)
        result.is_cut, result.is_error = is_cut, is_error
        result.data, result.effect, result.error = data, effect, error
        return result


def success(data: Any, *, is_read: bool, longest: int) -> ToolResult:
    """Return the result of an action that ran, from its data."""
    if data is None:
        text = "The app returned no data." if is_read else "Done. The app returned no data."
    else:
        text = data if isinstance(data, str) else _beginning_of_json(data, longest)
    return ToolResult(text, longest, effect="none" if is_read else "done", data=data)


def refusal(text: str, longest: int, error: RefoldError | None = None) -> ToolResult:
    """Return the result of a call for which nothing was sent."""
    return ToolResult(f"Nothing was done. {text}", longest, is_error=True, error=error)


def failure_of_read(error: RefoldError, slug: str, longest: int) -> ToolResult:
    """Return the result of a read that failed."""
    return ToolResult(f"There is no result. {_reason(error, slug)}", longest, is_error=True, error=error)


def failure_of_write(error: RefoldError, slug: str, reads: Sequence[str], longest: int) -> ToolResult:
    """Return the result of a write that failed, which says what became of it.

    Args:
        error: The error.
        slug: The app.
        reads: The names of the tools with which the model can check whether the write ran.
        longest: The most characters.
    """
    match error.effect:
        case "none":
            text = f"Nothing was done. {_reason(error, slug)}"
        case "done":
            text = "It was done, but the result could not be read. Do not repeat it."
        case _:
            text = f"It may have been done, so do not repeat it. {_cause(error, slug)} {_how_to_check(reads)}"
    return ToolResult(text, longest, is_error=True, effect=error.effect, error=error)


def repetition(reads: Sequence[str], longest: int) -> ToolResult:
    """Return the result of a call that was not made, because the same write may have been made before."""
    text = (
        "This was not done again: the same call was made before and may have been done, or is being done now. "
        f"{_how_to_check(reads)}"
    )
    return ToolResult(text, longest, is_error=True, effect="unknown")


def _how_to_check(reads: Sequence[str]) -> str:
    """Return how a model finds out whether a write ran."""
    if not reads:
        return "Ask the user to check whether it was done."
    return f"Check whether it was done, with {' or '.join(reads)}, and report to the user what you find."


def _reason(error: RefoldError, slug: str) -> str:
    """Return what went wrong, and what the model can do about it."""
    return f"{_cause(error, slug)} {_advice(error)}"


def _cause(error: RefoldError, slug: str) -> str:
    """Return what went wrong. What a model can correct is in the app's words; the rest would only mislead it."""
    match error:
        case ReconnectRequiredError():
            return f"The user's connection to {slug} does not work."
        case _ if error.throttled:
            return "Too many calls came in a short time."
        case _ if isinstance(error, _ABOUT_ARGUMENTS):
            return error.message
        case APITimeoutError():
            return "No response came in time."
        case APIConnectionError():
            return "No response came."
        case InternalServerError():
            return f"The service failed (HTTP {error.status_code})."
        case APIResponseValidationError():
            return "The response could not be read. It may be a file, which this tool cannot show."
        case _:
            logger.warning("A tool of a model cannot be used: %s", error)
            return "This tool cannot be used at the moment, because of how it is set up."


def _advice(error: RefoldError) -> str:
    match error:
        case ReconnectRequiredError():
            return "Ask the user to reconnect it, and do not try again before that."
        case _ if error.throttled:
            return "Try again later." if error.retry_after is None else f"Wait {error.retry_after:.0f} seconds first."
        case _ if isinstance(error, _ABOUT_ARGUMENTS):
            return "Correct the arguments if they are the reason. Otherwise report this to the user."
        case APIConnectionError() | InternalServerError():
            return "You may try again once."
        case _:
            return "Report this to the user, and do not try again."


def _beginning_of_json(data: Any, longest: int) -> str:
    """Return data as JSON, or a little more than `longest` characters of it: the data may have many megabytes."""
    pieces: list[str] = []
    length = 0
    for piece in _to_pieces(data):
        pieces.append(piece)
        length += len(piece)
        if length > longest:
            break
    return "".join(pieces)
