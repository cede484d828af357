"""A recorded request leaves only for a limited time after its record, and then is recorded again."""

import asyncio
from collections.abc import Sequence

import aiohttp
import attrs
import pytest

from refold_async import APIConnectionError, AsyncRefold, Fault
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.runtime.boot_clock import boot_time
from refold_async.testing import MockRefold
from support.retry_policies import IMPATIENT

HOOKED = aiohttp.TraceConfig()


async def _pause(*_: object) -> None:
    await asyncio.sleep(0)


HOOKED.on_request_chunk_sent.append(_pause)


@attrs.define
class Record:
    """A record that was made too long ago for the first attempts."""

    late: int
    key: str = "user_1"
    starts: int = 0
    withdrawals: int = 0

    async def start(self) -> float:
        """Return until when an attempt may leave."""
        self.starts += 1
        return boot_time() + (-0.001 if self.starts <= self.late else 10)

    def withdraw(self) -> None:
        """Count it."""
        self.withdrawals += 1


async def write(mock: MockRefold, record: Record, hooks: Sequence[aiohttp.TraceConfig], outer: Record | None) -> int:
    """Write as an item of a fan-out does, after another write on the same connection; return the attempts."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT, trace_configs=hooks) as refold:
        account = refold.account("user_1")
        await account.list_actions("hubspot")
        around = None if outer is None else ItemContext(recorder=outer)
        token = current_item.set(ItemContext(recorder=record, outer=around))
        try:
            result = await account.execute_action("hubspot", "create_contact", {"email": "jane@example.com"})
        finally:
            current_item.reset(token)
        return result.meta.attempts


@pytest.mark.parametrize("hooks", [[], [HOOKED]])
async def test_an_attempt_that_comes_too_late_is_recorded_again(
    mock: MockRefold, hooks: Sequence[aiohttp.TraceConfig]
) -> None:
    """Nothing of it was sent, so it is withdrawn, and another attempt follows."""
    record = Record(late=1)
    assert await write(mock, record, hooks, None) == 2
    assert (record.starts, record.withdrawals) == (2, 1)
    assert len(mock.requests_to("execute_action")) == 1


async def test_every_record_counts(mock: MockRefold) -> None:
    """An item inside another leaves only while both records allow it."""
    record, outer = Record(late=0), Record(late=1)
    assert await write(mock, record, [], outer) == 2
    assert (record.starts, outer.starts) == (2, 2)
    assert len(mock.requests_to("execute_action")) == 1


@pytest.mark.parametrize("hooks", [[], [HOOKED]])
async def test_an_attempt_that_is_always_too_late(mock: MockRefold, hooks: Sequence[aiohttp.TraceConfig]) -> None:
    """It fails without an effect, and says why."""
    record = Record(late=99)
    with pytest.raises(APIConnectionError, match="more than 15 seconds had passed since it was recorded") as caught:
        await write(mock, record, hooks, None)
    assert (caught.value.effect, caught.value.fault) == ("none", Fault.NEVER_SENT)
    assert mock.requests_to("execute_action") == []
    assert record.withdrawals == record.starts == caught.value.attempts == IMPATIENT.max_retries + 1
