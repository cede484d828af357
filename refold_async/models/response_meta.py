"""What results and errors tell of their call: attempts, time, and the status and headers of its response."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

__all__ = ["ResponseMeta", "SettableMeta", "pack"]

_NO_HEADERS: Final[Mapping[str, str]] = {}
_FIELDS: Final = ("attempts", "elapsed", "request_id", "status", "headers")


class _PackedHeaders(Mapping[str, str]):
    """Headers as one text, which takes a third of the memory and pickles; names are case-insensitive."""

    __slots__ = ("_text",)

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._text = "\n".join(map(":".join, headers))

    def _read(self) -> Mapping[str, str]:
        from multidict import CIMultiDict

        pairs = (line.partition(":") for line in self._text.split("\n") if line)
        return CIMultiDict([(name, value) for name, _, value in pairs])

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> Any:
        """Return names and values; a header that came several times is there as often."""
        return self._read().items()

    def __reduce__(self) -> Any:
        return _PackedHeaders, (list(self.items()),)

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"  # they may hold cookies


# What attrs would generate and compile takes longer to load.
@attrs.frozen(eq=False, repr=False, weakref_slot=False)
class ResponseMeta:
    """What became of a call on its way: `result.meta`, and `error.meta`. What came in one response shares one.

    Of what no call made, such as a result from a journal, it tells 0 attempts.
    """

    attempts: int = 0
    """How often the request was handed to the network."""
    elapsed: float = 0.0
    """Seconds from the start of the call until its response was there or, for an error, until it was raised."""
    request_id: str | None = None
    """Refold's id of the request, to quote to support; None where Refold gave none."""
    status: int | None = None
    """The HTTP status of the response; None where there was none."""
    headers: Mapping[str, str] = attrs.field(default=_NO_HEADERS, repr=False)
    """The response's headers; names are case-insensitive."""

    def _shown(self) -> tuple[Any, ...]:
        return self.attempts, self.elapsed, self.request_id, self.status

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in zip(_FIELDS, self._shown(), strict=False))
        return f"ResponseMeta({told})"  # headers may hold cookies

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
    """What becomes a `ResponseMeta` by its `__class__`: as one is made of every response, that is to cost little.

    attrs sets each field of a frozen object by a call, which takes three times as long.
    """

    __slots__ = ("attempts", "elapsed", "headers", "request_id", "status")

    def __init__(
        self, attempts: int, elapsed: float, request_id: str | None, status: int, headers: Mapping[str, str]
    ) -> None:
        self.attempts = attempts
        self.elapsed = elapsed
        self.request_id = request_id
        self.status = status
        self.headers = headers


def pack(meta: ResponseMeta) -> None:
    """Have what is kept, perhaps a million times, keep its headers in less memory."""
    object.__setattr__(meta, "headers", _packed(meta.headers))


def _packed(headers: Mapping[str, str]) -> Mapping[str, str]:
    return _PackedHeaders(headers.items()) if headers and not isinstance(headers, _PackedHeaders) else headers
