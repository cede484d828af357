"""What was meant by a name or an id that is unknown."""

import difflib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from refold_async.errors import NotFoundError, RefoldError

__all__ = ["SOME", "closest", "suggesting"]

SOME: Final = 100
"""Among how many of a long list what was meant is looked for: one page."""
_LIKENESS_OF_IDS: Final = 0.85
"""How alike ids must be: those made one after the other look much alike."""


def closest(given: str, known: Mapping[str, str], *, likeness: float = 0.6) -> str | None:
    """Return what `known` has for the word that is most like one that is unknown.

    None where no word is much like it, or several are just as much.

    Args:
        given: The word.
        known: The words there are, and what each stands for.
        likeness: How alike they must be, from 0 to 1.
    """
    words = {word.casefold(): meant for word, meant in known.items()}
    found = difflib.get_close_matches(given.casefold(), words, n=2, cutoff=likeness)
    ratios = [difflib.SequenceMatcher(None, word, given.casefold()).ratio() for word in found]
    ambiguous = len(found) == 2 and ratios[0] == ratios[1] and words[found[0]] != words[found[1]]
    return words[found[0]] if found and not ambiguous else None


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
    try:
        yield
    except NotFoundError as error:
        with suppress(RefoldError):
            if (meant := closest(given, await known(), likeness=likeness)) is not None:
                error.add_note(f"Did you mean {meant!r}?")
        raise
