"""Answers that are files, such as a PDF or a CSV, where most are JSON: which they are, and which are to be saved."""

import codecs
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from refold_async.codec import json_codec

__all__ = ["SaveTo", "begins_like_an_object", "holds_file", "says_it_is_a_file"]

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_BLANKS: Final = b" \t\r\n"


@attrs.frozen(eq=False, repr=False)
class SaveTo:
    """The file that the body of a successful response goes to, and how much of it."""

    path: Path
    """The file, as it was asked for."""
    target: str
    """The same, absolute and without symbolic links."""
    is_file: Callable[[Mapping[str, str]], bool]
    """Tells by the headers whether the body is the file, and may be long. Any other is read into memory."""
    content: Callable[[Mapping[str, str], bytes], bytes | None] | None = None
    """Returns what goes into the file of a body in memory: all of it, a part, or None if nothing does. It is also asked
    about a file that begins like a JSON object. Without it a body is the file, whatever is in it."""


def says_it_is_a_file(headers: Mapping[str, str]) -> bool:
    """Tell by the headers whether a successful answer to an action is a file rather than Refold's JSON.

    A page in HTML is none, unless it is offered for download: gateways, captive portals and login pages answer with
    HTTP 200 in place of Refold, and must not pass for an action that succeeded.
    """
    media_type = _media_type(headers)
    if media_type in _PAGES:
        return headers.get("Content-Disposition", "").strip().lower().startswith("attachment")
    return media_type not in {"", "application/json"} and not media_type.endswith("+json")


def holds_file(headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether a successful answer to an action is a file, by its body too.

    One that does not say what it is may be a file if there is anything in it, and that is no markup. And whatever it
    says it is, Refold's JSON is none.
    """
    named = bool(_media_type(headers))
    is_file = says_it_is_a_file(headers) if named else _text_of(body)[:1] not in {b"", b"<"}
    return is_file and not (begins_like_an_object(body) and _has_node_status(body))


def begins_like_an_object(body: bytes) -> bool:
    """Tell whether a body, or the beginning of one, may be that of a JSON object."""
    return _text_of(body).startswith(b"{")


def _text_of(body: bytes) -> bytes:
    return body.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS)


def _has_node_status(body: bytes) -> bool:
    try:
        value: Any = json_codec.decode(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "node_status" in value


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()
