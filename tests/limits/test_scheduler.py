"""Which attempt may leave when: at the rate, in its turn, as there are connections, and within its account's limit."""

import asyncio
import math
import random
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import attrs
import pytest

from refold_async import Fault, Limiter, RateLimit
from refold_async.jobs.slots import Slots
from refold_async.limits.account_limits import AccountLimits, AccountLimitSettings
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.permits import KeptWaitingError, Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.item_context import ItemContext
from support.cases import each_case
from support.virtual_time import run


@attrs.define
class Scene:
    """Attempts and a scheduler: who was granted a permit, in which order and when, in seconds from the beginning."""

    scheduler: RequestScheduler
    granted: list[str] = attrs.field(factory=list[str])
    times: list[float] = attrs.field(factory=list[float])
    permits: dict[str, Permit] = attrs.field(factory=dict[str, Permit])

    async def attempt(
        self, name: str, *, lasts: float = math.inf, account: str | None = None, item: ItemContext | None = None
    ) -> None:
        """Go in and stay; a name that begins with `bulk` is that of a bulk one."""
        loop = asyncio.get_running_loop()
        if item is None and name.startswith("bulk"):
            item = ItemContext()
        permit = self.permits[name] = Permit(account, "interactive" if item is None else "bulk", item)
        if not self.scheduler.try_acquire(permit, loop.time()):
            await self.scheduler.acquire(permit)
        self.granted.append(name)
        self.times.append(round(loop.time() - 1000, 6))
        try:
            if lasts < math.inf:
                await asyncio.sleep(lasts)
        finally:
            if lasts < math.inf:
                self.scheduler.release(permit)

    def begin(self, *names: str, lasts: float = math.inf, account: str | None = None) -> list["asyncio.Task[None]"]:
        """Begin attempts, in this order."""
        return [asyncio.create_task(self.attempt(name, lasts=lasts, account=account)) for name in names]


def scene_with(limit: RateLimit | Limiter | None = None, connections: int = 100, **accounts: Any) -> Scene:
    """Return a scene at a new scene."""
    return Scene(RequestScheduler(limit, connections, AccountLimitSettings(**accounts)))


def bulk(number: int) -> list[str]:
    """Return names of bulk attempts."""
    return [f"bulk{index}" for index in range(number)]


class OwnLimiter:
    """A limiter of a caller's own, which knows nothing of this library."""

    def __init__(self) -> None:
        self.waiting = self.most_waiting = self.granted = 0
        self.raises: BaseException | None = None
        self.told: list[float] = []
        self.open = asyncio.Event()

    async def acquire(self) -> None:
        """Let nobody pass before it is open."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await self.open.wait()
            if self.raises is not None:
                error, self.raises = self.raises, None
                raise error
            self.granted += 1
        finally:
            self.waiting -= 1

    def throttled(self, until: float) -> None:
        """Keep what we are told."""
        self.told.append(until)


async def settle(turns: int = 10) -> None:
    """Let everything happen that takes no time."""
    for _ in range(turns):
        await asyncio.sleep(0)


def test_what_is_a_limiter() -> None:
    """Anything with `acquire` is one; a rate limit, which only describes one, is not."""
    assert isinstance(OwnLimiter(), Limiter)
    assert not isinstance(RateLimit(1), Limiter)
    assert not isinstance(object(), Limiter)


def test_connections() -> None:
    """As many go in as there are connections; the next goes in when one comes back."""

    async def story() -> None:
        scene = scene_with(connections=2)
        tasks = scene.begin("a", "b", "c", "d", lasts=1)
        await asyncio.gather(*tasks)
        assert (scene.granted, scene.times) == (["a", "b", "c", "d"], [0, 0, 1, 1])

    run(story())


def test_interactive_requests_leave_at_the_limit() -> None:
    """A burst, then even intervals."""

    async def story() -> None:
        scene = scene_with(RateLimit(4, burst=3))
        await asyncio.gather(*scene.begin(*"abcdef"))
        assert scene.times == [0, 0, 0, 0.25, 0.5, 0.75]

    run(story())


def test_own_limiter_is_asked_one_at_a_time_in_order() -> None:
    """In the order they came, whoever gives up; and it is asked no more when nobody waits."""

    async def story() -> None:
        limiter = OwnLimiter()
        scene = scene_with(limiter)
        tasks = scene.begin(*"abcde")
        await settle()
        tasks[0].cancel()
        tasks[2].cancel()
        await settle()
        assert (limiter.waiting, limiter.granted) == (1, 0)
        limiter.open.set()
        await settle()
        assert scene.granted == ["b", "d", "e"]
        assert (limiter.most_waiting, limiter.granted, limiter.waiting) == (1, 3, 0)
        limiter.open.clear()
        last = scene.begin("f")
        await settle()
        assert limiter.waiting == 1
        last[0].cancel()
        await settle()
        assert (limiter.waiting, limiter.granted) == (0, 3)

    run(story())


class DistinguishingLimiter(OwnLimiter):
    """A limiter that wants to know for whom it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, int]] = []

    async def acquire(self, *, priority: str = "interactive", waiting: int = 1) -> None:
        """Let nobody pass before it is open."""
        self.asked.append((priority, waiting))
        await super().acquire()


