"""How a caller says how to find a write that may have run, and what a look for it returns."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import attrs

from refold_async.errors import ConfigurationError, RefoldError

__all__ = ["CANNOT_TELL", "NOT_DONE", "Done", "Finding", "Reconcile", "UnknownWrite", "check_reconcile"]


class Finding:
    """What a look for a write returns: `Done(data)`, `NOT_DONE` or `CANNOT_TELL`."""

    __slots__ = ()


@attrs.frozen
class Done(Finding):
    """A look found the write: it ran, and is not repeated."""

    data: Any = None
    """What the app would have responded, as JSON. It becomes the `data` of the result, and is converted as `into=` says
    for a response. Any other object becomes the `data` as it is."""


class _WithoutData(Finding):
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name  # so that a copy, or what another process gets, is the same object


NOT_DONE: Final[Finding] = _WithoutData("NOT_DONE")
"""A look did not find the write, although it would have if the write had run before the look began."""

CANNOT_TELL: Final[Finding] = _WithoutData("CANNOT_TELL")
"""A look did not show whether the write ran."""


@attrs.frozen(kw_only=True)
class UnknownWrite:
    """A write that may have run, for a look that must find out."""

    key: str | None
    """The key of the item: what `key=` returned, or the linked account id. None for a single call."""
    item: Any
    """The item of the fan-out. None for a single call."""
    parameters: Any
    """The parameters of the action, as JSON. For an item of an earlier run, those that it would be sent with now."""
    first_started_at: datetime | None
    """When it was first about to be sent, in UTC. None if that is not known."""
    last_sent_at: datetime | None
    """When it was last about to be sent, in UTC. None if that is not known."""
    error: RefoldError
    """Why it is not known whether it ran; a `RecordedError` if an earlier run recorded it."""


def _check_look(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not callable(value):
        raise ConfigurationError(
            f"Reconcile(look) must be an async function of a scope and a write, such as look(scope, write), got "
            f"{value!r}."
        )


def _check_settle(instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(
            f"Reconcile(settle=) must be a number of seconds, 0 or more, after which a write that ran is certain to be "
            f"found, such as 30; got {value!r}."
        )


@attrs.frozen
class Reconcile:
    """How to find out whether a write ran whose response was lost, and what follows.

    Pass it as `reconcile=` to `execute_action` or `fan_out_action`. After a write that may have run, `look` is awaited.
    If it returns `Done(data)`, the write succeeded. If it returns `NOT_DONE`, that counts `settle` seconds after the
    write can no longer leave, and only if a second look confirms it; then the write is sent once more. A write is sent
    at most twice in total, over all runs of a job. If it returns `CANNOT_TELL` or anything else, raises an exception or
    takes too long, the write remains unknown: a note on its error says why.
    """

    look: Callable[[Any, UnknownWrite], Awaitable[Finding]]
    """An async function of the scope of the linked account and of the `UnknownWrite`. It must find this write by a mark
    that only this write leaves in the app, such as the key in a field for an external id, and never by equal content:
    somebody else may have written the same. It must not write. A look may be made several times."""

    settle: float = attrs.field(kw_only=True, validator=_check_settle)
    """Seconds after which a write that has left is certain to be found by a look, or never runs. There is no default:
    it must be longer than the network, Refold's queue, the app and its search index may take together. With `math.inf`,
    a write is never repeated."""

    def __attrs_post_init__(self) -> None:
        _check_look(self, attrs.fields(Reconcile).look, self.look)


def check_reconcile(reconcile: Any, *, idempotent: bool, resend_unknown: bool = False) -> None:
    """Check the value of `reconcile=`.

    Args:
        reconcile: The value, which is not None.
        idempotent: Whether the action may run twice.
        resend_unknown: Whether a fan-out repeats what may have run in an earlier run, without a look.

    Raises:
        ConfigurationError: It is not a `Reconcile`, or another argument makes it useless.
    """
    if not isinstance(reconcile, Reconcile):
        raise ConfigurationError(
            f"reconcile must be a Reconcile, such as Reconcile(look, settle=30), got {reconcile!r}."
        )
    if idempotent:
        raise ConfigurationError(
            "reconcile= cannot be combined with idempotent=True: an action that may run twice, such as any read, is "
            "retried without a look. Pass one of them."
        )
    if resend_unknown:
        raise ConfigurationError(
            "reconcile= cannot be combined with resend_unknown=True, which repeats writes of an earlier run without a "
            "look. Pass one of them."
        )
