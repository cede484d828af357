"""Simulates clients that learn a rate from refusals, against simulated servers, in virtual time.

`PYTHONPATH=tests python -m support.rate_simulation [NAME ...] [--seeds 20]` runs every
situation, or those whose names begin with NAME, for ten minutes of virtual time with 20 seeds each. It prints each
result next to its target.
"""

import argparse
import copy
import heapq
import itertools
import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, Protocol

import attrs

from refold_async.limits.adaptive_rate import AdaptiveRate, Concern

__all__ = [
    "SITUATIONS",
    "Bucket",
    "Client",
    "FixedWindow",
    "Result",
    "Server",
    "SometimesClosed",
    "Unlimited",
    "simulate",
]

CONNECTIONS: Final = 50
LATENCY: Final = 0.1
DEMAND: Final = CONNECTIONS / LATENCY
"""Requests a second of a job that nothing holds up."""
PARKED_AT_ONCE: Final = 100
"""How many items in a row are parked because their accounts wait, until it is thought that all would be."""


class Server(Protocol):
    """Accepts or refuses requests."""

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        ...


@attrs.define
class Unlimited:
    """Accepts everything, except a random share of requests and all requests of some accounts."""

    refused: float = 0.0
    refused_accounts: frozenset[str] = frozenset()

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        return account not in self.refused_accounts and chance.random() >= self.refused


@attrs.define
class Bucket:
    """Accepts a number of requests a second, after a burst, and refuses a random share of them."""

    rate: float
    burst: float
    refused: float = 0.0
    changes: tuple[tuple[float, float], ...] = ()
    """From when on the rate is another."""
    tokens: float = attrs.field(init=False)
    time: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.tokens = self.burst

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        while self.changes and now >= self.changes[0][0]:
            (_, self.rate), *rest = self.changes
            self.changes = tuple(rest)
        self.tokens = min(self.burst, self.tokens + (now - self.time) * self.rate)
        self.time = now
        if self.tokens < 1 or chance.random() < self.refused:
            return False
        self.tokens -= 1
        return True


@attrs.define
class FixedWindow:
    """Accepts a number of requests in each period, and starts to count again with each period."""

    number: int
    seconds: float = 1.0
    window: int = -1
    taken: int = 0

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        window = int(now / self.seconds)
        if window != self.window:
            self.window, self.taken = window, 0
        self.taken += 1
        return self.taken <= self.number


@attrs.define
class SlidingWindow:
    """Accepts a number of requests in any period of this length."""

    number: int
    seconds: float = 1.0
    taken: deque[float] = attrs.field(factory=deque[float])

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        if len(self.taken) >= self.number:
            return False
        self.taken.append(now)
        return True


@attrs.define
class SometimesClosed:
    """Refuses everything for the last seconds of each period."""

    closed: float
    period: float

    def takes(self, now: float, account: str, chance: random.Random) -> bool:
        """Return whether a request that arrives is accepted."""
        return now % self.period < self.period - self.closed


@attrs.define(eq=False)
class Client:
    """A client, and what became of its requests."""

    rate: AdaptiveRate
    free: int
    left: float
    """How many items its job has yet to begin."""
    queue: deque[str] = attrs.field(factory=deque[str])
    """The accounts of those that wait."""
    parked: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]])
    """Those whose account waits."""
    paused_until: dict[str, float] = attrs.field(factory=dict[str, float])
    pauses: dict[str, int] = attrs.field(factory=dict[str, int])
    """How many of an account's pauses there were in a row."""
    wakes_at: float = math.inf
    sent: list[float] = attrs.field(factory=list[float])
    """When each left."""
    accepted: list[float] = attrs.field(factory=list[float])
    """When each response came."""
    refused: list[float] = attrs.field(factory=list[float])
    refused_of_parked: int = 0
    """How many refusals were those of accounts that are refused beside the others."""
    finished_at: float = 0.0