class OrderingLimiter(OwnLimiter):
    """A limiter that wants to know only the priority."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def acquire(self, *, priority: str = "interactive") -> None:
        """Let nobody pass before it is open."""
        self.asked.append(priority)
        await super().acquire()


def test_a_limiter_that_distinguishes_requests() -> None:
    """It is asked anew when an interactive request comes, with the number that could be sent now."""

    async def arrivals(limiter: OwnLimiter) -> list[str]:
        scene = scene_with(limiter, connections=4)
        for names in (["bulk0", "bulk1"], ["a"], ["bulk2"], ["b", "c"], ["d", "e"]):
            scene.begin(*names, lasts=0)
            for _ in range(3):
                await asyncio.sleep(0)
        limiter.open.set()
        await asyncio.sleep(1)
        return scene.granted

    distinguishing, ordering = DistinguishingLimiter(), OrderingLimiter()
    granted = run(arrivals(distinguishing))
    assert distinguishing.asked[:4] == [("bulk", 2), ("interactive", 1), ("interactive", 3), ("interactive", 4)]
    assert granted == run(arrivals(ordering)) == ["a", "b", "c", "bulk0", "d", "e", "bulk1", "bulk2"]
    assert ordering.asked[:3] == ["bulk", "interactive", "interactive"]


def test_own_limiter_is_not_asked_without_a_connection() -> None:
    """Grants that waited for connections would all be used together."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        scene = scene_with(limiter, connections=1)
        first, second = scene.begin("a", "b", lasts=1)
        await asyncio.sleep(0.5)
        assert limiter.granted == 1
        await asyncio.gather(first, second)
        assert limiter.granted == 2

    run(story())


def test_a_grant_is_for_whoever_comes_first_by_then() -> None:
    """An interactive request that comes while the limiter is asked for a bulk one goes before it."""

    async def story() -> None:
        limiter = OwnLimiter()
        scene = scene_with(limiter)
        tasks = scene.begin(*bulk(2))
        await settle()
        tasks += scene.begin("interactive")
        await settle()
        limiter.open.set()
        await asyncio.gather(*tasks)
        assert scene.granted == ["interactive", "bulk0", "bulk1"]

    run(story())


@pytest.mark.parametrize("error", [OSError("redis is gone"), asyncio.CancelledError()], ids=repr)
def test_what_a_limiter_raises_is_the_error_of_one(error: BaseException) -> None:
    """Of whose turn it is; the next goes on."""

    async def story() -> None:
        limiter = OwnLimiter()
        scene = scene_with(limiter)
        tasks = scene.begin("a", "b")
        await settle()
        limiter.raises = error
        limiter.open.set()
        with pytest.raises(LimiterError) as caught:
            await tasks[0]
        assert type(caught.value.__cause__) is type(error)
        await tasks[1]
        assert scene.granted == ["b"]

    run(story())


def test_interactive_requests_overtake_bulk_at_the_limit() -> None:
    """The burst is theirs, and then each next turn; bulk goes on at what is left."""

    async def story() -> None:
        scene = scene_with(RateLimit(4, burst=4))
        tasks = scene.begin(*bulk(8))
        await asyncio.sleep(0.5)
        before = len(scene.granted)
        tasks += scene.begin("a", "b")
        await settle()
        assert scene.granted[before:] == ["a", "b"]
        await asyncio.gather(*tasks)
        assert scene.times[-1] == pytest.approx((10 - 1.5) / 4)

    run(story())


