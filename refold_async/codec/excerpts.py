"""The beginnings of texts and bodies that are too long for a message. Loaded by the first failure."""

import codecs

__all__ = ["shortened", "shortened_body"]


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
