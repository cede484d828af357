"""The rate that refusals teach, and whom they are about: in simulated situations, and by what always holds."""

import cProfile
import math
import random
from itertools import pairwise
from typing import Final

import attrs
import pytest

from refold_async.limits.adaptive_rate import AdaptiveRate, Concern
from support.rate_simulation import (
    CONNECTIONS,
    DEMAND,
    LATENCY,
    SITUATIONS,
    Bucket,
    SometimesClosed,
    Unlimited,
    count,
    is_met,
    simulate,
)

# `PYTHONPATH=tests python -m support.rate_simulation` runs them for longer, and with more seeds.
SECONDS: Final = {"G": 200.0}
SEEDS: Final = {"D": 3, "E": 2, "F": 2}
FIRST: Final = {name[0]: name for name in reversed(SITUATIONS)}
"""The first situation of each kind."""
RUNS: Final = [
    pytest.param(name, seed, marks=[] if name in FIRST.values() and seed == 0 else [pytest.mark.slow])
    for name in SITUATIONS
    for seed in range(SEEDS.get(name[0], 1))
]


@pytest.mark.parametrize(("name", "seed"), RUNS, ids=str)
def test_situation(name: str, seed: int) -> None:
    """What is to be reached is reached."""
    result = SITUATIONS[name](seed, SECONDS.get(name[0], 60.0))
    assert all(is_met(*what) for what in result.values()), result


class Watched(AdaptiveRate):
    """A rate that notes when somebody leaves to look at a closed server."""

    def __init__(self) -> None:
        super().__init__(CONNECTIONS)
        self.looks: list[float] = []

    def take(self, now: float) -> None:
        """Note that one leaves."""
        if self.is_closed:
            self.looks.append(now)
        super().take(now)


def test_random_refusals_cost_little_after_a_limit_was_learned() -> None:
    """A limit of 100 a second is lifted after 20 s; from then on 5 % are refused at random."""

    @attrs.define
    class Lifted:
        limit: Bucket = attrs.field(factory=lambda: Bucket(100, 10))
        after: Unlimited = attrs.field(factory=lambda: Unlimited(0.05))

        def takes(self, now: float, account: str, chance: random.Random) -> bool:
            return (self.limit if now < 20 else self.after).takes(now, account, chance)

    for seed in range(3):
        (client,) = simulate(Lifted(), seconds=100, seed=seed)
        assert count(client.accepted, 10, 20) == pytest.approx(1000, rel=0.1)
        assert count(client.accepted, 70, 100) >= 0.8 * 0.95 * DEMAND * 30


def accept(rate: AdaptiveRate, now: float, *, account: str = "a", latency: float = 0.05) -> None:
    """Have a request accepted that left a moment ago."""
    rate.accepted(now - latency, account, now)


def refuse(
    rate: AdaptiveRate, now: float, *, account: str = "a", latency: float = 0.05, retry_after: float = 0.0
) -> Concern:
    """Have a request refused that left a moment ago."""
    return rate.refused(now - latency, account, now, retry_after)


def busy(seconds: float = 1.0, until: float = 1000.0) -> AdaptiveRate:
    """Return the rate of a client that had 200 requests a second accepted, of many accounts."""
    rate = AdaptiveRate(CONNECTIONS)
    for number in range(int(200 * seconds)):
        now = until - seconds + number / 200
        rate.take(now - 0.05)
        accept(rate, now, account=f"user_{number}")
    assert rate.at_rest
    return rate


def test_without_refusals_there_is_no_rate() -> None:
    """Nobody waits, and there is nothing to note."""
    rate = busy()
    assert rate.at_rest
    assert rate.wait(1000, 1000, in_bulk=False) == rate.wait(1000, 30, in_bulk=True) == 0


@pytest.mark.parametrize("retry_after", [0, 60, math.inf])
def test_a_single_refusal_changes_no_rate_and_holds_up_nobody_else(retry_after: float) -> None:
    """Whatever it asks for; after some that are accepted nothing is left of it."""
    rate = busy()
    assert refuse(rate, 1000, retry_after=retry_after) is Concern.CALL
    assert (rate.pause(1000), rate.is_closed, rate.wait(1000, 5, in_bulk=True)) == (0, False, 0)
    for number in range(50):
        accept(rate, 1000 + number / 200, account=f"user_{number}")
        rate.take(1000 + number / 200)
        assert rate.wait(1000 + number / 200, 5, in_bulk=True) == 0
    assert rate.at_rest


