"""The app that the job writes to, behind a mock of Refold that limits the rate and loses responses."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs

from refold_async import RateLimit
from refold_async.testing import ActionContext, AppError, MockRefold, Reset

__all__ = ["CREATE", "FIND", "SLUG", "App", "account_of", "running_app"]

SLUG: Final = "crm"
CREATE: Final = "create_note"
FIND: Final = "find_note"
_KEY: Final = [{"name": "external_id", "required": True}]


@attrs.define
class App:
    """What the app and the mock in front of it know of every write."""

    mock: MockRefold
    written: Counter[str] = attrs.field(factory=Counter[str])
    """How often each note was written."""
    calls: Counter[str] = attrs.field(factory=Counter[str])
    """How often the app was asked to write each note."""

    async def create(self, number: int, key: str) -> dict[str, Any]:
        """Write a note. Of 200, the app refuses two, and fails with two: after it wrote it, or before."""
        self.calls[key] += 1
        trouble = number % 200 if self.calls[key] == 1 else None
        if trouble in (0, 1):
            raise AppError(400, {"message": "no such field"})
        if trouble == 2:
            raise AppError(503, {"message": "try later"})
        self.written[key] += 1
        if trouble == 3:
            raise AppError(503, {"message": "not available"})
        return {"external_id": key}

    def sent(self) -> tuple[Counter[str], set[str]]:
        """Return how often each note was sent to be written, and the notes with a response that was never delivered.

        What the limit refused was not sent on, and a request that was not read cannot have been.
        """
        sent: Counter[str] = Counter()
        unanswered: set[str] = set()
        for request in self.mock.requests:
            if request.action_id == CREATE and request.status != 429 and request.body is not None:
                key = request.json["external_id"]
                sent[key] += 1
                if request.status is None:
                    unanswered.add(key)
        return sent, unanswered


def account_of(key: str) -> str:
    """Return the linked account that a note is for."""
    return f"user_{key.partition('-')[2]}"


@asynccontextmanager
async def running_app(
    limit: RateLimit, *, resets: float, requests: int, delay: float, seed: int
) -> AsyncGenerator[App]:
    """Serve the app until the block ends.

    Args:
        limit: The limit of the mock, a strict token bucket.
        resets: The share of the writes whose connection is reset: before they are read, after they ran, and within
            the response.
        requests: Among how many writes those are chosen.
        delay: Seconds that the app takes.
        seed: Chooses them.
    """
    chance = random.Random(seed)
    async with MockRefold() as mock:
        app = App(mock)
        mock.limit_rate(limit.rate, per=limit.per, burst=limit.burst)
        mock.catalogue.add_app(SLUG)
        chosen = chance.sample(range(1, requests + 1), round(requests * resets))
        for number, reset in enumerate((Reset("before"), Reset("during"), Reset("after"))):
            if calls := chosen[number::3]:
                mock.script(reset, action_id=CREATE, calls=calls)

        @mock.catalogue.action(SLUG, CREATE, parameters=_KEY)
        async def create(context: ActionContext, parameters: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(chance.uniform(0, 2 * delay))
            key = parameters["external_id"]
            assert context.linked_account_id == account_of(key)
            return await app.create(int(key.partition("-")[2]), key)

        @mock.catalogue.action(SLUG, FIND, parameters=_KEY)
        async def find(context: ActionContext, parameters: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(delay)
            return {"found": app.written[parameters["external_id"]]}

        yield app
