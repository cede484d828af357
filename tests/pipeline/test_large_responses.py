"""Large responses: parsed beside the loop, so that other calls go on and deadlines hold, whatever that takes."""

import asyncio
import contextvars
import gc
import threading
import typing
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    NotFoundError,
)
from refold_async.pipeline.large_responses import LARGE, collector_spared
from refold_async.testing import Answer, MockRefold
from support.waiting import until

KEY: Final = "tk_test"
PADDING: Final = "x" * LARGE
PATH: Final = "/api/v2/public/execution"
caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


@attrs.frozen
class Slow:
    """A class that is made once it may, and notes by which thread."""

    may: typing.ClassVar[threading.Event] = threading.Event()
    made_by: typing.ClassVar[list[tuple[str, str]]] = []
    text: str

    def __attrs_post_init__(self) -> None:
        """Wait."""
        self.made_by.append((threading.current_thread().name, caller.get()))
        if not self.may.wait(20):
            raise ValueError("waited in vain")


@pytest.fixture(autouse=True)
def _slow() -> Iterator[None]:
    """Begin with a class that may not be made, and leave no thread behind."""
    Slow.may.clear()
    Slow.made_by.clear()
    yield
    Slow.may.set()
    for thread in parsing():
        thread.join(20)
    assert not parsing()


def parsing() -> list[threading.Thread]:
    """Return the threads that parse responses."""
    return [thread for thread in threading.enumerate() if thread.name == "refold_async large response"]


def success(data: Any) -> Answer:
    """Return the response of an action."""
    return Answer(200, json={"node_status": "Success", "data": data, "http_status": 200})


async def test_other_calls_go_on(mock: MockRefold, account: AccountScope) -> None:
    """While a large response is parsed, calls are sent and answered; its values are made in the caller's context."""
    mock.script(success({"text": PADDING}), calls=1)
    caller.set("the caller")
    slow = asyncio.create_task(account.execute_action("hubspot", "get_contact", {"limit": "1"}, into=Slow))
    await until(lambda: Slow.made_by)
    assert await account.list_actions("hubspot")
    assert not slow.done()
    Slow.may.set()
    assert (await slow).data == Slow(PADDING)
    assert Slow.made_by[0] == ("refold_async large response", "the caller")


async def test_small_responses_are_parsed_at_once(mock: MockRefold, account: AccountScope) -> None:
    """No thread is started for a response as most are."""
    mock.script(success({"text": "x" * 1000}), calls=1)
    Slow.may.set()
    await account.execute_action("hubspot", "get_contact", {"limit": "1"}, into=Slow)
    assert [name for name, _ in Slow.made_by] == [threading.current_thread().name]


@pytest.mark.parametrize("idempotent", [False, True])
async def test_the_deadline_holds(mock: MockRefold, account: AccountScope, idempotent: bool) -> None:
    """A response that cannot be parsed in time tells nothing: a write may have run, and is not sent again."""
    mock.script(success({"text": PADDING}))
    with pytest.raises(APITimeoutError, match=r"not parsed within 0\.2 seconds \(Timeout\.total\)") as caught:
        await account.execute_action(
            "hubspot", "get_contact", {"limit": "1"}, into=Slow, timeout=0.2, idempotent=idempotent
        )
    assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("unknown", 1, 1)
    assert len(parsing()) == 1
    Slow.may.set()
    await until(lambda: not parsing())


async def test_the_deadline_of_a_read_holds(mock: MockRefold, account: AccountScope) -> None:
    """A read that runs out of time made nothing happen."""
    mock.script(Answer(200, json={"text": PADDING}))
    with pytest.raises(APITimeoutError) as caught:
        await account.request("GET", PATH, into=Slow, timeout=0.2)
    assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("none", 1, 1)


