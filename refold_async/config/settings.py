"""What users set: deadlines, retries, a rate limit. Frozen, checked when made."""

import math
import sys
from typing import Any

import attrs

from refold_async.config.validation import check_bool, check_whole_number
from refold_async.errors import ConfigurationError

__all__ = [
    "RateLimit",
    "RetryPolicy",
    "Timeout",
    "check_retry_policy",
    "resolve_synchronous_timeout",
    "resolve_timeout",
]


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value == math.inf or -sys.float_info.max <= value <= sys.float_info.max


def _positive(instance: object, attribute: "attrs.Attribute[float]", value: Any) -> None:
    if not _is_number(value) or value <= 0:
        asked = "a number of seconds above 0 (math.inf for no limit)"
        raise ConfigurationError(f"{type(instance).__name__}({attribute.name}=) must be {asked}, got {value!r}.")


def _positive_and_finite(instance: object, attribute: "attrs.Attribute[float]", value: Any) -> None:
    if not _is_number(value) or not 0 < value < math.inf:
        raise ConfigurationError(f"{type(instance).__name__}({attribute.name}=) must be above 0, got {value!r}.")


def _seconds(instance: object, attribute: "attrs.Attribute[float]", value: Any) -> None:
    if not _is_number(value) or value < 0:
        asked = "a number of seconds, 0 or more"
        raise ConfigurationError(f"{type(instance).__name__}({attribute.name}=) must be {asked}, got {value!r}.")


def _whole_number(at_least: int) -> Any:
    def check(instance: object, attribute: "attrs.Attribute[int]", value: Any) -> None:
        check_whole_number(f"{type(instance).__name__}({attribute.name}=)", value, at_least=at_least)

    return check


def _flag(instance: object, attribute: "attrs.Attribute[bool]", value: Any) -> None:
    check_bool(f"{type(instance).__name__}({attribute.name}=)", value)


@attrs.frozen(kw_only=True)
class Timeout:
    """How long a call may take, in seconds. `math.inf` takes a limit away.

    Where a call takes `timeout=`, a plain number stands for `total` and leaves the other two as the client has them.
    """

    total: float = attrs.field(default=120.0, validator=_positive)
    """Everything one awaited call does: the wait for the rate limit and for a connection, every attempt, every pause
    between them. In a fan-out the wait for the rate limit does not count."""

    attempt: float = attrs.field(default=60.0, validator=_positive)
    """One attempt: from getting a connection to the last byte of the response."""

    connect: float = attrs.field(default=10.0, validator=_positive)
    """Making a new connection: DNS, TCP, proxy and TLS together."""

    def with_total(self, total: float) -> "Timeout":
        """Return these limits with another `total`, in seconds."""
        return attrs.evolve(self, total=total)


def resolve_timeout(timeout: Timeout | float | None, default: Timeout) -> Timeout:
    """Return the limits that a call runs under: a number stands for the total alone."""
    if timeout is None:
        return default
    return timeout if isinstance(timeout, Timeout) else default.with_total(timeout)


def resolve_synchronous_timeout(timeout: Timeout | float | None, default: Timeout) -> Timeout:
    """Return the limits for a workflow that is waited for: it takes one attempt, so a number limits that too."""
    if timeout is None:
        return default
    return timeout if isinstance(timeout, Timeout) else attrs.evolve(default, total=timeout, attempt=timeout)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often, and after how long, a call is tried again. What is tried again at all does not depend on it.

    The pause before attempt n+1 is random between 0 and `initial_delay * 2 ** (n - 1)`, at most `max_delay`. A
    response's `Retry-After` is a floor under it: the random part comes on top.
    """

    max_retries: int = attrs.field(default=3, validator=_whole_number(0))
    """Attempts after the first. 0: one attempt."""

    initial_delay: float = attrs.field(default=0.5, validator=_seconds)
    """The longest pause before the second attempt, in seconds."""

    max_delay: float = attrs.field(default=10.0, validator=_seconds)
    """The longest random pause before any attempt, in seconds."""

    max_retry_after: float = attrs.field(default=60.0, validator=_seconds)
    """The longest `Retry-After` to wait for, in seconds. Beyond it the error is raised at once, with `.retry_after`.
    It is also the longest that refusals pause other calls: then one request checks whether they are accepted again."""

    resend_rate_limited_writes: bool = attrs.field(default=True, validator=_flag)
    """Whether a write that was refused with HTTP 429 is sent again. It did not run, so this doubles nothing."""


def check_retry_policy(retry: Any) -> RetryPolicy:
    """Return `retry` if it is a policy."""
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, got {retry!r}.")
    return retry


@attrs.frozen
class RateLimit:
    """A sending rate: `rate` requests in `per` seconds, after a burst of at most `burst` at once.

    Refold documents `RateLimit(20, burst=5)` for its platform.
    """

    rate: float = attrs.field(validator=_positive_and_finite)
    """How many requests may leave in `per` seconds."""

    per: float = attrs.field(default=1.0, kw_only=True, validator=_positive_and_finite)
    """The span `rate` counts over, in seconds."""

    burst: int = attrs.field(default=1, kw_only=True, validator=_whole_number(1))
    """How many may leave at once after a quiet spell. Those of a fan-out leave evenly all the same, and so keep the
    burst for single calls, and for what the network bunches together. Without a burst there is no such reserve, and
    requests are up to a millisecond further apart than `rate` says."""
