"""The script that reserves slots in Redis, and what it returns.

The state of a limit is one hash: `limit`, the text of the limit; `full_at`, when its bucket will be full; and
`paused_until`. All times are microseconds of the clock of Redis, so the clocks of those who share the limit do not
matter. `full_at` is the generic cell rate algorithm's theoretical arrival time: each slot delays it by one interval,
and a slot may be used as long before it as the credit allows, which is how bursts are possible.
"""

from typing import Any, Final, NamedTuple

import attrs

from refold_async.config.settings import RateLimit
from refold_async.limits.token_bucket import TokenBucket

__all__ = ["DIFFERING_LIMIT", "SCRIPT", "LimitTimes", "Reservation", "arguments", "reservation_of"]

DIFFERING_LIMIT: Final = "REFOLDLIMIT"
"""The first word of the error that refuses another limit of the same name."""

SCRIPT: Final = """
local interval, burst_credit, bulk_credit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local horizons = {tonumber(ARGV[5]), tonumber(ARGV[6])}
local wanted, credits = {tonumber(ARGV[7]), tonumber(ARGV[8])}, {burst_credit, bulk_credit}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local state = redis.call('HMGET', KEYS[1], 'limit', 'full_at', 'paused_until')
if state[1] and state[1] ~= ARGV[1] then
    return redis.error_reply('REFOLDLIMIT ' .. state[1])
end
-- Without a state the bucket may be empty: perhaps Redis lost it a moment ago.
local full_at = state[2] and tonumber(state[2]) or now + burst_credit
local paused_until = state[3] and tonumber(state[3]) or 0
local pause = tonumber(ARGV[9])
if pause > 0 then
    paused_until = math.max(paused_until, now + pause)
    full_at = math.max(full_at, paused_until + burst_credit)
end
local start = math.max(now, paused_until)
local answer = {string.format('%.0f', now)}
local wait = 0
for kind = 1, 2 do
    full_at = math.max(full_at, start)
    local first = full_at - credits[kind]
    local last = now + horizons[kind]
    local granted = 0
    if wanted[kind] > 0 and start <= last then
        granted = math.max(0, math.min(wanted[kind], math.floor((last - first) / interval) + 1))
        full_at = full_at + granted * interval
    end
    if granted < wanted[kind] then
        wait = math.max(wait, math.max(start, full_at - credits[kind]) - last)
    end
    answer[#answer + 1] = granted
    answer[#answer + 1] = string.format('%.0f', first)
end
answer[#answer + 1] = string.format('%.0f', math.max(0, wait))
answer[#answer + 1] = string.format('%.0f', start)
redis.call(
    'HSET', KEYS[1],
    'limit', ARGV[1], 'full_at', string.format('%.3f', full_at), 'paused_until', string.format('%.0f', paused_until)
)
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(full_at, paused_until) - now) / 1000) + tonumber(ARGV[10]))
return answer
"""

_LIFETIME: Final = 60_000
"""Milliseconds that the state is kept once the bucket is full. Until then, another limit cannot have its name."""
_MICROSECONDS: Final = 1_000_000


@attrs.frozen(kw_only=True)
class LimitTimes:
    """A limit, as times in microseconds."""

    text: str
    """The limit, for comparison with that of others."""
    interval: float
    """The time between two requests."""
    burst_credit: float
    """How long before the bucket is full an interactive request may be sent."""
    bulk_credit: float
    """The same for a bulk request: bulk requests leave the burst to others."""

    @classmethod
    def of(cls, limit: RateLimit) -> "LimitTimes":
        """Return the times of a limit."""
        bucket = TokenBucket(limit)
        return cls(
            text=f"{limit.rate:.12g} in {limit.per:.12g} seconds, burst {limit.burst}",
            interval=bucket.interval * _MICROSECONDS,
            burst_credit=bucket.burst_credit * _MICROSECONDS,
            bulk_credit=bucket.smoothed_credit * _MICROSECONDS,
        )


class Reservation(NamedTuple):
    """What the script reserved. Times are in seconds of the clock of Redis."""

    now: float
    """When it was reserved."""
    interactive: list[float]
    """When interactive requests may be sent, one each."""
    bulk: list[float]
    """The same for bulk requests."""
    wait: float
    """In how many seconds more can be reserved, if less was reserved than wanted; else 0."""


def arguments(
    times: LimitTimes,
    *,
    interactive: int = 0,
    bulk: int = 0,
    pause: float = 0.0,
    horizons: tuple[float, float] = (0.0, 0.0),
) -> list[str]:
    """Return the arguments of the script.

    Args:
        times: The limit.
        horizons: How many seconds ahead slots are reserved, for interactive requests and for bulk requests.
        interactive: How many slots are wanted for interactive requests.
        bulk: How many are wanted for bulk requests.
        pause: For how many seconds nobody may send.
    """
    return [
        times.text,
        *(repr(time) for time in (times.interval, times.burst_credit, times.bulk_credit)),
        *(repr(horizon * _MICROSECONDS) for horizon in horizons),
        str(interactive),
        str(bulk),
        repr(pause * _MICROSECONDS),
        str(_LIFETIME),
    ]


def reservation_of(times: LimitTimes, answer: list[Any]) -> Reservation:
    """Return what the script reserved, by its answer."""
    now, interactive, first_interactive, bulk, first_bulk, wait, start = map(int, answer)

    def slots(count: int, first: int) -> list[float]:
        return [max(start, first + number * times.interval) / _MICROSECONDS for number in range(count)]

    return Reservation(
        now / _MICROSECONDS, slots(interactive, first_interactive), slots(bulk, first_bulk), wait / _MICROSECONDS
    )
