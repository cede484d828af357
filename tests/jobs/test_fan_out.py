"""One call across many linked accounts."""

import asyncio
import gc
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import attrs
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    APIConnectionError,
    AsyncRefold,
    ConfigurationError,
    NotFoundError,
    ParameterError,
    PermissionDeniedError,
)
from refold_async.testing import ActionContext, Answer, Delay, Errored, MockRefold, Reset, Silence
from support.waiting import until

IDS = [f"user_{number}" for number in range(20)]


@attrs.frozen
class Row:
    """An item that is no id."""

    customer_id: str
    email: str


async def create(scope: AccountScope, row: Row) -> object:
    """Create a contact."""
    return (await scope.execute_action("hubspot", "create_contact", {"email": row.email})).data


async def give_id(scope: AccountScope, item: object) -> str | None:
    """Return the scope's account without calling anybody."""
    await asyncio.sleep(0)
    return scope.linked_account_id


async def test_report_in_input_order(refold: AsyncRefold, mock: MockRefold) -> None:
    """collect() gives every outcome in the order of the input, whatever the order they came in."""
    mock.script(Delay(0.05), linked_account_id="user_0")
    report = await refold.fan_out_action(IDS, "hubspot", "get_contact", {"limit": "1"}).collect()
    assert [outcome.item for outcome in report.outcomes] == IDS
    assert [outcome.index for outcome in report.outcomes] == list(range(20))
    assert report.counts == {"ok": 20, "failed": 0, "unknown": 0}
    assert all(outcome.attempts == 1 and outcome.elapsed > 0 and outcome.value for outcome in report.outcomes)
    report.raise_for_errors()
    assert {request.linked_account_id for request in mock.requests} == set(IDS)
    assert [request.json for request in mock.requests] == [{"limit": "1"}] * 20


async def test_outcomes_as_they_come(refold: AsyncRefold, mock: MockRefold) -> None:
    """Iterating gives outcomes in the order of completion."""
    order: list[str] = []
    others_were_read = asyncio.Event()

    @mock.catalogue.action("hubspot", "take_turns")
    async def take_turns(context: ActionContext, parameters: dict[str, Any]) -> None:
        if context.linked_account_id == "user_0":
            await asyncio.wait_for(others_were_read.wait(), 20)

    async with refold.fan_out_action(IDS, "hubspot", "take_turns") as outcomes:
        async for outcome in outcomes:
            assert outcome.status == "ok"
            order.append(outcome.item)
            if len(order) == 19:
                others_were_read.set()
    assert order[-1] == "user_0"
    assert sorted(order) == sorted(IDS)
    assert outcomes.unfinished == []
    assert outcomes.unread == []


async def test_items_of_any_kind(refold: AsyncRefold, mock: MockRefold) -> None:
    """Ids, scopes, and rows with account=; from a list, a generator or an async generator."""
    rows = [Row(f"user_{number}", f"{number}@example.com") for number in range(5)]

    async def rows_later() -> AsyncIterator[Row]:
        for row in rows:
            await asyncio.sleep(0)
            yield row

    for source in (rows, (row for row in rows), rows_later()):
        report = await refold.fan_out(source, create, account=lambda row: row.customer_id).collect()
        assert report.counts["ok"] == 5
    token = mock.session_token("by_token")
    scopes = [refold.account("by_scope"), refold.account_from_session_token(token)]
    report_of_scopes = await refold.fan_out_action(scopes, "hubspot", "get_contact").collect()
    assert report_of_scopes.counts["ok"] == 2
    assert {"by_scope", "by_token"} <= {request.linked_account_id for request in mock.requests}


async def test_parameters_and_types_per_item(refold: AsyncRefold, mock: MockRefold) -> None:
    """Parameters may be made of the item, and results structured."""
    rows = [Row("user_1", "a@example.com"), Row("user_2", "b@example.com")]
    report = await refold.fan_out_action(
        rows,
        "hubspot",
        "create_contact",
        lambda row: {"email": row.email},
        account=lambda row: row.customer_id,
        into=dict[str, str],
    ).collect()
    assert [outcome.value is not None and outcome.value.data["id"] for outcome in report.outcomes] == ["1510721"] * 2
    assert sorted(request.json["email"] for request in mock.requests) == ["a@example.com", "b@example.com"]


