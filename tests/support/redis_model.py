"""What the script of a shared rate limit does in Redis, in Python: for simulations, and to compare the script with."""

import math
from collections.abc import Sequence

from refold_async.limits.redis.script import LimitTimes, Reservations, Wish, arguments, reservations_of

__all__ = ["ScriptModel"]


class ScriptModel:
    """One shared limit in a Redis, and its buckets."""

    def __init__(self) -> None:
        self.full_at: dict[str, float] = {}
        self.paused_until = 0.0
        self.pause = 0.0

    def lose_state(self) -> None:
        """Forget everything, as a failover to an empty replica does."""
        self.full_at, self.paused_until, self.pause = {}, 0.0, 0.0

    def run(self, now: float, keys: Sequence[str], given: Sequence[str]) -> list[int]:
        """Return what the script returns, at a time in microseconds."""
        interval, burst, bulk, unknown, way, ahead, ahead_of_bulk, furthest, pause = map(float, given[1:10])
        credit = {"interactive": burst, "bulk": bulk}
        horizons = {"interactive": ahead, "bulk": ahead_of_bulk}
        self.paused_until = min(self.paused_until, now + self.pause)
        if now + pause > self.paused_until:
            self.paused_until, self.pause = float(f"{now + pause:.0f}"), pause
        start = max(now + way, self.paused_until)
        answer = [round(now), round(start)]
        for key, kind, wanted in zip(keys, given[11::2], map(int, given[12::2]), strict=True):
            full_at = max(start, min(self.full_at.get(key, now + unknown), start + furthest))
            if self.paused_until > now:
                full_at = max(full_at, self.paused_until + burst)
            first, last, granted, wait = full_at - credit[kind], now + horizons[kind], 0, 0.0
            if start <= last:
                granted = max(0, min(wanted, math.floor((last - first) / interval) + 1))
                full_at += granted * interval
            if granted < wanted:
                wait = max(0.0, max(start, full_at - credit[kind]) - last)
            self.full_at[key] = float(f"{full_at:.3f}")
            answer += [granted, int(f"{first:.0f}"), int(f"{wait:.0f}")]
        return answer

    def reserve(
        self, times: LimitTimes, now: float, wishes: Sequence[Wish], *, round_trip: float, pause: float
    ) -> Reservations:
        """Return what is reserved at a time in seconds."""
        given = arguments(times, wishes, round_trip=round_trip, pause=pause)
        return reservations_of(times, wishes, self.run(round(now * 1e6), [wish.key for wish in wishes], given))
