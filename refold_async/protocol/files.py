"""Responses that are files, such as a PDF or a CSV, although most are JSON: how to recognise and save them."""

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
"""How an HTML page begins, in lower case."""
_LONGEST_MARK: Final = _PAGE_MARKS[0]


@attrs.frozen(eq=False, repr=False)
class SaveTo:
    """The file to which the body of a successful response is saved, and which part of the body it gets."""

    path: Path
    """The file, as the caller named it."""
    target: str
    """The same file, as an absolute path without symbolic links."""
    is_file: Callable[[Mapping[str, str]], bool]
    """Returns, from the headers, whether the body is the file and may be long. Any other body is read into memory."""
    content: Callable[[Mapping[str, str], bytes], bytes | None] | None = None
    """Returns the part of a body in memory that goes into the file: all of it, some of it, or None for nothing. It is
    also called for a file that is empty, or that begins like JSON or markup. Without it, the body is the file, whatever
    it contains."""


def says_it_is_a_file(headers: Mapping[str, str]) -> bool:
    """Return whether the headers of a successful response to an action mean that it is a file, and not Refold's JSON.

    A response that is offered for download is a file. An HTML page that is not offered for download is not a file:
    gateways, captive portals and login pages return HTTP 200 in place of Refold, and must not pass for an action that
    succeeded.
    """
    media_type = _media_type(headers)
    is_json = media_type in {"", "application/json"} or media_type.endswith("+json")
    return _is_offered(headers) or not (is_json or media_type in _PAGES)


def holds_file(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a successful response to an action is a file, according to its headers and its body.

    An empty body or an HTML page is not a file, whatever its headers say, unless it is offered for download. Markup
    without a content type is not a file either. Refold's JSON is never a file.
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
    """Return whether the whole body must be read to decide if it is a file, according to its first bytes."""
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
