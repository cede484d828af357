"""What the mock refuses, brought about by requests as anybody could send them."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import aiohttp
import attrs
from yarl import URL

from contract.calls import ACCOUNT, HOOK, JANE
from contract.exchanges import Exchange, recording
from contract.facts import OPERATIONS
from contract.facts.table import Operation
from refold_async import AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold
from support.retry_policies import IMPATIENT

__all__ = ["recorded_refusals"]

_V2: Final = "/api/v2/public"
_ACTIONS: Final = "/api/v2/integration-schema/hubspot/actions"
_KEY: Final = {"x-api-key": "tk_test"}
_BY_KEY: Final = {**_KEY, "linked_account_id": ACCOUNT}


@attrs.frozen
class Raw:
    """A request that is refused."""

    method: str
    path: str
    headers: Mapping[str, str] = _BY_KEY
    json: Any = None
    body: bytes | None = None


def _everywhere(operation: Operation, token: str) -> list[Raw]:
    """Return what any operation refuses: a lack of credentials, unknown ids, a body that is none."""
    method, path = operation.method, operation.path
    if path.count("{") > 1:  # so that it is the last id that nobody knows
        path = path.replace("{slug}", "hubspot")
    nowhere = path.replace("{", "no-such-").replace("}", "")
    credentials = _BY_KEY if "key" in operation.security else {"Authorization": f"Bearer {token}"}
    refused = [
        Raw(method, nowhere, {}),
        Raw(method, nowhere, {"x-api-key": ""}),
        Raw(method, nowhere, {"Authorization": "Bearer no-token"}),
    ]
    if "token" not in operation.security:
        refused.append(Raw(method, nowhere, {"Authorization": f"Bearer {token}"}))
    if any(given.name == "linked_account_id" and given.place == "header" for given in operation.inputs):
        refused.append(Raw(method, nowhere, _KEY))
    if "{" in operation.path:
        json = {given.name: True for given in operation.of("body") if given.required}
        refused.append(Raw(method, nowhere, {**credentials, "slug": "hubspot"}, json or None))
    if operation.of("body"):
        known = path.replace("{workflowId}", SAMPLE_WORKFLOW_ID)
        headers = {**credentials, "slug": "hubspot"}
        refused.append(Raw(method, known, {**headers, "Content-Type": "application/json"}, body=b"{"))
        if not operation.free_body:
            refused += [Raw(method, known, headers, {}), Raw(method, known, headers, [1])]
    if any(given.name == "page" for given in operation.inputs):
        refused.append(Raw(method, nowhere + "?page=none", credentials))
    return refused


def _by_hand(ids: Mapping[str, str], token: str) -> list[Raw]:
    execute = f"{_V2}/workflow/{SAMPLE_WORKFLOW_ID}/execute"
    slug = {**_BY_KEY, "slug": "hubspot"}
    by_token = {"Authorization": f"Bearer {token}"}
    private, draft, ended = (f"{_V2}/workflow/{ids['private']}", f"{_V2}/workflow/{ids['draft']}", ids["ended"])
    return [
        Raw("POST", f"{_ACTIONS}/no_such/execute", json={}),
        Raw("GET", f"{_ACTIONS}/no_such"),
        Raw("POST", f"{_ACTIONS}/create_contact/execute", json={}),
        Raw("POST", f"{_ACTIONS}/create_contact/execute", json=[1]),
        Raw("POST", f"{_ACTIONS}/create_contact/execute", {**_KEY, "linked_account_id": "disconnected"}, JANE),
        Raw("POST", execute, _BY_KEY, JANE),
        Raw("POST", execute, {**_BY_KEY, "slug": "slack"}, JANE),
        Raw("POST", draft + "/execute", slug, JANE),
        Raw("POST", f"{_V2}/workflow", json={}),
        Raw("POST", f"{_V2}/workflow", json={"name": 5}),
        Raw("POST", f"{_V2}/workflow", json={"name": "Mine", "slug": "nowhere"}),
        Raw("PUT", private + "/publish", by_token, {"published": True}),
        Raw("PUT", draft + "/publish", by_token, {"published": False}),
        Raw("PUT", draft + "/publish", by_token, {"published": True, "version": "seven"}),
        Raw("PUT", draft + "/publish", by_token, {"published": True, "version": 1}),
        Raw("DELETE", f"{_V2}/workflow/{ids['version']}", by_token),
        Raw("GET", private, {**_KEY, "linked_account_id": "made"}),
        Raw("GET", f"{_V2}/execution/{ended}/nodes/run/batches"),
        Raw("GET", f"{_V2}/execution/{ended}/nodes/no-such-node/batches"),
        Raw("POST", f"{_V2}/event/trigger", json={"event": "no_such"}),
        Raw("POST", f"{_V2}/connect-url", by_token, {}),
        Raw("POST", f"{_V2}/connect-url?linked_account_id=made", by_token, {}),
        Raw("DELETE", f"{_V2}/linked-account/integration/no_such?linked_account_id={ACCOUNT}"),
        Raw("POST", f"{_V2}/linked-account", _KEY, {"linked_account_id": "made"}),
        Raw("POST", f"{_V2}/linked-account", _KEY, {"linked_account_id": "new", "udf": ["gold"]}),
        Raw("PUT", f"{_V2}/linked-account", _KEY, {"linked_account_id": "new", "udf": ["gold"]}),
        Raw("POST", f"{_V2}/session-token", _KEY, {"linked_account_id": "nobody"}),
        Raw("POST", f"{_V2}/webhook", _KEY, {"webhook_url": HOOK, "webhook_events": ["No Such Event"]}),
        Raw("POST", f"{_V2}/webhook", _KEY, {"webhook_url": HOOK, "webhook_events": []}),
        Raw("POST", f"{_V2}/webhook", _KEY, {"webhook_url": "nowhere", "webhook_events": ["Workflow Errored"]}),
    ]


@cache
def recorded_refusals() -> Sequence[Exchange]:
    """Send what is refused, and return how."""
    return asyncio.run(_refused())


async def _refused() -> Sequence[Exchange]:
    async with (
        MockRefold(known_accounts_only=True) as mock,
        recording(mock.base_url) as recorder,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        mock.account(ACCOUNT)
        mock.account("disconnected").disconnect("hubspot")
        await refold.linked_accounts.create("made")
        token = mock.session_token(ACCOUNT)
        account = refold.account_from_session_token(token)
        ended = await account.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload=JANE, sync=True)
        draft = await account.workflows.create("Private", slug="hubspot")
        private = await account.workflows.publish(draft.workflow_id)
        versions = [version async for version in account.workflows.versions(private.workflow_id)]
        ids = {
            "ended": ended.execution_id,
            "draft": draft.workflow_id,
            "private": private.workflow_id,
            "version": versions[0].version_id or "",
        }
        requests = [raw for operation in OPERATIONS for raw in _everywhere(operation, token)] + _by_hand(ids, token)
        for raw in requests:
            async with session.request(
                raw.method, URL(recorder.base_url + raw.path), headers=raw.headers, json=raw.json, data=raw.body
            ) as response:
                await response.read()
        return recorder.taken()
