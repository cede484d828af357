"""The options of fan-outs: their types, their defaults, and what they mean."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypedDict, TypeVar

from refold_async.config.settings import Timeout
from refold_async.jobs.progress import Progress

if TYPE_CHECKING:
    from refold_async.journal.journal import Journal

__all__ = ["Account", "ActionFanOutOptions", "FanOutOptions", "with_defaults"]

Item = TypeVar("Item")
Account = TypeVar("Account")


# A field's annotation holds its type and its default; the text below it is its documentation, which editors show too,
# but not the default: so the text tells those that one would not guess.
class FanOutOptions(TypedDict, Generic[Item, Account], total=False):
    """The options of `AsyncRefold.fan_out()`, and of `fan_out_action()` too."""

    account: Annotated[Callable[[Item], Account] | None, None]
    """Tells an item's linked account id or scope. Not needed for ids, scopes and `LinkedAccount`s."""
    key: Annotated[Callable[[Item], str] | None, None]
    """Tells what a journal knows an item by; by default its linked account id. Needed where an account has several
    items: of those with one key, only the first is called."""
    concurrency: Annotated[int, 50]
    """How many items are worked on, or have ended and not been read, at once; by default 50."""
    grace: Annotated[float, 5.0]
    """Seconds that items in flight get to end when the fan-out is left early, or stopped; by default 5."""
    job_timeout: Annotated[float | None, None]
    """Seconds for the whole job. Then it is stopped, and `FanOutStoppedError` raised at the end."""
    max_refusal_wait: Annotated[float, 600.0]
    """Seconds, in all, that an item may wait because its own requests or those of its linked account are refused
    (HTTP 429); above 0, or `math.inf`; by default 600. Beyond that it fails with `RateLimitError`, at once where
    `Retry-After` asks for longer. Waiting because others are refused does not count."""
    stop_after: Annotated[float | None, None]
    """How many items may fail or come out unknown until the job is stopped, and `FanOutStoppedError` raised at the end:
    an int counts them, a float is their share (once 20 items have ended)."""
    progress: Annotated[Callable[[Progress], object] | bool | None, None]
    """A function, plain or async, that is given a `Progress`, at most ten times a second and once at the end; or True
    for a bar on stderr, if that is a terminal (extra `progress`)."""
    journal: Annotated["Journal | None", None]
    """Where to record what becomes of each item, so that the job can be run again."""
    retry_failed: Annotated[bool, False]
    """With a journal: call again what failed in an earlier run without any effect."""
    resend_unknown: Annotated[bool, False]
    """With a journal: call again what may have run in an earlier run. What was written may be written twice."""


class ActionFanOutOptions(FanOutOptions[Item, Account], Generic[Item, Account], total=False):
    """The further options of `AsyncRefold.fan_out_action()`."""

    idempotent: Annotated[bool, False]
    """You vouch that it does no harm to execute it twice. With a journal, what may have run in an earlier run is then
    called again."""
    connection_id: Annotated[str | Callable[[Item], str | None] | None, None]
    """The connection to act by, where a linked account has several to the app; or a function that tells an item's."""
    headers: Annotated[Mapping[str, str] | Callable[[Item], Mapping[str, str] | None] | None, None]
    """Headers beside those the client sets, the same for all, or a function that makes them of the item."""
    timeout: Annotated[Timeout | float | None, None]
    """Limits of time for each item: seconds for the whole call, or a `Timeout`; by default those of its scope."""
    skip_disconnected: Annotated[bool, False]
    """Execute nothing for accounts that are not connected to the app, or have to reconnect it: they fail with
    `ReconnectRequiredError`. A `LinkedAccount` tells by itself, and the app is looked up once; for other items Refold
    is asked first, at the cost of one more call each, which `timeout` holds for by itself. Where there is no such app,
    they fail with `NotFoundError`."""


def with_defaults(declared: Any, options: Mapping[str, Any], function: str) -> dict[str, Any]:
    """Return all options that a class declares, those that were not given with their defaults.

    Args:
        declared: The class: a TypedDict.
        options: What a caller gave.
        function: What the caller called, for the error.

    Raises:
        TypeError: There is no such option.
    """
    chosen = {name: hint.__metadata__[0] for name, hint in declared.__annotations__.items()}
    for name in options:
        if name not in chosen:
            from difflib import get_close_matches  # only for mistakes

            similar = get_close_matches(name, chosen, n=1)
            suggestion = f". Did you mean {similar[0]!r}?" if similar else ""
            if name == "save_to":
                suggestion = (
                    ": each item needs a path of its own. Use fan_out(items, call) with a call of your own, which "
                    "awaits execute_action(..., save_to=path)"
                )
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{suggestion}")
    return {**chosen, **options}