def learned(limit: float = 100.0) -> tuple[AdaptiveRate, float]:
    """Return a rate that was just learned from a server that takes so many of twice as many, and the time."""
    rate = busy()
    for number in range(1000):
        now = 1000 + number / limit / 2
        if number % 2:
            accept(rate, now, account=f"user_{number}", latency=0)
        elif refuse(rate, now, account=f"user_{number}", latency=0) is Concern.EVERYBODY:
            return rate, now
    pytest.fail("no limit was learned")


def pace(rate: AdaptiveRate, now: float, number: int = 100) -> float:
    """Return at how many a second so many leave."""
    began = now
    for _ in range(number):
        now += rate.wait(now, 0, in_bulk=True)
        rate.take(now)
    return (number - 1) / (now - began)


def test_the_rate_is_what_was_accepted() -> None:
    """It begins 5 % below, is there after four seconds, and passes it in twice the time."""
    rate, now = learned()
    assert pace(rate, now) == pytest.approx(96, rel=0.05)
    assert pace(rate, now + 4) == pytest.approx(100, rel=0.05)
    assert pace(rate, now + 8.5) > 105


def test_a_limit_is_forgotten() -> None:
    """After a time without refusals the rate is so high that there is none."""
    rate, now = learned()
    assert not rate.at_rest
    rate.take(now + 60)
    accept(rate, now + 60.1)
    assert rate.at_rest


@pytest.mark.parametrize("seed", range(10))
def test_what_left_before_a_change_does_not_move_the_rate(seed: int) -> None:
    """Neither what it is accepted, nor what it is refused, however many."""
    chance = random.Random(seed)
    rate, changed_at = learned()
    other, _ = learned()
    now = changed_at
    for number in range(200):
        now += chance.uniform(0, 0.002)
        sent_at = changed_at - chance.uniform(0, 0.3)
        if chance.random() < 0.3:
            rate.accepted(sent_at, f"user_{number}", now)
        else:
            rate.refused(sent_at, f"user_{number}", now)
    assert not rate.is_closed
    assert pace(rate, now, 50) == pace(other, now, 50)


@pytest.mark.parametrize("seed", range(30))
def test_the_rate_is_never_lowered_below_what_was_accepted(seed: int) -> None:
    """Whatever the share of refusals: since the first of them, divided by the time since."""
    chance = random.Random(seed)
    share = chance.choice([0.1, 0.3, 0.6])
    per_second = chance.choice([20, 100, 500])
    rate = busy()
    now, debt, began, accepted = 1000.0, 0.0, 0.0, 0
    for _ in range(10_000):
        now += 1 / per_second
        account = f"user_{chance.randrange(1000)}"
        if chance.random() >= share:
            rate.accepted(now, account, now)
            accepted += debt > 0
            debt = max(0.0, debt - 0.06)
            continue
        if debt == 0:
            began, accepted = now, 0
        debt += 0.94
        if rate.refused(now, account, now) is Concern.EVERYBODY:
            if not rate.is_closed:
                assert pace(rate, now) >= 0.94 * accepted / (now - began)
            return
    pytest.fail("refusals changed nothing")


def test_after_a_short_closure_the_old_rate_is_back() -> None:
    """Nothing is accepted for a second; looks leave one at a time, and then it goes on as before."""
    (client,) = simulate(SometimesClosed(1, 10), seconds=14, rate=Watched, seed=1)
    watched = client.rate
    assert isinstance(watched, Watched)
    assert 2 <= len(watched.looks) <= 7
    assert count(client.accepted, 11, 14) > 0.95 * 3 * DEMAND


def test_a_closed_server_is_looked_at_seldom() -> None:
    """For ten minutes: one request at a time, after at most ten seconds each."""

    class Closed:
        def takes(self, now: float, account: str, chance: random.Random) -> bool:
            return not 5 < now < 605

    (client,) = simulate(Closed(), seconds=625, rate=Watched)
    watched = client.rate
    assert isinstance(watched, Watched)
    looks = [now for now in watched.looks if now > 6]
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert all(pause > LATENCY / 2 for pause in pauses)
    assert 9.9 < max(pauses) < 10.3
    assert len(looks) < 80
    assert count(client.accepted, 616, 625) > 0.9 * 9 * DEMAND


