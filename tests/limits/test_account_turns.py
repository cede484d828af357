"""Fan-outs whose accounts have to wait: others go on, in bounded memory, at a cost that does not grow.

In virtual time, with nothing sent: a call acquires a permit, stays a while, and releases it.
"""

import asyncio
import cProfile
import math
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import attrs
import pytest

from refold_async import (
    AccountScope,
    AsyncRefold,
    ClientClosedError,
    FanOutStoppedError,
    Fault,
    Outcome,
    RateLimit,
)
from refold_async.jobs.fan_out import FanOut
from refold_async.limits.permits import Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.item_context import ItemContext, current_item
from support.cases import each_case
from support.virtual_time import run

Item = tuple[str, int]


@attrs.define
class OfflineClient:
    """A client whose calls are made without a network: how many had permits at once."""

    refold: AsyncRefold
    lasts: float = 1.0
    in_use: Counter[str] = attrs.field(factory=Counter[str])
    most_in_use: Counter[str] = attrs.field(factory=Counter[str])
    waiting: "set[asyncio.Task[Any]]" = attrs.field(factory=set["asyncio.Task[Any]"])

    @property
    def scheduler(self) -> RequestScheduler:
        """What grants its permits."""
        return self.refold._scheduler  # pyright: ignore[reportPrivateUsage]

    async def attempt(
        self,
        account: str,
        *,
        delay: float = 0.0,
        lasts: float | None = None,
        fault: Fault | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Acquire a permit as an attempt does, perhaps after a while, stay, and release it."""
        loop = asyncio.get_running_loop()
        item = current_item.get()
        permit = Permit(account, "interactive" if item is None else "bulk", item)
        if delay or not self.scheduler.try_acquire(permit, loop.time()):
            await self._wait(permit, item, delay)
        if item is not None:
            await item.before_sending(write=True)
        self.in_use[account] += 1
        self.most_in_use[account] = max(self.most_in_use[account], self.in_use[account])
        try:
            await asyncio.sleep(self.lasts if lasts is None else lasts)
        finally:
            self.in_use[account] -= 1
            self.scheduler.release(permit)
        self.scheduler.report(permit, fault, retry_after, loop.time())
        if item is not None and fault is not None:
            item.note_without_effect(write=True)

    async def _wait(self, permit: Permit, item: ItemContext | None, delay: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.refold.closed:
            raise ClientClosedError("closed")
        self.waiting.add(task)
        if item is not None:
            item.waits += 1
        try:
            await self.scheduler.acquire(permit, delay)
        except asyncio.CancelledError:
            if self.refold.closed and task.uncancel() == 0:
                raise ClientClosedError("closed") from None
            raise
        finally:
            self.waiting.discard(task)
            if item is not None:
                item.waits -= 1

    def throttle(self, account: str, seconds: float) -> None:
        """Have an account's app say to come back later."""
        loop = asyncio.get_running_loop()
        self.scheduler.report(Permit(account, sent_at=loop.time()), Fault.APP_RATE_LIMITED, seconds, loop.time())

    async def aclose(self) -> None:
        """Close the client, and end the waits for permits."""
        await self.refold.aclose()
        for task in self.waiting:
            task.cancel()

    def assert_nothing_left(self) -> None:
        """Nobody waits anywhere."""
        assert not self.scheduler.waiting
        for limit in self.scheduler._account_limits._limits.values():  # pyright: ignore[reportPrivateUsage]
            assert not limit.parked
            assert not limit.lanes
            assert not limit.permits
            assert not limit.turns_kept


def offline_client(lasts: float = 1.0, **options: Any) -> OfflineClient:
    """Return a client that sends nothing."""
    return OfflineClient(AsyncRefold("tk_test", **options), lasts)


def now() -> float:
    """Return the seconds since the beginning."""
    return asyncio.get_running_loop().time() - 1000


def account_of(item: Item) -> str:
    """Return an item's account."""
    return item[0]


def rows(**numbers: int) -> list[Item]:
    """Return items by account, sorted by it."""
    return [(account, number) for account, count in numbers.items() for number in range(count)]


async def outcomes_of(job: FanOut[Item, Any]) -> list[Outcome[Item, Any]]:
    """Run a job, and return its outcomes in the order they come."""
    async with job:
        return [outcome async for outcome in job]


def tasks_of_items() -> int:
    """Return how many items have a task."""
    return sum("fan-out item" in task.get_name() for task in asyncio.all_tasks())


def assert_slots_are_back(job: FanOut[Any, Any], concurrency: int) -> None:
    """No slot was lost or made."""
    slots = job._slots  # pyright: ignore[reportPrivateUsage]
    assert (slots._free, slots._lent, slots.parked) == (concurrency, 0, 0)  # pyright: ignore[reportPrivateUsage]


LIMITS: dict[str, dict[str, Any]] = {
    "concurrency": {"account_concurrency": 2},
    "rate": {"account_rate_limit": RateLimit(2)},
    "both": {"account_concurrency": 1, "account_rate_limit": RateLimit(5, burst=2)},
    "all": {"account_concurrency": 2, "rate_limit": RateLimit(200, burst=5)},
    "throttled": {},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_rows_sorted_by_account(limits: dict[str, Any]) -> None:
    """However many items of an account come first, the others are done as soon as without them."""

    async def story() -> None:
        work = offline_client(0.1, **limits)
        if not limits:
            work.throttle("a", 15.0)
        most_tasks = 0
        began: list[int] = []
        times: dict[str, float] = {}

        async def call(scope: AccountScope, item: Item) -> None:
            nonlocal most_tasks
            most_tasks = max(most_tasks, tasks_of_items())
            if item[0] == "a":
                began.append(item[1])
            await work.attempt(item[0])

        others = {f"user_{number}": 1 for number in range(100)}
        job = work.refold.fan_out(rows(a=1200, **others), call, account=account_of, concurrency=10)
        async with job:
            async for outcome in job:
                if outcome.item[0] != "a":
                    times[outcome.item[0]] = now()
                    if len(times) == len(others):
                        break
        assert max(times.values()) < 1.5
        assert most_tasks <= 20
        assert began == list(range(len(began)))
        assert sorted(unfinished.index for unfinished in job.unfinished) == list(range(len(began), 1200))
        assert {unfinished.linked_account_id for unfinished in job.unfinished} == {"a"}
        work.assert_nothing_left()

    run(story())


def calls_per_item(count: int, *, mixed: bool, shared: bool, **limits: Any) -> float:
    """Return how many Python functions a job calls for each of its items, most of which are one account's."""
    profile = cProfile.Profile(builtins=False)

    async def story() -> None:
        work = offline_client(0.0, **limits)

        async def call(scope: AccountScope, item: Item) -> None:
            await work.attempt("shared" if shared else item[0])

        items = rows(hot=count)
        if mixed:
            items = [item for row in items for item in (row, (f"user_{row[1]}", 0))]
        with profile:
            outcomes = await outcomes_of(work.refold.fan_out(items, call, account=account_of))
        assert len(outcomes) == len(items)
        work.assert_nothing_left()

    run(story())
    return sum(entry.callcount for entry in profile.getstats()) / (2 * count if mixed else count)


@pytest.mark.slow
@pytest.mark.parametrize(("mixed", "shared"), [(False, False), (True, False), (False, True)], ids=str)
@pytest.mark.parametrize(
    "limits", [{"account_concurrency": 2}, {"account_rate_limit": RateLimit(1000)}], ids=["concurrency", "rate"]
)
def test_an_item_costs_no_more_the_more_wait(limits: dict[str, Any], mixed: bool, shared: bool) -> None:
    """Also where all items call an account that they do not tell, and so cannot be kept from beginning."""
    few, many = (calls_per_item(count, mixed=mixed, shared=shared, **limits) for count in (200, 1500))
    assert many < 1.1 * few


@pytest.mark.parametrize("leave", ["stop", "close", "timeout", "cancel", "break"])
def test_a_job_ends_that_has_nothing_but_waiting_items(leave: str) -> None:
    """None of them is begun, and all are told."""

    async def story() -> None:
        work = offline_client(0.1)
        work.throttle("a", 3000.0)
        begun: list[Item] = []

        async def call(scope: AccountScope, item: Item) -> None:
            begun.append(item)
            await work.attempt(item[0])

        job = work.refold.fan_out(
            rows(a=2500, b=2), call, account=account_of, concurrency=2, job_timeout=10 if leave == "timeout" else None
        )
        outcomes: list[Outcome[Item, Any]] = []

        async def read() -> None:
            async with job:
                async for outcome in job:
                    outcomes.append(outcome)
                    if leave == "break" and len(outcomes) == 2:
                        break

        reading = asyncio.create_task(read())
        await asyncio.sleep(5)
        if leave == "stop":
            job.stop()
        elif leave == "close":
            await work.aclose()
        elif leave == "cancel":
            reading.cancel()
        await asyncio.wait([reading], timeout=100)
        assert now() < 20
        errors = {"close": ClientClosedError, "timeout": FanOutStoppedError}
        if leave == "cancel":
            assert reading.cancelled()
        else:
            assert type(reading.exception()) is errors.get(leave, type(None))
        assert [outcome.item[0] for outcome in outcomes] == ["b", "b"]
        assert sorted(left.index for left in job.unfinished) == list(range(2500))
        assert all((left.attempts, left.linked_account_id) == (0, "a") for left in job.unfinished)
        assert [item for item in begun if item[0] == "a"] == ([("a", 0)] if leave == "close" else [])
        work.assert_nothing_left()
        assert len(asyncio.all_tasks()) == 1

    run(story())


def test_a_waiting_item_takes_the_context_it_came_in() -> None:
    """What its source and `account=` set is what its call sees, however much later it begins."""
    of_source: ContextVar[int] = ContextVar("of_source")
    of_account: ContextVar[int] = ContextVar("of_account", default=-1)

    async def story() -> None:
        work = offline_client(1.0, account_concurrency=1)
        seen: list[tuple[int, int]] = []

        async def items() -> AsyncIterator[Item]:
            for number in range(5):
                of_source.set(number)
                yield ("a", number)

        def account(item: Item) -> str:
            assert of_account.get() == -1
            of_account.set(item[1])
            return item[0]

        async def call(scope: AccountScope, item: Item) -> None:
            seen.append((of_source.get(), of_account.get()))
            of_source.set(100)
            await work.attempt(item[0])

        outcomes = await outcomes_of(work.refold.fan_out(items(), call, account=account))
        assert seen == [(number, number) for number in range(5)]
        # An item that waited counts that time, too.
        assert [outcome.index for outcome in outcomes] == list(range(5))

    run(story())


def test_an_account_that_cannot_be_told_is_its_items_error() -> None:
    """With limits of accounts as without."""

    async def story() -> None:
        work = offline_client(1.0, account_concurrency=1)

        def account(item: Item) -> str:
            if item[1] == 1:
                raise KeyError("no such customer")
            return item[0]

        async def call(scope: AccountScope, item: Item) -> None:
            await work.attempt(item[0])

        outcomes = await outcomes_of(work.refold.fan_out(rows(a=3), call, account=account))
        assert [(outcome.index, type(outcome.error)) for outcome in outcomes] == [
            (1, KeyError),
            (0, type(None)),
            (2, type(None)),
        ]

    run(story())


def test_progress_counts_waiting_items() -> None:
    """They were taken and have not ended."""

    async def story() -> None:
        work = offline_client(1.0, account_concurrency=1)

        async def call(scope: AccountScope, item: Item) -> None:
            await work.attempt(item[0])

        job = work.refold.fan_out(rows(a=5), call, account=account_of)
        async with job:
            await asyncio.sleep(1.5)
            counts = job._count()  # pyright: ignore[reportPrivateUsage]
            assert (counts.ok, counts.in_flight) == (1, 4)

    run(story())


def test_a_source_that_gives_nothing_for_long_holds_up_none() -> None:
    """Items that wait for their account go on meanwhile, at any `concurrency`."""

    async def story() -> None:
        work = offline_client(1.0, account_concurrency=1)
        ended: dict[Item, float] = {}

        async def items() -> AsyncIterator[Item]:
            for item in rows(a=3):
                yield item
            await asyncio.sleep(3600)
            yield ("b", 0)

        async def call(scope: AccountScope, item: Item) -> None:
            if item == ("a", 1):
                await work.attempt("busy")
            await work.attempt(item[0])
            ended[item] = now()

        job = work.refold.fan_out(items(), call, account=account_of, concurrency=1)
        busy = asyncio.create_task(work.attempt("busy", lasts=10.0))
        await outcomes_of(job)
        await busy
        assert ended == {("a", 0): 1, ("a", 2): 2, ("a", 1): 12, ("b", 0): 3602}

    run(story())


@pytest.mark.parametrize(("others", "most"), [(0, 4), (2000, 12)], ids=["alone", "busy"])
@pytest.mark.parametrize("limits", [LIMITS["concurrency"], LIMITS["rate"]], ids=["concurrency", "rate"])
def test_a_job_goes_on_beside_interactive_requests_of_its_account(
    limits: dict[str, Any], others: int, most: int
) -> None:
    """One turn in four is the job's, and it is not late for ever where it has to wait for a slot first."""

    async def story() -> None:
        work = offline_client(0.2, **limits)
        done = 0

        async def call_on_and_on() -> None:
            nonlocal done
            while True:
                await work.attempt("a")
                done += 1

        calling = [asyncio.create_task(call_on_and_on()) for _ in range(6)]
        await asyncio.sleep(5)

        async def call(scope: AccountScope, item: Item) -> None:
            await work.attempt(item[0], lasts=0.2 if item[0] == "a" else 0.97)

        items = rows(a=20, **{f"user_{number}": 1 for number in range(others)})
        before, read = done, 0
        async with work.refold.fan_out(items, call, account=account_of, concurrency=5) as job:
            async for outcome in job:
                read += outcome.item[0] == "a"
                if read == 20:
                    break
        assert (done - before) / 20 < most
        for task in calling:
            task.cancel()
        await asyncio.wait(calling)

    run(story())


def test_items_that_are_long_in_coming_do_not_crowd() -> None:
    """Of many accounts whose items do something else before they call, only so many begin and wait."""

    async def story() -> None:
        work = offline_client(0.1, account_rate_limit=RateLimit(1, per=600))
        most_tasks = 0
        first: dict[str, float] = {}

        async def call(scope: AccountScope, item: Item) -> None:
            nonlocal most_tasks
            most_tasks = max(most_tasks, tasks_of_items())
            await asyncio.sleep(0.1)
            await work.attempt(item[0])
            first.setdefault(item[0], now())

        customers = {f"customer_{number:03}": 50 for number in range(100)}
        job = work.refold.fan_out(rows(**customers), call, account=account_of, grace=0)
        async with job:
            async for _ in job:
                if len(first) == 100:
                    break
        assert max(first.values()) < 10
        assert most_tasks <= 700
        assert len(job.unfinished) + len(job.unread) == 50 * 100 - 100 + len(job.unread)

    run(story())


def test_two_jobs_share_an_account() -> None:
    """Neither waits for the other to end, nor for one that nobody reads."""

    async def story() -> None:
        work = offline_client(1.0, account_concurrency=1)
        order: list[str] = []

        async def call(scope: AccountScope, item: Item) -> None:
            await work.attempt("a")

        async def run_job(name: str) -> None:
            async for outcome in jobs[name]:
                assert outcome.error is None
                order.append(name)

        jobs = {name: work.refold.fan_out(rows(a=4), call, account=account_of, concurrency=1) for name in "xyz"}
        async with jobs["x"], jobs["y"], jobs["z"]:
            await asyncio.gather(run_job("x"), run_job("y"))
        assert sorted(order) == ["x"] * 4 + ["y"] * 4
        assert "xxx" not in "".join(order)
        assert "yyy" not in "".join(order[:-1])
        assert now() < 11

    run(story())


def test_a_client_is_closed_after_its_jobs_event_loop() -> None:
    """What waited there for ever is left alone."""
    work = offline_client(1000.0, account_concurrency=1)

    async def call(scope: AccountScope, item: Item) -> None:
        await work.attempt(item[0])

    job = work.refold.fan_out(rows(a=3), call, account=account_of)

    async def begin() -> None:
        await job.__aenter__()
        await asyncio.sleep(1)
        assert job._slots.parked == 2  # pyright: ignore[reportPrivateUsage]

    run(begin())
    run(work.aclose())
    assert job._slots.parked <= 2  # pyright: ignore[reportPrivateUsage]


class Schedule:
    """One fuzzed story: jobs, interactive requests and cancellations that come as a seed has it."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.limits: dict[str, Any] = {"max_connections": chance.choice([1, 3, 100])}
        if chance.random() < 0.6:
            self.limits["account_concurrency"] = chance.choice([1, 2, 5])
        if chance.random() < 0.5:
            self.limits["account_rate_limit"] = chance.choice([RateLimit(5), RateLimit(2, burst=3), RateLimit(50)])
        if chance.random() < 0.4:
            self.limits["rate_limit"] = chance.choice([RateLimit(20), RateLimit(5, burst=5)])
        self.faults: list[Fault | None] = [None] * chance.choice([2, 10])
        self.faults += [Fault.APP_RATE_LIMITED, Fault.RATE_LIMITED] if chance.random() < 0.7 else [None]
        self.work = offline_client(0.1, **self.limits)
        self.begun: dict[int, list[Item]] = defaultdict(list)
        self.most_waiting = 0
        self.closes = chance.random() < 0.1
        self.jobs: list[asyncio.Task[None]] = []

    async def attempt(self, account: str) -> None:
        """Make one attempt, which may be refused."""
        chance = self.chance
        await self.work.attempt(
            account,
            delay=chance.choice([0, 0, 0, 0, 0.001, 0.7]),
            lasts=chance.choice([0, 0.01, 0.3, 1]),
            fault=chance.choice(self.faults),
            retry_after=chance.choice([None, 0.0, 1.0, 5.0]),
        )

    async def call(self, begun: list[Item], item: Item) -> None:
        """Do one of the things that calls do."""
        chance = self.chance
        begun.append(item)
        account, _ = item
        kind = chance.random()
        if chance.random() < 0.2:
            await asyncio.sleep(chance.choice([0, 0.001, 2]))
        task = asyncio.current_task()
        assert task is not None
        if chance.random() < 0.05:
            asyncio.get_running_loop().call_later(chance.choice([0, 0.001, 0.3, 2]), task.cancel)
        if kind < 0.1:
            return
        if kind < 0.2:
            await self.attempt(chance.choice("abcx"))
        if kind < 0.3:
            attempts = [asyncio.create_task(self.attempt(name)) for name in (account, chance.choice("abcx"))]
            try:
                await asyncio.gather(*attempts)
            finally:
                for attempt in attempts:
                    attempt.cancel()
                await asyncio.wait(attempts)
        elif kind < 0.35:
            await self.job(nested=True)
        await self.attempt(account)
        if kind > 0.8:
            await self.attempt(account)

    async def job(self, *, nested: bool = False) -> None:
        """Run a job to its end, or leave it early; every item is accounted for."""
        chance = self.chance
        count = chance.choice([1, 3, 5] if nested else [5, 30, 80])
        hot = chance.choice([0, 0.5, 0.9])
        items = [("hot" if chance.random() < hot else chance.choice("abcdefgh"), number) for number in range(count)]
        if chance.random() < 0.5:
            items.sort()
        taken: list[Item] = []

        def given() -> Iterator[Item]:
            for item in items:
                taken.append(item)
                yield item

        async def given_later() -> AsyncIterator[Item]:
            for item in items:
                if chance.random() < 0.2:
                    await asyncio.sleep(chance.choice([0, 0.01, 3]))
                taken.append(item)
                yield item

        concurrency = chance.choice([1, 2, 5, 20])
        begun: list[Item] = []
        job = self.work.refold.fan_out(
            given() if chance.random() < 0.5 else given_later(),
            lambda scope, item: self.call(begun, item),
            account=account_of,
            concurrency=concurrency,
            grace=chance.choice([0, 0.1, 5]),
            job_timeout=chance.choice([None, None, None, 10]),
            max_refusal_wait=chance.choice([math.inf, 600.0, 5.0]),
        )
        read: list[Outcome[Item, Any]] = []
        leaves_after = chance.choice([math.inf, math.inf, math.inf, 3, 20])
        stops_after = chance.choice([math.inf, math.inf, math.inf, 3, 20])
        slow = chance.random() < 0.3
        whole = False
        try:
            async with job:
                async for outcome in job:
                    read.append(outcome)
                    if slow:
                        await asyncio.sleep(chance.choice([0, 0.1, 2]))
                    if len(read) == leaves_after:
                        break
                    if len(read) == stops_after:
                        job.stop()
                else:
                    whole = True
        except (FanOutStoppedError, ClientClosedError):
            pass
        finally:
            told = [*(outcome.item for outcome in read + job.unread), *(left.item for left in job.unfinished)]
            assert sorted(told) == sorted(taken)
            assert not job._slots.parked  # pyright: ignore[reportPrivateUsage]
            by_account: dict[str, list[int]] = defaultdict(list)
            for account, number in begun:
                by_account[account].append(number)
            assert all(numbers == sorted(numbers) for numbers in by_account.values())
        if whole and len(read) < stops_after and all(outcome.error is None for outcome in read):
            assert len(read) == count, "items were lost"
            assert_slots_are_back(job, concurrency)

    async def run(self) -> None:
        """Run it all to its end."""
        chance = self.chance
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self.job()) for _ in range(chance.choice([1, 2]))]
        for _ in range(chance.choice([0, 10, 40])):
            tasks.append(asyncio.create_task(self.attempt(chance.choice(["hot", "a", "b", "x"]))))
            if chance.random() < 0.2:
                loop.call_later(chance.choice([0, 0.001, 0.1, 3]), chance.choice(tasks).cancel)
            await asyncio.sleep(chance.choice([0, 0.001, 0.1, 0.5]))
        if self.closes:
            await asyncio.sleep(chance.choice([0, 0.1, 3]))
            await self.work.aclose()
        _, pending = await asyncio.wait(tasks, timeout=50_000)
        assert not pending
        for task in tasks:
            if not task.cancelled() and not isinstance(task.exception(), ClientClosedError):
                task.result()
        most = self.limits.get("account_concurrency", math.inf)
        assert all(used <= most for used in self.work.most_in_use.values())
        if not self.closes:
            self.work.assert_nothing_left()
        await self.work.aclose()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left


@each_case("look", [0, 0.0005])
@each_case("seed", range(40))
def test_any_schedule_ends(seed: int, look: float) -> None:
    """Whatever jobs, calls and cancellations meet: limits hold, no item is lost, and all come to their end."""

    async def story() -> None:
        await Schedule(seed).run()

    run(story(), look=look)
