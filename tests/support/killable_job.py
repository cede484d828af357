"""A job with a journal, for tests that kill it: it creates a contact for each of many linked accounts.

At its end, it prints how many outcomes of each status there were, and how many of them an earlier run recorded.
"""

import argparse
import asyncio
from collections import Counter

from refold_async import AsyncRefold, Journal
from refold_async.journal.store import Durability

CONCURRENCY = 20


async def main(base_url: str, journal: str, *, items: int, durability: Durability, resend_unknown: bool) -> None:
    """Run the job until it ends or is killed."""
    counts: Counter[str] = Counter()
    async with (
        AsyncRefold("tk_test", base_url=base_url) as refold,
        refold.fan_out_action(
            (f"user_{number}" for number in range(items)),
            "hubspot",
            "create_contact",
            lambda linked_account_id: {"email": f"{linked_account_id}@example.com"},
            concurrency=CONCURRENCY,
            journal=Journal(journal, job="create contacts", durability=durability),
            resend_unknown=resend_unknown,
        ) as outcomes,
    ):
        async for outcome in outcomes:
            counts[outcome.status] += 1
            counts["recorded"] += outcome.recorded
    print(*(counts[name] for name in ("ok", "failed", "unknown", "recorded")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("journal")
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--durability", default="process")
    parser.add_argument("--resend-unknown", action="store_true")
    asyncio.run(main(**vars(parser.parse_args())), debug=False)  # as fast as it is in earnest
