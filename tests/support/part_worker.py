"""A worker of a job in parts on PostgreSQL, for tests that stop and kill it: it creates a contact for each account.

It prints a line when it has claimed a part, one when it has closed it, and one when it lost it. At its end, it prints
how many outcomes of each status there were, and how many of them an earlier worker recorded.
"""

import argparse
import asyncio
from collections import Counter

from refold_async import AsyncRefold, JournalError, PostgresJournal

CONCURRENCY = 10
JOB = "create contacts"


def items_of(part: int, each: int) -> list[str]:
    """Return the items of a part."""
    return [f"user_{part}_{number}" for number in range(each)]


async def main(base_url: str, *, parts: int, each: int, lease: float, tasks: int) -> None:
    """Work until all parts are closed. The journal is where the environment says."""
    journal = PostgresJournal(job=JOB, parts=parts, lease=lease)
    counts: Counter[str] = Counter()

    async def work() -> None:
        async for part in journal.claim():
            print("claimed", part.number, flush=True)
            try:
                async with refold.fan_out_action(
                    items_of(part.number, each),
                    "hubspot",
                    "create_contact",
                    lambda linked_account_id: {"email": f"{linked_account_id}@example.com"},
                    concurrency=CONCURRENCY,
                    journal=part,
                ) as outcomes:
                    async for outcome in outcomes:
                        counts[outcome.status] += 1
                        counts["recorded"] += outcome.recorded
                await part.close()
                print("closed", part.number, flush=True)
            except JournalError as error:
                print("lost", part.number, error, flush=True)

    async with AsyncRefold("tk_test", base_url=base_url) as refold, asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())
    print("ended", *(counts[name] for name in ("ok", "failed", "unknown", "recorded")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("--parts", type=int, required=True)
    parser.add_argument("--each", type=int, required=True)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--tasks", type=int, default=1)
    asyncio.run(main(**vars(parser.parse_args())), debug=False)  # as fast as it is in earnest