@attrs.define
class _Simulation:
    server: Server
    clients: list[Client]
    chance: random.Random
    account: Callable[[random.Random, int], str]
    latency: float
    refusal_latency: float
    retry_after: float
    events: list[tuple[float, int, str, Client, tuple[Any, ...]]] = attrs.field(factory=list[Any])
    numbers: "itertools.count[int]" = attrs.field(factory=itertools.count)
    items: "itertools.count[int]" = attrs.field(factory=itertools.count)

    def later(self, when: float, what: str, client: Client, *rest: Any) -> None:
        heapq.heappush(self.events, (when, next(self.numbers), what, client, rest))

    def admit(self, client: Client, now: float) -> None:
        """Let a client send what it may."""
        parked = 0
        while client.free > 0 and parked < PARKED_AT_ONCE:
            if not client.queue:
                if client.left <= 0:
                    return
                client.left -= 1
                client.queue.append(self.account(self.chance, next(self.items)))
            wait = client.rate.wait(now, CONNECTIONS - client.free, in_bulk=True)
            if wait > 1e-9:
                if now + wait < client.wakes_at:
                    client.wakes_at = now + wait
                    self.later(now + wait + self.chance.uniform(0, 0.0005), "wakes", client)
                return
            account = client.queue.popleft()
            if client.paused_until.get(account, 0.0) > now:
                client.parked.setdefault(account, []).append(account)
                parked += 1
                continue
            client.free -= 1
            client.rate.take(now)
            client.sent.append(now)
            self.later(now + self.latency * self.chance.uniform(0.35, 0.65), "arrives", client, now, account)

    def unpark(self, client: Client, account: str, number: int | None = None) -> None:
        """Let items queue again whose account no longer waits, or one item that checks."""
        parked = client.parked.get(account, [])
        back = parked[:number]
        del parked[:number]
        client.queue.extendleft(back)

    def arrives(self, client: Client, now: float, sent_at: float, account: str) -> None:
        """Let the server decide about a request."""
        taken = self.server.takes(now, account, self.chance)
        latency = self.latency if taken else self.refusal_latency
        self.later(now + latency * self.chance.uniform(0.35, 0.65), "response", client, sent_at, account, taken)

    def respond(self, client: Client, now: float, sent_at: float, account: str, taken: bool) -> None:
        """Report to a client what became of a request; a refused request queues again."""
        client.free += 1
        if taken:
            client.rate.accepted(sent_at, account, now)
            client.accepted.append(now)
            if account in client.pauses and sent_at >= client.paused_until[account]:
                del client.pauses[account]
                self.unpark(client, account)
            return
        concern = client.rate.refused(sent_at, account, now, self.retry_after)
        client.refused.append(now)
        pause = self.retry_after
        if concern is Concern.ACCOUNT:
            client.refused_of_parked += 1
            if sent_at >= client.paused_until.get(account, -math.inf):
                in_a_row = client.pauses[account] = client.pauses.get(account, -1) + 1
                pause = max(pause, min(0.5 * 2**in_a_row, 10.0))
        client.queue.append(account)
        if now + pause > client.paused_until.get(account, now):
            client.paused_until[account] = now + pause
            client.pauses.setdefault(account, 0)
            self.later(now + pause, "looks", client, account)

    def run(self, seconds: float, items: float, demand: float | None) -> None:
        """Run until all items are done, or the time is up."""
        for client in self.clients:
            self.later(self.chance.uniform(0, 0.01), "wakes" if demand is None else "comes", client)
        now = 0.0
        while self.events:
            now, _, what, client, rest = heapq.heappop(self.events)
            if now > seconds:
                break
            if what == "arrives":
                self.arrives(client, now, *rest)
                continue
            if what == "response":
                self.respond(client, now, *rest)
                if len(client.accepted) >= items:
                    break
            elif what == "looks":
                if client.paused_until.get(rest[0], now) <= now:
                    self.unpark(client, rest[0], 1)
            elif what == "comes":
                assert demand is not None
                client.queue.append(self.account(self.chance, next(self.items)))
                self.later(now + self.chance.expovariate(demand), "comes", client)
            else:
                client.wakes_at = math.inf
            self.admit(client, now)
        for client in self.clients:
            client.finished_at = now


def each_its_own(chance: random.Random, number: int) -> str:
    """Return the account of an item whose account has no other item."""
    return f"user_{number}"


def one_of(number: int, *, share_of_first: float | None = None) -> Callable[[random.Random, int], str]:
    """Return a function that gives an item one of several accounts, of which the first has a larger share."""

    def account(chance: random.Random, item: int) -> str:
        if share_of_first is not None:
            return "user_0" if chance.random() < share_of_first else f"user_{chance.randrange(1, number)}"
        return f"user_{chance.randrange(number)}"

    return account


