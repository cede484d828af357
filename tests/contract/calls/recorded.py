"""Every public method of the client, called with every option that reaches the wire, and what it sent."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Literal

import attrs

from contract.calls.call import ACCOUNT, Call, Stage, outcome
from contract.calls.credentials import methods_by_key_alone
from contract.calls.groups import CALLS, staged
from contract.exchanges import Exchange, Recorder, recording
from refold_async import AsyncRefold
from refold_async.testing import MockRefold
from support.retry_policies import IMPATIENT

__all__ = ["RecordedCall", "recorded_calls"]


@attrs.frozen
class RecordedCall:
    """What a call sent and was answered, and how it failed."""

    call: Call
    by: Literal["key", "token"]
    exchanges: Sequence[Exchange]
    error: BaseException | None


@cache
def recorded_calls() -> Sequence[RecordedCall]:
    """Make every call once by key, and those for a linked account once by session token."""
    return asyncio.run(_make_calls())


async def _make_calls() -> Sequence[RecordedCall]:
    made: list[RecordedCall] = []
    bys: tuple[Literal["key", "token"], ...] = ("key", "token")
    for by in bys:
        async with (
            MockRefold() as mock,
            recording(mock.base_url) as recorder,
            AsyncRefold("tk_test", base_url=recorder.base_url, retry=IMPATIENT) as refold,
        ):
            token = mock.session_token(ACCOUNT)
            account = refold.account_from_session_token(token)
            ids = await staged(mock, refold, account)
            stage = Stage(refold, account if by == "token" else refold.account(ACCOUNT), ids)
            recorder.taken()
            calls = [each for each in CALLS if by == "key" or each.method.startswith("account.")]
            if by == "token":
                calls = [each for each in calls if each.method not in methods_by_key_alone()]
            made += [await _recorded(each, by, stage, recorder) for each in calls]
    return made


async def _recorded(call: Call, by: Literal["key", "token"], stage: Stage, recorder: Recorder) -> RecordedCall:
    error: BaseException | None = None
    try:
        await outcome(call.make(stage))
    except Exception as raised:  # noqa: BLE001 - told by the test that asks for none
        error = raised
    return RecordedCall(call, by, recorder.taken(), error)