@pytest.mark.parametrize("limit", [RateLimit(4), RateLimit(4, burst=5), None], ids=repr)
def test_bulk_keeps_a_share(limit: RateLimit | None) -> None:
    """However many interactive requests wait, one turn in four is bulk, at the limit and at the connections."""

    async def story() -> None:
        scene = scene_with(limit, connections=100 if limit else 1)
        tasks = scene.begin(*bulk(20), lasts=0.25)
        await settle()
        tasks += scene.begin(*(f"interactive{index}" for index in range(60)), lasts=0.25)
        await asyncio.gather(*tasks)
        turns = "".join(name[0] for name in scene.granted[10:70])
        assert turns.count("b") == 15
        assert "bb" not in turns

    run(story())


def refuse(scene: Scene, name: str, retry_after: float | None = None) -> None:
    """Have an attempt refused, now."""
    scene.scheduler.release(scene.permits[name])
    scene.scheduler.report(scene.permits[name], Fault.RATE_LIMITED, retry_after, asyncio.get_running_loop().time())


def accept(scene: Scene, name: str) -> None:
    """Have an attempt succeed, now."""
    scene.scheduler.release(scene.permits[name])
    scene.scheduler.report(scene.permits[name], None, None, asyncio.get_running_loop().time())


async def refuse_all(scene: Scene, retry_after: float | None = None) -> None:
    """Have so many accounts refused, one after another, that everybody is."""
    for number in range(30):
        if scene.scheduler.refuses_all:
            return
        name = f"refused{number}"
        await asyncio.gather(*scene.begin(name, account=name))
        await asyncio.sleep(0.01)
        refuse(scene, name, retry_after)
    pytest.fail("nobody is held up")


@pytest.mark.parametrize("limit", [RateLimit(100, burst=5), "limiter", None], ids=str)
def test_retry_after_holds_its_own_account(limit: Any) -> None:
    """For its longest, but no longer than is allowed; nobody else is held up, whoever waits and whoever comes."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        scene = scene_with(limiter if limit == "limiter" else limit)
        scene.begin("a1", "a2", account="a")
        await settle()
        waiting = scene.begin("a3", account="a")
        refuse(scene, "a1", 5.0)
        refuse(scene, "a2", 2.0)
        loop = asyncio.get_running_loop()
        assert scene.scheduler.pause(loop.time(), "a") == 5
        assert scene.scheduler.pause(loop.time(), "b") == 0
        await asyncio.gather(*scene.begin("b", account="b"), *scene.begin("nobody's", "bulk"))
        assert scene.times[-1] <= 0.1
        waiting += scene.begin("a4", "bulk_a", account="a")
        await asyncio.sleep(0.5)
        await asyncio.wait(waiting, timeout=30)
        times = dict(zip(scene.granted, scene.times, strict=True))
        assert min(times["a4"], times["bulk_a"]) >= 5
        assert max(scene.times) < 8
        # No limiter hears of what is one account's affair.
        assert all(until <= time.time() + 0.05 for until in limiter.told)

    run(story())


def test_a_day_is_no_pause() -> None:
    """After the longest pause that is allowed one looks, and each further refusal renews it; the log says so once."""

    async def story() -> None:
        scene = Scene(RequestScheduler(None, 100, longest_pause=60.0))
        scene.begin("a0", account="a")
        await settle()
        refuse(scene, "a0", 86_400.0)
        tasks = scene.begin("a1", "a2", "a3", account="a")
        await asyncio.sleep(60.5)
        assert (scene.granted, scene.times) == (["a0", "a1"], [0, 60])
        refuse(scene, "a1", 86_400.0)
        await asyncio.sleep(60.5)
        assert (scene.granted[2:], scene.times[2:]) == (["a2"], [120.5])
        accept(scene, "a2")
        await asyncio.wait(tasks, timeout=1)
        assert (scene.granted[3:], scene.times[3:]) == (["a3"], [121])

    run(story())


def test_who_looks_and_gets_no_response_holds_up_nobody_for_long(caplog: pytest.LogCaptureFixture) -> None:
    """Another looks a second later, and so on; whoever gives up is no matter. The log says once that they wait."""
    caplog.set_level("INFO", "refold_async")

    async def story() -> None:
        scene = scene_with()
        scene.begin("a0", account="a")
        await settle()
        refuse(scene, "a0", 5.0)
        tasks = scene.begin("a1", "a2", "a3", "a4", account="a")
        await asyncio.sleep(4)
        tasks[2].cancel()
        await asyncio.wait(tasks)
        assert (scene.granted[1:], scene.times[1:]) == (["a1", "a2", "a4"], [5, 6, 7])
        refuse(scene, "a2", 5.0)

    run(story())
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "linked account 'a'" in caplog.text


def test_no_log_line_shows_a_session_token(caplog: pytest.LogCaptureFixture) -> None:
    """By which the account of its calls is known."""
    caplog.set_level("INFO", "refold_async")

    async def story() -> None:
        scene = scene_with()
        scene.begin("a", account="Bearer secret")
        await settle()
        refuse(scene, "a", 5.0)

    run(story())
    assert "a session token" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("limit", [RateLimit(1000, burst=100), "limiter", None], ids=str)
def test_where_all_accounts_are_refused_everybody_waits(limit: Any, caplog: pytest.LogCaptureFixture) -> None:
    """No longer than is allowed, and then one looks for all; its refusal renews the pause, its success ends it."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        scene = Scene(RequestScheduler(limiter if limit == "limiter" else limit, 100, longest_pause=3.0))
        loop = asyncio.get_running_loop()
        await refuse_all(scene, 86_400.0)
        assert scene.scheduler.pause(loop.time()) == pytest.approx(3)
        began, seen = loop.time() - 1000, len(scene.granted)
        tasks = [task for name in "abc" for task in scene.begin(name, account=name)]
        await asyncio.sleep(3.1)
        refuse(scene, scene.granted[seen], 86_400.0)
        await asyncio.sleep(3.1)
        assert len(scene.granted) == seen + 2
        accept(scene, scene.granted[-1])
        await asyncio.wait(tasks)
        assert scene.times[seen:] == pytest.approx([began + 3, began + 6.1, began + 6.2], abs=0.001)
        # A limiter hears of pauses that are everybody's, and of no others.
        assert all(until <= time.time() + 3.1 for until in limiter.told)
        assert len(limiter.told) == (seen + 1 if limit == "limiter" else 0)

    run(story())
    warnings = [record for record in caplog.records if "all calls wait" in record.message]
    assert [record.levelname for record in warnings] == ["WARNING"]


