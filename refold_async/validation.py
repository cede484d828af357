"""Checks of what callers pass in. Each raises `ConfigurationError` naming the argument and the fix; none does I/O."""

import ipaddress
import re
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from refold_async.errors import ConfigurationError

__all__ = [
    "check_base_url",
    "check_bool",
    "check_header_value",
    "check_path",
    "check_positive",
    "check_proxy",
    "check_whole_number",
    "quote_segment",
]

_CONTROL_OR_SURROGATE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _check_text(name: str, value: object) -> str:
    """Return `value` if it is a str that reaches the wire as it is; `name` is the argument's name for the error."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {type(value).__name__}.")
    if not value:
        raise ConfigurationError(f"{name} is empty.")
    if not value.isprintable() and (found := _CONTROL_OR_SURROGATE.search(value)):
        raise ConfigurationError(
            f"{name} holds {found.group()!a} at position {found.start()}: "
            "control characters and lone surrogates cannot be sent; remove them."
        )
    return value


def check_header_value(name: str, value: object) -> str:
    """Return `value` if it can travel as a header unchanged: ids, keys, tokens, slugs.

    White space at an edge is refused because it is lost on the wire, where the value would become another one.
    """
    text = _check_text(name, value)
    if text[0].isspace() or text[-1].isspace():
        raise ConfigurationError(f"{name} starts or ends with white space, which would be lost on the wire: strip it.")
    return text


def quote_segment(name: str, value: object) -> str:
    """Return `value` quoted as one segment of a URL path; `.` and `..`, which would change the path, are refused."""
    text = _check_text(name, value)
    if text in {".", ".."}:
        raise ConfigurationError(f"{name} is {text!r}, which would address another path.")
    return quote(text, safe="")


def check_path(path: object) -> str:
    """Return the path of a `request()` ready for the wire: absolute, on Refold's host, without dot segments."""
    text = _check_text("path", path)
    if not text.startswith("/") or text.startswith("//"):
        raise ConfigurationError(f"path must start with one '/', below base_url, such as '/api/v2/…'; got {text!r}.")
    if "?" in text or "#" in text:
        raise ConfigurationError("path holds '?' or '#': pass the query as query={...}, and quote ids in the path.")
    if _BAD_PERCENT.search(text) or "\\" in text:
        raise ConfigurationError(
            "path holds a '\\' or a '%' that escapes nothing: quote ids with urllib.parse.quote()."
        )
    if any(segment.replace("%2e", ".").replace("%2E", ".") in {".", ".."} for segment in text.split("/")):
        raise ConfigurationError(f"path holds a '.' or '..' segment, which would address another path: {text!r}.")
    return quote(text, safe="/%:@!$&'()*+,;=-._~")


def _split_url(name: str, value: object) -> SplitResult:
    text = check_header_value(name, value)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{name} is no URL: {error}.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{name} must be a full URL such as 'https://app.refold.ai'.")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_base_url(name: str, value: object, *, allow_http: bool) -> str:
    """Return a base URL without its trailing slash. Plain `http://` goes to loopback only, unless `allow_http`."""
    parts = _split_url(name, value)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{name} holds a user name or password: pass credentials as api_key=.")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{name} holds a query or fragment: leave it out.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{name} is plain http:// to {parts.hostname}, which would show the API key to the network: "
            "use https://, or pass allow_http=True."
        )
    return parts.geturl().rstrip("/")


def check_proxy(value: object) -> str:
    """Return the URL of a proxy; it may hold a user name and password, so no message shows it."""
    return _split_url("proxy", value).geturl()


def check_whole_number(name: str, value: Any, *, at_least: int) -> int:
    """Return `value` if it is an int of at least `at_least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ConfigurationError(f"{name} must be a whole number of at least {at_least}, got {value!r}.")
    return value


def check_positive(name: str, value: Any) -> float:
    """Return `value` if it is a number above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ConfigurationError(f"{name} must be a number above 0, got {value!r}.")
    return value


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False: a misspelled flag must not decide whether a write is sent twice."""
    if value is not True and value is not False:
        raise ConfigurationError(f"{name} must be True or False, got {value!r}.")
    return value
