"""Which app or action was meant by one that is unknown."""

import difflib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from refold_async.errors import NotFoundError, RefoldError

if TYPE_CHECKING:
    from refold_async import AccountScope

__all__ = ["suggesting"]


@asynccontextmanager
async def suggesting(account: "AccountScope", slug: str, action_id: str | None = None) -> AsyncGenerator[None]:
    """Have the error for an app or an action that is unknown tell which was meant."""
    try:
        yield
    except NotFoundError as error:
        if (meant := await _meant(account, slug, action_id)) is not None:
            error.add_note(f"Did you mean {meant!r}?")
        raise


async def _meant(account: "AccountScope", slug: str, action_id: str | None) -> str | None:
    """Return the app, or else the action, that is most like one that is unknown."""
    try:
        known = [app.slug for app in await account.applications.list()]
        if slug in known and action_id is not None:
            slug, known = action_id, [action.action_id for action in await account.list_actions(slug)]
    except RefoldError:
        return None
    return next(iter(difflib.get_close_matches(slug, known, n=1)), None)
