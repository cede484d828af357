"""Write a table of everything that failed in a job, even if the job was killed half way and run again.

    python examples/failure_report.py
    REFOLD_API_KEY=... python examples/failure_report.py --accounts accounts.txt --journal june.sqlite

`accounts.txt` has one linked account id per line. If the job ends early, run the same command again: it continues with
the rest, and `failures.csv` lists everything that did not succeed, in this run and in the runs before. Without an API
key it shows this with a mock: it starts itself as another process, kills that with `kill -9`, and runs the job again.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from refold_async import AsyncRefold, Journal, RateLimit, ReconnectRequiredError, RefoldError
from refold_async.testing import Errored, MockRefold, Silence
from service import uses_mock

LIMIT = RateLimit(20, burst=5)  # what Refold documents for its platform


async def write_contacts(linked_account_ids: list[str], journal: Journal, failures: Path) -> None:
    """Create a contact for each account, and write a table of those that failed."""
    async with AsyncRefold(rate_limit=LIMIT) as refold:
        job = refold.fan_out_action(
            linked_account_ids,
            "hubspot",
            "create_contact",
            {"email": "welcome@example.com"},
            journal=journal,
            concurrency=5,
        )
        report = await job.collect()
    report.to_csv(failures, status=("failed", "unknown"))
    print(report)
    # In this run or in an earlier one.
    print("To reconnect:", *(outcome.item for outcome in report.failed if outcome.matches(ReconnectRequiredError)))


async def demonstrate() -> None:
    """Kill a job half way, run it again, and show its table."""
    ids = [f"user_{number}" for number in range(40)]
    async with MockRefold() as mock:
        print(f"REFOLD_API_KEY is not set: talking to a mock on {mock.base_url}", file=sys.stderr)
        os.environ.update(REFOLD_API_KEY="tk_example", REFOLD_BASE_URL=mock.base_url)
        for linked_account_id in ("user_3", "user_30"):
            mock.account(linked_account_id).expire("hubspot")
        mock.script(Errored(422, {"message": "Property values\nwere not valid"}), linked_account_id="user_7")
        hanging = mock.script(Silence(), calls=range(21, 26))
        with TemporaryDirectory() as directory:
            journal = Journal(Path(directory) / "june.sqlite", job="welcome contacts")
            accounts, failures = Path(directory) / "accounts.txt", Path(directory) / "failures.csv"
            accounts.write_text("\n".join(ids) + "\n")
            arguments = [f"--accounts={accounts}", f"--journal={journal.path}"]
            process = await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments)
            while mock.request_count < 25 and process.returncode is None:  # noqa: ASYNC110 - there is nothing to await
                await asyncio.sleep(0.01)  # until five requests are in flight to which the mock never responds
            process.kill()
            await process.wait()
            hanging.remove()
            print(f"The job was killed.\n{journal.summary()}\n")
            await write_contacts(ids, journal, failures)
            print()
            print(failures.read_text(encoding="utf-8-sig"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Create a contact for each of many linked accounts; list what failed.")
    parser.add_argument("--accounts", type=Path, help="a file of linked account ids; required with an API key")
    parser.add_argument("--journal", default="june.sqlite", help="the job's journal (%(default)s)")
    parser.add_argument("--failures", type=Path, default="failures.csv", help="the table to write (%(default)s)")
    options = parser.parse_args()
    try:
        if options.accounts is None and uses_mock():
            asyncio.run(demonstrate())
        elif options.accounts is None:
            parser.error("--accounts is needed to write to a real service")
        else:
            journal = Journal(options.journal, job="welcome contacts")
            ids = options.accounts.read_text().splitlines()
            asyncio.run(write_contacts(ids, journal, options.failures))
    except (RefoldError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
