"""Removes secrets from errors whose response quotes them: as they are, or escaped for JSON, URLs or HTML.

ASCII secrets are also found in UTF-16 and UTF-32. Read as UTF-8, these have NULs between the characters, which are
skipped.

Imported at the first failure.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from refold_async.config.secret import Secret
from refold_async.errors import RefoldError

__all__ = ["quotes", "redact_error", "redacted"]

_OPENING: Final = 4
"""How many characters must match before the rest of a secret is compared."""
_LONGEST_OPENING: Final = 512
"""A limit for the bytes of those characters, however they are escaped."""
_TELLING: Final = 12
"""The number of bytes from which the beginning of a secret is removed anywhere: it may be cut off without a mark."""
_SHORTEST: Final = 6
"""The least number of characters of a secret. Shorter ones are not keys of Refold but ordinary words, as in tests."""
_PART: Final = 1024 * 1024

# In JSON within JSON, backslashes are doubled, and doubled again. The runs are limited, so that the search takes no
# longer than the text is long.
_CHARACTER: Final = re.compile(
    rb"\\{1,15}u(d[89ab][0-9a-f]{2})\\{1,15}u(d[c-f][0-9a-f]{2})"
    rb"|\\{1,15}u([0-9a-f]{4})"
    rb"|\\{1,15}x(00)"
    rb"|\\{1,15}([^\\])"
    rb"|%([0-9a-f]{2})"
    rb"|(&#?\w{1,8};)"
    rb"|(.)",
    re.IGNORECASE | re.DOTALL,
)
_CUT_OFF: Final = re.compile(
    rb"(?:\\{1,15}(?:u[0-9a-f]{0,3}|x0?)?|%[0-9a-f]?|&#?\w{0,8})?(?:\Z|" + "…".encode() + rb")", re.IGNORECASE
)
"""The end of a text, or of a part that was cut off, perhaps within an escape."""


def _hexadecimal(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _forms(character: str) -> bytes:
    """Return a pattern for every form of a character. An HTML entity in the text may also be another character."""
    units = re.findall("....", character.encode("utf-16-be").hex())
    literal = re.escape(character.encode())
    escaped = "".join(rf"\\{{0,14}}u{_hexadecimal(unit)}" for unit in units).removeprefix(r"\\{0,14}")
    percent = "".join("%" + _hexadecimal(f"{byte:02x}") for byte in character.encode())
    # Each alternative begins with a fixed character, so that the search can skip to it.
    return (
        rb"(?:" + literal + rb"|\\\\{0,14}(?:" + literal + rb"|" + escaped.encode() + rb")"
        rb"|" + percent.encode() + rb"|&#?\w{1,8};)"
    )


_NULS: Final = rb"(?:\0|\\{1,15}(?:x00|u0000)){0,3}"


@lru_cache(maxsize=64)
def _opening(characters: str) -> re.Pattern[bytes]:
    return re.compile(_NULS.join(map(_forms, characters)))


def _plain(match: re.Match[bytes]) -> bytes:
    """Return the character that a match represents; nothing for a NUL or a backslash that may belong to an escape."""
    high, low, unit, nul, quoted, percent, entity, literal = match.groups()
    if nul:
        return b""
    if high or unit:
        units = bytes.fromhex((high + low if high else unit).decode())
        character = units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
        return b"" if character in {b"\\", b"\0"} else character
    if percent:
        return bytes.fromhex(percent.decode()).strip(b"\\")
    if entity:
        from html import unescape

        return unescape(entity.decode()).encode("utf-8", "surrogatepass")
    return quoted or literal.strip(b"\\\0")


def _end(text: bytes, start: int, literal: bytes, secret: bytes) -> tuple[int, bool]:
    """Return where the secret that seems to begin at `start` ends, and whether it is complete.

    If the secret is cut off, it ends there. If it is not there, it ends at `start`.
    """
    if text.startswith(literal, start):
        return start + len(literal), True
    known, position = 0, start
    while known < len(secret):
        if known and (cut := _CUT_OFF.match(text, position)):
            return cut.end() - len("…".encode()) if cut.group().endswith("…".encode()) else cut.end(), False
        match = _CHARACTER.match(text, position)
        if match is None or not secret.startswith(part := _plain(match), known):
            return position if known >= _TELLING else start, False
        known, position = known + len(part), match.end()
    return position if known else start, True


def _occurrences(text: bytes, secret: str) -> Iterator[tuple[int, int]]:
    """Yield the places where a text contains a secret or its beginning; another may begin within one of them."""
    if len(secret) < _SHORTEST:
        return
    literal = secret.encode()
    # Backslashes of the secret cannot be distinguished from those of escapes.
    without_backslashes = Secret(secret.replace("\\", "")).encode()
    start = 0
    opening = _opening(str(secret).lstrip("\\").partition("\\")[0][:_OPENING] or "\\")
    while match := _search(opening, text, start):
        start = match.start()
        end, whole = _end(text, start, literal, without_backslashes)
        if end > start:
            yield start, end
        start = end if whole and end > start else start + 1


def _search(opening: re.Pattern[bytes], text: bytes, start: int) -> re.Match[bytes] | None:
    """Search from `start` in parts, because no other thread runs during a search."""
    while start < len(text):
        if match := opening.search(text, start, start + _PART + _LONGEST_OPENING):
            return match
        start += _PART
    return None


def quotes(text: bytes, secrets: Sequence[str]) -> bool:
    """Return whether a text contains a secret, or enough of its beginning that the text must not be shown."""
    return any(True for secret in secrets for _ in _occurrences(text, secret))


def _redacted_text(text: str, secrets: Sequence[str]) -> str:
    data = text.encode("utf-8", "surrogatepass")
    # All are searched in the original text: if two begin alike, removing one first would hide the other.
    occurrences = sorted(occurrence for secret in secrets for occurrence in _occurrences(data, secret))
    kept: list[bytes] = []
    after = 0
    for start, end in occurrences:
        if start >= after or not kept:
            kept.append(data[after:start])
        after = max(after, end)
    return b"***".join([*kept, data[after:]]).decode("utf-8", "surrogatepass")


def redacted(value: Any, secrets: Sequence[str]) -> Any:
    """Return a copy of a value without the secrets: JSON, our own models, or headers, at any depth."""
    unfinished: list[Any] = []

    def copied(part: Any) -> Any:
        kind = part.__class__
        if issubclass(kind, str):
            return _redacted_text(part, secrets)
        if issubclass(kind, list | dict) or attrs.has(kind):
            unfinished.append(copy.copy(part))
            return unfinished[-1]
        if issubclass(kind, Mapping):
            make = CIMultiDict[Any] if issubclass(kind, CIMultiDictProxy) else cast("Any", kind)
            return make([(copied(name), copied(text)) for name, text in part.items()])
        return part

    copy_of_all = copied(value)
    while unfinished:
        whole = unfinished.pop()
        kind = whole.__class__
        if issubclass(kind, list):
            whole[:] = [copied(part) for part in whole]
        elif issubclass(kind, dict):
            fields = list(whole.items())
            whole.clear()
            whole.update((copied(name), copied(part)) for name, part in fields)
        else:
            for field in attrs.fields(kind):
                object.__setattr__(whole, field.name, copied(getattr(whole, field.name)))
    return copy_of_all


def redact_error(error: RefoldError, secrets: Sequence[str], *, thoroughly: bool) -> None:
    """Remove the secrets from an error.

    Args:
        error: The error, which is changed.
        secrets: The secrets.
        thoroughly: Whether the body of its response contains a secret. Otherwise only its message and headers can.
    """
    if not thoroughly:
        headers: list[Mapping[str, str]] = [error.meta.headers, getattr(error, "headers", {})]
        told = [
            error.message,
            error.request_id or "",
            *(text for held in headers for pair in held.items() for text in pair),
        ]
        if not quotes("…".join(told).encode("utf-8", "surrogatepass"), secrets):
            return
    error.args = tuple(redacted(argument, secrets) for argument in error.args)
    for name, value in list(vars(error).items()):
        setattr(error, name, redacted(value, secrets))
