"""What the tests of shared limits do with clients."""

from typing import Any, Final

from redis.asyncio import Redis

from refold_async import AsyncRefold, RateLimit, RedisRateLimit
from refold_async.testing import MockRefold

__all__ = ["LIMIT", "admin", "client", "job", "read"]

LIMIT: Final = RateLimit(500, burst=50)


def admin(url: str) -> Any:
    """Return a client of the Redis itself, whose types are not as strict as the tests'."""
    redis: Any = Redis
    return redis.from_url(url, decode_responses=True)


def client(mock: MockRefold, limit: RedisRateLimit, key: str = "tk_test", **options: Any) -> AsyncRefold:
    """Return a client that keeps the limit."""
    return AsyncRefold(key, base_url=mock.base_url, rate_limit=limit, **options)


async def read(refold: AsyncRefold, account: str = "user_1", *, timeout: float = 60) -> None:
    """Make a call."""
    await refold.account(account).execute_action(
        "hubspot", "get_contact", {"limit": "1"}, idempotent=True, timeout=timeout
    )


async def job(refold: AsyncRefold, accounts: int | list[str]) -> None:
    """Make a call for each account in a fan-out."""
    names = [f"user_{number}" for number in range(accounts)] if isinstance(accounts, int) else accounts
    report = await refold.fan_out_action(names, "hubspot", "get_contact", {"limit": "1"}, idempotent=True).collect()
    report.raise_for_errors()