def simulate(
    server: Server,
    *,
    items: float = math.inf,
    seconds: float = math.inf,
    demand: float | None = None,
    account: Callable[[random.Random, int], str] = each_its_own,
    retry_after: float = 0.0,
    latency: float = LATENCY,
    refusal_latency: float | None = None,
    clients: int = 1,
    seed: int = 0,
    rate: Callable[[], AdaptiveRate] = lambda: AdaptiveRate(CONNECTIONS),
) -> list[Client]:
    """Simulate jobs, until one is done or the time is up.

    Args:
        server: What takes the requests.
        items: How many there are for each client.
        seconds: When to stop.
        demand: How many requests come in a second, at random times; None for a job, which uses all connections.
        account: Gives the account of each item.
        retry_after: The `Retry-After` of refusals, in seconds.
        latency: Seconds that a request and its response take together, ± 30 %.
        refusal_latency: The same for a refusal; by default the value of `latency`.
        clients: How many clients there are.
        seed: The seed of everything random.
        rate: Creates the rate that a client follows.
    """
    left = items if demand is None else 0
    simulation = _Simulation(
        server,
        [Client(rate(), CONNECTIONS, left) for _ in range(clients)],
        random.Random(seed),
        account,
        latency,
        latency if refusal_latency is None else refusal_latency,
        retry_after,
    )
    simulation.run(seconds, items, demand)
    return simulation.clients


Result = dict[str, tuple[float, float]]
"""What came of a simulation, and what was to be reached: at least where it is above 0, else at most."""


def share_refused(*clients: Client) -> float:
    """Return the share of requests that were refused."""
    refused = sum(len(client.refused) for client in clients)
    return refused / (refused + sum(len(client.accepted) for client in clients))


def count(times: list[float], since: float, until: float) -> int:
    """Return how many of the sorted times are in a period."""
    return bisect_left(times, until) - bisect_left(times, since)


def reached(server: Server, expected: float, least: float, **how: Any) -> Callable[[int, float], Result]:
    """Return a situation in which a job should reach a share of an expected rate."""

    def run(seed: int, seconds: float) -> Result:
        (client,) = simulate(copy.deepcopy(server), seed=seed, seconds=seconds, **how)
        return {"of what there was": (len(client.accepted) / seconds / expected, least)}

    return run


def done(
    server: Server, items: int, ideal: float, times_ideal: float, refused: float, **how: Any
) -> Callable[[int, float], Result]:
    """Return a situation in which a job should be done within a multiple of the ideal time."""

    def run(seed: int, seconds: float) -> Result:
        (client,) = simulate(copy.deepcopy(server), items=items, seed=seed, seconds=1000 * ideal, **how)
        return {
            "times ideal": (client.finished_at / ideal, -times_ideal),
            "refused": (share_refused(client), -refused),
        }

    return run


def bucket(rate: float, burst: float, items: int, times: float, refused: float, **how: Any) -> Callable[..., Result]:
    """Return a situation with a bucket whose size the client does not know."""
    return done(Bucket(rate, burst), items, (items - burst) / rate, times, refused, **how)


def falls_and_rises(seed: int, seconds: float) -> Result:
    """Lower a limit from 200 a second to 50 after 30 seconds, and raise it again a minute later."""
    (client,) = simulate(Bucket(200, 20, changes=((30, 50), (90, 200))), seed=seed, seconds=130)

    def seconds_until(reached: Callable[[float], bool], since: float) -> float:
        return next((step / 4 for step in range(160) if reached(since + step / 4)), math.inf)

    def is_down(now: float) -> bool:
        accepted = count(client.accepted, now, now + 2)
        return accepted >= 80 and count(client.refused, now, now + 2) <= 0.1 * accepted

    def is_up(now: float) -> bool:
        return count(client.accepted, now, now + 2) >= 0.9 * 400

    return {
        "seconds down": (seconds_until(is_down, 30), -5),
        "seconds up": (seconds_until(is_up, 90), -20),
        "refused": (share_refused(client), -0.08),
    }


def three_clients(seed: int, seconds: float) -> Result:
    """Let three clients share a limit."""
    clients = simulate(Bucket(200, 20), clients=3, seed=seed, seconds=seconds)
    accepted = [len(client.accepted) for client in clients]
    return {
        "sum": (sum(accepted) / seconds / 200, 0.85),
        "fairness": (sum(accepted) ** 2 / 3 / sum(number**2 for number in accepted), 0.8),
        "refused": (share_refused(*clients), -0.1),
    }


def random_beside_a_limit(seed: int, seconds: float) -> Result:
    """Refuse one in a hundred requests at random, in addition to a limit."""
    (client,) = simulate(Bucket(200, 20, refused=0.01), seed=seed, seconds=seconds)
    return {"of the limit": (len(client.accepted) / seconds / 200, 0.75), "refused": (share_refused(client), -0.08)}


REFUSES_ONE: Final = Unlimited(refused_accounts=frozenset({"user_0"}))
WINDOWS: Final = 1.3
MINUTES: Final = (5000, 242.0, 1.4, 0.08)

