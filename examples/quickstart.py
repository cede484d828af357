"""The four calls, for one linked account.

    python examples/quickstart.py
    REFOLD_API_KEY=... python examples/quickstart.py --account user_12345 [--write] [--workflow WORKFLOW_ID]

Without an API key it talks to a mock. With a key it writes only if you pass `--write` or `--workflow`.
"""

import argparse
import asyncio
import sys

from refold_async import RefoldError
from service import open_refold, uses_mock


async def main(linked_account_id: str, *, write: bool, workflow_id: str | None) -> None:
    """Make the calls and print what comes back."""
    async with open_refold() as refold:
        account = refold.account(linked_account_id)

        actions = await account.list_actions("hubspot")
        print("HubSpot's actions:", ", ".join(action.action_id for action in actions))

        schema = await account.get_action_parameters("hubspot", "create_contact")
        print("create_contact requires:", ", ".join(parameter.name for parameter in schema if parameter.required))

        # A read does no harm if it is sent twice. So the client may retry it when its response is lost.
        read = await account.execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)
        print("The first contact:", read.data["results"][0]["properties"])

        if write:
            jane = {"email": "jane@example.com", "firstname": "Jane", "lastname": "Doe"}
            schema.validate(jane)
            created = await account.execute_action("hubspot", "create_contact", jane)
            print("Created contact", created.data["id"])

        if workflow_id is not None:
            payload = {"email": "jane@example.com"}
            started = await account.execute_workflow(workflow_id, slug="hubspot", payload=payload)
            print("Started execution", started.execution_id)
            ended = await account.execute_workflow(workflow_id, slug="hubspot", payload=payload, sync=True)
            print("Execution", ended.execution_id, "returned", ended.return_value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the four calls for one linked account.")
    parser.add_argument("--account", default="user_12345", help="the linked account (default: %(default)s)")
    parser.add_argument("--write", action="store_true", default=uses_mock(), help="create a contact in its HubSpot")
    parser.add_argument(
        "--workflow", default="welcome_contact" if uses_mock() else None, help="run this workflow, twice"
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.account, write=arguments.write, workflow_id=arguments.workflow))
    except RefoldError as error:
        sys.exit(f"{type(error).__name__}: {error}")
