"""Fan-outs of the soak: read to their end or left early, with a journal or without."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import attrs

from refold_async import (
    AccountScope,
    AsyncRefold,
    ClientClosedError,
    FanOutStoppedError,
    Journal,
    Outcome,
)

from .ledger import CallRecord, Ledger
from .observing import note_error, note_result

__all__ = ["Job"]

_JOB_TIMEOUT: Final = 2.0
_RUNS: Final = 3


@attrs.define(eq=False)
class Job:
    """Fan-outs of one client."""

    ledger: Ledger
    client: AsyncRefold
    random: random.Random
    directory: Path
    records: dict[str, CallRecord] = attrs.field(factory=dict[str, CallRecord])
    """By linked account, which is an item's own here."""
    journal: Journal | None = None

    def _options(self) -> dict[str, Any]:
        return {
            "concurrency": self.random.choice([1, 4, 25]),
            "grace": self.random.choice([0.0, 0.02, 0.5]),
            "job_timeout": _JOB_TIMEOUT,
        }

    async def fan_out(
        self, records: AsyncIterator[CallRecord], call: Callable[[AccountScope, CallRecord], Awaitable[Any]]
    ) -> None:
        """Make a call for each record."""
        job = self.client.fan_out(records, call, account=lambda record: record.account, **self._options())
        await self._read(job, lambda record: record)

    async def fan_out_action(self) -> None:
        """Execute an action for accounts that have one item each."""
        kind = self.random.choice(["write", "write", "idempotent"])
        accounts = self._new_accounts(kind, self.random.randint(10, 120))
        await self._read(self._of_action(accounts, kind, {}), self.records.__getitem__)

    async def journaled(self, another_client: Callable[[], AsyncRefold]) -> None:
        """Execute an action for accounts, in runs that go on where the one before stopped."""
        accounts = self._new_accounts("write", self.random.randint(10, 80))
        path = self.directory / f"{accounts[0]}.sqlite"
        journal = self.journal = Journal(path, job="soak", results=True)
        for _ in range(_RUNS):
            more = {"journal": journal, "retry_failed": True}
            await self._read(self._of_action(accounts, "write", more), self.records.__getitem__)
            self.client = another_client()
        for record in self.records.values():
            record.attempts = None  # the last run's, while the server has seen those of all

    def _new_accounts(self, kind: Any, count: int) -> list[str]:
        """Register a call each for accounts that nobody else has."""
        for _ in range(count):
            record = self.ledger.new_call("execute_action", kind)
            self.records[record.account] = record
        return list(self.records)

    def _of_action(self, accounts: Iterable[str], kind: str, options: dict[str, Any]) -> Any:
        def name_the_call(account: str) -> dict[str, str]:
            return {"for": self.records[account].call_id}

        parameters = None if "journal" in options else name_the_call
        return self.client.fan_out_action(
            accounts, "hubspot", "write", parameters, idempotent=kind == "idempotent", **self._options(), **options
        )

    async def _read(self, fan_out: Any, record_of: Callable[[Any], CallRecord]) -> None:
        """Read the outcomes, to the end or not."""
        patience = self.random.choice([None, None, self.random.random() * 0.1])
        stopped = (FanOutStoppedError, ClientClosedError, TimeoutError)
        try:
            async with asyncio.timeout(patience), fan_out:
                async for outcome in fan_out:
                    self._note(record_of(outcome.item), outcome)
                    if patience is not None and self.random.random() < 0.005:
                        break
        except stopped:
            pass
        for outcome in fan_out.unread:
            self._note(record_of(outcome.item), outcome)
        for item in fan_out.unfinished:
            record = record_of(item.item)
            record.begin_anew("unfinished")
            record.attempts = item.attempts
            record.client_closed = True  # or cancelled: what was handed to the network need not have arrived

    def _note(self, record: CallRecord, outcome: Outcome[Any, Any]) -> None:
        if outcome.error is None:
            note_result(self.ledger, record, outcome.value)
        else:
            note_error(self.ledger, record, outcome.error)
        record.client_closed = self.client.closed
        record.elapsed = outcome.elapsed
        if outcome.recorded:
            record.attempts = None
        elif outcome.error is None:
            record.attempts = outcome.attempts
        elif outcome.attempts != record.attempts:
            self.ledger.violate(
                "told two numbers of attempts", "", f"outcome: {outcome.attempts}; error: {record.story()}"
            )
        if outcome.status == "failed" and record.effect == "unknown":
            self.ledger.violate("called a failure what is unknown", "", record.story())

    def judge_journal(self) -> None:
        """Hold what the journal says against what ran, once nothing runs any more."""
        if self.journal is None or not Path(self.journal.path).exists():
            return
        for entry in self.journal.entries():
            record = self.records[entry.key]
            said = entry.effect or entry.status
            if (entry.status == "withdrawn" or entry.effect == "none") and record.ran:
                self.ledger.violate("recorded as not run, and it ran", said, record.story())
            if (entry.status == "ok" or entry.effect == "done") and not record.ran:
                self.ledger.violate("recorded as done, and it did not run", said, record.story())
