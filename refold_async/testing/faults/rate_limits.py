"""Token buckets: Refold's limit on all requests, and the apps' limits for each linked account."""

import math
from collections.abc import Callable

import attrs

__all__ = ["AppRateLimits", "Rate", "RefusingTokenBucket"]


def _positive(_instance: object, attribute: object, value: float) -> None:
    if isinstance(value, bool) or not (0 < value < math.inf):
        raise ValueError(f"{getattr(attribute, 'name', 'value')} must be a positive number, not {value!r}")


@attrs.frozen
class Rate:
    """How fast requests may come.

    Args:
        rate: Requests accepted in `per` seconds on average.
        per: The seconds to which `rate` refers.
        burst: Requests accepted in one burst after a pause; at least 1.
    """

    rate: float = attrs.field(validator=_positive)
    per: float = attrs.field(default=1.0, validator=_positive)
    burst: int = attrs.field(default=1, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.burst < 1:
            raise ValueError(f"burst must be 1 or more, not {self.burst!r}")


@attrs.define
class RefusingTokenBucket:
    """Accepts requests at a given rate.

    Args:
        rate: How fast.
        clock: A monotonic clock in seconds.
    """

    rate: Rate
    clock: Callable[[], float]
    _tokens: float = attrs.field(init=False)
    _filled: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = float(self.rate.burst)
        self._filled = self.clock()

    def take(self) -> bool:
        """Take one token; return False if there is none."""
        now = self.clock()
        tokens = self._tokens + (now - self._filled) * self.rate.rate / self.rate.per
        self._filled = now
        self._tokens = min(tokens, float(self.rate.burst))
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@attrs.define(eq=False)
class AppRateLimits:
    """The limits that the apps themselves set: one bucket for each app and linked account.

    Args:
        clock: A monotonic clock in seconds.
    """

    clock: Callable[[], float]
    refused: int = attrs.field(default=0, init=False)
    _rates: dict[str, Rate] = attrs.field(factory=dict[str, Rate], init=False)
    _buckets: dict[tuple[str, str], RefusingTokenBucket] = attrs.field(
        factory=dict[tuple[str, str], RefusingTokenBucket], init=False
    )

    def limit(self, slug: str, rate: Rate | None) -> None:
        """Set the limit of one app, or remove it with None. Buckets start full.

        Args:
            slug: The app.
            rate: How fast each linked account may call it.
        """
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key[0] != slug}
        if rate is None:
            self._rates.pop(slug, None)
        else:
            self._rates[slug] = rate

    def take(self, slug: str, linked_account_id: str) -> bool:
        """Take one call; return False if the app refuses it for this linked account.

        Args:
            slug: The app.
            linked_account_id: The linked account whose connection is used.
        """
        rate = self._rates.get(slug)
        if rate is None:
            return True
        bucket = self._buckets.get((slug, linked_account_id))
        if bucket is None:
            bucket = self._buckets[slug, linked_account_id] = RefusingTokenBucket(rate, self.clock)
        taken = bucket.take()
        self.refused += not taken
        return taken
