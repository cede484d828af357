"""Keep the contacts in your customers' HubSpots and a table of your own in sync, in both directions.

    python examples/sync_contacts.py
    REFOLD_API_KEY=... python examples/sync_contacts.py --database contacts.sqlite [--write] [--resend-unknown]

Without an API key it shows this with a mock. With a key it syncs once: it reads what was modified since the last time,
and writes to HubSpot only with `--write`. You may kill it at any moment and run it again.

Your program may change the table `contacts` in any way, and add rows with a `linked_account_id` and an `email`. The
column `synced` has the values that both sides had after the last sync. A comparison with these shows, field by field,
what either side has changed. So nothing has to be marked as changed, and what was written to HubSpot is not a change
when it is read back. If both sides changed a field, the row's value wins and is written. Deletions are not synced.

The real HubSpot needs a custom action, `list_modified_contacts` (Console: Settings > Developer > API Proxies). It
returns the contacts modified at `modified_since` or later, oldest modification first, `limit` per page, starting after
`after`.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NotRequired, TypedDict, TypeVar

from refold_async import (
    AccountScope,
    AsyncRefold,
    Journal,
    LinkedAccount,
    RateLimit,
    ReconnectRequiredError,
    RefoldError,
)
from refold_async.testing import SAMPLE_CONTACT, ActionContext, MockRefold
from service import uses_mock

# The mapping: columns of the table, and the matching properties of HubSpot's contacts. If you change it, start with a
# new database: contacts that were read before are not read again.
PROPERTIES = {
    "email": "email",  # required: it finds the row of a contact whose id is not known yet
    "first_name": "firstname",
    "last_name": "lastname",
    "company": "company",
    "phone": "phone",
}
LIMIT = RateLimit(20, burst=5)  # what Refold documents for its platform

NEW_ID = "lower(hex(randomblob(16)))"
TABLES = (
    f"""CREATE TABLE IF NOT EXISTS contacts (
        id INTEGER PRIMARY KEY,
        linked_account_id TEXT NOT NULL,
        {", ".join(f"{column} TEXT" for column in PROPERTIES)},
        contact_id TEXT, -- HubSpot's id; NULL until it is known that the contact exists
        modified_at TEXT, -- by HubSpot's clock, as last read
        synced TEXT NOT NULL DEFAULT '{{}}', -- the fields as both sides had them after the last sync, in JSON
        write_id TEXT NOT NULL UNIQUE DEFAULT ({NEW_ID}), -- identifies the next write to HubSpot
        UNIQUE (linked_account_id, contact_id))""",
    "CREATE TABLE IF NOT EXISTS cursors (linked_account_id TEXT PRIMARY KEY, modified_since TEXT)",
)
CHANGED = " OR ".join(f"nullif({column}, '') IS NOT json_extract(synced, '$.{column}')" for column in PROPERTIES)

Row = dict[str, Any]  # of the table `contacts`, by column
Fields = dict[str, str | None]  # of a contact, by column
T = TypeVar("T")


class Contact(TypedDict):
    """The parts of a contact that this program reads."""

    id: str
    properties: dict[str, str | None]
    updatedAt: str


class Page(TypedDict):
    """A page of contacts."""

    results: list[Contact]
    paging: NotRequired[dict[str, dict[str, str]]]


async def sync(refold: AsyncRefold, database: Path, *, write: bool, resend_unknown: bool = False) -> None:
    """Read what changed in HubSpot, then write what changed in the table, and print the results of both."""
    # If a linked account could not be read, nothing is written to it: HubSpot's changes are not known.
    read = await read_all(refold, database)
    rows = await transact(database, lambda db: changed_rows(db, read))
    if write:
        await write_all(refold, database, rows, resend_unknown=resend_unknown)
    else:
        print(f"Rows to write to HubSpot with --write: {len(rows)}")


async def read_all(refold: AsyncRefold, database: Path) -> set[str]:
    """Read what changed in every connected HubSpot. Return the linked accounts for which that succeeded."""
    cursors = await transact(database, open_tables)
    read, disconnected, counts = set[str](), set(cursors), Counter[str]()

    async def read_one(scope: AccountScope, account: LinkedAccount) -> Counter[str]:
        since = cursors.get(account.linked_account_id)
        contacts = await modified_contacts(scope, since)
        return await transact(database, lambda db: merge(db, account.linked_account_id, contacts, since))

    async with refold.fan_out(refold.linked_accounts.list(connected_to="hubspot"), read_one) as outcomes:
        async for outcome in outcomes:
            linked_account_id = outcome.item.linked_account_id
            disconnected.discard(linked_account_id)
            if outcome.value is not None:
                read.add(linked_account_id)
                counts.update(outcome.value)
            elif isinstance(outcome.error, ReconnectRequiredError):  # disconnected after it was listed
                disconnected.add(linked_account_id)
            else:
                print(f"{linked_account_id}: not read; the next run reads the same changes: {outcome.error}")
    for linked_account_id in sorted(disconnected):
        print(f"{linked_account_id}: HubSpot is no longer connected; its rows wait")
    print(
        f"Read from HubSpot: {counts['contacts']} contacts of {len(read)} linked accounts; "
        f"rows changed: {counts['changed']}, conflicts: {counts['conflicts']}"
    )
    return read


async def modified_contacts(account: AccountScope, since: str | None) -> list[Contact]:
    """Return the contacts that were modified since then, from all pages."""
    parameters = {"limit": "100"} | ({} if since is None else {"modified_since": since})
    contacts: list[Contact] = []
    while True:
        page = await account.execute_action("hubspot", "list_modified_contacts", parameters, into=Page, idempotent=True)
        contacts += page.data["results"]
        following = page.data.get("paging", {}).get("next")
        if following is None:
            return contacts
        parameters["after"] = following["after"]


async def write_all(refold: AsyncRefold, database: Path, rows: list[Row], *, resend_unknown: bool) -> None:
    """Write each row to HubSpot once: rows that may have been written already are left out unless you resend them."""

    async def write_one(account: AccountScope, row: Row) -> None:
        here, before = fields_of(row), synced_of(row)
        changed = {name: here[column] or "" for column, name in PROPERTIES.items() if here[column] != before[column]}
        contact_id = row["contact_id"]
        if contact_id is None:
            created = await account.execute_action("hubspot", "create_contact", changed)
            contact_id = created.data["id"]
        else:
            await account.execute_action("hubspot", "update_contact", {"id": contact_id, **changed})
        await transact(database, lambda db: settle(db, row, contact_id))

    writes = refold.fan_out(
        rows,
        write_one,
        account=lambda row: row["linked_account_id"],
        key=lambda row: row["write_id"],
        journal=Journal(database.with_suffix(".writes.sqlite"), job="contacts to HubSpot"),
        retry_failed=True,
        resend_unknown=resend_unknown,
    )
    counts = Counter[str]()
    async with writes:
        async for outcome in writes:
            counts[outcome.status] += 1
            if outcome.status != "ok":
                print(f"{outcome.linked_account_id}: {outcome.item['email']} {outcome.status}: {outcome.error}")
    print(f"Rows written to HubSpot: {counts['ok']}, failed: {counts['failed']}, unknown: {counts['unknown']}")
    if counts["unknown"]:
        print("If one was written, a later run reads that. --resend-unknown retries them; they may be written twice.")


async def transact(database: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do some work in one transaction, in a thread, which may wait for the disk and for other programs."""

    def run() -> T:
        with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as db, db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN IMMEDIATE")
            return work(db)

    return await asyncio.to_thread(run)