def test_the_pace_of_looks() -> None:
    """Where all are refused and nobody says for how long: each half as long again after the last, up to 10 seconds."""

    async def story() -> None:
        scene = scene_with()
        await refuse_all(scene)
        seen = len(scene.granted)
        tasks = scene.begin(*bulk(40))
        for looks in range(1, 25):
            while len(scene.granted) < seen + looks:  # noqa: ASYNC110 - time is virtual
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)
            assert len(scene.granted) == seen + looks
            refuse(scene, scene.granted[-1])
        pauses = [later - earlier for earlier, later in pairwise(scene.times[seen:])]
        assert pauses[:4] == pytest.approx([0.15, 0.225, 0.3375, 0.50625], abs=0.04)
        assert all(later > earlier - 0.02 for earlier, later in pairwise(pauses))
        assert pauses[-5:] == pytest.approx([10] * 5, abs=0.04)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    run(story())


@pytest.mark.parametrize("limit", [RateLimit(1000, burst=100), None])
def test_one_account_that_is_always_refused_is_its_own_affair(limit: RateLimit | None) -> None:
    """Though nobody else asks: it is asked more and more seldom, and no other would have to wait."""

    async def story() -> None:
        scene = scene_with(limit)
        loop = asyncio.get_running_loop()
        for number in range(20):
            await asyncio.gather(*scene.begin(f"a{number}", account="a"))
            await asyncio.sleep(0.01)
            refuse(scene, f"a{number}")
            assert scene.scheduler.pause(loop.time(), "b") == 0
        assert loop.time() - 1000 > 20
        assert scene.scheduler.pause(loop.time(), "a") == 10

    run(story())