async def test_connections_and_headers_per_item(refold: AsyncRefold, mock: MockRefold) -> None:
    """They may be the same for all, or made of the item, as parameters may."""

    def connection_of(item: str) -> str | None:
        return f"conn of {item}"

    def headers_of(item: str) -> dict[str, str] | None:
        return {"X-Tenant": item}

    def nothing(_: str) -> None:
        return None

    given: list[dict[str, Any]] = [
        {"connection_id": "conn", "headers": {"X-Tenant": "acme"}},
        {"connection_id": connection_of, "headers": headers_of},
        {"connection_id": nothing, "headers": nothing},
    ]
    for options in given:
        report = await refold.fan_out_action(["user_1", "user_2"], "hubspot", "get_contact", **options).collect()
        assert report.counts["ok"] == 2
    told = [
        (request.linked_account_id, request.headers.get("connection_id"), request.headers.get("X-Tenant"))
        for request in mock.requests
    ]
    assert sorted(told[:2]) == [("user_1", "conn", "acme"), ("user_2", "conn", "acme")]
    assert sorted(told[2:4]) == [("user_1", "conn of user_1", "user_1"), ("user_2", "conn of user_2", "user_2")]
    assert sorted(told[4:]) == [("user_1", None, None), ("user_2", None, None)]
    with pytest.raises(ConfigurationError, match="connection_id"):
        refold.fan_out_action(["user_1"], "hubspot", "get_contact", connection_id=" edge")


async def test_one_failure_stops_no_other(refold: AsyncRefold, mock: MockRefold) -> None:
    """Every item has its own outcome: failed, unknown or ok."""
    mock.script(Errored(400), linked_account_id="user_3")
    mock.script(Reset("after"), linked_account_id="user_4")
    mock.script(Answer(500), linked_account_id="user_5", calls=1)
    items = [*IDS, "", " edge"]
    report = await refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 17, "failed": 3, "unknown": 2}
    by_item = {outcome.item: outcome for outcome in report.outcomes}
    assert isinstance(by_item["user_3"].error, ActionFailedError)
    assert isinstance(by_item["user_4"].error, APIConnectionError)
    assert isinstance(by_item[""].error, ConfigurationError)
    assert by_item[""].attempts == 0
    assert {outcome.item for outcome in report.unknown} == {"user_4", "user_5"}
    with pytest.raises(ExceptionGroup, match="5 of 22 items did not succeed") as caught:
        report.raise_for_errors()
    assert len(caught.value.exceptions) == 5


async def test_retries_are_counted_per_item(refold: AsyncRefold, mock: MockRefold) -> None:
    """An outcome's attempts equal the requests the server saw for it."""
    mock.script(Answer(503), linked_account_id="user_1", calls=[1, 2])

    async def two_calls(scope: AccountScope, item: str) -> None:
        await asyncio.gather(scope.list_actions("hubspot"), scope.list_actions("slack"))

    report = await refold.fan_out(["user_0", "user_1"], two_calls).collect()
    assert [outcome.attempts for outcome in report.outcomes] == [2, 4]
    assert len(mock.requests) == 6


async def test_an_item_without_an_account_fails_by_name(refold: AsyncRefold) -> None:
    """An item that tells no account, and an account= that returns none, are failed outcomes that say so."""
    report = await refold.fan_out([Row("user_1", "a@b.c")], give_id).collect()
    assert "pass account=" in str(report.outcomes[0].error)
    report = await refold.fan_out([Row("user_1", "a@b.c")], give_id, account=lambda row: None).collect()  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    assert "account= returned NoneType" in str(report.outcomes[0].error)


async def test_errors_are_capped() -> None:
    """A million errors make no group of a million; the message tells the total."""
    async with AsyncRefold() as refold:
        report = await refold.fan_out_action([""] * 250, "hubspot", "get_contact").collect()
    with pytest.raises(ExceptionGroup, match=r"250 of 250 items.*the first 100") as caught:
        report.raise_for_errors()
    assert len(caught.value.exceptions) == 100


async def test_concurrency_is_bounded_and_items_are_taken_as_needed(refold: AsyncRefold) -> None:
    """No more than `concurrency` items are taken and not read: a slow reader slows the work."""
    taken = running = most_running = 0
    all_run = asyncio.Event()

    def items() -> Iterator[str]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield f"user_{number}"

    async def call(scope: AccountScope, item: str) -> None:
        nonlocal running, most_running
        running += 1
        most_running = max(most_running, running)
        if running == 7:
            all_run.set()
        await asyncio.wait_for(all_run.wait(), 20)
        await asyncio.sleep(0.001)
        running -= 1

    read = 0
    async with refold.fan_out(items(), call, concurrency=7) as outcomes:
        async for _ in outcomes:
            read += 1
            await asyncio.sleep(0.002 if read < 10 else 0)
            assert taken <= read + 8
    assert (taken, read, most_running) == (100, 100, 7)