SITUATIONS: Final[dict[str, Callable[[int, float], Result]]] = {
    **{
        f"A {100 * share:g} % refused at random": reached(Unlimited(share), (1 - share) * DEMAND, 0.8)
        for share in (0.001, 0.005, 0.02, 0.05)
    },
    "B one account of 100 always refused": reached(REFUSES_ONE, DEMAND, 0.95, account=one_of(100)),
    "B the same, 50 requests a second": reached(REFUSES_ONE, 0.99 * 50, 0.95, account=one_of(100), demand=50.0),
    "B one account, half of the demand": reached(REFUSES_ONE, DEMAND, 0.95, account=one_of(100, share_of_first=0.5)),
    "C closed 1 s in 10": reached(SometimesClosed(1, 10), 0.9 * DEMAND, 0.85),
    "C the same, of one account": reached(SometimesClosed(1, 10), 0.9 * DEMAND, 0.8, account=one_of(1)),
    "D bucket 200/s b20": bucket(200, 20, 3000, 1.15, 0.05),
    "D bucket 20/s b5": bucket(20, 5, 600, 1.2, 0.08),
    "D bucket 400/s b100": bucket(400, 100, 30_000, 1.2, 0.05),
    "D bucket 5/s b5": bucket(5, 5, 200, 1.5, 0.25),
    "D bucket 200/s b20, Retry-After: 1": bucket(200, 20, 3000, 1.3, 0.08, retry_after=1.0),
    "D bucket 20/s b5, Retry-After: 1": bucket(20, 5, 600, 1.3, 0.08, retry_after=1.0),
    "D bucket 200/s b20 of one account": bucket(200, 20, 3000, 1.15, 0.05, account=one_of(1)),
    "D bucket 20/s b5 of one account": bucket(20, 5, 600, 1.2, 0.08, account=one_of(1)),
    "F 100 in each second, of one account": done(FixedWindow(100), 3000, 29.2, 1.5, 0.15, account=one_of(1)),
    "D bucket 200/s b20, quick refusals": bucket(200, 20, 3000, 1.5, 0.08, latency=0.2, refusal_latency=0.002),
    "D bucket 20/s b5, quick refusals": bucket(20, 5, 600, 1.5, 0.1, latency=0.05, refusal_latency=0.002),
    "D bucket 20/s b5, 1 s latency": bucket(20, 5, 600, 2.6, 0.15, latency=1.0),
    "E limit 200, 50, 200/s": falls_and_rises,
    "F 100 in each second": done(FixedWindow(100), 3000, 29.2, 1.3, 0.08),
    "F 100 in any second": done(SlidingWindow(100), 3000, 29.2, 1.3, 0.08),
    "F 1,000 in each minute": done(FixedWindow(1000, 60), *MINUTES),
    "F 1,000 in any minute": done(SlidingWindow(1000, 60), *MINUTES),
    "G three clients on 200/s": three_clients,
    "H 1 % at random on 200/s": random_beside_a_limit,
}
BEYOND: Final[dict[str, Callable[[int, float], Result]]] = {
    **{
        f"beyond: {100 * share:g} % refused at random": reached(Unlimited(share), (1 - share) * DEMAND, 0.5)
        for share in (0.1, 0.2, 0.3)
    },
    "beyond: 2 % at random, 1 s latency": reached(Unlimited(0.02), 0.98 * CONNECTIONS, 0.8, latency=1.0),
}
"""What nothing was promised of."""


def is_met(value: float, target: float) -> bool:
    """Return whether the target is reached."""
    return value >= target if target > 0 else value <= -target


def run_one(name: str, seed: int) -> Result:
    """Run a situation for ten minutes of virtual time."""
    return (SITUATIONS | BEYOND)[name](seed, 600.0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[""])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    names = [name for name in SITUATIONS | BEYOND if name.startswith(tuple(options.names))]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with ProcessPoolExecutor() as pool:
        runs = {name: [pool.submit(run_one, name, seed) for seed in seeds] for name in names}
        for name, futures in runs.items():
            results = [future.result() for future in futures]
            met = sum(all(is_met(*what) for what in result.values()) for result in results)
            print(f"{name:38} {met:3} of {len(results)} ", end="")
            for what, (_, target) in results[0].items():
                values = sorted((result[what][0] for result in results), reverse=target < 0)
                sign = "≥" if target > 0 else "≤"
                print(
                    f"| {what}: worst {values[0]:.3f}, median {values[len(values) // 2]:.3f} ({sign} {abs(target):g}) ",
                    end="",
                )
            print(flush=True)


if __name__ == "__main__":
    main()