def test_a_limiter_is_told_of_refusals_without_a_time() -> None:
    """Each: as long as they may be by chance, with no time to wait."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        scene = scene_with(limiter)
        for name in "abcd":
            await asyncio.gather(*scene.begin(name))
            refuse(scene, name)
            assert scene.scheduler.pause(asyncio.get_running_loop().time()) == 0
        assert len(limiter.told) == 4
        assert all(until <= time.time() for until in limiter.told)

    run(story())


def test_a_limiter_that_fails_when_told_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """That is logged."""

    class Failing(OwnLimiter):
        def throttled(self, until: float) -> None:
            raise OSError("redis is gone")

    async def story() -> None:
        limiter = Failing()
        limiter.open.set()
        scene = scene_with(limiter)
        await asyncio.gather(*scene.begin("a"))
        scene.scheduler.report(scene.permits["a"], Fault.RATE_LIMITED, None, asyncio.get_running_loop().time())
        await asyncio.gather(*scene.begin("b"))

    run(story())
    assert "redis is gone" in caplog.text


def test_refusals_that_last_teach_a_rate() -> None:
    """Bulk work is refused all but 50 requests a second: before half a second is over, it leaves at that rate."""

    async def story() -> None:
        scene = scene_with()
        loop = asyncio.get_running_loop()
        tokens, looked_at = 1.0, 1000.0

        async def worker(number: int) -> None:
            nonlocal tokens, looked_at
            for attempt in range(100):
                name = f"bulk{number}_{attempt}"
                await scene.attempt(name, account=name)
                await asyncio.sleep(0.05)
                tokens, looked_at = min(5.0, tokens + 50 * (loop.time() - looked_at)), loop.time()
                if tokens >= 1:
                    tokens -= 1
                    accept(scene, name)
                else:
                    refuse(scene, name)

        workers = [asyncio.create_task(worker(number)) for number in range(20)]
        await asyncio.sleep(4)
        for task in workers:
            task.cancel()
        await asyncio.wait(workers)
        assert sum(time < 0.5 for time in scene.times) > 50
        for second in (1, 2, 3):
            assert 40 <= sum(second <= time < second + 1 for time in scene.times) <= 52

    run(story())


def test_bulk_begins_with_few_in_flight() -> None:
    """Where no limit is known: a few more with each response, twice as many each quarter of a second without any."""

    async def story() -> None:
        scene = scene_with()
        tasks = scene.begin(*bulk(28), "interactive")
        await settle()
        assert len(scene.granted) == 11
        assert "interactive" in scene.granted
        for number in range(5):
            accept(scene, f"bulk{number}")
        await settle()
        assert len(scene.granted) == 11 + 9
        await asyncio.gather(*tasks)
        assert max(scene.times) == 0.25

    run(story())


def test_no_response_teaches_nothing() -> None:
    """Neither that requests are accepted, nor that they are not."""

    async def story() -> None:
        scene = scene_with()
        await asyncio.gather(*scene.begin(*"abc"))
        for fault in (Fault.LOST, Fault.NEVER_SENT, Fault.CERTIFICATE, Fault.SERVER_ERROR):
            scene.scheduler.report(scene.permits["a"], fault, 5.0, 1000.0)
        await asyncio.gather(*scene.begin(*"def"))
        assert scene.times == [0] * 6

    run(story())


def test_account_concurrency() -> None:
    """An account's calls wait for each other, in order; those of others go on meanwhile."""

    async def story() -> None:
        scene = scene_with(concurrency=1)
        tasks = scene.begin("a1", "a2", "a3", lasts=1, account="a")
        tasks += scene.begin("b1", "b2", lasts=1, account="b")
        tasks += scene.begin("nobody's", lasts=1)
        await asyncio.gather(*tasks)
        assert dict(zip(scene.granted, scene.times, strict=True)) == {
            "a1": 0,
            "a2": 1,
            "a3": 2,
            "b1": 0,
            "b2": 1,
            "nobody's": 0,
        }

    run(story())


def test_account_rate() -> None:
    """Each account has a rate of its own, beside that of all."""

    async def story() -> None:
        scene = scene_with(RateLimit(10, burst=10), rate=RateLimit(1))
        tasks = [task for number in range(3) for name in "ab" for task in scene.begin(f"{name}{number}", account=name)]
        await asyncio.gather(*tasks)
        times = dict(zip(scene.granted, scene.times, strict=True))
        assert times == pytest.approx({"a0": 0, "b0": 0, "a1": 1, "b1": 1, "a2": 2, "b2": 2}, abs=0.01)

    run(story())


def test_account_rate_holds_where_requests_leave() -> None:
    """After a pause of all, an account's calls do not leave together because they waited long enough."""

    async def story() -> None:
        scene = scene_with(RateLimit(10, burst=10), rate=RateLimit(1))
        await refuse_all(scene, 3.0)
        began, seen = asyncio.get_running_loop().time() - 1000, len(scene.granted)
        tasks = scene.begin("a1", "a2", "a3", account="a")
        await asyncio.sleep(3.5)
        accept(scene, "a1")
        await asyncio.gather(*tasks)
        assert scene.times[seen:] == pytest.approx([began + 3, began + 4, began + 5], abs=0.01)

    run(story())


