"""Share one rate limit among several processes, through Redis.

    pip install refold-async 'limits[redis]'
    redis-server &
    python examples/shared_limit.py --part 1 --parts 2 &
    python examples/shared_limit.py --part 2 --parts 2

Each process reads the contacts of its part of the linked accounts. Together they keep to the rate. If Refold refuses
all requests of one process, all processes wait. Copy `RedisLimiter` into your own program. It needs Redis 7 or later.
"""

import argparse
import asyncio
import logging
import sys
import time
from typing import Any, Self

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.asyncio import Redis

from refold_async import RefoldError
from service import open_refold

logger = logging.getLogger(__name__)


class RedisLimiter:
    """A rate limit shared by all that use the same Redis, name and rate; for `AsyncRefold(rate_limit=...)`.

    Time is divided into slots, `rate` of them per second, and each slot is given to one request. So requests are sent
    evenly, by all processes together, and those that wait get their turn. A window of one second would allow all of its
    requests at the same time, which is more than the burst of 5 that Refold allows.

    Without Redis nothing is sent: calls raise `APIConnectionError`, with the error of Redis as `__cause__`, until Redis
    is back. It does no harm if the clocks of the machines differ by a moment: no slot is given out twice.
    """

    def __init__(self, url: str, rate: float, *, name: str = "refold") -> None:
        self._redis: Any = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)  # pyright: ignore[reportUnknownMemberType]
        connections: Any = self._redis.connection_pool
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=connections)
        self._slots = FixedWindowRateLimiter(storage)
        self._once = RateLimitItemPerMinute(1, namespace=name)  # a minute later nobody asks for the slot any more
        self._rate = rate
        self._pause = f"{name}/pause"
        self._announcements: set[asyncio.Task[None]] = set()

    async def acquire(self) -> None:
        """Return when one more request may be sent. If this is cancelled, its slot stays empty."""
        while True:
            slot = int(time.time() * self._rate)
            while not await self._slots.hit(self._once, str(slot)):
                slot += 1
            await asyncio.sleep(slot / self._rate - time.time())
            milliseconds = await self._redis.pttl(self._pause)
            if milliseconds <= 0:  # there is no pause
                return
            await asyncio.sleep(milliseconds / 1000)

    def throttled(self, until: float) -> None:
        """Make all processes wait until then. Called when Refold responds that requests come too fast."""
        announcement = asyncio.create_task(self._announce(int(until * 1000)))
        self._announcements.add(announcement)
        announcement.add_done_callback(self._announcements.discard)

    async def _announce(self, until: int) -> None:
        try:
            async with self._redis.pipeline() as pipeline:
                pipeline.set(self._pause, 1, nx=True, pxat=until)
                pipeline.pexpireat(self._pause, until, gt=True)  # a shorter pause does not end a longer one
                await pipeline.execute()
        except RedisError as error:
            logger.warning("The other processes will not wait until Refold refuses their requests too: %r", error)

    async def __aenter__(self) -> Self:
        await self._redis.ping()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._announcements:
            await asyncio.wait(self._announcements)
        await self._redis.aclose()


async def main(redis: str, *, rate: float, items: int, part: int, parts: int) -> None:
    """Read the contacts of every `parts`-th linked account."""
    async with RedisLimiter(redis, rate) as limiter, open_refold(rate_limit=limiter) as refold:
        linked_account_ids = [f"user_{number}" for number in range(part, items + 1, parts)]
        print(f"Reading {len(linked_account_ids)} contacts, at {rate:g} a second with all that share {redis}")
        started, ok = time.perf_counter(), 0
        async with refold.fan_out_action(
            linked_account_ids, "hubspot", "get_contact", {"limit": "1"}, idempotent=True
        ) as outcomes:
            async for outcome in outcomes:
                if outcome.status == "ok":
                    ok += 1
                else:
                    print(f"{outcome.linked_account_id}: {outcome.status}, {outcome.error}")
        print(f"Read {ok} contacts in {time.perf_counter() - started:.1f} seconds")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Share one rate limit among several processes, through Redis.")
    parser.add_argument("--redis", default="redis://localhost", help="the URL of Redis (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20, help="requests a second, of all (default: %(default)s)")
    parser.add_argument("--items", type=int, default=20, help="linked accounts in total (default: %(default)s)")
    parser.add_argument("--part", type=int, default=1, help="the part that this process reads, from 1")
    parser.add_argument("--parts", type=int, default=1, help="the number of processes (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(**vars(arguments)))
    except (RefoldError, RedisError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
