"""Suggests what the user meant by an unknown name or id."""

import asyncio
import difflib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from refold_async.errors import NotFoundError, RefoldError

__all__ = ["SOME", "closest", "noting", "suggesting"]

SOME: Final = 100
"""How many entries of a long list to search: one page."""
_LIKENESS_OF_IDS: Final = 0.85
"""How alike ids must be. It is high, because ids made one after the other are almost the same."""
_PATIENCE: Final = 5.0
"""For how many seconds an error waits for a suggestion."""


def closest(given: str, known: Mapping[str, str], *, likeness: float = 0.6) -> str | None:
    """Return what `known` has for the word most like a given one.

    None if no word is like it, if several are equally like it, or if it is known itself.

    Args:
        given: The word.
        known: The known words, and what each means.
        likeness: How alike they must be, from 0 to 1.
    """
    words = {word.casefold(): meant for word, meant in known.items()}
    found = difflib.get_close_matches(given.casefold(), words, n=2, cutoff=likeness)
    ratios = [difflib.SequenceMatcher(None, word, given.casefold()).ratio() for word in found]
    ambiguous = len(found) == 2 and ratios[0] == ratios[1] and words[found[0]] != words[found[1]]
    return words[found[0]] if found and not ambiguous and words[found[0]] != given else None


@asynccontextmanager
async def suggesting(
    given: str, known: Callable[[], Awaitable[Mapping[str, str]]], *, likeness: float = _LIKENESS_OF_IDS
) -> AsyncGenerator[None]:
    """Add to the error for an unknown id which one the user probably meant.

    Args:
        given: The id.
        known: Fetches the known words, and the id that each means.
        likeness: How alike they must be, from 0 to 1.
    """

    async def meant() -> str | None:
        return closest(given, await known(), likeness=likeness)

    async with noting(meant):
        yield


@asynccontextmanager
async def noting(meant: Callable[[], Awaitable[str | None]], *, patience: float = _PATIENCE) -> AsyncGenerator[None]:
    """Add to a `NotFoundError` what the user probably meant, if that is found soon.

    Args:
        meant: Finds it; returns None if nothing is like it.
        patience: For how many seconds the error waits for it.
    """
    try:
        yield
    except NotFoundError as error:
        with suppress(RefoldError, TimeoutError):
            async with asyncio.timeout(patience):
                found = await meant()
            if found is not None:
                error.add_note(f"Did you mean {found!r}?")
        raise