def test_who_gives_up_while_parked_is_passed_over() -> None:
    """A call that is cancelled while its account is busy takes nobody's turn."""

    async def story() -> None:
        scene = scene_with(concurrency=1)
        tasks = scene.begin("a1", "a2", "a3", lasts=1, account="a")
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert (scene.granted, scene.times) == (["a1", "a3"], [0, 1])

    run(story())


def test_a_throttled_account_waits_and_others_go_on() -> None:
    """For longer each time its app says so, and not at all after a success."""

    async def story() -> None:
        scene = scene_with()
        loop = asyncio.get_running_loop()
        times: list[float] = []
        for number in range(4):
            name = f"a{number}"
            began = loop.time()
            await asyncio.gather(*scene.begin(name, account="a"))
            times.append(loop.time() - began)
            scene.scheduler.release(scene.permits[name])
            fault = Fault.APP_RATE_LIMITED if number < 3 else None
            scene.scheduler.report(scene.permits[name], fault, None, loop.time())
            began = loop.time()
            await asyncio.gather(*scene.begin(f"b{number}", account="b"))
            assert loop.time() == began
        assert times == pytest.approx([0, 0.5, 1, 2])
        scene.scheduler.report(scene.permits["a3"], Fault.APP_RATE_LIMITED, None, loop.time())
        began = loop.time()
        await asyncio.gather(*scene.begin("a4", account="a"))
        assert loop.time() - began == pytest.approx(0.5)

    run(story())


def test_who_has_a_limit() -> None:
    """Every account where all are limited; else only those whose app said to come slower, and calls look for none."""
    for settings in (AccountLimitSettings(rate=RateLimit(1)), AccountLimitSettings(concurrency=2)):
        limits = AccountLimits(settings)
        assert limits.needed
        assert limits.find("a", 0) is limits.find("a", 0) is not None
        assert limits.find(None, 0) is None
    limits = AccountLimits(AccountLimitSettings())
    assert not limits.needed
    assert limits.find("a", 0) is None
    limit = limits.make("a", 0)
    assert limits.needed
    assert limits.find("a", 0) is limit
    assert limits.find("b", 0) is None


def test_accounts_are_forgotten() -> None:
    """Bulk work goes through any number of them in bounded memory, and those that wait are kept."""

    async def story() -> None:
        scene = scene_with(rate=RateLimit(1), concurrency=1)
        busy = scene.begin("busy", lasts=500, account="busy")
        waiting = scene.begin("waiting", account="busy")
        await settle()
        for number in range(2500):
            await asyncio.gather(*scene.begin(f"{number}", lasts=0.01, account=f"user_{number}"))
        assert len(scene.scheduler._account_limits) <= 1100  # pyright: ignore[reportPrivateUsage]
        await asyncio.gather(*busy, *waiting)
        assert scene.granted[-1] == "waiting"
        assert scene.times[-1] == 500

    run(story())


def test_cancelled_the_moment_it_is_let_in() -> None:
    """The connection goes to the next."""

    async def story() -> None:
        scene = scene_with(connections=1)
        first, second, third = scene.begin("a", "b", "c", lasts=1)
        await asyncio.sleep(0.5)
        first.add_done_callback(lambda _: second.cancel())
        await asyncio.wait([first, second, third])
        assert scene.granted in (["a", "c"], ["a", "b", "c"])
        assert second.cancelled()
        await asyncio.wait_for(scene.begin("d", lasts=1)[0], 2)

    run(story())


def test_ten_thousand_give_up_quickly() -> None:
    """Those who wait and are cancelled cost no more the more they are."""

    async def story() -> None:
        scene = scene_with(connections=1)
        tasks = scene.begin(*map(str, range(10_000)))
        await settle()
        for task in reversed(tasks[1:]):
            task.cancel()
        await asyncio.wait(tasks)
        assert scene.scheduler.waiting == 0

    run(story())


def test_a_closed_scheduler_leaves_nothing() -> None:
    """Neither a timer nor a task; who waits is for the client to wake."""

    async def story(limit: RateLimit | Limiter) -> None:
        scene = scene_with(limit, rate=RateLimit(1))
        tasks = scene.begin(*"abcd", account="a")
        await asyncio.sleep(0.1)
        await scene.scheduler.aclose()
        await asyncio.sleep(60)
        assert len(scene.granted) <= 1
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    for limit in (RateLimit(4), OwnLimiter()):
        run(story(limit))


