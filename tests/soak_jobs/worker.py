"""A worker of the job, which is killed: it takes part after part until all are closed.

It notes each outcome in a file as soon as it has it. `REFOLD_JOURNAL_DSN` and `REDIS_URL` say where the servers are.
"""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any, Final

from refold_async import (
    NOT_DONE,
    AccountScope,
    AsyncRefold,
    Done,
    Finding,
    PostgresJournal,
    RateLimit,
    Reconcile,
    RedisRateLimit,
    UnknownWrite,
)

from .app import CREATE, FIND, SLUG, account_of

__all__ = ["API_KEY", "JOB"]

API_KEY: Final = "tk_of_the_soak"
JOB: Final = "notes"


def items_of(part: int, parts: int, items: int) -> list[str]:
    """Return the keys of a part."""
    return [f"note-{number}" for number in range(part, items, parts)]


async def look(scope: AccountScope, write: UnknownWrite) -> Finding:
    """Ask the app for the note, which has the key in its external id."""
    result = await scope.execute_action(SLUG, FIND, {"external_id": write.key}, idempotent=True)
    return Done(result.data) if result.data["found"] else NOT_DONE


async def main(options: Any) -> None:
    """Work until all parts are closed."""
    limit = RedisRateLimit(os.environ["REDIS_URL"], RateLimit(options.rate, burst=options.burst), name="soak")
    journal = PostgresJournal(job=JOB, parts=options.parts, lease=options.lease)
    outcomes = os.open(options.outcomes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with limit, AsyncRefold(API_KEY, base_url=options.base_url, rate_limit=limit) as refold:
        async for part in journal.claim():
            async with refold.fan_out_action(
                items_of(part.number, part.parts, options.items),
                SLUG,
                CREATE,
                lambda key: {"external_id": key},
                account=account_of,
                key=str,
                concurrency=options.concurrency,
                journal=part,
                reconcile=Reconcile(look, settle=options.settle),
            ) as fan_out:
                async for outcome in fan_out:
                    os.write(outcomes, f"{outcome.item} {outcome.status}\n".encode())
            await part.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("outcomes", type=Path)
    for name in ("items", "parts", "concurrency", "burst"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("rate", "lease", "settle"):
        parser.add_argument(f"--{name}", type=float, required=True)
    asyncio.run(main(parser.parse_args()))
