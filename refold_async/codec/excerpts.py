"""What messages show of texts and bodies that others wrote: one line, the beginning of what is long.

Loaded by the first failure.
"""

import codecs
import re
from typing import Final

__all__ = ["escaped", "shortened", "shortened_body"]

# What some program takes for the end of a line, other control characters, and what no encoding has.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Return a text that others wrote as it can be shown on one line: control characters as Python spells them."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str, length: int) -> str:
    """Return the beginning of a text of more than `length` characters, with "…" where it is cut."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def shortened_body(body: bytes, length: int, *, broken_off: bool = False) -> str:
    """Return the beginning of a body as text: decoding all of it could take much memory.

    Args:
        body: Text in UTF-8.
        length: The most characters to return, and the most bytes that are not called too many.
        broken_off: Whether more should have come. Then half a character at the end is left out, for what comes before
            it has to be the end, to be known as cut.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    text = decode(body[: 4 * length], final=not broken_off)
    return text if len(body) <= length else f"{text[:length]}… ({len(body):,} bytes)"