def test_while_closed_a_look_without_a_response_is_followed_by_another() -> None:
    """It was lost, or takes long: after a second somebody else goes."""
    rate = busy()
    for number in range(30):
        refuse(rate, 1000 + number / 100, account=f"user_{number}")
    assert rate.is_closed
    now = 1000 + rate.pause(1000)
    assert now < 1001
    rate.take(now)
    assert rate.wait(now, 1, in_bulk=False) == 1


def test_retry_after_holds_everybody_only_where_all_are_refused() -> None:
    """Then for as long as it asks, renewed by each look that is refused."""
    rate = busy()
    concerns = [refuse(rate, 1000 + number / 100, account=f"user_{number}", retry_after=30) for number in range(10)]
    assert concerns[:5] == [Concern.CALL] * 5
    assert concerns[-1] is Concern.EVERYBODY
    assert rate.pause(1000.09) == pytest.approx(30)
    look = 1000.09 + 30
    rate.take(look)
    assert rate.refused(look, "b", look + 0.1, 30) is Concern.EVERYBODY
    assert rate.pause(look + 0.1) == pytest.approx(30)
    look += 30.1
    rate.take(look)
    rate.accepted(look, "b", look + 0.1)
    assert (rate.is_closed, rate.pause(look + 0.1), rate.wait(look + 0.1, 0, in_bulk=False)) == (False, 0, 0)


def test_an_account_that_alone_is_refused_tells_nothing_of_a_rate() -> None:
    """Once that is known, however often; and as soon as one is accepted, it is one of all again."""
    rate = busy()
    concerns = list[Concern]()
    for number in range(300):
        now = 1000 + number / 100
        concerns.append(refuse(rate, now, account="refused"))
        accept(rate, now, account=f"user_{number}")
    assert set(concerns[:2]) == {Concern.CALL}
    assert set(concerns[10:]) == {Concern.ACCOUNT}
    assert rate.at_rest or rate.wait(1003, 5, in_bulk=True) == 0
    accept(rate, 1003, account="refused")
    assert refuse(rate, 1003.1, account="refused") is Concern.CALL


def test_where_everybody_is_refused_it_is_nobodys_own_affair() -> None:
    """Not even where a few are accepted."""
    chance = random.Random(1)
    rate = busy()
    for number in range(2000):
        now = 1000 + number / 200
        account = f"user_{chance.randrange(20)}"
        if chance.random() < 0.05:
            accept(rate, now, account=account)
        else:
            assert refuse(rate, now, account=account) is not Concern.ACCOUNT


def test_an_account_that_asks_alone_is_refused_alone() -> None:
    """As far as can be told: nobody else waits. Soon after, the next such row is everybody's."""
    rate = busy()
    concerns = [refuse(rate, 1000 + number / 100) for number in range(20)]
    assert concerns == [Concern.CALL] * 5 + [Concern.ACCOUNT] * 15
    assert (rate.is_closed, rate.wait(1000.2, 5, in_bulk=True)) == (False, 0)
    accept(rate, 1001, latency=0)
    concerns = [refuse(rate, 1001.1 + number / 100, latency=0) for number in range(20)]
    assert concerns[-1] is Concern.EVERYBODY
    assert rate.is_closed


def test_accounts_are_forgotten() -> None:
    """Of a hundred thousand that are refused, a thousand are kept count of."""
    rate = busy()
    for number in range(100_000):
        refuse(rate, 1000 + number / 1000, account=f"user_{number}")
    assert len(rate._streaks.of_account) == 1000  # pyright: ignore[reportPrivateUsage]


def test_a_refusal_costs_the_same_however_many_came_before() -> None:
    """Of the same accounts or of others, with or without responses between them."""

    def calls(number: int) -> float:
        rate, profile = busy(), cProfile.Profile()
        with profile:
            for refused in range(number):
                now = 1000 + refused / 1000
                refuse(rate, now, account=f"user_{refused}")
                if refused % 3 == 0:
                    accept(rate, now, account=f"user_{refused // 2}")
        return sum(entry.callcount for entry in profile.getstats()) / number

    assert calls(30_000) < 1.1 * calls(1_000)


