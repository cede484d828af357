"""Decodes large JSON texts in pieces, because no other thread runs while a decoder written in C works."""

import codecs
import json
import re
from collections.abc import Callable
from typing import Any, Final, cast

__all__ = ["decode_in_pieces"]

_PIECE: Final = 256 * 1024
"""How many bytes are decoded in one step, if possible. It takes a few milliseconds."""
_LOOKED_BACK: Final = 16
"""The part of a piece, at its end, that is searched for the end of the last complete member: one sixteenth."""

Decode = Callable[[bytes, int], Any]
"""Returns the value of a JSON text; raises ValueError if it is nested deeper than so many levels."""


def decode_in_pieces(body: bytes, decode: Decode, levels: int, piece: int = _PIECE) -> Any:
    """Return the value of a JSON text in UTF-8, as `decode` would; raises ValueError or RecursionError as it would.

    Lists and objects that are longer than a piece are split here into their members. `decode` gets at most a piece of
    that many bytes in one step, except for long strings.
    """
    return _Text(body, decode, levels, piece).whole()


class _Text:
    """A JSON text."""

    def __init__(self, body: bytes, decode: Decode, levels: int, piece: int) -> None:
        self._body = body
        self._decode = decode
        self._most_levels = levels
        self._levels = levels
        """How many more levels there may be below the list or object that is being read."""
        self._piece = piece
        self._skip_space: Callable[[bytes, int], Any] = re.compile(rb"[ \t\n\r]*").match
        self._find_word: Callable[[bytes, int], Any] = re.compile(rb"[^ \t\n\r,\]}]*").match

    def whole(self) -> Any:
        """Return the value of the whole text."""
        start = self._after_space(len(codecs.BOM_UTF8) if self._body.startswith(codecs.BOM_UTF8) else 0)
        if self._sign(start) not in {b"{", b"["}:
            return self._decode(self._body, self._levels)
        value, end = self._value(start)
        if (end := self._after_space(end)) != len(self._body):
            raise ValueError(f"Extra data: byte {end}")
        return value

    def _sign(self, at: int) -> bytes:
        return self._body[at : at + 1]

    def _after_space(self, start: int) -> int:
        end: int = self._skip_space(self._body, start).end()
        return end

    def _value(self, start: int) -> tuple[Any, int]:
        """Return the value that begins at `start`, and where it ends."""
        opening = self._sign(start)
        if opening == b"[":
            members: list[Any] = []
            return members, self._members(start + 1, b"[%b]", members.extend)
        if opening == b"{":
            fields: dict[str, Any] = {}
            return fields, self._members(start + 1, b"{%b}", fields.update)
        end = self._end_of_string(start) if opening == b'"' else self._find_word(self._body, start).end()
        if end == start:
            raise ValueError(f"Expecting value: byte {start}")
        try:
            return self._decode(self._body[start:end], 0), end
        except UnicodeDecodeError as error:
            raise self._placed(error, start) from None
        except ValueError as error:
            raise ValueError(f"{getattr(error, 'msg', error)}: byte {start}") from None

    def _placed(self, error: UnicodeDecodeError, start: int) -> UnicodeDecodeError:
        """Return the error of a part that begins at `start` with its place in the whole text."""
        return UnicodeDecodeError("utf-8", self._body, start + error.start, start + error.end, error.reason)

    def _end_of_string(self, start: int) -> int:
        end = start
        while (end := self._body.find(b'"', end + 1)) >= 0:
            before = end - 1
            while self._body[before] == ord("\\"):
                before -= 1
            if (end - before) % 2:  # an even number of backslashes, so none of them escapes the quote
                return end + 1
        raise ValueError(f"Unterminated string starting at: byte {start}")

    def _members(self, start: int, around: bytes, add: Callable[[Any], object]) -> int:
        """Add the members of a list or an object, beginning at `start`; return where it ends."""
        closing = around[-1:]
        if self._levels == 0:
            raise ValueError(f"it is nested deeper than {self._most_levels} levels")
        self._levels -= 1
        start = self._after_space(start)
        ended = self._sign(start) == closing
        separator = b""
        while not ended:
            # Searching for text like the last separator is fast, and mostly right, unless members contain it too.
            cut = self._body.rfind(separator, start, start + self._piece) + separator.find(b",") if separator else -1
            part = self._try(around, start, cut)
            if part is None:
                cut = self._last_comma(start)
                part = self._try(around, start, cut)
            if part is not None:
                add(part)
                start, separator = self._after_space(cut + 1), self._separator_at(cut)
                continue
            separator = b""
            end, is_long = self._one_by_one(start, around, add)
            if is_long:
                name = None
                if closing == b"}":
                    name, end = self._name(end)
                value, end = self._value(end)
                add([value if closing == b"]" else (name, value)])
                end = self._after_space(end)
                if self._sign(end) not in {b",", closing}:
                    raise ValueError(f"Expecting ',' delimiter: byte {end}")
            ended = self._sign(end) == closing
            start = end if ended else self._after_space(end + 1)
        self._levels += 1
        return start + 1

    def _try(self, around: bytes, start: int, cut: int) -> Any:
        """Return the members between `start` and a comma, or None if the comma is not between two members.

        If the text before it makes a complete list or object, the text consists of all its members up to there.
        """
        if cut <= start:
            return None
        try:
            return self._decode(around % self._body[start:cut], self._levels + 1) or None
        except ValueError:
            return None

    def _separator_at(self, cut: int) -> bytes:
        before, after = cut - 1, self._after_space(cut + 1)
        begin = before if self._sign(before) in {b"}", b"]", b'"'} else cut
        return self._body[begin : after + (self._sign(after) in {b"{", b"[", b'"'})]

    def _last_comma(self, start: int) -> int:
        """Return the place of the last comma between members, in the piece that begins with a member at `start`.

        This is a guess: it is wrong if the list or object ends within the piece. It is -1 if there is none near its
        end.
        """
        piece = self._body[start : start + self._piece]
        if len(piece) < self._piece:
            return -1
        parts = piece.replace(b"\\\\", b"__").replace(b'\\"', b"__").split(b'"')  # every other one is in a string
        outside = b"".join(parts[::2])
        depth = outside.count(b"[") + outside.count(b"{") - outside.count(b"]") - outside.count(b"}")
        position = len(piece)
        earliest = position - position // _LOOKED_BACK
        for index in range(len(parts) - 1, -1, -1):
            part = parts[index]
            for sign in b"" if index % 2 else reversed(part):
                position -= 1
                if sign == ord(",") and depth == 0:
                    return start + position
                if sign in b"]}":
                    depth += 1
                elif sign in b"[{":
                    depth -= 1
                if position < earliest:
                    return -1
            position -= (len(part) if index % 2 else 0) + 1
        return -1

    def _one_by_one(self, start: int, around: bytes, add: Callable[[Any], object]) -> tuple[int, bool]:
        """Add the members that end in the piece that begins at `start`.

        Return a place and a flag. Without the flag, the last member ends there, at a comma or at the end of the list or
        object. With the flag, a member that is longer than half a piece begins there.
        """
        text = self._text_at(start)
        closing_sign = chr(around[-1])
        at, end = 0, -1
        while (found := _scan_member(text, at, closing_sign)) is not None:
            member, end = found
            if text.count("[", at, end) + text.count("{", at, end) > self._levels:
                # It may be nested too deep; the decoder decides that.
                self._decode(around % text[at:end].encode(), self._levels + 1)
            add([member])
            if text[end] == closing_sign:
                return start + len(text[:end].encode()), False
            at = _after_space(text, end + 1)
        if at > len(text) // 2:
            return start + len(text[:end].encode()), False
        return self._after_space(start + len(text[:at].encode())), True

    def _name(self, start: int) -> tuple[Any, int]:
        """Return the name of a member of an object, and where its value begins."""
        if self._sign(start) != b'"':
            raise ValueError(f"Expecting property name enclosed in double quotes: byte {start}")
        name, end = self._value(start)
        end = self._after_space(end)
        if self._sign(end) != b":":
            raise ValueError(f"Expecting ':' delimiter: byte {end}")
        return name, self._after_space(end + 1)

    def _text_at(self, start: int) -> str:
        """Return the piece that begins at `start` as text, without a last character that ends in the next piece."""
        end = start + self._piece
        if end < len(self._body):
            while end > start and self._body[end] & 0xC0 == 0x80:
                end -= 1
        try:
            return self._body[start:end].decode()
        except UnicodeDecodeError as error:
            raise self._placed(error, start) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


_decoder: Final = cast("Any", json.JSONDecoder(parse_constant=_refuse_constant))
_scan_value: Final[Callable[[str, int], tuple[Any, int]]] = _decoder.scan_once


def _after_space(text: str, start: int) -> int:
    while text[start : start + 1] in {" ", "\t", "\n", "\r"}:
        start += 1
    return start


def _scan_member(text: str, start: int, closing: str) -> tuple[Any, int] | None:
    """Return the member at `start` and the place of the sign after it; None if the member does not end in the text."""
    name: Any = None
    try:
        if closing == "}":
            if text[start : start + 1] != '"':
                return None
            name, start = _scan_value(text, start)
            start = _after_space(text, start)
            if text[start : start + 1] != ":":
                return None
            start = _after_space(text, start + 1)
        value, end = _scan_value(text, start)
    except (ValueError, StopIteration):
        return None
    end = _after_space(text, end)
    if text[end : end + 1] not in {",", closing}:
        return None
    return (value if closing == "]" else (name, value)), end
