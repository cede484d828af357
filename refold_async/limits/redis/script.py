"""The script that reserves slots in Redis, and what it returns.

One run reserves slots in any number of buckets that have the same limit. The first key is a hash that defines the
limit: `limit`, its text; `paused_until` and `pause`, the end and the length of a pause for all. Each other key holds
when a bucket will be full: the theoretical arrival time of the generic cell rate algorithm. Each slot delays it by one
interval, and a slot may be used as long before it as the credit allows, which makes bursts possible.

All times are microseconds of the clock of Redis, so the clocks of those who share the limit do not matter.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import attrs

from refold_async.config.settings import RateLimit
from refold_async.limits.fair_queue import Priority
from refold_async.limits.token_bucket import TokenBucket

__all__ = [
    "BULK_AHEAD",
    "DIFFERING_LIMIT",
    "SCRIPT",
    "LimitTimes",
    "Reservation",
    "Reservations",
    "Wish",
    "arguments",
    "reservations_of",
]

DIFFERING_LIMIT: Final = "REFOLDLIMIT"
"""The first word of the error that refuses another limit of the same name."""

SCRIPT: Final = """
local text, interval, unknown, way = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5]), tonumber(ARGV[6])
local credits = {interactive = tonumber(ARGV[3]), bulk = tonumber(ARGV[4])}
local ahead = {interactive = tonumber(ARGV[7]), bulk = tonumber(ARGV[8])}
local furthest, pause, kept = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local known = redis.call('HMGET', KEYS[1], 'limit', 'paused_until', 'pause')
if known[1] and known[1] ~= text then
    return redis.error_reply('REFOLDLIMIT ' .. known[1])
end
-- The clock may have been set back since: no pause is longer than it was asked to be, no slot further ahead.
local paused_until = math.min(tonumber(known[2] or 0), now + tonumber(known[3] or 0))
if now + pause > paused_until then
    paused_until = now + pause
    redis.call('HSET', KEYS[1], 'paused_until', string.format('%.0f', paused_until), 'pause', ARGV[10])
end
if not known[1] then
    redis.call('HSET', KEYS[1], 'limit', text)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(0, paused_until - now) / 1000) + 60000)

