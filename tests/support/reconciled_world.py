"""A world in which workers write one item: they die, stop and come back, their writes arrive late, their looks vary.

A worker does one step at a time, and only if a schedule lets it: one that never continues has died. Decisions are those
of the library itself: `next_step`, `cannot_leave_after` and `leaves_before`. What the world promises them are the five
assumptions, each of which can be taken away.
"""

import math
from collections.abc import Generator
from contextlib import suppress
from enum import Enum
from typing import Final

import attrs

from refold_async.journal.send_fence import SEND_WITHIN, leaves_before
from refold_async.pipeline.reconciling.steps import End, Found, Look, LookFrom, cannot_leave_after, next_step

__all__ = ["Assumption", "World"]

SETTLE: Final = 8.0
LEASE: Final = 1.0
LATE: Final = 5.0
"""How many times longer than `settle` a write may travel, and how old a look may be, if nothing is promised."""

Steps = Generator[None, float | None, None]
"""The steps of a worker, each with a chance between 0 and 1 that decides what happens in it."""


class Assumption(Enum):
    """What the library relies on."""

    SETTLE = "a look counts only some time after the write can no longer leave"
    FENCE = "a request leaves within a limited time after its record"
    TRAVEL_TIME = "a request that has left runs within that time, or never"
    FRESH_LOOK = "a look shows what had run when it began"
    LEASE = "one worker at a time: it notices before it sends that another one has taken over"


class _TakenOverError(Exception):
    """Another worker has taken the part."""


@attrs.define
class Row:
    """The journal's row of the item."""

    status: str = "none"
    sends: int = 0
    started_at: float = -math.inf


@attrs.define
class World:
    """The journal, the app, and the workers."""

    without: Assumption | None = None
    now: float = 1000.0
    row: Row = attrs.field(factory=Row)
    run: int = 0
    leased_until: float = -math.inf
    runs_at: list[float] = attrs.field(factory=list[float])
    """When the app runs or ran the write. It should do so once at most."""
    sent: int = 0
    workers: list[Steps] = attrs.field(factory=list[Steps])
    stopped: set[int] = attrs.field(factory=set[int])
    """The indexes of workers that do nothing until they are continued."""
    _moments: set[float] = attrs.field(factory=set[float], init=False)

    # What a schedule does.

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def advance_to_moment(self, which: int) -> None:
        """Let time pass until one of the next moments at which something may change."""
        ahead = sorted(moment for moment in {*self._moments, self._free_from, *self.runs_at} if moment > self.now)
        if ahead:
            self.now = ahead[which % len(ahead)]

    def take_over(self) -> bool:
        """Let another worker begin, if it may. It waits for the lease, and for what may still leave."""
        if self.without is not Assumption.LEASE and self.now < self._free_from:
            return False
        self.run += 1
        self.leased_until = self.now + LEASE
        if self.row.status == "started":
            self.row.status = "unknown"
        self.workers.append(self._work(self.run))
        self.act(-1, None)
        return True

    def stop(self) -> None:
        """Stop the last worker, as SIGSTOP does. It dies if nothing continues it."""
        self.stopped.add(len(self.workers) - 1)

    def go_on(self) -> None:
        """Let all workers that were stopped continue."""
        self.stopped.clear()

    def act(self, worker: int, chance: float | None) -> None:
        """Let a worker do its next step; nothing if it is stopped or has ended."""
        if worker % len(self.workers) in self.stopped:
            return
        with suppress(StopIteration, _TakenOverError):  # with them it has ended
            self.workers[worker].send(chance)

    @property
    def _free_from(self) -> float:
        return self.leased_until + SEND_WITHIN

    # What a worker does.

    def _work(self, run: int) -> Steps:
        opened_at, row = self.now, self.row
        if row.status == "ok":
            return
        if row.status == "unknown":
            ago = self.now - row.started_at
            over_at = cannot_leave_after(opened_at=opened_at, sent_ago=ago, now=self.now)
        else:
            sent = yield from self._send(run)
            if sent:
                return
            over_at = self.now
        looks: list[Look] = []
        while True:
            settle = 0.0 if self.without is Assumption.SETTLE else SETTLE
            step = next_step(looks, settle=settle, sends=row.sends, over_at=over_at)
            if isinstance(step, LookFrom):
                self._moments.add(step.time)
                while self.now < step.time:
                    yield
                    self._renew(run)
                looks.append((yield from self._look()))
            elif step is End.SEND_AGAIN:
                sent = yield from self._send(run)
                if sent:
                    return
                over_at, looks = self.now, []
            else:
                yield
                self._commit(run, "ok" if step is End.DONE else "unknown")
                return

    def _send(self, run: int) -> Generator[None, float | None, bool]:
        """Record and send the request; return whether its response arrived."""
        while True:
            asked_at = self.now
            self._moments.add(leaves_before(asked_at))
            yield
            self._commit(run, "started")
            chance = (yield) or 0.0
            if self.now <= leaves_before(asked_at) or self.without is Assumption.FENCE:
                break
            self._commit(run, "withdrawn")
        self.sent += 1
        arrives = chance > 0.3
        if arrives:
            longest = SETTLE * (LATE if self.without is Assumption.TRAVEL_TIME else 1.0)
            self.runs_at.append(self.now + (chance - 0.3) / 0.7 * longest)
        chance = (yield) or 0.0
        if chance > 0.8 and arrives and self.runs_at[-1] <= self.now:
            self._commit(run, "ok")
            return True
        self._commit(run, "unknown")
        return False

    def _look(self) -> Generator[None, float | None, Look]:
        began = self.now
        chance = (yield) or 0.0
        # It shows the app as it was at some moment while it lasted, or before, if it need not be fresh.
        earliest = began - (LATE * SETTLE if self.without is Assumption.FRESH_LOOK else 0.0)
        seen_at = earliest + chance * (self.now - earliest)
        found = any(ran_at <= seen_at for ran_at in self.runs_at)
        return Look(began, self.now, Found.DONE if found else Found.NOT_DONE)

    def _renew(self, run: int) -> None:
        if run == self.run:
            self.leased_until = self.now + LEASE

    def _commit(self, run: int, status: str) -> None:
        if run != self.run and self.without is not Assumption.LEASE:
            raise _TakenOverError
        self._renew(run)
        self.row.status = status
        if status == "started":
            self.row.sends += 1
            self.row.started_at = self.now
        elif status == "withdrawn" and self.row.sends == 1:
            self.row.sends = 0
