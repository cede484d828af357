"""The groups of calls: every module of this package that has `CALLS`.

A group may also have `REFUSED`, requests that the mock refuses, and `stage()`, which makes what its calls are about.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

from contract.calls.call import Call, Ids, Refused
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "staged"]

Staging: TypeAlias = Callable[[MockRefold, AsyncRefold, AccountScope], Awaitable[dict[str, str]]]
"""Makes what the calls of a group are about, and returns the ids of that by name."""

_MODULES: Final[Sequence[ModuleType]] = [
    importlib.import_module(f"contract.calls.{module.name}")
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.name not in {"call", "credentials", "groups", "recorded"}
]
CALLS: Final[tuple[Call, ...]] = tuple(made for module in _MODULES for made in module.CALLS)
REFUSED: Final[tuple[Refused, ...]] = tuple(one for module in _MODULES for one in getattr(module, "REFUSED", ()))


async def staged(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> Ids:
    """Make what all calls are about.

    Args:
        mock: Where it is made.
        refold: A client of it.
        account: The scope of `ACCOUNT`, by session token.
    """
    ids = Ids()
    for module in _MODULES:
        stage: Staging | None = getattr(module, "stage", None)
        if stage is not None:
            ids |= await stage(mock, refold, account)
    return ids
