"""Keys, tokens and passwords as the client holds them: whoever shows its frames and objects sees `***`.

Error reporters, debuggers and test runners show the local variables of every frame of a traceback by their repr, and
go through mappings, lists and attrs classes to do so. A `Secret` travels like any string and shows nothing.
"""

from typing import Any, SupportsIndex

__all__ = ["Secret", "hide"]

_SHOWN = "'***'"


class _SecretBytes(bytes):
    __slots__ = ()

    def __repr__(self) -> str:
        return _SHOWN

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return _SecretBytes(part) if isinstance(part, bytes) else part


class Secret(str):
    """A string whose repr does not show it; nor does that of a part, or of its bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _SHOWN

    def __getitem__(self, index: SupportsIndex | slice) -> "Secret":
        return Secret(super().__getitem__(index))  # some show the beginning of what is long

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return its bytes, which show no more."""
        return _SecretBytes(super().encode(encoding, errors))


def hide(value: Any) -> Any:
    """Return what a caller passed as a secret in a form that shows nothing: a `Secret`, or None for None.

    Whatever else somebody passed by mistake becomes an object that has nothing but the name of its type, which is what
    the error about it tells. To be called before anything can raise, and in place of the variable.
    """
    if value is None or type(value) is Secret:
        return value
    if isinstance(value, str):
        return Secret(str.__str__(value))  # of an Enum's member, what it is rather than its name
    return type(type(value).__name__, (), {})()
