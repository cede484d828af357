"""A tour of a few seconds, with a mock Refold on this machine.

    python examples/demo.py

The exit code is 0 if everything went as expected, 1 if something did not, 130 after Ctrl-C.
"""

import asyncio
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from refold_async import (
    AccountScope,
    ActionResult,
    APIConnectionError,
    AsyncRefold,
    FanOut,
    NotFoundError,
    Outcome,
    ReconnectRequiredError,
    RefoldError,
    RetryPolicy,
)
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, Reset

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):
    import uvloop

    new_event_loop = uvloop.new_event_loop

ACCOUNTS = 2000
EXPIRED = 5


class UnexpectedError(Exception):
    """Something did not go as the demo expects."""


async def main() -> None:
    """Show one feature after another."""
    started = time.perf_counter()
    async with (
        MockRefold(record=False) as mock,
        AsyncRefold("tk_demo", base_url=mock.base_url, retry=RetryPolicy(initial_delay=0.1)) as refold,
    ):
        print(f"refold_async, talking to a mock Refold on {mock.base_url}")
        account = refold.account("user_12345")
        await discover(account)
        await read_and_write(account)
        await run_workflow(account)
        await show_failures(mock, refold)
        await fan_out(mock, refold)
    print(f"\nEverything went as expected, in {time.perf_counter() - started:.1f} seconds.")


async def discover(account: AccountScope) -> None:
    """List an app's actions, and read the parameters of one of them."""
    heading("What HubSpot can do", 'list_actions("hubspot")')
    actions = await account.list_actions("hubspot")
    for action in actions:
        print(f"   {action.action_id:<20}{action.description}")
    expect("create_contact" in {action.action_id for action in actions}, "create_contact is among the actions")

    heading("The parameters of an action", 'get_action_parameters("hubspot", "create_contact")')
    schema = await account.get_action_parameters("hubspot", "create_contact")
    for parameter in schema:
        print(f"   {parameter.name:<20}{parameter.type:<10}{'required' if parameter.required else ''}".rstrip())
    expect(len(schema) > 0, "create_contact has parameters")


async def read_and_write(account: AccountScope) -> None:
    """Execute a read and a write."""
    heading("A read", 'execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)')
    read = await account.execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)
    contact = read.data["results"][0]
    fields({"node_status": read.node_status, "id": contact["id"], **contact["properties"]})

    heading("A write", 'execute_action("hubspot", "create_contact", {"email": "jane@example.com", ...})')
    jane = {"email": "jane@example.com", "firstname": "Jane", "lastname": "Doe"}
    write = await account.execute_action("hubspot", "create_contact", jane)
    fields({"node_status": write.node_status, **write.data})
    expect(await contacts_with(account, "jane@example.com") == 1, "there is one Jane")


async def run_workflow(account: AccountScope) -> None:
    """Start a workflow, then run one to its end."""
    payload = {"email": "ada@example.com"}
    heading("A workflow, started", "execute_workflow(workflow_id, slug=..., payload=...)")
    execution = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=payload)
    fields({"execution_id": execution.execution_id, "message": execution.message})

    heading("A workflow, awaited", "execute_workflow(..., sync=True)")
    execution = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=payload, sync=True)
    fields({"execution_id": execution.execution_id, "return_value": execution.return_value})
    expect(execution.return_value is not None, "the workflow returned something")


async def show_failures(mock: MockRefold, refold: AsyncRefold) -> None:
    """Make three calls that fail: each error says what happened, what to do, and what became of the action."""
    account = refold.account("user_12345")
    heading("A misspelled action", 'execute_action("hubspot", "get_contcat")')
    try:
        await account.execute_action("hubspot", "get_contcat")
    except NotFoundError as error:
        explain(error, effect="none")
    else:
        raise UnexpectedError("An action that does not exist was executed.")

    heading("An expired connection", "the customer's HubSpot no longer accepts the credentials that Refold has")
    mock.account("user_of_old").expire("hubspot")
    try:
        await refold.account("user_of_old").execute_action("hubspot", "get_contact")
    except ReconnectRequiredError as error:
        explain(error, effect="none")
    else:
        raise UnexpectedError("An action was executed with expired credentials.")

    heading("A write whose response is lost", "the connection breaks after the contact was created")
    mock.script(Reset("after"), route="execute_action", linked_account_id="user_12345", calls=1)
    try:
        await account.execute_action("hubspot", "create_contact", {"email": "grace@example.com"})
    except APIConnectionError as error:
        explain(error, effect="unknown")
    else:
        raise UnexpectedError("A lost response arrived.")
    found = await contacts_with(account, "grace@example.com")
    print(f"   So we check in the app: it has {found} contact with that email. The write ran; a retry would make two.")
    expect(found == 1, "the contact was created once")


