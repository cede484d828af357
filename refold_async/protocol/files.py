"""Answers that are files, such as a PDF or a CSV, where most are JSON: which they are, and which are to be saved."""

import codecs
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs

from refold_async.codec import json_codec
from refold_async.protocol.error_shape import is_refolds_error

__all__ = ["SaveTo", "holds_file", "may_be_no_file", "says_it_is_a_file"]

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_BLANKS: Final = b" \t\r\n"
_PAGE_MARKS: Final = (b"<!doctype html", b"<html")
"""What a page in HTML begins with, in lower case."""
_LONGEST_MARK: Final = _PAGE_MARKS[0]


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
    about a file that begins like JSON or markup, or is empty. Without it a body is the file, whatever is in it."""


def says_it_is_a_file(headers: Mapping[str, str]) -> bool:
    """Tell by the headers whether a successful answer to an action is a file rather than Refold's JSON.

    What is offered for download is one. A page in HTML that is not is none: gateways, captive portals and login pages
    answer with HTTP 200 in place of Refold, and must not pass for an action that succeeded.
    """
    media_type = _media_type(headers)
    is_json = media_type in {"", "application/json"} or media_type.endswith("+json")
    return _is_offered(headers) or not (is_json or media_type in _PAGES)


def holds_file(headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether a successful answer to an action is a file, by its body too.

    What is empty, or a page in HTML, is none whatever it says it is, unless it is offered for download; nor is any
    markup that does not say what it is. And in any case Refold's JSON is none.
    """
    text = _text_of(body)
    offered = _is_offered(headers)
    if not text:
        return offered
    if not offered and text[: len(_LONGEST_MARK)].lower().startswith(_PAGE_MARKS):
        return False
    is_file = says_it_is_a_file(headers) if _media_type(headers) or offered else not text.startswith(b"<")
    return is_file and not (text.startswith(b"{") and _is_refolds_json(body, offered=offered))


def may_be_no_file(beginning: bytes) -> bool:
    """Tell by its first bytes whether all of a body must be looked at to tell whether it is a file."""
    return _text_of(beginning)[:1] in {b"", b"{", b"<"}


def _text_of(body: bytes) -> bytes:
    return body.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS)


def _is_refolds_json(body: bytes, *, offered: bool) -> bool:
    try:
        value: Any = json_codec.decode(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    return "node_status" in fields or (not offered and is_refolds_error(fields))


def _is_offered(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Disposition", "").strip().lower().startswith("attachment")


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()
