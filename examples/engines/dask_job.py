"""A job on Dask, whose workers share its parts and one rate limit. Set REFOLD_JOURNAL_DSN and REDIS_URL.

Before the first job: `refold journal init`. If a worker dies, another takes over its part, and Dask replaces it.
"""

import asyncio
import os
from zlib import crc32

from distributed import Client, LocalCluster

from refold_async import AsyncRefold, PostgresJournal, RateLimit, RedisRateLimit

CUSTOMERS = [f"user_{number}" for number in range(200)]  # your own ids
LIMIT = RateLimit(20, burst=5)


async def work(worker: int) -> str:
    """Work on one part after the other, until all parts of the job are closed."""
    done = 0
    limit = RedisRateLimit(os.environ["REDIS_URL"], LIMIT, name="acme")
    async with limit, AsyncRefold(rate_limit=limit) as refold:
        async for part in PostgresJournal(job="june sync", parts=16).claim():
            mine = [customer for customer in CUSTOMERS if crc32(customer.encode()) % part.parts == part.number]
            email = {"email": "jane@example.com"}
            async with refold.fan_out_action(mine, "hubspot", "create_contact", email, journal=part) as outcomes:
                done += sum([outcome.status == "ok" async for outcome in outcomes])
            await part.close()
    return f"worker {worker}: {done} contacts"


async def main() -> None:
    """Start workers on this machine, give each the same task, and wait until the job is done."""
    async with LocalCluster(n_workers=4, asynchronous=True) as cluster, Client(cluster, asynchronous=True) as dask:
        for task in dask.map(work, range(4), pure=False):
            print(await task)


if __name__ == "__main__":
    asyncio.run(main())