def open_tables(db: sqlite3.Connection) -> dict[str, str | None]:
    """Create the tables if they do not exist, and return the cursors of the linked accounts that were read before."""
    for table in TABLES:
        db.execute(table)
    return dict(db.execute("SELECT linked_account_id, modified_since FROM cursors").fetchall())


def merge(db: sqlite3.Connection, linked_account_id: str, contacts: list[Contact], since: str | None) -> Counter[str]:
    """Write contacts into the table and the last modification time into the cursor, in one transaction."""
    counts = Counter(contacts=len(contacts))
    for contact in contacts:
        row = row_of(db, linked_account_id, contact)
        if row["modified_at"] == contact["updatedAt"]:
            continue  # read before: contacts modified at the time of the cursor are read again, as several may share it
        here, before = fields_of(row), synced_of(row)
        there = {column: contact["properties"].get(name) or None for column, name in PROPERTIES.items()}
        merged = {column: there[column] if here[column] == before[column] else here[column] for column in PROPERTIES}
        counts["changed"] += merged != here
        counts["conflicts"] += any(here[column] != before[column] != there[column] != here[column] for column in before)
        # If a write was unknown, the contact now shows whether it happened: a remaining difference needs a new write.
        db.execute(
            f"UPDATE contacts SET {', '.join(f'{column} = ?' for column in merged)}, "
            f"contact_id = ?, modified_at = ?, synced = ?, write_id = {NEW_ID} WHERE id = ?",
            (*merged.values(), contact["id"], contact["updatedAt"], json.dumps(there), row["id"]),
        )
    last = max((contact["updatedAt"] for contact in contacts), default=since)
    db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (linked_account_id, last))
    return counts


def row_of(db: sqlite3.Connection, linked_account_id: str, contact: Contact) -> Row:
    """Return the row of a contact; or else a row with its email address and no contact id; or else a new row."""
    for condition, value in [
        ("contact_id = ?", contact["id"]),
        ("contact_id IS NULL AND email = ? COLLATE NOCASE", contact["properties"].get(PROPERTIES["email"])),
    ]:
        query = f"SELECT * FROM contacts WHERE linked_account_id = ? AND {condition}"
        if row := db.execute(query, (linked_account_id, value)).fetchone():
            return dict(row)
    new = db.execute("INSERT INTO contacts (linked_account_id) VALUES (?)", (linked_account_id,))
    return dict(db.execute("SELECT * FROM contacts WHERE id = ?", (new.lastrowid,)).fetchone())