async def test_closing_meanwhile(mock: MockRefold) -> None:
    """Closing the client waits for no response to be parsed."""
    mock.script(success({"text": PADDING}))
    async with AsyncRefold(KEY, base_url=mock.base_url) as refold:
        call = asyncio.create_task(refold.account("a").execute_action("hubspot", "get_contact", into=Slow))
        await until(lambda: Slow.made_by)
    with pytest.raises(APIConnectionError, match="not parsed before the client was closed") as caught:
        await call
    assert (caught.value.effect, len(mock.requests)) == ("unknown", 1)


async def test_cancelled_meanwhile(mock: MockRefold, account: AccountScope) -> None:
    """Whoever is cancelled hears that the write may have run, and waits for nothing."""
    mock.script(success({"text": PADDING}))
    call = asyncio.create_task(account.execute_action("hubspot", "get_contact", into=Slow))
    await until(lambda: Slow.made_by)
    call.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await call
    assert "may have run" in str(caught.value.__notes__)
    assert parsing()


async def test_many_at_once(mock: MockRefold, account: AccountScope) -> None:
    """A few large responses are parsed at once, the others in their turn."""
    mock.script(success({"text": PADDING}))
    calls = [asyncio.create_task(account.execute_action("hubspot", "get_contact", into=Slow)) for _ in range(10)]
    await until(lambda: len(mock.requests) == 10 and all(request.status for request in mock.requests))
    await until(lambda: len(Slow.made_by) == 4)
    assert len(parsing()) == 4
    Slow.may.set()
    assert len(await asyncio.gather(*calls)) == 10


async def test_large_misfits(mock: MockRefold, account: AccountScope) -> None:
    """What does not fit keeps its effect and its data, without the key that it quotes."""
    mock.script(success([{"text": 5, "quote": KEY}, {"text": PADDING}]))
    Slow.may.set()
    with pytest.raises(APIResponseValidationError, match=r"@ data\[0\]\.text") as caught:
        await account.execute_action("hubspot", "get_contact", into=list[Slow])
    assert caught.value.effect == "done"
    assert caught.value.result is not None
    assert caught.value.result.data[0] == {"text": 5, "quote": "***"}
    assert caught.value.body["data"][0] == {"text": 5, "quote": "***"}
    assert KEY not in repr(caught.value.body)


@pytest.mark.parametrize("body", [f'{{"data": "{PADDING}"', "<html>" + PADDING, f'["{PADDING}"]'])
async def test_large_responses_that_cannot_be_read(mock: MockRefold, account: AccountScope, body: str) -> None:
    """What is unreadable is told as of any response."""
    mock.script(Answer(200, body=body))
    with pytest.raises(APIResponseValidationError) as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@example.com"})
    assert (caught.value.effect, len(mock.requests)) == ("unknown", 1)
    assert caught.value.__context__ is None


async def test_large_errors_are_told_at_once(mock: MockRefold, account: AccountScope) -> None:
    """An error status is that error, however long its body."""
    mock.script(Answer(404, json={"message": "Not found", "error": "NOT_FOUND", "more": PADDING}))
    with pytest.raises(NotFoundError, match="Not found"):
        await account.list_actions("hubspot")


@pytest.fixture
def _nothing_frozen() -> Iterator[None]:
    """Undo for a while what is frozen to speed up the tests."""
    gc.unfreeze()
    yield
    gc.enable()
    gc.freeze()


@pytest.mark.usefixtures("_nothing_frozen")
def test_the_collector_is_spared() -> None:
    """What is made meanwhile is not looked at while it grows, and is old afterwards; then the collector goes on."""
    with collector_spared():
        with collector_spared():
            made = [[number] for number in range(5000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    old = set(map(id, gc.get_objects(generation=2)))
    assert {id(one) for one in made} <= old


@pytest.mark.usefixtures("_nothing_frozen")
def test_a_collector_that_is_switched_off_stays_off() -> None:
    """What the program has decided about its collector counts."""
    gc.disable()
    with collector_spared():
        assert not gc.isenabled()
    assert not gc.isenabled()
    gc.enable()
    gc.freeze()
    frozen = gc.get_freeze_count()
    with collector_spared():
        assert gc.isenabled()
    assert gc.isenabled()
    assert 0 < gc.get_freeze_count() <= frozen
