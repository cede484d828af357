"""What a terminal may be shown of texts that come from elsewhere."""

import re
from typing import Any, Final

__all__ = ["escaped_json", "is_terminal", "one_line", "plain", "takes_unicode"]

# Controls, which move the cursor and worse; marks that turn text around or hide in it, and letters of which nothing is
# seen, in which others may read a text; halves of surrogate pairs.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """Return a text without what a terminal would act upon; its tabs and line breaks stay."""
    return _UNSAFE.sub(lambda found: _escape(found.group()), text)


def one_line(text: str) -> str:
    """Return a text as it may stand in a line of a table."""
    return plain(" ".join(text.split("\n")).replace("\t", " ").replace("\r", " "))


def escaped_json(text: str) -> str:
    """Return JSON that a terminal may be shown: the same value, with what it would act upon escaped."""
    import json  # which `refold --help` does without

    return _UNSAFE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal; one that is closed, or None as in programs without a console, is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def takes_unicode(stream: Any) -> bool:
    """Tell whether a stream can show any text; JSON and Python have escapes for others."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
