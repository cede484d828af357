"""What the mock refuses, brought about by requests as anybody could send them."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import aiohttp
from yarl import URL

from contract.calls.call import ACCOUNT, By, Refused, filled
from contract.calls.groups import REFUSED, staged
from contract.exchanges import Exchange, recording
from contract.facts import OPERATIONS
from contract.facts.table import Operation
from contract.samples import sample
from refold_async import AsyncRefold
from refold_async.testing import MockRefold
from support.retry_policies import IMPATIENT

__all__ = ["recorded_refusals"]

_KEY: Final = {"x-api-key": "tk_test"}


def _credentials(by: By, token: str) -> Mapping[str, str]:
    headers: Mapping[By, Mapping[str, str]] = {
        "account": {**_KEY, "linked_account_id": ACCOUNT},
        "organisation": _KEY,
        "token": {"Authorization": f"Bearer {token}"},
        "nobody": {},
    }
    return headers[by]


def _everywhere(operation: Operation) -> list[Refused]:
    """Return what any operation refuses: a lack of credentials, unknown ids, a body that is none."""
    method, path = operation.method, operation.path
    if path.count("{") > 1:  # so that it is the last id that nobody knows
        path = path.replace("{slug}", "hubspot")
    nowhere = path.replace("{", "no-such-").replace("}", "")
    by: By = "account" if "key" in operation.security else "token" if operation.security else "nobody"
    slug = {"slug": "hubspot"}
    refused: list[Refused] = []
    if operation.security:
        refused += [
            Refused(method, nowhere, by="nobody"),
            Refused(method, nowhere, by="nobody", headers={"x-api-key": ""}),
            Refused(method, nowhere, by="nobody", headers={"Authorization": "Bearer no-token"}),
        ]
        if "token" not in operation.security:
            refused.append(Refused(method, nowhere, by="token"))
    if any(given.name == "linked_account_id" and given.place == "header" for given in operation.inputs):
        refused.append(Refused(method, nowhere, by="organisation"))
    if "{" in operation.path and not operation.any_id:
        json = {given.name: sample(given.type, given.name) for given in operation.of("body") if given.required}
        refused.append(Refused(method, nowhere, json or None, by, headers=slug))
    if operation.of("body"):
        malformed = {**slug, "Content-Type": "application/json"}
        refused.append(Refused(method, path, by=by, headers=malformed, body=b"{"))
        if not operation.free_body:
            refused += [Refused(method, path, {}, by, headers=slug), Refused(method, path, [1], by, headers=slug)]
    if any(given.name == "page" for given in operation.inputs):
        refused.append(Refused(method, nowhere + "?page=none", by=by))
    return refused


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
        token = mock.session_token(ACCOUNT)
        ids = await staged(mock, refold, refold.account_from_session_token(token))
        for refused in [*(each for operation in OPERATIONS for each in _everywhere(operation)), *REFUSED]:
            async with session.request(
                refused.method,
                URL(recorder.base_url + filled(refused.path, ids)),
                headers={**_credentials(refused.by, token), **refused.headers},
                json=filled(refused.json, ids),
                data=refused.body,
            ) as response:
                await response.read()
        return recorder.taken()