def with_slots(scene: Scene, slots: Slots, *names: str, account: str, lasts: float = 1) -> list["asyncio.Task[None]"]:
    """Begin attempts of a fan-out's items, each of which has one of its slots until it ends."""

    async def work(name: str) -> None:
        await slots.take()
        item = ItemContext(slots=slots)
        try:
            await scene.attempt(name, lasts=lasts, account=account, item=item)
        finally:
            slots.free()

    return [asyncio.create_task(work(name)) for name in names]


def test_who_resumes_and_gives_up_wakes_the_next() -> None:
    """Those parked behind it are not forgotten."""

    async def story() -> None:
        scene = scene_with(connections=1, rate=RateLimit(5))
        tasks = scene.begin("a1", "a2", "a3", "a4", lasts=0.01, account="a")
        await asyncio.sleep(0.1)
        tasks += scene.begin("other", lasts=1)  # has the only connection while a2 resumes
        await asyncio.sleep(0.3)
        tasks[1].cancel()
        await asyncio.wait(tasks, timeout=100)
        assert scene.granted == ["a1", "other", "a3", "a4"]

    run(story())


def test_a_limiter_that_raises_once_leaves_nobody_parked() -> None:
    """Its error is that of one; the account's next calls go on."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        scene = scene_with(limiter, concurrency=1)
        tasks = scene.begin("a1", "a2", "a3", lasts=1, account="a")
        await asyncio.sleep(0.5)
        limiter.raises = OSError("redis is gone")
        done, pending = await asyncio.wait(tasks, timeout=100)
        assert not pending
        assert [type(task.exception()) for task in tasks] == [type(None), LimiterError, type(None)]
        assert len(done) == 3

    run(story())


def test_who_waits_for_a_slot_holds_up_nobody_of_its_account() -> None:
    """An interactive request for the same account goes on, though an item before it waits for its fan-out's reader."""

    async def story() -> None:
        scene = scene_with(concurrency=1)
        slots = Slots(1)
        tasks = scene.begin("first", lasts=1, account="a")
        tasks += with_slots(scene, slots, "bulk", account="a")
        await settle()
        await slots.take()  # an item of another account, whose outcome nobody reads
        await asyncio.sleep(5)
        tasks += scene.begin("interactive", lasts=1, account="a")
        await asyncio.sleep(5)
        assert scene.granted == ["first", "interactive"]
        slots.free()
        await asyncio.wait(tasks, timeout=100)
        assert scene.granted == ["first", "interactive", "bulk"]

    run(story())


def test_interactive_requests_overtake_bulk_at_their_account() -> None:
    """At an account's own limits too, and bulk keeps its share there."""

    async def story() -> None:
        scene = scene_with(concurrency=1)
        tasks = scene.begin(*bulk(10), lasts=1, account="a")
        await asyncio.sleep(0.5)
        tasks += scene.begin("s1", "s2", "s3", "s4", lasts=1, account="a")
        await asyncio.wait(tasks)
        order = [name for name in scene.granted if name != "bulk0"]
        assert order.index("s1") <= 1
        assert order.index("s4") <= 6

    run(story())


def test_a_throttled_account_holds_those_who_wait_already() -> None:
    """Its app's 429 comes while many of its calls stand in the queue."""

    async def story() -> None:
        scene = scene_with(RateLimit(10, burst=2))
        tasks = scene.begin("first", *bulk(20), account="a")
        await settle()
        assert "first" in scene.granted
        scene.scheduler.report(scene.permits["first"], Fault.APP_RATE_LIMITED, 30.0, 1000.0)
        await asyncio.wait(tasks)
        assert all(time >= 30 for time in scene.times[2:])

    run(story())


@pytest.mark.parametrize("limit", [RateLimit(1000, burst=100), None])
def test_a_retry_after_of_nothing_is_no_leave_to_hammer(limit: RateLimit | None) -> None:
    """A server that refuses all and says to come back at once is asked at growing intervals."""

    async def story() -> None:
        scene = scene_with(limit)
        loop = asyncio.get_running_loop()
        for number in range(30):
            name = f"bulk{number}"
            await asyncio.gather(*scene.begin(name))
            await asyncio.sleep(0.01)
            scene.scheduler.release(scene.permits[name])
            scene.scheduler.report(scene.permits[name], Fault.RATE_LIMITED, 0.0, loop.time())
        assert loop.time() - 1000 > 60

    run(story())