@pytest.mark.slow
async def test_constant_memory(refold: AsyncRefold) -> None:
    """Reading outcomes one by one, 20,000 items cost no more memory than 2,000."""
    asyncio.get_running_loop().set_debug(False)

    async def peak(count: int) -> int:
        tracemalloc.start()
        async with refold.fan_out((f"user_{number}" for number in range(count)), give_id) as outcomes:
            async for outcome in outcomes:
                assert outcome.status == "ok"
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    await peak(100)
    few = await peak(2_000)
    assert await peak(20_000) < few + 100_000


async def test_leaving_early(refold: AsyncRefold, mock: MockRefold) -> None:
    """Leaving takes no more items, lets what is in flight end within `grace`, and lists what did not."""
    mock.script(Silence(), linked_account_id="user_1")
    leaving = asyncio.Event()
    taken: list[str] = []

    @mock.catalogue.action("hubspot", "take_turns")
    async def take_turns(context: ActionContext, parameters: dict[str, Any]) -> None:
        if context.linked_account_id == "user_2":
            await asyncio.wait_for(leaving.wait(), 20)

    def items() -> Iterator[str]:
        for linked_account_id in IDS:
            taken.append(linked_account_id)
            yield linked_account_id

    fan_out = refold.fan_out_action(items(), "hubspot", "take_turns", concurrency=3, grace=1.5)
    async with fan_out as outcomes:
        async for outcome in outcomes:
            assert outcome.item == "user_0"
            leaving.set()
            break
    assert [unfinished.item for unfinished in fan_out.unfinished] == ["user_1"]
    assert fan_out.unfinished[0].attempts == 1
    assert fan_out.unfinished[0].linked_account_id == "user_1"
    assert "user_2" in [outcome.item for outcome in fan_out.unread]
    assert len(taken) <= 4
    seen = len(mock.requests)
    await asyncio.sleep(0.05)
    assert len(mock.requests) == seen
    with pytest.raises(ConfigurationError, match="has ended: read"):
        await anext(fan_out)


async def test_an_error_in_the_block_stops_the_work(refold: AsyncRefold, mock: MockRefold) -> None:
    """What the reader raises comes out as it is, and nothing runs on."""
    mock.script(Silence())
    fan_out = refold.fan_out_action(IDS, "hubspot", "get_contact", grace=0)

    async def read() -> None:
        async with fan_out:
            await until(lambda: len(mock.requests) == 20)
            raise RuntimeError("reader")

    with pytest.raises(RuntimeError, match="reader"):
        await read()
    assert len(fan_out.unfinished) == 20


async def test_cancelling_the_reader_stops_the_work(refold: AsyncRefold, mock: MockRefold) -> None:
    """A cancelled collect() leaves no task; cancelled again during its grace it does not linger."""
    mock.script(Silence())
    for cancellations in (1, 2):
        fan_out = refold.fan_out_action(IDS, "hubspot", "get_contact", grace=0.05 if cancellations == 1 else 60)
        task = asyncio.create_task(fan_out.collect())
        await until(lambda: len(mock.requests) == 20)
        mock.requests.clear()
        for _ in range(cancellations):
            task.cancel()
            await asyncio.sleep(0.01)
        await asyncio.wait([task], timeout=30)
        assert task.cancelled()
        assert sorted(unfinished.item for unfinished in fan_out.unfinished) == sorted(IDS)


async def test_leaving_is_thorough_however_often_it_is_cancelled(refold: AsyncRefold) -> None:
    """Calls that take time to clean up are waited for though leaving is cancelled again and again."""
    begun = 0
    cleaned: list[str] = []
    may_end = asyncio.Event()

    async def call(scope: AccountScope, item: str) -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            await may_end.wait()
            cleaned.append(item)

    fan_out = refold.fan_out(IDS[:3], call, grace=60)
    task = asyncio.create_task(fan_out.collect())
    await until(lambda: begun == 3)
    for _ in range(4):
        task.cancel()
        await asyncio.sleep(0.01)
    assert not task.done()
    may_end.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert sorted(cleaned) == IDS[:3]
    assert sorted(unfinished.item for unfinished in fan_out.unfinished) == IDS[:3]


