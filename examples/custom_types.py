"""Get results in your own types with `into=`.

    python examples/custom_types.py
    REFOLD_API_KEY=... python examples/custom_types.py --account user_12345

It only reads.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import TypedDict

import attrs

from refold_async import APIResponseValidationError, RefoldError
from service import open_refold


class Properties(TypedDict):
    """A TypedDict: a plain dict at run time, after its keys were checked."""

    email: str
    firstname: str | None


@attrs.frozen
class Contact:
    """An attrs class. Other fields of the response are left out."""

    id: str
    properties: Properties
    archived: bool | None = None


@dataclass
class Contacts:
    """A dataclass with a list of attrs objects."""

    results: list[Contact]


@attrs.frozen
class Workflow:
    """A workflow that a linked account has enabled."""

    id: str
    name: str
    icon: str | None = None


@attrs.frozen
class Count:
    """A type that does not fit: the response of `get_contact` has no such field."""

    total: int


async def main(linked_account_id: str) -> None:
    """Read contacts and workflows as typed objects, then show what happens when a type does not fit."""
    async with open_refold() as refold:
        account = refold.account(linked_account_id)

        contacts = await account.execute_action(
            "hubspot", "get_contact", {"limit": "5"}, into=Contacts, idempotent=True
        )
        for contact in contacts.data.results:  # type checkers know that this is a Contact
            print(f"Contact {contact.id}: {contact.properties['email']}")

        workflows = await account.request("GET", "/api/v2/public/workflow/enabled", into=list[Workflow])
        for workflow in workflows:
            print(f"Workflow {workflow.id}: {workflow.name}")

        # For an action that may return null.
        perhaps = await account.execute_action(
            "hubspot", "get_contact", {"limit": "1"}, into=Contacts | None, idempotent=True
        )
        print("Nothing there" if perhaps.data is None else f"{len(perhaps.data.results)} contact there")

        try:
            await account.execute_action("hubspot", "get_contact", {"limit": "1"}, into=Count, idempotent=True)
        except APIResponseValidationError as error:
            print(f"Does not fit, effect {error.effect!r}: {error.message}")
            if error.result is not None:
                print(f"The data is not lost: {error.result.data['results'][0]['id']!r}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Get results in your own types.")
    parser.add_argument("--account", default="user_12345", help="the linked account (default: %(default)s)")
    try:
        asyncio.run(main(parser.parse_args().account))
    except RefoldError as error:
        sys.exit(f"{type(error).__name__}: {error}")