def changed_rows(db: sqlite3.Connection, linked_account_ids: set[str]) -> list[Row]:
    """Return the rows of these linked accounts that have changed since the last sync."""
    rows = db.execute(f"SELECT * FROM contacts WHERE {CHANGED}")
    return [dict(row) for row in rows if row["linked_account_id"] in linked_account_ids]


def settle(db: sqlite3.Connection, row: Row, contact_id: str) -> None:
    """Note that HubSpot has a row as it was when it was written. It may have changed again meanwhile."""
    db.execute(
        f"UPDATE contacts SET contact_id = ?, synced = ?, write_id = {NEW_ID} WHERE write_id = ?",
        (contact_id, json.dumps(fields_of(row)), row["write_id"]),
    )


def fields_of(row: Row) -> Fields:
    """Return the fields of a row; an empty text means no value, as in HubSpot."""
    return {column: row[column] or None for column in PROPERTIES}


def synced_of(row: Row) -> Fields:
    """Return the fields of a row as both sides had them after the last sync."""
    synced = json.loads(row["synced"])
    return {column: synced.get(column) for column in PROPERTIES}


async def list_modified_contacts(context: ActionContext, parameters: dict[str, Any]) -> Any:
    """Replace the custom action: the mock's HubSpot does not record when contacts are modified."""
    modified: dict[str, dict[str, Any]] = context.store.setdefault("modified", {})
    for contact in context.store.get("contacts", {"51": SAMPLE_CONTACT}).values():
        if contact["properties"] != modified.get(contact["id"], {}).get("properties"):
            number = context.store["modifications"] = context.store.get("modifications", 0) + 1
            modified[contact["id"]] = {**contact, "updatedAt": f"2026-07-01T10:{number // 60:02}:{number % 60:02}Z"}
    since, after = parameters.get("modified_since", ""), parameters.get("after", "")
    found = [contact for contact in modified.values() if contact["updatedAt"] >= since]
    found = sorted((each for each in found if each["updatedAt"] > after), key=lambda each: each["updatedAt"])
    page = found[: int(parameters["limit"])]
    return {"results": page, "paging": {} if page == found else {"next": {"after": page[-1]["updatedAt"]}}}


def change_rows(db: sqlite3.Connection) -> None:
    """Do what your own program would do: change rows, and add one."""
    db.execute(
        "UPDATE contacts SET company = 'Ours' WHERE linked_account_id IN ('user_1', 'user_3') AND contact_id = '51'"
    )
    db.execute("INSERT INTO contacts (linked_account_id, email) VALUES ('user_2', 'ada@example.com')")


async def demonstrate() -> None:
    """Sync with a mock, then again after changes on both sides, then once more."""
    async with MockRefold() as mock:
        print(f"REFOLD_API_KEY is not set: talking to a mock on {mock.base_url}", file=sys.stderr)
        fields = [{"name": name} for name in ("modified_since", "limit", "after")]
        mock.catalogue.action("hubspot", "list_modified_contacts", parameters=fields)(list_modified_contacts)
        for account in (mock.account(f"user_{number}") for number in range(1, 6)):
            account.store("hubspot")["contacts"] = {str(n): {**SAMPLE_CONTACT, "id": str(n)} for n in range(51, 61)}
        with TemporaryDirectory() as directory:
            database = Path(directory) / "contacts.sqlite"
            async with AsyncRefold("tk_example", base_url=mock.base_url, rate_limit=LIMIT) as refold:
                await sync(refold, database, write=True)
                print("\nRows change, contacts change, and a customer disconnects HubSpot:")
                await transact(database, change_rows)
                for linked_account_id in ("user_3", "user_4"):
                    contact = {"id": "51", "company": "Theirs", "phone": "+1 555 0100"}
                    await refold.account(linked_account_id).execute_action("hubspot", "update_contact", contact)
                mock.account("user_5").disconnect("hubspot")
                await sync(refold, database, write=True)
                print("\nNothing changes:")
                await sync(refold, database, write=True)


async def main(database: Path, *, write: bool, resend_unknown: bool) -> None:
    """Sync once."""
    async with AsyncRefold(rate_limit=LIMIT) as refold:
        await sync(refold, database, write=write, resend_unknown=resend_unknown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keep contacts in HubSpot and in a table in sync.")
    parser.add_argument("--database", type=Path, default="contacts.sqlite", help="the SQLite file (%(default)s)")
    parser.add_argument("--write", action="store_true", help="write to HubSpot what changed in the table")
    parser.add_argument("--resend-unknown", action="store_true", help="with --write: retry what may have been written")
    options = vars(parser.parse_args())
    try:
        asyncio.run(demonstrate() if uses_mock() else main(**options))
    except (RefoldError, sqlite3.Error) as error:
        sys.exit(f"{type(error).__name__}: {error}")
