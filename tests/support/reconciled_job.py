"""A job that reconciles, for tests that kill or stop it: it writes a note for each of many linked accounts.

At its end, it prints how many outcomes were ok, failed, unknown, found by a look, and sent once more.
"""

import argparse
import asyncio
import os
import signal
from collections import Counter
from typing import Any

import aiohttp

from refold_async import NOT_DONE, AccountScope, AsyncRefold, Done, Finding, Journal, Reconcile, Timeout, UnknownWrite

CONCURRENCY = 20


async def find_note(scope: AccountScope, write: UnknownWrite) -> Finding:
    """Look for the note of a write."""
    found = await scope.execute_action("notes", "find_notes", {"mark": write.key}, idempotent=True)
    notes = found.data["notes"]
    return Done(notes[0]) if notes else NOT_DONE


def stopping_itself() -> aiohttp.TraceConfig:
    """Return hooks that stop this process at its first connection: when a request is recorded, and has not left."""
    stopped: list[bool] = []

    async def stop(*_: Any) -> None:
        if not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(stop)
    return trace


async def main(base_url: str, journal: str, *, items: int, settle: float, stop: bool) -> None:
    """Run the job until it ends or is killed."""
    counts: Counter[str | None] = Counter()
    async with (
        AsyncRefold(
            "tk_test",
            base_url=base_url,
            timeout=Timeout(connect=60),  # longer than it is stopped: only its record keeps it from being sent
            trace_configs=[stopping_itself()] if stop else [],
        ) as refold,
        refold.fan_out_action(
            (f"user_{number}" for number in range(items)),
            "notes",
            "create_note",
            lambda linked_account_id: {"mark": linked_account_id, "text": "Hello"},
            concurrency=CONCURRENCY,
            journal=Journal(journal, job="write notes"),
            reconcile=Reconcile(find_note, settle=settle),
        ) as outcomes,
    ):
        async for outcome in outcomes:
            counts[outcome.status] += 1
            counts[outcome.reconciled] += 1
    print(*(counts[name] for name in ("ok", "failed", "unknown", "done", "sent_again")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("journal")
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--settle", type=float, required=True)
    parser.add_argument("--stop", action="store_true")
    asyncio.run(main(**vars(parser.parse_args())), debug=False)