async def test_a_source_that_does_not_stop_begins_nothing_more(refold: AsyncRefold) -> None:
    """Items that come after leaving, from a source that swallowed its cancellation, are not worked on."""
    begun: list[str] = []

    async def items() -> AsyncIterator[str]:
        yield "user_0"
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        yield "user_1"
        yield "user_2"

    async def call(scope: AccountScope, item: str) -> None:
        begun.append(item)

    async with refold.fan_out(items(), call) as outcomes:
        await anext(outcomes)
    assert begun == ["user_0"]


async def test_a_source_that_raises_half_way(refold: AsyncRefold) -> None:
    """The items before it are worked on and reported; then the source's own error comes out."""

    def items() -> Iterator[str]:
        yield from IDS[:5]
        raise OSError("the file is gone")

    async def items_later() -> AsyncIterator[str]:
        for linked_account_id in IDS[:5]:
            yield linked_account_id
        raise OSError("the file is gone")

    for source in (items, items_later):
        async with refold.fan_out(source(), give_id) as outcomes:
            seen = {(await anext(outcomes)).item for _ in range(5)}
            with pytest.raises(OSError, match="the file is gone"):
                await anext(outcomes)
        assert seen == set(IDS[:5])
        fan_out = refold.fan_out(source(), give_id)
        with pytest.raises(OSError, match="the file is gone"):
            await fan_out.collect()
        assert [outcome.item for outcome in fan_out.report.outcomes] == IDS[:5]


@pytest.mark.parametrize(("sent", "effect"), [(0, "none"), (1, "unknown")])
async def test_a_list_of_items_that_fails(refold: AsyncRefold, mock: MockRefold, sent: int, effect: str) -> None:
    """After a write, its error does not claim that nothing happened: a caller would repeat the whole job."""
    mock.script(Answer(403), route="list_linked_accounts")

    async def items() -> AsyncIterator[str]:
        for number in range(sent):
            yield f"user_{number}"
        async for account in refold.linked_accounts.list():
            yield account.linked_account_id

    with pytest.raises(PermissionDeniedError) as caught:
        await refold.fan_out_action(items(), "hubspot", "create_contact", {"email": "a@example.com"}).collect()
    assert caught.value.effect == effect


async def test_a_source_that_is_cancelled_within_is_told(refold: AsyncRefold) -> None:
    """A CancelledError out of the items does not pass for their end."""

    async def items() -> AsyncIterator[str]:
        yield "user_0"
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled itself"):
        await refold.fan_out(items(), give_id).collect()


class Odd(BaseException):
    """No Exception."""


@pytest.mark.parametrize("error", [asyncio.CancelledError("own"), Odd("odd"), ValueError("plain")])
async def test_a_call_that_raises_anything(refold: AsyncRefold, error: BaseException) -> None:
    """Whatever a call raises is its item's outcome; the others go on, and no slot is lost."""

    async def call(scope: AccountScope, item: str) -> str:
        if item.endswith("5"):
            raise error
        return item

    report = await refold.fan_out(IDS, call, concurrency=1).collect()
    assert report.counts == {"ok": 18, "failed": 2, "unknown": 0}
    assert {type(outcome.error) for outcome in report.failed} == {type(error)}
    with pytest.raises(ExceptionGroup, match="2 of 20"):
        report.raise_for_errors()


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_a_task_that_somebody_cancels_is_an_outcome(refold: AsyncRefold, concurrency: int) -> None:
    """An item whose task is cancelled by anybody but the fan-out is an outcome too, and its slot is free again."""

    async def call(scope: AccountScope, item: str) -> str:
        task = asyncio.current_task()
        assert task is not None
        if item == "user_5":
            task.cancel()
        if item == "user_6":
            await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
            task.cancel()
        await asyncio.sleep(0)
        return item

    report = await refold.fan_out(IDS, call, concurrency=concurrency).collect()
    assert report.counts == {"ok": 18, "failed": 1, "unknown": 1}
    assert [type(outcome.error) for outcome in (*report.failed, *report.unknown)] == [asyncio.CancelledError] * 2


async def test_items_are_closed_on_leaving(refold: AsyncRefold) -> None:
    """An async generator gets to clean up, whether the block is left early or its items are all taken."""
    closed: list[int] = []

    async def items(count: int) -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield f"user_{number}"
        finally:
            closed.append(count)

    for count in (1000, 3):
        async with refold.fan_out(items(count), give_id, concurrency=2) as outcomes:
            await anext(outcomes)
        assert closed[-1] == count


