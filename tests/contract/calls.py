"""Every public method of the client, called with every option that reaches the wire."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final, Literal

import attrs

from contract.exchanges import Exchange, Recorder, recording
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold
from support.retry_policies import IMPATIENT

__all__ = ["ACCOUNT", "CALLS", "Call", "Stage", "recorded_calls"]

ACCOUNT: Final = "user_12345"
HOOK: Final = "https://example.com/hook"
JANE: Final = {"email": "jane@example.com"}
_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)

By = Literal["key", "token"]


@attrs.define
class Stage:
    """What calls are made on, and of."""

    refold: AsyncRefold
    account: AccountScope
    session_token: str
    ended: str
    """An execution that has ended."""
    running: str
    """One that goes on."""
    draft: str
    """The draft of a private workflow."""
    private: str
    """The private workflow that was published of it."""
    webhook: str
    connection: str
    """The connection of the linked account to HubSpot."""


@attrs.frozen
class Call:
    """One call of a public method.

    Attributes:
        method: The method, as `docs/reference/operations.md` names it.
        make: Makes the call.
    """

    method: str
    make: Callable[[Stage], Awaitable[object] | AsyncIterable[object]]


def _refold(method: str, make: Callable[[Stage], Awaitable[object] | AsyncIterable[object]]) -> Call:
    return Call(f"refold.{method}", make)


def _account(method: str, make: Callable[[Stage], Awaitable[object] | AsyncIterable[object]]) -> Call:
    return Call(f"account.{method}", make)


# fmt: off
CALLS: Final = (
    _account("list_actions", lambda on: on.account.list_actions("hubspot")),
    _account("get_action_parameters", lambda on: on.account.get_action_parameters("hubspot", "get_contact")),
    _account("execute_action", lambda on: on.account.execute_action(
        "hubspot", "create_contact", JANE, connection_id=on.connection)),
    _account("execute_action", lambda on: on.account.execute_action("hubspot", "get_contact")),
    _refold("fan_out_action", lambda on: on.refold.fan_out_action(
        [ACCOUNT], "hubspot", "get_contact", {"limit": "1"}, connection_id=on.connection).collect()),
    _account("applications.list", lambda on: on.account.applications.list()),
    _account("applications.list", lambda on: on.account.applications.list(
        slug="hubspot", tags=["CRM", "Sales"], auth_type="oauth2", ecosystem=False)),
    _account("applications.get", lambda on: on.account.applications.get("hubspot")),
    _account("applications.ensure_connected", lambda on: on.account.applications.ensure_connected("hubspot")),
    _account("applications.wait_connected", lambda on: on.account.applications.wait_connected("hubspot")),
    _account("applications.oauth_url", lambda on: on.account.applications.oauth_url("hubspot")),
    _account("applications.disconnect", lambda on: on.account.applications.disconnect("slack", auth_type="oauth2")),
    _account("connect_url", lambda on: on.account.connect_url()),
    _account("connect_url", lambda on: on.account.connect_url(
        {"redirect_url": HOOK, "anything": [1, None]}, config_id="c 1")),
    _account("events.trigger", lambda on: on.account.events.trigger(
        "contact_created", JANE, slug="hubspot", config_id="c 1", instance_tag="nightly")),
    _account("events.trigger", lambda on: on.account.events.trigger("contact_created")),
    _account("execute_workflow", lambda on: on.account.execute_workflow(
        SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE)),
    _account("execute_workflow", lambda on: on.account.execute_workflow(
        SAMPLE_WORKFLOW_ID, slug="hubspot", body=JANE, sync=True, config_id="c 1", instance_tag="nightly",
        include_headers=True, connection_id=on.connection)),
    _account("run_workflow", lambda on: on.account.run_workflow(
        SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, config_id="c 1", instance_tag="nightly",
        connection_id=on.connection, poll_interval=0.01)),
    _account("executions.list", lambda on: on.account.executions.list()),
    _account("executions.list", lambda on: on.account.executions.list(
        slug="hubspot", status="COMPLETED", workflow_id="w", workflow_name="n", execution_id="e", start_date=_DAY,
        end_date=_LATER, execution_type="ASYNC", execution_source="API_CALL", oldest_first=True, page_size=7)),
    _account("executions.get", lambda on: on.account.executions.get(on.ended)),
    _account("executions.get", lambda on: on.account.executions.get(on.running)),
    _account("executions.wait", lambda on: on.account.executions.wait(on.ended)),
    _account("executions.watch", lambda on: on.account.executions.watch(on.ended)),
    _account("executions.batches", lambda on: on.account.executions.batches(
        on.ended, "batch", status="Success", page_size=5)),
    _account("executions.response", lambda on: on.account.executions.response(on.ended)),
    _account("executions.rerun", lambda on: on.account.executions.rerun(on.ended)),
    _account("executions.stop", lambda on: on.account.executions.stop(on.running)),
    _account("workflows.list", lambda on: on.account.workflows.list()),
    _account("workflows.list", lambda on: on.account.workflows.list(
        slug="hubspot", name="Welcome", published=True, application_id="a", scope="private", start_date=_DAY,
        end_date=_LATER, page_size=7)),
    _account("workflows.list_enabled", lambda on: on.account.workflows.list_enabled()),
    _account("workflows.get", lambda on: on.account.workflows.get(SAMPLE_WORKFLOW_ID)),
    _account("workflows.get", lambda on: on.account.workflows.get(on.private)),
    _account("workflows.request_structure", lambda on: on.account.workflows.request_structure(SAMPLE_WORKFLOW_ID)),
    _account("workflows.versions", lambda on: on.account.workflows.versions(on.private, page_size=5)),
    _account("workflows.create", lambda on: on.account.workflows.create("Mine", slug="hubspot", description="Ours")),
    _account("workflows.create", lambda on: on.account.workflows.create("Mine as well")),
    _account("workflows.get_draft", lambda on: on.account.workflows.get_draft(on.private)),
    _account("workflows.publish", lambda on: on.account.workflows.publish(on.draft, version=7, description="new")),
    _account("workflows.unpublish", lambda on: on.account.workflows.unpublish(on.private)),
    _account("workflows.publish", lambda on: on.account.workflows.publish(on.draft, environment="test")),
    _account("workflows.unpublish", lambda on: on.account.workflows.unpublish(on.private, environment="test")),
    _account("workflows.delete", lambda on: on.account.workflows.delete(on.private)),
    _refold("linked_accounts.create", lambda on: on.refold.linked_accounts.create(
        "ada+é@x / 1", name="Ada", user_defined_fields={"plan": "gold"})),
    _refold("linked_accounts.upsert", lambda on: on.refold.linked_accounts.upsert(
        ACCOUNT, name="Acme", user_defined_fields={"plan": "gold"})),
    _refold("linked_accounts.upsert", lambda on: on.refold.linked_accounts.upsert("made_by_upsert")),
    _refold("linked_accounts.list", lambda on: on.refold.linked_accounts.list(page_size=2)),
    _refold("linked_accounts.list", lambda on: on.refold.linked_accounts.list(connected_to="hubspot")),
    _refold("linked_accounts.get", lambda on: on.refold.linked_accounts.get("ada+é@x / 1")),
    _refold("linked_accounts.delete", lambda on: on.refold.linked_accounts.delete("ada+é@x / 1")),
    _refold("check", lambda on: on.refold.check()),
    _refold("session_tokens.create", lambda on: on.refold.session_tokens.create(ACCOUNT, force_refresh=True)),
    _refold("session_tokens.create", lambda on: on.refold.session_tokens.create(ACCOUNT)),
    _refold("session_tokens.account", lambda on: on.refold.session_tokens.account(ACCOUNT).list_actions("hubspot")),
    _refold("session_tokens.revoke", lambda on: on.refold.session_tokens.revoke(on.session_token)),
    _refold("webhooks.create", lambda on: on.refold.webhooks.create(HOOK, ["Workflow Errored"])),
    _refold("webhooks.list", lambda on: on.refold.webhooks.list()),
    _refold("webhooks.get", lambda on: on.refold.webhooks.get(on.webhook)),
    _refold("webhooks.delete", lambda on: on.refold.webhooks.delete(on.webhook)),
)
# fmt: on


@attrs.frozen
class RecordedCall:
    """What a call sent and was answered, and how it failed."""

    call: Call
    by: By
    exchanges: Sequence[Exchange]
    error: BaseException | None


@cache
def recorded_calls() -> Sequence[RecordedCall]:
    """Make every call once by key, and those for a linked account once by session token."""
    return asyncio.run(_make_calls())


async def _make_calls() -> Sequence[RecordedCall]:
    made: list[RecordedCall] = []
    bys: tuple[By, ...] = ("key", "token")
    for by in bys:
        async with (
            MockRefold() as mock,
            recording(mock.base_url) as recorder,
            AsyncRefold("tk_test", base_url=recorder.base_url, retry=IMPATIENT) as refold,
        ):
            stage = await _staged(mock, refold, by)
            recorder.taken()
            calls = [call for call in CALLS if by == "key" or call.method.startswith("account.")]
            made += [await _recorded(call, by, stage, recorder) for call in calls]
    return made


async def _recorded(call: Call, by: By, stage: Stage, recorder: Recorder) -> RecordedCall:
    error: BaseException | None = None
    try:
        result = call.make(stage)
        if isinstance(result, AsyncIterable):
            [_ async for _ in result]
        else:
            await result
    except Exception as raised:  # noqa: BLE001 - told by the test that asks for none
        error = raised
    return RecordedCall(call, by, recorder.taken(), error)


async def _staged(mock: MockRefold, refold: AsyncRefold, by: By) -> Stage:
    async def wait_for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    mock.catalogue.workflow("hubspot", "slow")(wait_for_ever)
    token = mock.session_token(ACCOUNT)
    account = refold.account_from_session_token(token)
    ended = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, sync=True)
    running = await account.execute_workflow("slow", slug="hubspot")
    draft = await account.workflows.create("Private", slug="hubspot")
    private = await account.workflows.publish(draft.workflow_id)
    application = await account.applications.get("hubspot")
    webhook = await refold.webhooks.create(HOOK, ["Workflow Errored"])
    return Stage(
        refold,
        account if by == "token" else refold.account(ACCOUNT),
        token,
        ended.execution_id,
        running.execution_id,
        draft.workflow_id,
        private.workflow_id,
        webhook.webhook_id,
        application.connected_accounts[0].connection_id or "none",
    )