async def fan_out(mock: MockRefold, refold: AsyncRefold) -> None:
    """Read a contact of many linked accounts, and add up the outcomes. Some of the calls fail."""
    heading(f"One action for {ACCOUNTS:,} linked accounts", 'fan_out_action(ids, "hubspot", "get_contact", ...)')
    linked_account_ids = [f"customer_{number}" for number in range(1, ACCOUNTS + 1)]
    for linked_account_id in linked_account_ids[:EXPIRED]:
        mock.account(linked_account_id).expire("hubspot")
    outages = mock.script(Answer(503), route="execute_action", calls=range(100, ACCOUNTS, 100))
    requests, connections = mock.request_count, mock.connections_opened

    started = time.perf_counter()
    outcomes = await watch(
        refold.fan_out_action(linked_account_ids, "hubspot", "get_contact", {"limit": "1"}, idempotent=True)
    )
    seconds = time.perf_counter() - started
    requests, connections = mock.request_count - requests, mock.connections_opened - connections
    attempts = sum(outcome.attempts for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    reconnect = sum(isinstance(outcome.error, ReconnectRequiredError) for outcome in failed)
    unknown = [outcome for outcome in outcomes if outcome.status == "unknown"]
    ok = len(outcomes) - len(failed) - len(unknown)

    fields(
        {
            "ok": f"{ok:,}",
            "failed": f"{len(failed):,} ({reconnect:,} must reconnect HubSpot)",
            "unknown": f"{len(unknown):,}",
            "requests": f"{requests:,} ({outages.applied} got HTTP 503 and were retried)",
            "connections opened": f"{connections:,}",
            "event loop": type(asyncio.get_running_loop()).__module__.partition(".")[0],
            "seconds": f"{seconds:.2f}",
            "calls per second": f"{ACCOUNTS / seconds:,.0f} (the mock shares this process)",
        }
    )
    expect(len(outcomes) == ACCOUNTS, "each linked account has an outcome")
    expect(reconnect == EXPIRED, "the errors of accounts with expired connections ask to reconnect")
    expect(len(failed) == EXPIRED and not unknown, "no other account failed")
    expect(requests == attempts == ACCOUNTS + outages.applied, "only requests that got HTTP 503 were retried")


async def watch(calls: FanOut[str, ActionResult[Any]]) -> list[Outcome[str, ActionResult[Any]]]:
    """Run a fan-out and show its progress: on one line of a terminal, or else on a few lines."""
    terminal = sys.stdout.isatty()
    outcomes: list[Outcome[str, ActionResult[Any]]] = []
    failed, shown = 0, 0.0
    async with calls:
        async for outcome in calls:
            outcomes.append(outcome)
            failed += outcome.status != "ok"
            done = len(outcomes)
            if terminal and (done == ACCOUNTS or time.perf_counter() - shown > 0.05):
                shown = time.perf_counter()
                bar = "=" * (30 * done // ACCOUNTS)
                print(f"\r   [{bar:<30}] {done:>5,} of {ACCOUNTS:,}, {failed} failed", end="", flush=True)
            elif not terminal and done % (ACCOUNTS // 4) == 0:
                print(f"   {done:,} of {ACCOUNTS:,}, {failed} failed", flush=True)
    print("\n" if terminal else "")
    return outcomes


async def contacts_with(account: AccountScope, email: str) -> int:
    """Count the contacts with an email address."""
    found = await account.execute_action("hubspot", "search_contacts", {"email": email}, idempotent=True)
    return len(found.data["results"])


def heading(title: str, call: str) -> None:
    """Print what comes next, and its call."""
    bold, normal = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{title}{normal}\n   {call}\n")


def fields(values: Mapping[str, object]) -> None:
    """Print names and values, one per line."""
    for name, value in values.items():
        print(f"   {name:<20}{value}")


def explain(error: RefoldError, *, effect: str) -> None:
    """Print an error, and check its effect."""
    fields({"raised": type(error).__name__, "effect": error.effect, "attempts": error.attempts})
    width = min(100, shutil.get_terminal_size().columns - 1)
    print(textwrap.fill(error.message, width, initial_indent="   ", subsequent_indent="   "))
    expect(error.effect == effect, f"the effect is {effect!r}")


def expect(holds: bool, what: str) -> None:
    """Stop the demo if something is not as expected."""
    if not holds:
        raise UnexpectedError(f"Not as expected: {what}.")


if __name__ == "__main__":
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main())
    except (UnexpectedError, RefoldError) as error:
        sys.exit(f"\n{type(error).__name__}: {error}")
    except BrokenPipeError:  # the program that reads the output has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("\nInterrupted.")
        sys.exit(130)
