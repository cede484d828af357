"""Checks of arguments. Each raises a `ConfigurationError` that names the argument and the fix; none does I/O."""

import base64
import ipaddress
import math
import re
import sys
from contextlib import suppress
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from yarl import URL

from refold_async.config.secret import Secret, hide
from refold_async.errors import ConfigurationError

__all__ = [
    "check_base_url",
    "check_bool",
    "check_header_value",
    "check_path",
    "check_positive",
    "check_proxy",
    "check_seconds",
    "check_secret",
    "check_string",
    "check_whole_number",
    "credentials_of",
    "is_loopback",
    "problem_with_secret",
    "quote_segment",
    "split_proxy",
]

_SAMPLE_URL: Final = "https://app.refold.ai"
_SAMPLE_URLS: Final = {"proxy": "http://user:password@proxy.example.com:3128"}

# Compiled by their first use.
_CONTROL_OR_SURROGATE = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_BAD_PERCENT = r"%(?![0-9A-Fa-f]{2})"


def _check_text(name: str, value: object) -> str:
    """Return `value` as a str that can be sent unchanged; a `Secret` remains a `Secret`.

    `name` is the name of the argument in the error.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {type(value).__name__}.")
    if type(value) is not str and type(value) is not Secret:
        # Another subclass, such as a member of an Enum, may show a different text, and that would be sent.
        value = str.__str__(value)
    if not value:
        raise ConfigurationError(f"{name} is empty.")
    if not value.isprintable() and (found := re.search(_CONTROL_OR_SURROGATE, value)):
        raise ConfigurationError(
            f"{name} contains {found.group()!a} at position {found.start()}: "
            "control characters and lone surrogates cannot be sent; remove them."
        )
    return value


def check_header_value(name: str, value: object) -> str:
    """Return `value` if it can be sent as a header unchanged: an id, key, token or slug.

    White space at the start or end is refused: HTTP would drop it, and the value would become a different one.
    """
    if (
        (type(value) is str or type(value) is Secret)
        and value.isascii()
        and value.isprintable()
        and " " not in value
        and value
    ):
        return value  # nearly all values, and quicker
    text = _check_text(name, value)
    if text[0].isspace() or text[-1].isspace():
        raise ConfigurationError(f"{name} starts or ends with white space, which HTTP would drop: strip it.")
    return text


def check_secret(name: str, value: Any) -> str:
    """Return an API key or session token if it can be one. The error names the wrong character, but shows no other."""
    value = hide(value)
    if (problem := problem_with_secret(name, value)) is not None:
        raise ConfigurationError(problem)
    return value  # type: ignore[no-any-return]


def problem_with_secret(name: str, value: object) -> str | None:
    """Return why `value` cannot be an API key or session token, in words that do not show it, or None if it can."""
    if not isinstance(value, str):
        return f"{name} must be a str, not {type(value).__name__}."
    text = str.__str__(value)
    if not text:
        return f"{name} is empty."
    length = len(text)
    for position, character in enumerate(text, 1):
        if not "!" <= character <= "~" and (character != " " or position in {1, length}):
            return (
                f"{name} contains {_name_of(character)} at position {position} of {length}. Keys and tokens are "
                "printable ASCII: copy it again, or remove that character."
            )
    if length > 1 and text[0] == text[-1] and text[0] in {'"', "'"}:
        return f"{name} is in quotes: remove {_name_of(text[0])} at positions 1 and {length} of {length}."
    return None


_UNNAMED: Final = {"\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}


def _name_of(character: str) -> str:
    import unicodedata  # only needed for values that are refused

    unnamed = "lone surrogate" if "\ud800" <= character <= "\udfff" else "control or unassigned character"
    return f"U+{ord(character):04X} {unicodedata.name(character, _UNNAMED.get(character, unnamed))}"


def quote_segment(name: str, value: object) -> str:
    """Return `value` quoted as one segment of a URL path. Refuse `.` and `..`, which would change the path."""
    text = _check_text(name, value)
    if text in {".", ".."}:
        raise ConfigurationError(f"{name} is {text!r}, which would change the path of the URL.")
    return quote(text, safe="")


def check_path(name: str, value: object) -> str:
    """Return the path of a URL, ready to be sent: absolute, on the same host, without dot segments."""
    text = _check_text(name, value)
    if not text.startswith("/") or text.startswith("//"):
        raise ConfigurationError(f"{name} must start with one '/', below base_url, such as '/api/v2/…'; got {text!r}.")
    if "?" in text or "#" in text:
        raise ConfigurationError(
            f"{name} contains '?' or '#': pass the query as query={{...}}, and quote ids in the path."
        )
    if re.search(_BAD_PERCENT, text) or "\\" in text:
        raise ConfigurationError(
            f"{name} contains a '\\' or a '%' that escapes nothing: quote ids with urllib.parse.quote()."
        )
    if any(segment.replace("%2e", ".").replace("%2E", ".") in {".", ".."} for segment in text.split("/")):
        raise ConfigurationError(f"{name} contains a '.' or '..' segment, which would change the path: {text!r}.")
    return quote(text, safe="/%:@!$&'()*+,;=-._~")


def _split_url(name: str, value: object) -> SplitResult:
    """Return the parts of a URL with a host. Neither message nor frame shows the URL, which may contain a password."""
    parts = _parts_of_url(check_header_value(name, value))
    if parts is None:
        sample = _SAMPLE_URLS.get(name, _SAMPLE_URL)
        raise ConfigurationError(f"{name} must be a full URL, such as {sample!r}, percent-encoded where needed.")
    return parts


def _parts_of_url(text: str) -> SplitResult | None:
    with suppress(ValueError):
        parts = urlsplit(text)
        (parts.hostname or "").encode("idna")
        # The part that urlsplit reads as a path or query may be the rest of an unquoted password.
        whole = not any(map(str.isspace, text)) and ("@" not in text or "@" in parts.netloc)
        if whole and parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    return None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its address or as localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_base_url(name: str, value: object, *, allow_http: bool) -> str:
    """Return a base URL without its trailing slash. Plain `http://` is only allowed to loopback unless `allow_http`."""
    parts = _split_url(name, value)
    problem = None
    if parts.username is not None or parts.password is not None:
        problem = "contains a user name or password: pass credentials as api_key="
    elif parts.query or parts.fragment:
        problem = "contains a query or fragment: leave it out"
    if problem is not None:
        del parts  # error reporters would show it
        raise ConfigurationError(f"{name} {problem}.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{name} is plain http:// to {parts.hostname}, which would show the API key to the network: "
            "use https://, or pass allow_http=True."
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{check_path(name, path) if path else ''}"


def check_proxy(name: str, value: object) -> Secret:
    """Return the URL of a proxy, which may contain a user name and password."""
    value = hide(value)
    url = Secret(_split_url(name, value).geturl())
    if problem := _problem_with_proxy(url):
        raise ConfigurationError(f"{name} {problem}.")
    return url


def _problem_with_proxy(url: str) -> str | None:
    try:
        user = URL(url).user
    except ValueError:
        return "is not a URL"
    return (
        "has a ':' in its user name, which a proxy would read as the start of the password"
        if (user and ":" in user)
        else None
    )


def split_proxy(proxy: str | None) -> tuple[str | None, Secret | None]:
    """Return the URL of a proxy without its credentials, and the value of the header with the credentials, if any."""
    if proxy is None:
        return None, None
    url = URL(proxy)
    if not url.user and not url.password:
        return str(url.with_user(None)), None
    credentials = f"{url.user or ''}:{url.password or ''}"
    try:
        encoded = credentials.encode("latin-1")
    except UnicodeEncodeError:
        encoded = credentials.encode()
    return str(url.with_user(None)), Secret(f"Basic {base64.b64encode(encoded).decode()}")


def credentials_of(proxy: str | None) -> list[str]:
    """Return the parts of a proxy URL that no message may show: the credentials as written, as decoded, and as sent."""
    if proxy is None:
        return []
    parts = urlsplit(proxy)
    header = split_proxy(proxy)[1] or ""
    secrets = [parts.netloc.rpartition("@")[0], parts.password, unquote(parts.password or ""), header[len("Basic ") :]]
    return [Secret(secret) for secret in secrets if secret]


def check_whole_number(name: str, value: Any, *, at_least: int, at_most: float = math.inf) -> int:
    """Return `value` if it is an int of at least `at_least` and at most `at_most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= at_most:
        most = "" if at_most == math.inf else f" and at most {at_most}"
        raise ConfigurationError(f"{name} must be a whole number of at least {at_least}{most}, got {value!r}.")
    return value


def check_positive(name: str, value: Any) -> float:
    """Return `value` if it is a number above 0, or infinite."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (0 < value <= sys.float_info.max or value == math.inf):
        return value  # type: ignore[no-any-return]
    raise ConfigurationError(f"{name} must be a number above 0, got {_shown(value)}.")


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer with too many digits
        return "a number too large to show"


def check_seconds(name: str, value: Any) -> float:
    """Return `value` if it is a finite number of seconds above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{name} must be a number of seconds above 0, got {_shown(value)}.")
    return value


def check_string(name: str, value: object) -> str:
    """Return `value` if it is a str, whatever its content."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {type(value).__name__}.")
    return value


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False: no other value may decide, by mistake, whether a write is sent twice."""
    if value is not True and value is not False:
        raise ConfigurationError(f"{name} must be True or False, got {value!r}.")
    return value
