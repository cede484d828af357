"""Values as cells of a CSV file that spreadsheets open. Loaded where one is written."""

import re
from typing import Any, Final

from refold_async.codec import json_codec
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["csv_cell"]

# What some program takes for the end of a line, other control characters, and what no encoding has.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_IN_JSON: Final = frozenset({dict, list, tuple})
_FORMULA_BEGINS_WITH: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_cell(value: Any) -> str | int | float:
    r"""Return what a cell holds of a value: one line, and nothing that a spreadsheet would take for a formula.

    Line breaks and other control characters are spelled as Python does, such as `\n`. A text that begins with `=`, `+`,
    `-` or `@` gets a `'` before it. A dict or a list is written as JSON, None as nothing.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is int or type(value) is float:
        return value
    text = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), _text_of(value))
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
