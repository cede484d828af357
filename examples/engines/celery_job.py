"""A job on Celery, whose workers share its parts and one rate limit. Set REFOLD_JOURNAL_DSN and REDIS_URL.

Before the first job: `refold journal init`. Start workers, `celery -A celery_job worker`, and `python celery_job.py`.
"""

import asyncio
import os
from typing import Any
from zlib import crc32

from celery import Celery

from refold_async import AsyncRefold, PostgresJournal, RateLimit, RedisRateLimit

CUSTOMERS = [f"user_{number}" for number in range(200)]  # your own ids
REDIS, LIMIT = os.environ["REDIS_URL"], RateLimit(20, burst=5)
app: Any = Celery("celery_job", broker=REDIS, backend=REDIS)


@app.task(acks_late=True, reject_on_worker_lost=True)  # if its process dies, it runs again
def work() -> int:
    """Work on one part after the other, until all parts of the job are closed."""
    return asyncio.run(work_on_parts())


async def work_on_parts() -> int:
    """Return how many contacts this worker created."""
    limit, done = RedisRateLimit(REDIS, LIMIT, name="acme"), 0
    async with limit, AsyncRefold(rate_limit=limit) as refold:
        async for part in PostgresJournal(job="june sync", parts=16).claim():
            mine = [customer for customer in CUSTOMERS if crc32(customer.encode()) % part.parts == part.number]
            email = {"email": "jane@example.com"}
            async with refold.fan_out_action(mine, "hubspot", "create_contact", email, journal=part) as outcomes:
                done += sum([outcome.status == "ok" async for outcome in outcomes])
            await part.close()
    return done


if __name__ == "__main__":
    print("contacts:", [task.get() for task in [work.delay() for _ in range(4)]])
