"""The options of fan-outs: their types, their defaults, and what they mean."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypedDict, TypeVar

from refold_async.config.settings import Timeout
from refold_async.jobs.progress import Progress

if TYPE_CHECKING:
    from refold_async.journal.journal import Journal
    from refold_async.journal.parts import JournalPart
    from refold_async.journal.postgres.postgres_journal import PostgresJournal
    from refold_async.pipeline.reconciling.reconcile import Reconcile

__all__ = ["Account", "ActionFanOutOptions", "FanOutOptions", "with_defaults"]

Item = TypeVar("Item")
Account = TypeVar("Account")


# A field's annotation holds its type and its default. The text below it is its documentation. Editors show that text,
# but not the default, so the text names the defaults that one would not guess.
class FanOutOptions(TypedDict, Generic[Item, Account], total=False):
    """The options of `AsyncRefold.fan_out()`. `fan_out_action()` takes them too."""

    account: Annotated[Callable[[Item], Account] | None, None]
    """A function that returns an item's linked account id or scope. Not needed if the items themselves are ids, scopes
    or `LinkedAccount`s."""
    key: Annotated[Callable[[Item], str] | None, None]
    """A function that returns the key by which a journal identifies an item; by default its linked account id. Needed
    if an account has several items: of the items with the same key, only the first is called."""
    concurrency: Annotated[int, 50]
    """How many items may be in progress at the same time; by default 50. An item counts from its start until its
    outcome is read."""
    grace: Annotated[float, 5.0]
    """Seconds that items in flight get to end when the fan-out is left early or stopped; by default 5."""
    job_timeout: Annotated[float | None, None]
    """Seconds for the whole job; by default no limit. After them it is stopped and raises `FanOutStoppedError`."""
    max_refusal_wait: Annotated[float, 600.0]
    """Seconds that an item may wait in total because its own requests, or those of its linked account, are refused
    (HTTP 429); more than 0, or `math.inf`; by default 600. After them the item fails with `RateLimitError`; if
    `Retry-After` asks for longer, it fails immediately. Waiting because other accounts are refused does not count."""
    stop_after: Annotated[float | None, None]
    """Stop the job after this many items failed or ended unknown, and raise `FanOutStoppedError`; by default never. An
    int is a number of items; a float is a share of the items that ended, checked once 20 have ended."""
    progress: Annotated[Callable[[Progress], object] | bool | None, None]
    """A function, plain or async, that is called with a `Progress` at most ten times a second and once at the end; or
    True for a progress bar on stderr, if that is a terminal (needs the extra `progress`)."""
    journal: Annotated["Journal | JournalPart | PostgresJournal | None", None]
    """A `Journal` or `PostgresJournal` that records the outcome of each item, so that you can run the job again and it
    does only what is left; or a part of it that you claimed."""
    retry_failed: Annotated[bool, False]
    """With a journal: retry items that failed in an earlier run without any effect."""
    resend_unknown: Annotated[bool, False]
    """With a journal: retry items that may have run in an earlier run. What they wrote may be written twice."""


class ActionFanOutOptions(FanOutOptions[Item, Account], Generic[Item, Account], total=False):
    """The additional options of `AsyncRefold.fan_out_action()`."""

    idempotent: Annotated[bool, False]
    """Set it to True if running the action twice does no harm. Then failed requests are retried even if the action may
    have run and, with a journal, so are items that may have run in an earlier run."""
    connection_id: Annotated[str | Callable[[Item], str | None] | None, None]
    """The connection to use, if a linked account has several connections to the app; or a function that returns it for
    an item."""
    headers: Annotated[Mapping[str, str] | Callable[[Item], Mapping[str, str] | None] | None, None]
    """Headers to send with those of the client: the same for all items, or a function that returns them for an item."""
    timeout: Annotated[Timeout | float | None, None]
    """Time limits for each item: seconds for the whole call, or a `Timeout`; by default those of the item's scope."""
    reconcile: Annotated["Reconcile | None", None]
    """For a write: a `Reconcile`, which says how to find out whether it ran if its response is lost. Then it is looked
    for, and sent once more if it did not run. With a journal, so are items that may have run in an earlier run. While
    that takes, the item does not count against `concurrency`. Each look may take as long as a call. Not together with
    `idempotent` or `resend_unknown`."""
    skip_disconnected: Annotated[bool, False]
    """Execute nothing for accounts that are not connected to the app or have to reconnect it: these items fail with
    `ReconnectRequiredError`. A `LinkedAccount` already contains this, so the app is looked up only once. For other
    items, Refold is asked first: one more request each, with a `timeout` of its own. If the app does not exist, the
    items fail with `NotFoundError`."""


def with_defaults(declared: Any, options: Mapping[str, Any], function: str) -> dict[str, Any]:
    """Return all options that a class declares: those given, and the defaults of the others.

    Args:
        declared: The class: a TypedDict.
        options: The options that the caller gave.
        function: The name of the function that was called, for the error.

    Raises:
        TypeError: An option does not exist.
    """
    chosen = {name: hint.__metadata__[0] for name, hint in declared.__annotations__.items()}
    for name in options:
        if name not in chosen:
            from difflib import get_close_matches  # only for mistakes

            similar = get_close_matches(name, chosen, n=1)
            suggestion = f". Did you mean {similar[0]!r}?" if similar else ""
            if name == "save_to":
                suggestion = (
                    ": each item needs a path of its own. Use fan_out(items, call) with your own call, which "
                    "awaits execute_action(..., save_to=path)"
                )
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{suggestion}")
    return {**chosen, **options}
