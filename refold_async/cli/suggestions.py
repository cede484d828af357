"""What was meant by a name or an id that is unknown."""

import asyncio
import difflib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from refold_async.errors import NotFoundError, RefoldError

__all__ = ["SOME", "closest", "noting", "suggesting"]

SOME: Final = 100
"""Among how many of a long list what was meant is looked for: one page."""
_LIKENESS_OF_IDS: Final = 0.85
"""How alike ids must be: those made one after the other look much alike."""

_PATIENCE: Final = 5.0
"""For how many seconds an error waits for what was meant."""


def closest(given: str, known: Mapping[str, str], *, likeness: float = 0.6) -> str | None:
    """Return what `known` has for the word that is most like one that is unknown.

    None where no word is much like it, or several are just as much, or it is one of them and another thing was unknown.

    Args:
        given: The word.
        known: The words there are, and what each stands for.
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
    """Have the error for an id that is unknown tell which was meant.

    Args:
        given: The id.
        known: Fetches the words there are, and the id that each stands for.
        likeness: How alike they must be, from 0 to 1.
    """

    async def meant() -> str | None:
        return closest(given, await known(), likeness=likeness)

    async with noting(meant):
        yield


@asynccontextmanager
async def noting(meant: Callable[[], Awaitable[str | None]], *, patience: float = _PATIENCE) -> AsyncGenerator[None]:
    """Have the error for what is unknown tell what was meant, where that is found soon.

    Args:
        meant: Finds it; None where nothing is much like it.
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
