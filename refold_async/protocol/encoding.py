"""How values are written in requests: in a JSON body, in a query, and as texts in headers."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import urlencode

from refold_async.codec import json_codec
from refold_async.config.validation import check_header_value
from refold_async.errors import ConfigurationError, ParameterError

__all__ = ["encode_json", "given_texts", "query_text", "with_query"]


def given_texts(**values: Any) -> dict[str, str]:
    """Return the arguments that are not None. Each is checked under its name: not empty, no control characters."""
    return {name: check_header_value(name, value) for name, value in values.items() if value is not None}


def encode_json(value: Any, name: str = "") -> bytes:
    """Return `value` as JSON bytes.

    Args:
        value: A JSON value.
        name: The name of the value in messages. Without it, messages use only the names of its fields.

    Raises:
        ParameterError: Part of `value` is not JSON. The message names its place.
    """
    try:
        return json_codec.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    message = f"{_first_unsendable(name, value)} cannot be sent as JSON: {reason}."
    raise ParameterError(message.encode(errors="backslashreplace").decode())


def _first_unsendable(path: str, value: Any) -> str:
    """Return the path of the innermost part of `value` that is not JSON, or the path of the whole."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        parts = [(f"{prefix}{key}", part) for key, part in cast("dict[str, Any]", value).items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(cast("Sequence[Any]", value))]
    for part_path, part in parts:
        try:
            json_codec.encode(part)
        except (TypeError, ValueError, RecursionError) as error:
            # A cycle contains itself, so there is no innermost part.
            cyclic = isinstance(error, RecursionError) or "Circular" in str(error)
            return part_path if cyclic else _first_unsendable(part_path, part)
    return path


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """Return a path with a query, in the form that Refold reads.

    True and false are in lower case, a list repeats its name, and None is left out.

    Raises:
        ConfigurationError: A parameter cannot be sent. The message names it.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,)
        pairs += [
            (_plain_text("query's names", name), query_text(f"query[{name!r}]", one))
            for one in values
            if one is not None
        ]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def query_text(name: str, value: Any) -> str:
    """Return a value as a query has it.

    Raises:
        ConfigurationError: It cannot be sent. The message calls it `name`.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _plain_text(name, value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    if isinstance(value, datetime):
        return _moment(name, value)
    if isinstance(value, date):
        return value.isoformat()
    raise ConfigurationError(f"{name} must be a str, int, finite float, bool, datetime, date or None, got {value!r}.")


def _moment(name: str, moment: datetime) -> str:
    """Write a point in time as Refold does: in UTC, to the millisecond."""
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{name} is a datetime without a time zone: add one, for example with datetime.now(UTC)."
        )
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"{name} must be a str without lone surrogates, got {value!r}.")
    return str.__str__(value)