def test_few_may_be_in_flight_at_first() -> None:
    """Ten; one more for each accepted, two less for each refused, never less than three; interactive ones are free."""
    rate = AdaptiveRate(100)
    rate.take(1000)
    assert rate.wait(1000, 9, in_bulk=True) == 0
    assert rate.wait(1000, 10, in_bulk=True) == 0.25
    assert rate.wait(1000, 99, in_bulk=False) == 0
    accept(rate, 1000.1)
    assert rate.wait(1000.1, 10, in_bulk=True) == 0
    for _ in range(3):
        refuse(rate, 1000.1)
    assert rate.wait(1000.2, 4, in_bulk=True) == 0
    assert rate.wait(1000.1, 5, in_bulk=True) == 1
    for _ in range(3):
        refuse(rate, 1000.1)
    assert rate.wait(1000.3, 2, in_bulk=True) == 0
    assert rate.wait(1000.1, 3, in_bulk=True) == 1


def test_after_a_few_refusals_in_a_row_all_wait_for_a_moment() -> None:
    """Longer and longer, up to a tenth of a second; the next that is accepted ends that."""
    rate = busy()
    waits = list[float]()
    for number in range(8):
        refuse(rate, 1000, account=f"user_{number}")
        waits.append(round(rate.wait(1000, 5, in_bulk=False), 6))
    assert waits == [0, 0, 0.0125, 0.025, 0.05, 0.1, 0.1, 0.1]
    accept(rate, 1000)
    assert rate.wait(1000, 5, in_bulk=False) == 0


def test_requests_that_take_long_hold_up_nobody() -> None:
    """A hundred that never have a response have left after a second."""
    rate = AdaptiveRate(100)
    now, in_flight = 1000.0, 0
    while in_flight < 100:
        while (wait := rate.wait(now, in_flight, in_bulk=True)) > 0:
            now += wait
        rate.take(now)
        in_flight += 1
    assert now == 1001


def test_beside_a_limit_that_was_given_bulk_begins_at_once() -> None:
    """And a quarter may be refused; most may not."""
    rate = AdaptiveRate(100, beside_a_limit=True)
    assert rate.at_rest
    assert rate.wait(1000, 99, in_bulk=True) == 0
    for number in range(1000):
        now = 1000 + number / 100
        if number % 4:
            accept(rate, now, account=f"user_{number}")
        else:
            assert refuse(rate, now, account=f"user_{number}") is Concern.CALL
    concerns = list[Concern]()
    for number in range(200):
        now = 1010 + number / 100
        if number % 4 == 0:
            accept(rate, now, account=f"user_{number}")
        else:
            concerns.append(refuse(rate, now, account=f"user_{number}"))
    assert concerns[:5] == [Concern.CALL] * 5
    assert Concern.EVERYBODY in concerns


def test_refusals_now_and_then_are_no_limit() -> None:
    """A call a minute, for a week, of which every third is refused: nobody ever waits."""
    rate = busy()
    for number in range(7 * 24 * 60):
        now = 1000.0 + 60 * number
        assert rate.wait(now, 2, in_bulk=True) == 0
        rate.take(now)
        if number % 3:
            accept(rate, now)
        else:
            assert refuse(rate, now) is Concern.CALL
        assert rate.wait(now + 0.1, 2, in_bulk=True) == 0


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_somebody_may_leave_before_long(seed: int) -> None:
    """In any order, late, out of order, without a response; once all is accepted for a while, nothing holds anybody."""
    chance = random.Random(seed)
    rate = AdaptiveRate(chance.choice([1, 10, 100]), beside_a_limit=chance.random() < 0.3)
    now = 1000.0
    for _ in range(300):
        share, step, accounts = chance.random(), chance.choice([0.001, 0.01, 0.5, 20]), chance.choice([1, 3, 2000])
        for _ in range(chance.randrange(30)):
            now += chance.expovariate(1) * step
            wait = rate.wait(now, chance.randrange(5), in_bulk=chance.random() < 0.5)
            assert 0 <= wait <= 30
            if not wait:
                rate.take(now)
            sent_at = now - chance.choice([0, 0.01, 0.3, 5])
            account = chance.choice([None, f"user_{chance.randrange(accounts)}"])
            if chance.random() < share:
                rate.refused(sent_at, account, now, chance.choice([0, 0, 0, 1, 30]))
            else:
                rate.accepted(sent_at, account, now)
    for _ in range(3000):
        now += 0.1 + rate.wait(now, 0, in_bulk=True)
        rate.take(now)
        accept(rate, now, latency=0)
    assert rate.at_rest