local start = math.max(now + way, paused_until)
local answer = {string.format('%.0f', now), string.format('%.0f', start)}
for number = 1, #KEYS - 1 do
    local key, kind, wanted = KEYS[number + 1], ARGV[10 + 2 * number], tonumber(ARGV[11 + 2 * number])
    local full_at = tonumber(redis.call('GET', key) or now + unknown)
    full_at = math.max(start, math.min(full_at, start + furthest))
    if paused_until > now then
        full_at = math.max(full_at, paused_until + credits.interactive)
    end
    local first, last, granted, wait = full_at - credits[kind], now + ahead[kind], 0, 0
    if start <= last then
        granted = math.max(0, math.min(wanted, math.floor((last - first) / interval) + 1))
        full_at = full_at + granted * interval
    end
    if granted < wanted then
        wait = math.max(0, math.max(start, full_at - credits[kind]) - last)
    end
    redis.call(
        'SET', key, string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000) + kept
    )
    answer[#answer + 1] = granted
    answer[#answer + 1] = string.format('%.0f', first)
    answer[#answer + 1] = string.format('%.0f', wait)
end
return answer
"""

_INTERACTIVE_AHEAD: Final = 1.0
BULK_AHEAD: Final = 0.055
"""Seconds ahead for which slots are reserved. Interactive requests go behind the slots that bulk requests have."""
_CATCH_UP: Final = 0.005
"""Seconds for which bulk requests may use slots that were left."""
_NEAR: Final = 0.02
"""Seconds of a round trip for which slots are not reserved earlier, because who is nearer to Redis would get none."""
_FURTHEST: Final = 2.0
"""Seconds ahead for which nobody has reserved more than the burst, whatever the bucket says."""
_UNKNOWN_FOR_BULK: Final = 1.0
"""Seconds that bulk requests wait at most for a burst that may have been used before Redis lost the state."""
_KEPT: Final = 3_600_000
"""Milliseconds for which the state of a bucket is kept once it is full."""
_KEPT_OF_ACCOUNT: Final = 1000
"""The same for the bucket of a linked account. A fan-out may go through a million of them."""
_LEAST_LATE: Final = 0.005
_MOST_LATE: Final = 1.0
_LATE_AT_ACCOUNT: Final = 10.0
"""Seconds after its time from which a slot is no longer used: see `_latest`."""
_MICROSECONDS: Final = 1_000_000


@attrs.frozen(kw_only=True)
class LimitTimes:
    """A limit, as times, in microseconds unless they say otherwise."""

    text: str
    """The limit, for comparison with that of others."""
    interval: float
    """The time between two requests."""
    burst_credit: float
    """How long before its bucket is full an interactive request may be sent."""
    bulk_credit: float
    """The same for a bulk request: bulk requests leave the burst to others."""
    unknown: float
    """How long a bucket without a state takes to be full."""
    kept: int
    """Milliseconds for which the state of a full bucket is kept."""
    latest: float
    """Seconds after its time from which a slot is no longer used."""

    @classmethod
    def of(cls, limit: RateLimit, *, of_account: bool = False) -> "LimitTimes":
        """Return the times of a limit, for all requests or for those of each linked account.

        An account that Redis does not know has its burst. The limit for all may have none: perhaps Redis lost its state
        a moment ago.
        """
        bucket = TokenBucket(limit)
        burst, bulk = bucket.burst_credit, min(bucket.burst_credit, _CATCH_UP)
        return cls(
            text=f"RateLimit({limit.rate:.12g}, per={limit.per:.12g}, burst={limit.burst})",
            interval=bucket.interval * _MICROSECONDS,
            burst_credit=burst * _MICROSECONDS,
            bulk_credit=bulk * _MICROSECONDS,
            unknown=0.0 if of_account else min(burst, bulk + _UNKNOWN_FOR_BULK) * _MICROSECONDS,
            kept=_KEPT_OF_ACCOUNT if of_account else _KEPT,
            latest=_LATE_AT_ACCOUNT if of_account else _latest(bucket.interval, burst - bulk),
        )


def _latest(interval: float, reserve: float) -> float:
    """Return how many seconds late a slot may be used: its request comes together with those of others.

    Half of the burst that bulk requests leave makes up for that, the other half for delays on the network. A slot of a
    slow limit may be late too, because the next slot comes only an interval later. So may a slot of an account, because
    its request may have to wait for the limit of all.
    """
    return min(_MOST_LATE, max(_LEAST_LATE, interval / 10, reserve / 2))


class Wish(NamedTuple):
    """Slots that somebody wants to reserve."""

    key: str
    """The key of their bucket."""
    priority: Priority
    """The priority of the requests."""
    wanted: int
    """How many are wanted."""


class Reservation(NamedTuple):
    """What became of a wish."""

    times: list[float]
    """When one request each may be sent, in seconds of the clock of Redis."""
    wait: float | None
    """In how many seconds more can be reserved, if less was reserved than wanted."""


class Reservations(NamedTuple):
    """What the script returns."""

    now: float
    """The time, in seconds of the clock of Redis."""
    reservations: list[Reservation]
    """What became of the wishes, in their order."""


def arguments(times: LimitTimes, wishes: Sequence[Wish], *, round_trip: float = 0.0, pause: float = 0.0) -> list[str]:
    """Return the arguments of the script.

    Args:
        times: The limit.
        wishes: The slots that are wanted. The keys of the script are that of the limit, and theirs.
        round_trip: How many seconds a round trip takes. Slots are reserved for when they can be used.
        pause: For how many seconds nobody may send.
    """
    furthest = _FURTHEST * _MICROSECONDS + times.burst_credit + times.interval
    numbers = [times.interval, times.burst_credit, times.bulk_credit, times.unknown]
    far = max(0.0, round_trip - _NEAR)
    seconds = (round_trip / 2, _INTERACTIVE_AHEAD + far, BULK_AHEAD + far)
    numbers += [*(each * _MICROSECONDS for each in seconds), furthest, pause * _MICROSECONDS]
    given = [times.text, *map(repr, numbers), str(times.kept)]
    for wish in wishes:
        given += [wish.priority, str(wish.wanted)]
    return given


def reservations_of(times: LimitTimes, wishes: Sequence[Wish], returned: list[Any]) -> Reservations:
    """Return what the script returned."""
    now, start, *rest = map(int, returned)
    reservations: list[Reservation] = []
    for number, wish in enumerate(wishes):
        granted, first, wait = rest[3 * number : 3 * number + 3]
        slots = [max(start, first + slot * times.interval) / _MICROSECONDS for slot in range(granted)]
        reservations.append(Reservation(slots, wait / _MICROSECONDS if granted < wish.wanted else None))
    return Reservations(now / _MICROSECONDS, reservations)
