"""A write for each of many linked accounts, in a job that you can interrupt or kill, and continue by running it again.

    pip install 'refold-async[progress]'
    python examples/bulk_job.py
    REFOLD_API_KEY=... python examples/bulk_job.py --journal june.sqlite --accounts accounts.txt

Ctrl-C or SIGTERM stops it, after the calls in flight have ended. A second one ends it immediately, like `kill -9`:
then the outcome of the calls in flight is unknown. In both cases the same command continues with the rest, and writes
nothing twice.

`accounts.txt` has one linked account id per line. Without an API key it talks to a mock and makes up the accounts.
"""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from refold_async import AsyncRefold, FanOut, FanOutStoppedError, Journal, JournalError, RateLimit, RefoldError
from refold_async.testing import MockRefold
from service import uses_mock

LIMIT = RateLimit(20, burst=5)  # what Refold documents for its platform
SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def main(linked_account_ids: list[str], journal: Journal, *, retry_failed: bool, resend_unknown: bool) -> int:
    """Run the job until it ends or is stopped, and return the exit code."""
    async with open_refold(journal) as refold:
        job = refold.fan_out_action(
            linked_account_ids,
            "hubspot",
            "create_contact",
            {"email": "welcome@example.com"},
            journal=journal,
            retry_failed=retry_failed,
            resend_unknown=resend_unknown,
            progress=True,
            stop_after=10,  # so many failures are not a coincidence
            grace=10,
        )
        received = stop_on_signals(job)
        try:
            async with job:
                async for _ in job:
                    pass  # the journal records everything
        except FanOutStoppedError as error:
            print(error, file=sys.stderr)
            return 1
    return 128 + received[0] if received else 0


def stop_on_signals(job: FanOut[Any, Any]) -> list[int]:
    """Stop the job on SIGINT and SIGTERM. Return a list that will contain the number of the signal received."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)  # the next one ends the program immediately: the journal allows that
        job.stop()

    for number in SIGNALS:
        try:
            loop.add_signal_handler(number, stop, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(stop, number))
    return received


@asynccontextmanager
async def open_refold(journal: Journal) -> AsyncGenerator[AsyncRefold]:
    """Open a client. Without an API key, it talks to a mock at the same address as in the last run of the job."""
    if not uses_mock():
        async with AsyncRefold(rate_limit=LIMIT) as refold:
            yield refold
        return
    port = None
    with suppress(JournalError):  # the journal does not exist yet
        port = urlsplit(journal.summary().base_url).port
    async with MockRefold(port=port or 0) as mock:
        print(f"REFOLD_API_KEY is not set: talking to a mock on {mock.base_url}", file=sys.stderr)
        async with AsyncRefold("tk_example", base_url=mock.base_url, rate_limit=LIMIT) as refold:
            yield refold


def tell(journal: Journal) -> None:
    """Print the state of the job, and how to continue it."""
    flags = ("--retry-failed", "--resend-unknown")
    command = shlex.join(["python", *(argument for argument in sys.argv if argument not in flags)])
    summary = journal.summary()
    print(summary)
    if left := (summary.not_begun or 0) + summary.withdrawn:
        print(f"To continue with the other {left}:\n  {command}")
    if summary.failed:
        print(f"To retry those that failed without any effect:\n  {command} --retry-failed")
    if summary.unknown:
        print(f"To retry those that may have been written (they may be written twice):\n  {command} --resend-unknown")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Create a contact for each of many linked accounts.")
    parser.add_argument("--journal", default="bulk_job.sqlite", help="the job's journal (%(default)s)")
    parser.add_argument("--accounts", type=Path, help="a file of linked account ids; required with an API key")
    parser.add_argument("--retry-failed", action="store_true", help="retry what failed without any effect")
    parser.add_argument("--resend-unknown", action="store_true", help="retry what may have been written")
    options = vars(parser.parse_args())
    journal, accounts = Journal(options.pop("journal"), job="welcome contacts"), options.pop("accounts")
    if accounts is None and not uses_mock():
        parser.error("--accounts is needed to write to a real service")
    try:
        ids = accounts.read_text().splitlines() if accounts else [f"user_{number}" for number in range(1, 201)]
        exit_code = asyncio.run(main(ids, journal, **options))
        tell(journal)
    except (RefoldError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(exit_code)
