"""Values as cells of a CSV file that spreadsheets can open. Imported when such a file is written."""

from typing import Any, Final

from refold_async.codec import json_codec
from refold_async.codec.excerpts import escaped
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["csv_cell"]

_MOST_OF_A_TEXT: Final = 32_000  # characters; Excel accepts 32,767 in a cell, and Python's csv reads 131,072
_IN_JSON: Final = frozenset({dict, list, tuple})
_FORMULA_BEGINS_WITH: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_cell(value: Any) -> str:
    r"""Return a value as the text of a cell: one line, and nothing that a spreadsheet would treat as a formula.

    Line breaks and other control characters are written as in Python, such as `\n`. A text that begins with `=`, `+`,
    `-` or `@` gets a `'` before it. A text that is too long for a cell is cut, and its length is added. A dict or a
    list is written as JSON, None as an empty cell.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    whole = _text_of(value)
    if type(value) is int or type(value) is float:
        return whole
    text = escaped(whole[:_MOST_OF_A_TEXT])
    if len(whole) > _MOST_OF_A_TEXT or len(text) > _MOST_OF_A_TEXT:
        text = f"{text[:_MOST_OF_A_TEXT]}… ({len(whole):,} characters)"
    return f"'{text}" if text.startswith(_FORMULA_BEGINS_WITH) else text


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) in _IN_JSON:
        try:
            return json_codec.encode(value).decode()
        except (TypeError, ValueError, RecursionError):
            pass
    return safe_str(value)
