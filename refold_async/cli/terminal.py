"""Makes texts from elsewhere safe to show on a terminal."""

import re
from typing import Any, Final

__all__ = ["escaped_json", "is_terminal", "one_line", "plain", "takes_unicode"]

# Controls, which move the cursor and worse; marks that reverse text or hide in it; invisible letters, which can carry a
# text that people do not see; halves of surrogate pairs.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """Return a text with what a terminal would act on escaped; its tabs and line breaks stay."""
    return _UNSAFE.sub(lambda found: _escape(found.group()), text)


def one_line(text: str) -> str:
    """Return a text as one safe line, for a table."""
    return plain(" ".join(text.split("\n")).replace("\t", " ").replace("\r", " "))


def escaped_json(text: str) -> str:
    """Return JSON of the same value, with what a terminal would act on escaped."""
    import json  # `refold --help` does not need it

    return _UNSAFE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal. One that is closed is not, nor None, as in programs without a console."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def takes_unicode(stream: Any) -> bool:
    """Return whether a stream can show any text. For other streams, JSON and Python have escapes."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
