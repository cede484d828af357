"""Excerpts of texts and bodies from others, for messages: one line, and only the beginning if it is long.

Imported at the first failure.
"""

import codecs
import re
from typing import Final

__all__ = ["escaped", "shortened", "shortened_body"]

# Characters that some program treats as the end of a line, other control characters, and lone surrogates.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Return a text so that it can be shown on one line: control characters are written as in Python."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str, length: int) -> str:
    """Return the text, or if it is longer than `length` characters, its beginning with "…" where it is cut."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def shortened_body(body: bytes, length: int, *, broken_off: bool = False) -> str:
    """Return the beginning of a body as text. Decoding all of it could need much memory.

    Args:
        body: Text in UTF-8.
        length: The maximum number of characters to return. A body with at most this many bytes is not shortened.
        broken_off: Whether the body is incomplete. An incomplete character at its end is then left out, so that the
            text ends with what came before it and can be recognised as cut.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    text = decode(body[: 4 * length], final=not broken_off)
    return text if len(body) <= length else f"{text[:length]}… ({len(body):,} bytes)"
