"""One call of a public method, and what it is made on. A call is data, so that tests can change its arguments."""

import re
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Literal, cast

import attrs

from refold_async import AccountScope, AsyncRefold

__all__ = ["ACCOUNT", "HOOK", "JANE", "By", "Call", "Ids", "Refused", "Stage", "call", "filled", "outcome"]

ACCOUNT: Final = "user_12345"
HOOK: Final = "https://example.com/hook"
JANE: Final = {"email": "jane@example.com"}

By = Literal["account", "organisation", "token", "nobody"]
"""The credentials of a request: the key and an account, the key alone, a session token, or none."""
Result = Awaitable[object] | AsyncIterable[object]


class Ids(dict[str, str]):
    """What `{names}` stand for; those that nobody has made stand for `x`."""

    def __missing__(self, name: str) -> str:
        return "x"


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a value with ids in place of texts such as `{webhook}`."""
    if isinstance(value, str):
        return re.sub(r"(?<!{){(\w+)}(?!})", lambda found: ids[found[1]], value)
    if isinstance(value, list):
        return [filled(part, ids) for part in cast("Sequence[Any]", value)]
    if type(value) is dict:
        return {name: filled(part, ids) for name, part in cast("dict[str, Any]", value).items()}
    return value


@attrs.frozen
class Stage:
    """What calls are made on, and the ids of what they are about."""

    refold: AsyncRefold
    account: AccountScope
    ids: Ids


@attrs.frozen
class Call:
    """One call of a public method. Texts such as `{webhook}` in its arguments stand for ids.

    Attributes:
        method: The method, as `docs/reference/operations.md` names it.
        args: Its arguments by position.
        options: Its arguments by name.
        then: What to do with what the method returns, if that is neither awaited nor iterated over.
    """

    method: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    then: Callable[[Any], Result] | None = None

    def make(self, on: Stage, **changed: Any) -> Result:
        """Make the call, with some of its arguments by name changed."""
        owner, _, name = self.method.partition(".")
        method = attrgetter(name)(on.account if owner == "account" else on.refold)
        result = method(*filled([*self.args], on.ids), **{**filled(dict(self.options), on.ids), **changed})
        return cast("Result", result if self.then is None else self.then(result))


async def outcome(result: Result) -> object:
    """Return what comes of a call: its result, or all that it iterates over."""
    return [item async for item in result] if isinstance(result, AsyncIterable) else await result


def call(method: str, /, *args: Any, then: Callable[[Any], Result] | None = None, **options: Any) -> Call:
    """Return a call of a method with these arguments."""
    return Call(method, args, options, then)


@attrs.frozen
class Refused:
    """A request that Refold refuses, as anybody could send it. Texts such as `{webhook}` in it stand for ids."""

    method: str
    path: str
    json: Any = None
    by: By = "account"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True)
    """Headers beside those that authenticate it, or in their place."""
    body: bytes | None = attrs.field(default=None, kw_only=True)
    """What to send in place of JSON."""
