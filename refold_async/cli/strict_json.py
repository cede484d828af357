"""Reads JSON that people and their programs wrote, and refuses what Python would read as something else."""

import json
from collections import Counter
from typing import Any

from refold_async.cli.terminal import one_line

__all__ = ["NotJSONError", "UnusableJSONError", "parse_json"]


class UnusableJSONError(ValueError):
    """JSON that cannot be used. The message says why, as in "has the key 'email' twice"."""


class NotJSONError(UnusableJSONError):
    """A text that is not JSON."""


def parse_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        NotJSONError: It is not JSON.
        UnusableJSONError: An object has a key twice: Python would silently use its last value. Or it is nested too
            deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_each_once)
    except UnusableJSONError:
        raise
    except ValueError as error:
        raise NotJSONError(f"is not JSON: {error}") from None
    except RecursionError:
        raise UnusableJSONError("is JSON that is nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise NotJSONError(f"is not JSON: {name} is not a number in JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise UnusableJSONError(f"has the key {one_line(twice)!r} twice")
    return values
