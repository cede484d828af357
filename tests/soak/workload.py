"""What the client is made to do: calls of all kinds, alone and together, cancelled, fanned out, resumed."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import attrs

from refold_async import AccountScope, AsyncRefold, Timeout

from .fanning_out import Job
from .ledger import TOKEN, CallRecord, Ledger
from .observing import observe

__all__ = ["OPERATIONS", "TIMEOUT", "Workload"]

TIMEOUT: Final = Timeout(total=3, attempt=0.3, connect=1)
_UNITS_AT_ONCE: Final = 10
_LONGEST: Final = 60.0
"""Seconds after which nothing more is begun, however few calls were made: a client may be slow, and is not wrong."""
_ACCOUNTS: Final = 12
_LARGE: Final = 300_000


@attrs.frozen
class Contact:
    """What an action's data is read into."""

    answer: str


Invoke = Callable[[AccountScope, CallRecord, dict[str, Any]], Awaitable[Any]]
"""Makes the call of a record, with parameters that name it, and with options of its own."""


def _parameters(record: CallRecord, options: dict[str, Any]) -> dict[str, str]:
    return {"for": record.call_id, "pad": options.pop("pad", "")}


def _execute(account: AccountScope, record: CallRecord, options: dict[str, Any]) -> Awaitable[Any]:
    parameters = _parameters(record, options)
    return account.execute_action(
        "hubspot", record.call_id, parameters, idempotent=record.kind == "idempotent", **options
    )


def _execute_into(into: Any) -> Invoke:
    return lambda account, record, options: _execute(account, record, {**options, "into": into})


def _workflow(*, sync: bool) -> Invoke:
    return lambda account, record, options: account.execute_workflow(
        record.call_id, slug="hubspot", payload=_parameters(record, options), sync=sync, **options
    )


def _request(method: str) -> Invoke:
    def invoke(account: AccountScope, record: CallRecord, options: dict[str, Any]) -> Awaitable[Any]:
        json = _parameters(record, options) if method in ("POST", "PUT") else None
        options.pop("pad", None)
        path = f"/api/v2/public/things/{record.call_id}"
        return account.request(method, path, json=json, idempotent=record.kind == "idempotent", **options)

    return invoke


def _list_actions(account: AccountScope, record: CallRecord, options: dict[str, Any]) -> Awaitable[Any]:
    options.pop("pad", None)
    return account.list_actions(record.call_id, **options)


def _get_parameters(account: AccountScope, record: CallRecord, options: dict[str, Any]) -> Awaitable[Any]:
    options.pop("pad", None)
    return account.get_action_parameters("hubspot", record.call_id, **options)


OPERATIONS: Final[list[tuple[int, str, Any, Invoke]]] = [
    (4, "list_actions", "read", _list_actions),
    (1, "get_action_parameters", "read", _get_parameters),
    (6, "execute_action", "write", _execute),
    (3, "execute_action", "idempotent", _execute),
    (1, "execute_action", "write", _execute_into(Contact)),
    (1, "execute_action", "write", _execute_into(int)),
    (1, "start_workflow", "write", _workflow(sync=False)),
    (2, "run_workflow", "write", _workflow(sync=True)),
    (1, "request", "read", _request("GET")),
    *(
        (1, "request", kind, _request(method))
        for kind in ("write", "idempotent")
        for method in ("POST", "PUT", "DELETE")
    ),
]
"""Weights, operations, kinds, and how to call them."""