class Odd(BaseException):
    """No Exception."""


def test_a_limiter_may_raise_anything() -> None:
    """What is no Exception is told to the call as well, once."""

    async def story() -> None:
        limiter = OwnLimiter()
        limiter.open.set()
        limiter.raises = Odd()
        scene = scene_with(limiter)
        with pytest.raises(LimiterError):
            await asyncio.gather(*scene.begin("a"))
        await asyncio.gather(*scene.begin("b"))

    run(story())


def test_many_items_are_parked_and_resume_at_once() -> None:
    """After a pause of all, hundreds of accounts' items lend and take slots without going deeper and deeper."""

    async def story() -> None:
        scene = scene_with(RateLimit(1e6, burst=10_000), connections=10_000, concurrency=1)
        slots = Slots(400)
        accounts = [f"user_{number}" for number in range(400)]
        tasks = [task for name in accounts for task in with_slots(scene, slots, f"bulk_{name}", account=name)]
        await settle()
        await refuse_all(scene, 0.8)
        assert scene.scheduler.pause(asyncio.get_running_loop().time()) == pytest.approx(0.8)
        for round_ in range(2):
            for name in accounts:
                tasks += with_slots(scene, slots, f"bulk{round_}_{name}", account=name)
        _, pending = await asyncio.wait(tasks, timeout=10_000)
        assert not pending

    run(story())


@each_case("look", [0, 0.0005, 0.02])
@each_case("seed", range(40))
def test_nobody_waits_for_ever(seed: int, look: float) -> None:
    """Whoever comes, gives up, is refused or throttled, in any order: limits hold, and in the end all are granted."""
    chance = random.Random(seed)
    limit = chance.choice([RateLimit(20), RateLimit(5, burst=5), None])
    connections = chance.choice([1, 3, 100])
    concurrency = chance.choice([1, 2, math.inf])
    rate = chance.choice([None, RateLimit(5, burst=3)])
    faults = [Fault.RATE_LIMITED, Fault.APP_RATE_LIMITED, Fault.LOST, *[None] * 10]

    async def story() -> None:
        loop = asyncio.get_running_loop()
        scheduler = scene_with(limit, connections, rate=rate, concurrency=concurrency).scheduler
        everyone = Slots(3)
        in_use = 0
        of_account: Counter[str | None] = Counter()

        async def attempt(account: str | None, item: ItemContext | None) -> None:
            nonlocal in_use
            permit = Permit(account, "interactive" if item is None else "bulk", item)
            if not scheduler.try_acquire(permit, loop.time()):
                try:
                    await scheduler.acquire(permit)
                except KeptWaitingError:
                    return
            in_use += 1
            of_account[account] += 1
            assert in_use <= connections
            assert account is None or of_account[account] <= concurrency
            try:
                await asyncio.sleep(chance.choice([0, 0.01, 0.3, 1]))
            finally:
                in_use -= 1
                of_account[account] -= 1
                scheduler.release(permit)
            scheduler.report(permit, chance.choice(faults), chance.choice([None, 0.0, 1.0, 5.0]), loop.time())

        async def work_on_item() -> None:
            await everyone.take()
            item = ItemContext(slots=everyone, max_refusal_wait=3.0 if seed % 2 else math.inf)
            attempts = [asyncio.create_task(attempt(chance.choice([None, *"abc"]), item)) for _ in range(2)]
            try:
                await asyncio.gather(*attempts)
            finally:
                for task in attempts:
                    task.cancel()
                try:
                    await asyncio.wait(attempts)
                finally:
                    everyone.free()

        tasks: list[asyncio.Task[None]] = []
        for _ in range(40):
            interactive = chance.random() < 0.4
            tasks.append(
                asyncio.create_task(attempt(chance.choice([None, *"abc"]), None) if interactive else work_on_item())
            )
            if chance.random() < 0.2:
                loop.call_later(chance.choice([0, 0.001, 0.1, 0.5, 3]), tasks[-1].cancel)
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0.001, 0.1, 0.5]))
        _, pending = await asyncio.wait(tasks, timeout=20_000)
        assert not pending
        for task in tasks:
            assert task.cancelled() or task.exception() is None
        for _ in range(3):
            await asyncio.wait_for(everyone.take(), 1)  # no slot was lost
        assert not everyone.available
        assert scheduler.in_flight == in_use == 0
        await scheduler.aclose()

    run(story(), look=look)
