"""A job on procrastinate, whose workers share its parts and one rate limit. Set REFOLD_JOURNAL_DSN and REDIS_URL.

Before the first job: `refold journal init`, and `procrastinate -a procrastinate_job.app schema --apply`. Start workers
on any machines, `procrastinate -a procrastinate_job.app worker`, then the job, `python procrastinate_job.py`. If a
worker dies, another takes over its part.
"""

import os
from zlib import crc32

from procrastinate import App, PsycopgConnector

from refold_async import AsyncRefold, PostgresJournal, RateLimit, RedisRateLimit

CUSTOMERS = [f"user_{number}" for number in range(200)]  # your own ids
LIMIT = RateLimit(20, burst=5)
app = App(connector=PsycopgConnector(conninfo=os.environ["REFOLD_JOURNAL_DSN"]))


@app.task(name="work")
async def work() -> None:
    """Work on one part after the other, until all parts of the job are closed."""
    limit = RedisRateLimit(os.environ["REDIS_URL"], LIMIT, name="acme")
    async with limit, AsyncRefold(rate_limit=limit) as refold:
        async for part in PostgresJournal(job="june sync", parts=16).claim():
            mine = [customer for customer in CUSTOMERS if crc32(customer.encode()) % part.parts == part.number]
            email = {"email": "jane@example.com"}
            async with refold.fan_out_action(mine, "hubspot", "create_contact", email, journal=part) as outcomes:
                async for outcome in outcomes:
                    print(outcome.linked_account_id, outcome.status)
            await part.close()


if __name__ == "__main__":
    with app.open():
        for _ in range(4):
            work.defer()