class Workload:
    """Makes so many calls of one round."""

    def __init__(
        self,
        ledger: Ledger,
        calls: int,
        source: random.Random,
        open_client: Callable[[], Any],
        directory: Path,
        *,
        clients: int,
        replaces_clients: float,
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._random = source
        self._open_client = open_client
        self._directory = directory
        self._replaces_clients = replaces_clients
        self._clients = [open_client() for _ in range(clients)]
        self._closing: set[asyncio.Task[None]] = set()
        self._jobs: list[Job] = []

    async def run(self) -> None:
        """Make the calls."""
        permits = asyncio.Semaphore(_UNITS_AT_ONCE)
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST

        async def one(unit: Coroutine[Any, Any, None]) -> None:
            try:
                await unit
            except Exception as error:  # noqa: BLE001 - the others go on
                self._ledger.violate("a fan-out raised", type(error).__name__, repr(error))
            finally:
                permits.release()

        async with asyncio.TaskGroup() as group:
            while self._ledger.made < self._calls and loop.time() < until:
                await permits.acquire()
                group.create_task(one(self._unit()))
                await asyncio.sleep(0)
                if self._random.random() < self._replaces_clients:
                    self._replace_a_client()
        if self._closing:
            await asyncio.wait(self._closing)

    async def aclose(self) -> None:
        """Close all clients."""
        for client in self._clients:
            await client.aclose()

    def judge_journals(self) -> None:
        """Hold all journals against the truth."""
        for job in self._jobs:
            job.judge_journal()

    def _replace_a_client(self) -> None:
        place = self._random.randrange(len(self._clients))
        old, self._clients[place] = self._clients[place], self._open_client()
        closing = asyncio.get_running_loop().create_task(self._close(old, self._random.choice([0.0, 1.0, 1.0])))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    @staticmethod
    async def _close(client: Any, after: float) -> None:
        """Close a client under way, or once most of its calls have ended."""
        await asyncio.sleep(after)
        await client.aclose()

    def _unit(self) -> Coroutine[Any, Any, None]:
        """Return one thing to do."""
        client = self._random.choice(self._clients)
        units: list[tuple[int, Callable[[Any], Coroutine[Any, Any, None]]]] = [
            (6, self._alone),
            (4, self._together),
            (6, self._one_after_another),
            (1, self._block),
        ]
        if isinstance(client, AsyncRefold):
            units += [(3, self._fan_out), (3, self._fan_out_action), (1, self._journaled)]
        weights = [weight for weight, _ in units]
        return self._random.choices(units, weights)[0][1](client)

    async def _alone(self, client: Any) -> None:
        """Make a call; now and then, cancel it."""
        record, invoke = self._choose()
        task = asyncio.ensure_future(observe(self._ledger, record, self._invoke(client, record, invoke)))
        if self._random.random() < 0.2:
            await asyncio.sleep(self._random.choice([0, 0.001, 0.01]) * self._random.random())
            record.cancelled = task.cancel()
        await asyncio.wait([task])
        record.client_closed = client.closed

    async def _together(self, client: Any) -> None:
        """Make many calls at once."""
        await asyncio.gather(*(self._alone(client) for _ in range(self._random.randint(5, 40))))

    async def _one_after_another(self, client: Any) -> None:
        """Make calls with pauses or without."""
        pauses = self._random.choice([[0.0], [0.001], [0.0, 0.002, 0.012], [0.03]])
        for _ in range(self._random.randint(3, 15)):
            await self._alone(client)
            if pause := self._random.choice(pauses):
                await asyncio.sleep(pause)

    async def _block(self, client: Any) -> None:
        """Keep the event loop busy, as programs do."""
        time.sleep(self._random.random() * 0.02)  # noqa: ASYNC251
        await self._together(client)

    def _choose(self) -> tuple[CallRecord, Invoke]:
        """Choose a call for one of a few accounts."""
        weights = [weight for weight, *_ in OPERATIONS]
        _, operation, kind, invoke = self._random.choices(OPERATIONS, weights)[0]
        return self._ledger.new_call(operation, kind, f"user-{self._random.randrange(_ACCOUNTS)}"), invoke

    async def _invoke(self, client: Any, record: CallRecord, invoke: Invoke) -> Any:
        options: dict[str, Any] = {}
        chance = self._random.random()
        record.limit = TIMEOUT.total
        if chance < 0.02:
            options["pad"] = "x" * _LARGE
        elif chance < 0.06:
            record.limit = options["timeout"] = 0.005 + self._random.random() * 0.1
        return await invoke(self._scope(client, record.account), record, options)

    def _scope(self, client: Any, account: str) -> AccountScope:
        chance = self._random.random()
        if not isinstance(client, AsyncRefold) or chance < 0.8:
            return client.account(account)  # type: ignore[no-any-return]
        if chance < 0.95:
            return client.account_from_session_token(f"{TOKEN}/{account}/0", linked_account_id=account)
        return client.session_tokens.account(account)

    def _job(self, client: AsyncRefold) -> Job:
        job = Job(self._ledger, client, self._random, self._directory)
        self._jobs.append(job)
        return job

    async def _fan_out(self, client: AsyncRefold) -> None:
        """Make calls of all kinds, one for each item."""

        async def call(scope: AccountScope, record: CallRecord) -> Any:
            invoke = invokers[record.call_id]
            return await invoke(scope, record, {})

        async def records() -> AsyncIterator[CallRecord]:
            for _ in range(self._random.randint(10, 100)):
                record, invoke = self._choose()
                invokers[record.call_id] = invoke
                yield record
                await asyncio.sleep(0)

        invokers: dict[str, Invoke] = {}
        await self._job(client).fan_out(records(), call)

    async def _fan_out_action(self, client: AsyncRefold) -> None:
        """Execute one action for many accounts."""
        await self._job(client).fan_out_action()

    async def _journaled(self, client: AsyncRefold) -> None:
        """Execute one action for many accounts, with a journal, more than once."""
        await self._job(client).journaled(lambda: self._random.choice(self._clients))
