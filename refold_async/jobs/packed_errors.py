"""Errors in a third of the memory, built when they are read: a report may keep a million that differ in little."""

import inspect
import pickle
import zlib
from typing import Final
from weakref import ref

from refold_async import errors
from refold_async.errors import RefoldError

__all__ = ["ErrorPacker", "PackedError"]

_Restored = tuple[RefoldError, BaseException | None, bool]
"""An error, its cause, and whether its context is not shown."""
_LONGEST: Final = 32_768
"""How many bytes a pickled error has at most to be packed: more would hold up the event loop."""


class PackedError:
    """An error that is built when it is read. While anybody holds the built error, everybody gets the same one.

    Attributes:
        kind: The class of the error.
    """

    __slots__ = ("_built", "_model", "_packed", "kind")

    def __init__(self, kind: type[RefoldError], packed: bytes, model: bytes) -> None:
        self.kind = kind
        self._packed = packed
        self._model = model
        self._built: ref[RefoldError] | None = None

    def build(self) -> RefoldError:
        """Return the error."""
        error = None if self._built is None else self._built()
        if error is None:
            pickled = zlib.decompressobj(-zlib.MAX_WBITS, self._model).decompress(self._packed)
            # This process pickled it: nothing that came from outside is unpickled.
            restored: _Restored = pickle.loads(pickled)  # noqa: S301
            error, cause, suppresses_context = restored
            error.__cause__ = cause
            error.__suppress_context__ = suppresses_context
            self._built = ref(error)
        return error


class _Written:
    """What a pickle is written to, until it is too long."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._length = 0

    def write(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > _LONGEST:
            raise OverflowError(f"longer than {_LONGEST:,} bytes")
        self.parts.append(part)


class ErrorPacker:
    """Packs the errors of a report. Each is compressed with the first of its class as the model of what they share."""

    def __init__(self) -> None:
        self._models: dict[type[RefoldError], bytes] = {}
        self._attributes: dict[type[RefoldError], frozenset[str]] = {}

    def pack(self, error: BaseException) -> "BaseException | PackedError":
        """Return the error packed; or as it is, if its traceback or anything else of it would be lost."""
        if not isinstance(error, RefoldError) or not self._loses_nothing(error):
            return error
        restored: _Restored = (error, error.__cause__, error.__suppress_context__)
        written = _Written()
        pickler = pickle.Pickler(written, pickle.HIGHEST_PROTOCOL)
        # Not as this process pickles errors: tblib, which Dask's `distributed` uses, would add their tracebacks.
        pickler.dispatch_table = {}
        try:
            pickler.dump(restored)
        except Exception:  # noqa: BLE001 - whatever prevents it, the error can be kept as it is
            return error
        pickled = b"".join(written.parts)
        model = self._models.setdefault(type(error), pickled)
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS, zdict=model)
        return PackedError(type(error), compressor.compress(pickled) + compressor.flush(), model)

    def _loses_nothing(self, error: RefoldError) -> bool:
        """Return whether an error that is built again has all that this one has."""
        cause = error.__cause__
        if error.__traceback__ is not None or error.__context__ is not None:
            return False
        if cause is not None and not _is_from_the_system(cause):
            return False
        kind = type(error)
        if kind not in self._attributes:
            self._attributes[kind] = _attributes_of(kind)
        return error.__dict__.keys() <= self._attributes[kind]


def _is_from_the_system(cause: BaseException) -> bool:
    """Return whether the cause of an error is what the operating system said about a connection, and no more."""
    if not isinstance(cause, OSError) or type(cause).__module__ != "builtins":
        return False
    return cause.__cause__ is None and cause.__context__ is None and not cause.__dict__


def _attributes_of(kind: type[RefoldError]) -> frozenset[str]:
    """Return the names of the attributes that this library sets; those that others set may be unfit for copying."""
    if getattr(errors, kind.__name__, None) is not kind:
        return frozenset()
    declared = {*RefoldError.__annotations__, *kind.__annotations__}
    return frozenset({"__notes__", *declared, *inspect.signature(kind).parameters})
