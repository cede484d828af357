"""Keys, tokens and passwords as the client stores them: anything that shows its frames and objects shows `***`.

Error reporters, debuggers and test runners show the repr of all local variables in every frame of a traceback. They
also show what is inside mappings, lists and attrs classes. A `Secret` can be used like any string, but its repr shows
nothing.
"""

# pyright: reportUnknownVariableType=false
# (what is in a list or an object of JSON)

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, SupportsIndex

__all__ = ["Secret", "fingerprint", "hide", "hide_bytes", "hide_fields", "texts_of"]

_SHOWN = "'***'"


class _SecretBytes(bytes):
    __slots__ = ()

    def __repr__(self) -> str:
        return _SHOWN

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return _SecretBytes(part) if isinstance(part, bytes) else part


class Secret(str):
    """A string whose repr does not show it. The repr of a part of it, or of its bytes, does not show it either."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _SHOWN

    def __getitem__(self, index: SupportsIndex | slice) -> "Secret":
        return Secret(super().__getitem__(index))  # some tools show only the beginning of a long text

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the bytes, whose repr does not show them either."""
        return _SecretBytes(super().encode(encoding, errors))


def fingerprint(value: str | None) -> str:
    """Return a short text that identifies a secret without revealing it; `none` for None."""
    import hashlib

    return "none" if value is None else hashlib.sha256(value.encode()).hexdigest()[:16]


def hide(value: Any) -> Any:
    """Return a secret that a caller passed in a form whose repr does not show it: a `Secret`, or None for None.

    Anything else that was passed by mistake becomes an object that has only the name of its type, for the error about
    it. Call this before anything can raise, and assign the result to the same variable.
    """
    if value is None or type(value) is Secret:
        return value
    if isinstance(value, str):
        return Secret(str.__str__(value))  # for a member of an Enum, its value rather than its name
    return _only_its_type(value)


def hide_bytes(value: bytes) -> bytes:
    """Return bytes that contain secrets in a form whose repr does not show them."""
    return _SecretBytes(value)


def hide_fields(value: Any) -> Any:
    """Return a mapping of the caller with each text in it hidden, at any depth; the names of its fields are not.

    None remains None. Anything else that was passed by mistake, or that JSON does not have, becomes an object that has
    only the name of its type, as does what is nested too deep. Call this as you call `hide`.
    """
    return _hidden(value, 50) if value is None or isinstance(value, Mapping) else _only_its_type(value)


def _hidden(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return hide(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and levels:
        fields: Mapping[Any, Any] = value
        return {name: _hidden(part, levels - 1) for name, part in fields.items()}
    if isinstance(value, list | tuple) and levels:
        parts: Sequence[Any] = value
        return [_hidden(part, levels - 1) for part in parts]
    return _only_its_type(value)


def _only_its_type(value: Any) -> Any:
    return type(type(value).__name__, (), {})()


def texts_of(value: Any) -> Iterator[str]:
    """Yield the texts in what `hide_fields` returned, except the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        parts: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for part in parts:
            yield from texts_of(part)
