"""What a terminal may be shown of texts that come from elsewhere."""

import re
from typing import Any, Final

__all__ = ["escaped_json", "is_terminal", "one_line", "plain", "takes_unicode"]

# Controls, which move the cursor and worse; marks that turn text around or hide in it; halves of surrogate pairs.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def plain(text: str) -> str:
    """Return a text without what a terminal would act upon; its tabs and line breaks stay."""
    return _UNSAFE.sub(lambda found: _escape(found.group()), text)


def one_line(text: str) -> str:
    """Return a text as it may stand in a line of a table."""
    return plain(" ".join(text.split("\n")).replace("\t", " ").replace("\r", " "))


def escaped_json(text: str) -> str:
    """Return JSON that a terminal may be shown: the same value, with what it would act upon escaped."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _escape(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal; one that is closed, or None as in programs without a console, is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def takes_unicode(stream: Any) -> bool:
    """Tell whether a stream can show any text; JSON and Python have escapes for others."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
