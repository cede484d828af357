"""What users configure: time limits, retries, a rate limit. Frozen classes, which check their values when created."""

import math
import sys
from typing import Any

import attrs

from refold_async.config.validation import check_bool, check_whole_number
from refold_async.errors import ConfigurationError
from refold_async.models.model import ByFields

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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Timeout(ByFields):
    """How long a call may take, in seconds. Use `math.inf` for no limit.

    If you pass a plain number as `timeout=`, it means `total`, and the other two limits remain as the client has them.
    """

    total: float = attrs.field(default=120.0, validator=_positive)
    """The limit for the whole call, in seconds: the wait for the rate limit and for a connection, every attempt, and
    every pause between attempts. In a fan-out, the wait for the rate limit does not count."""

    attempt: float = attrs.field(default=60.0, validator=_positive)
    """The limit for one attempt, in seconds: from getting a connection to the last byte of the response."""

    connect: float = attrs.field(default=10.0, validator=_positive)
    """The limit for opening a new connection, in seconds: DNS, TCP, proxy and TLS together."""

    def with_total(self, total: float) -> "Timeout":
        """Return these limits with another `total`.

        Args:
            total: The limit for the whole call, in seconds.
        """
        return attrs.evolve(self, total=total)


def resolve_timeout(timeout: Timeout | float | None, default: Timeout) -> Timeout:
    """Return the limits that apply to a call. A number replaces only `total`."""
    if timeout is None:
        return default
    return timeout if isinstance(timeout, Timeout) else default.with_total(timeout)


def resolve_synchronous_timeout(timeout: Timeout | float | None, default: Timeout) -> Timeout:
    """Return the limits for a synchronous workflow. It makes one attempt, so a number limits that attempt too."""
    if timeout is None:
        return default
    return timeout if isinstance(timeout, Timeout) else attrs.evolve(default, total=timeout, attempt=timeout)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RetryPolicy(ByFields):
    """How often to retry a call, and how long to wait before each retry. It does not decide which failures are retried.

    The pause before attempt n+1 is random, between 0 and `initial_delay * 2 ** (n - 1)`, and at most `max_delay`. If
    the response has a `Retry-After`, the pause is that time plus the random part.
    """

    max_retries: int = attrs.field(default=3, validator=_whole_number(0))
    """How many attempts may follow the first. 0 means one attempt only."""

    initial_delay: float = attrs.field(default=0.5, validator=_seconds)
    """The longest pause before the second attempt, in seconds."""

    max_delay: float = attrs.field(default=10.0, validator=_seconds)
    """The longest random pause before any attempt, in seconds."""

    max_retry_after: float = attrs.field(default=60.0, validator=_seconds)
    """The longest `Retry-After` to wait for, in seconds. If the response asks for more, the error is raised
    immediately, with `.retry_after`. It is also the longest time that refusals pause other calls: after that, one
    request checks whether Refold accepts requests."""

    resend_rate_limited_writes: bool = attrs.field(default=True, validator=_flag)
    """Whether to retry a write that was refused with HTTP 429. The refused write did not run, so a retry duplicates
    nothing."""


def check_retry_policy(retry: Any) -> RetryPolicy:
    """Return `retry` if it is a `RetryPolicy`."""
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, such as RetryPolicy(max_retries=5), got {retry!r}.")
    return retry


@attrs.frozen(eq=False, repr=False)
class RateLimit(ByFields):
    """A rate limit: at most `rate` requests in `per` seconds, with bursts of at most `burst` requests.

    Refold documents `RateLimit(20, burst=5)` for its platform.
    """

    rate: float = attrs.field(validator=_positive_and_finite)
    """How many requests may be sent in `per` seconds."""

    per: float = attrs.field(default=1.0, kw_only=True, validator=_positive_and_finite)
    """The period that `rate` refers to, in seconds."""

    burst: int = attrs.field(default=1, kw_only=True, validator=_whole_number(1))
    """How many requests may be sent at the same time after a quiet period. The requests of a fan-out are always sent
    evenly: they leave the burst to single calls, and to requests that the network delivers bunched together. With the
    default of 1 there is no such reserve, and requests are up to a millisecond further apart than `rate` says."""
