"""Jobs of a client whose requests go to a function instead of a server, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

import attrs
from multidict import CIMultiDict

from refold_async import AccountScope, FanOutReport, Limiter, RateLimit, RetryPolicy, Timeout
from refold_async.jobs.client_interface import ClientInterface
from refold_async.jobs.fan_out import FanOut
from refold_async.jobs.options import FanOutOptions, with_defaults
from refold_async.jobs.recorder import NullRecorder
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol.responses import Response as Received
from refold_async.transport.deadlines import Deadlines
from refold_async.transport.transport import Transport

__all__ = ["SUCCESS", "Wire", "collect", "ended_after", "refusal"]

SUCCESS: Final = Received(200, {}, b'{"node_status": "Success", "data": null}')


def refusal(retry_after: float | None = None) -> Received:
    """Return a gateway's 429."""
    headers = CIMultiDict[str]() if retry_after is None else CIMultiDict({"Retry-After": f"{retry_after:g}"})
    return Received(429, headers, b"<html>Too fast</html>")


@attrs.define
class Wire:
    """Replaces the client's transport: responds after 100 ms, and records what was sent when."""

    respond: Callable[[str, float], Received]
    """Makes the response for the account and the seconds since the beginning."""
    sent: list[tuple[str, float]] = attrs.field(factory=list[tuple[str, float]])
    closed: bool = False
    base_url: str = "https://refold.example"
    connections: int = 100
    deadlines: Deadlines | None = None

    def check_usable(self) -> Deadlines:
        """Return this loop's deadlines."""
        if self.deadlines is None:
            self.deadlines = Deadlines(asyncio.get_running_loop())
        return self.deadlines

    async def attempt(self, request: Any, headers: dict[str, str], *_: Any) -> Received:
        """Send a request."""
        now = asyncio.get_running_loop().time() - 1000
        self.sent.append((headers["linked_account_id"], round(now, 3)))
        response = self.respond(headers["linked_account_id"], now)
        await asyncio.sleep(0.1)
        return response

    def times(self, account: str) -> list[float]:
        """Return when requests of an account were sent."""
        return [time for name, time in self.sent if name == account]


async def collect(
    wire: Wire,
    items: list[str],
    *,
    max_refusal_wait: float = 600.0,
    concurrency: int = 50,
    idempotent: bool = False,
    limit: RateLimit | Limiter | None = None,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    accounts: AccountLimitSettings = AccountLimitSettings(),  # noqa: B008 - frozen
    calls: int = 1,
) -> FanOutReport[str, None]:
    """Run a job of writes. Its items are names of accounts, optionally with a number after a `/`."""
    scheduler = RequestScheduler(limit, 100, accounts, policy.max_retry_after)
    pipeline = Pipeline(cast("Transport", wire), scheduler, policy, Timeout(), Timeout(), [])

    async def call(scope: AccountScope, item: str) -> None:
        attempts = [scope.execute_action("hubspot", "create", idempotent=idempotent) for _ in range(calls)]
        await asyncio.gather(*attempts)

    def scope_of(item: str) -> AccountScope:
        return AccountScope(pipeline, api_key="tk_test", linked_account_id=item.partition("/")[0])

    hooks = ClientInterface(
        scope_of=scope_of,
        lane_of=AccountScope._lane,  # pyright: ignore[reportPrivateUsage]
        limits_accounts=lambda: True,
        refuses_all=lambda: False,
        is_closed=lambda: False,
    )
    options = {"concurrency": concurrency, "max_refusal_wait": max_refusal_wait}
    return await FanOut(items, call, hooks, NullRecorder(), with_defaults(FanOutOptions, options, "collect")).collect()


def ended_after(wire: Wire) -> float:
    """Return the seconds since the beginning."""
    return wire.check_usable().now() - 1000
