"""What results and errors record about their call: attempts, duration, and the status and headers of the response."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import attrs

__all__ = ["Reconciled", "ResponseMeta", "SettableMeta", "pack", "shared"]

Reconciled = Literal["done", "sent_again"]
"""What became clear about a write that may have run: a look found that it ran; or it had not run, and was sent once
more."""

_NO_HEADERS: Final[Mapping[str, str]] = {}
_FIELDS: Final = ("attempts", "elapsed", "request_id", "status", "reconciled", "headers")


_LONGEST_SHARED: Final = 200
"""How many characters a text has at most that is kept for others that say the same."""


@lru_cache(maxsize=256)
def _kept(text: str) -> str:
    return text


def shared(text: str) -> str:
    """Return one copy of a text for all that say the same, because results and errors may be kept a million times."""
    return _kept(text) if len(text) <= _LONGEST_SHARED else text


@lru_cache(maxsize=64)
def _names(*names: str) -> tuple[str, ...]:
    return names


class _PackedHeaders(Mapping[str, str]):
    """Headers in less memory, which can be pickled; names are case-insensitive.

    Most responses have the same names, and many values are the same.
    """

    __slots__ = ("_names", "_values")

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        pairs = list(headers)
        self._names = _names(*(str(name) for name, _ in pairs))
        self._values = tuple(shared(value) for _, value in pairs)

    def _read(self) -> Mapping[str, str]:
        from multidict import CIMultiDict

        return CIMultiDict(zip(self._names, self._values, strict=True))

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> Any:
        """Return pairs of a name and a value; a header that came several times is there several times."""
        return self._read().items()

    def __reduce__(self) -> Any:
        return _PackedHeaders, (list(self.items()),)

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"  # headers may contain cookies


# Loading takes longer if attrs generates and compiles these methods.
@attrs.frozen(eq=False, repr=False, weakref_slot=False)
class ResponseMeta:
    """How a call went: `result.meta` and `error.meta`. All results from one response share one object.

    If no call was made, as for a result from a journal, `attempts` is 0.
    """

    attempts: int = 0
    """How many attempts the call made."""
    elapsed: float = 0.0
    """Seconds from the start of the call until its response was there or, for an error, until the error was raised."""
    request_id: str | None = None
    """Refold's id for the request, to quote when you contact support; None if the response has none."""
    status: int | None = None
    """The HTTP status of the response; None if there was no response."""
    headers: Mapping[str, str] = attrs.field(default=_NO_HEADERS, repr=False)
    """The headers of the response; their names are case-insensitive."""
    reconciled: Reconciled | None = None
    """With `reconcile=`: `done` if a look found that the write had run, so that this is what the look returned;
    `sent_again` if the write had not run and was sent once more. Otherwise None."""

    def _shown(self) -> tuple[Any, ...]:
        return self.attempts, self.elapsed, self.request_id, self.status, self.reconciled

    def __repr__(self) -> str:
        shown = zip(_FIELDS, self._shown(), strict=False)
        told = ", ".join(f"{name}={value!r}" for name, value in shown if name != "reconciled" or value is not None)
        return f"ResponseMeta({told})"  # without headers, which may contain cookies

    def __eq__(self, other: object) -> bool:
        return self._shown() == other._shown() if isinstance(other, ResponseMeta) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._shown())

    def __getstate__(self) -> tuple[Any, ...]:
        return (*self._shown(), _packed(self.headers))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(_FIELDS, state, strict=True):
            object.__setattr__(self, name, value)


class SettableMeta:
    """An object that becomes a `ResponseMeta` when its `__class__` is set. This is quick, and every response needs one.

    attrs sets each field of a frozen object with a function call, which takes three times as long.
    """

    __slots__ = ("attempts", "elapsed", "headers", "reconciled", "request_id", "status")

    def __init__(
        self, attempts: int, elapsed: float, request_id: str | None, status: int, headers: Mapping[str, str]
    ) -> None:
        self.attempts = attempts
        self.elapsed = elapsed
        self.request_id = request_id
        self.status = status
        self.reconciled = None
        self.headers = headers


def pack(meta: ResponseMeta) -> None:
    """Store the headers in less memory, because results may be kept a million times."""
    object.__setattr__(meta, "headers", _packed(meta.headers))


def _packed(headers: Mapping[str, str]) -> Mapping[str, str]:
    return _PackedHeaders(headers.items()) if headers and not isinstance(headers, _PackedHeaders) else headers
