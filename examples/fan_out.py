"""Call Refold for many linked accounts, a bounded number at a time.

    python examples/fan_out.py
    REFOLD_API_KEY=... python examples/fan_out.py [--write]

It reads a contact of every linked account. Without an API key, or with `--write`, it then makes sure that each of a few
accounts has a certain contact.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass

from refold_async import AccountScope, AsyncRefold, RateLimit, RefoldError
from service import open_refold, uses_mock


@dataclass
class Row:
    """A contact that a customer should have."""

    linked_account_id: str
    email: str


async def read_contacts(refold: AsyncRefold) -> None:
    """Read a contact of every linked account. Outcomes come in the order in which the items end."""
    ok = 0
    async with refold.fan_out_action(
        refold.linked_accounts.list(), "hubspot", "get_contact", {"limit": "1"}, idempotent=True, concurrency=20
    ) as outcomes:
        async for outcome in outcomes:
            if outcome.status == "ok":
                ok += 1
            else:
                print(f"{outcome.linked_account_id}: {outcome.status}, {outcome.error}")
    print(f"Read the contacts of {ok} linked accounts")


async def ensure_contact(account: AccountScope, row: Row) -> str:
    """Create the row's contact unless it exists, and return "found" or "created"."""
    found = await account.execute_action("hubspot", "search_contacts", {"email": row.email}, idempotent=True)
    if found.data["results"]:
        return "found"
    await account.execute_action("hubspot", "create_contact", {"email": row.email})
    return "created"


async def ensure_contacts(refold: AsyncRefold, rows: list[Row]) -> None:
    """Make several calls for each row, and get a report in the order of the rows."""
    report = await refold.fan_out(rows, ensure_contact, account=lambda row: row.linked_account_id).collect()
    for outcome in report.outcomes:
        # "unknown": the response to the write was lost. If you run this again, it searches for the contact first.
        print(f"{outcome.linked_account_id}: {outcome.value or outcome.status}")
    report.raise_for_errors()


async def main(*, write: bool) -> None:
    """Read for many accounts, then write for a few."""
    # The limit that Refold documents. All calls of the client share it.
    async with open_refold(rate_limit=RateLimit(20, burst=5)) as refold:
        await read_contacts(refold)
        if write:
            rows = [Row("user_1", "jane@example.com"), Row("user_2", "contact@example.com")]
            await ensure_contacts(refold, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Call Refold for many linked accounts.")
    parser.add_argument("--write", action="store_true", default=uses_mock(), help="create contacts that are missing")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(write=arguments.write))
    except RefoldError as error:
        sys.exit(f"{type(error).__name__}: {error}")
