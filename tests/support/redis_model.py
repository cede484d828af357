"""What the script of a shared rate limit does in Redis, in Python: for simulations, and to compare the script with."""

import math
from typing import Any

from refold_async.limits.redis.script import LimitTimes, Reservation, arguments, reservation_of

__all__ = ["ScriptModel"]


class ScriptModel:
    """One shared limit in a Redis."""

    def __init__(self) -> None:
        self.full_at: float | None = None
        self.paused_until = 0.0

    def lose_state(self) -> None:
        """Forget everything, as a failover to an empty replica does."""
        self.full_at, self.paused_until = None, 0.0

    def run(self, now: float, given: list[str]) -> list[Any]:
        """Return the answer of the script, at a time in microseconds."""
        interval, burst_credit, bulk_credit, *rest = map(float, given[1:])
        horizons, wanted, pause = rest[:2], [int(count) for count in rest[2:4]], rest[4]
        full_at = now + burst_credit if self.full_at is None else self.full_at
        if pause > 0:
            self.paused_until = max(self.paused_until, now + pause)
            full_at = max(full_at, self.paused_until + burst_credit)
        start = max(now, self.paused_until)
        answer: list[Any] = [f"{now:.0f}"]
        wait = 0.0
        for credit, horizon, count in zip((burst_credit, bulk_credit), horizons, wanted, strict=True):
            full_at = max(full_at, start)
            first, last = full_at - credit, now + horizon
            granted = 0
            if count > 0 and start <= last:
                granted = max(0, min(count, math.floor((last - first) / interval) + 1))
                full_at += granted * interval
            if granted < count:
                wait = max(wait, max(start, full_at - credit) - last)
            answer += [granted, f"{first:.0f}"]
        self.full_at = float(f"{full_at:.3f}")
        return [*answer, f"{max(0, wait):.0f}", f"{start:.0f}"]

    def reserve(self, times: LimitTimes, now: float, **wanted: Any) -> Reservation:
        """Return what is reserved at a time in seconds."""
        return reservation_of(times, self.run(round(now * 1e6), arguments(times, **wanted)))