async def test_an_error_of_the_items_that_nobody_read_is_logged(
    refold: AsyncRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """Leaving before the items' error was raised does not hide it."""
    is_gone = asyncio.Event()

    def items() -> Iterator[str]:
        yield "user_0"
        is_gone.set()
        raise OSError("the file is gone")

    async with refold.fan_out(items(), give_id):
        await is_gone.wait()
    assert "the file is gone" in caplog.text


async def test_nested_fan_outs(mock: MockRefold) -> None:
    """A fan-out inside a fan-out on one client with one connection does not lock up."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=1) as refold:

        async def outer(scope: AccountScope, item: str) -> int:
            inner = await refold.fan_out_action([f"{item}_{n}" for n in range(3)], "hubspot", "get_contact").collect()
            await scope.list_actions("hubspot")
            return len(inner.ok)

        report = await refold.fan_out(IDS[:5], outer, concurrency=5).collect()
    assert [outcome.value for outcome in report.outcomes] == [3] * 5
    assert [outcome.attempts for outcome in report.outcomes] == [4] * 5


async def test_nothing_to_do(refold: AsyncRefold, mock: MockRefold) -> None:
    """No items, no outcomes, no requests."""
    nothing: list[str] = []
    report = await refold.fan_out_action(nothing, "hubspot", "get_contact").collect()
    assert len(report) == 0
    report.raise_for_errors()
    async with refold.fan_out_action(iter(nothing), "hubspot", "get_contact") as outcomes:
        assert [outcome async for outcome in outcomes] == []
    assert not mock.requests


async def test_a_fan_out_works_once_and_inside_its_block(refold: AsyncRefold) -> None:
    """Iterating without `async with`, entering twice and collecting twice are clear errors."""
    with pytest.raises(ConfigurationError, match="async with"):
        async for _ in refold.fan_out(IDS, give_id):
            pass
    fan_out = refold.fan_out(IDS, give_id)
    await fan_out.collect()
    with pytest.raises(ConfigurationError, match="only once"):
        await fan_out.collect()
    with pytest.raises(ConfigurationError, match="only once"):
        async with fan_out:
            pass
    assert len(fan_out.report) == 20


async def test_wrong_arguments_are_refused_by_name(refold: AsyncRefold, mock: MockRefold) -> None:
    """Every wrong argument raises before anything is sent, and the error names it."""

    async def never(scope: AccountScope, item: str) -> None:
        raise AssertionError

    attempts: dict[str, Callable[[], object]] = {
        "items": lambda: refold.fan_out("user_1", never),
        "call": lambda: refold.fan_out(IDS, None),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportUnknownLambdaType]
        "account": lambda: refold.fan_out(IDS, never, account="user_1"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "concurrency": lambda: refold.fan_out(IDS, never, concurrency=0),
        "grace": lambda: refold.fan_out(IDS, never, grace=-1),
        "action_id": lambda: refold.fan_out_action(IDS, "hubspot", ".."),
        "idempotent": lambda: refold.fan_out_action(IDS, "hubspot", "x", idempotent="no"),  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownLambdaType]
        "total": lambda: refold.fan_out_action(IDS, "hubspot", "x", timeout=-1),
    }
    for name, make in attempts.items():
        with pytest.raises(ConfigurationError, match=name):
            make()
    with pytest.raises(ParameterError, match=r"parameters\.x"):
        refold.fan_out_action(IDS, "hubspot", "x", {"x": {1, 2}})
    assert not mock.requests


async def test_leaving_what_was_never_entered(refold: AsyncRefold) -> None:
    """As an exit stack does, to which it was given too early."""
    outcomes = refold.fan_out(IDS, give_id)
    async with AsyncExitStack() as stack:
        stack.push_async_exit(outcomes)
    assert not outcomes.unfinished


async def test_a_fan_out_that_has_ended_is_freed_at_once(refold: AsyncRefold) -> None:
    """With the items it was given, without the garbage collector, which a program may have switched off."""

    class Items(list[str]):
        pass

    items = Items(IDS)
    freed = weakref.ref(items)
    gc.collect()
    gc.disable()
    try:
        report = await refold.fan_out(items, give_id, job_timeout=20, stop_after=5).collect()
        await asyncio.sleep(0)  # the loop has done with the last task
        del items
        assert freed() is None
    finally:
        gc.enable()
    report.raise_for_errors()


async def test_an_action_that_is_not_there(refold: AsyncRefold) -> None:
    """A misspelled action fails every item with the same advice."""
    report = await refold.fan_out_action(IDS, "hubspot", "no_such_action").collect()
    assert report.counts["failed"] == 20
    assert all(isinstance(outcome.error, NotFoundError) for outcome in report.outcomes)
