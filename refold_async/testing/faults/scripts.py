"""Scripts: which trouble happens to which requests."""

from collections.abc import Callable, Collection
from typing import Final, get_args

import attrs

from refold_async.testing.faults.troubles import (
    Answer,
    Delay,
    Drip,
    Errored,
    ExpiredConnection,
    Reset,
    Silence,
    Trouble,
    Truncated,
)
from refold_async.testing.protocol.route_names import RouteName

__all__ = ["NO_TROUBLE", "Plan", "Script", "Scripts"]

_ROUTE_NAMES: Final = frozenset(get_args(RouteName))
_ROUTES_OF_ACTIONS: Final = ("execute_action", "get_action_parameters")
"""The routes whose path names an action."""

FinalTrouble = Answer | Drip | Errored | ExpiredConnection | Reset | Silence | Truncated


@attrs.frozen
class Plan:
    """What is planned for one request.

    Attributes:
        delay: Seconds to wait first.
        trouble: What happens then; None means nothing unusual.
    """

    delay: float = 0.0
    trouble: FinalTrouble | None = None


NO_TROUBLE: Final = Plan()


@attrs.define(eq=False)
class Script:
    """A trouble for the requests to a route, for a linked account or of an action. Made by `MockRefold.script`.

    Attributes:
        plan: What happens to those requests.
        route: The name of the route; None means any.
        linked_account_id: The linked account that the request names; None means any, or none.
        action_id: The action that the request names; None means any, or none.
        calls: Which of the matching requests it happens to, counted from 1; None means all of them.
        matched: How many requests had this route, linked account and action.
        applied: To how many of them it happened.
    """

    plan: Plan
    route: RouteName | None
    linked_account_id: str | None
    action_id: str | None
    calls: Collection[int] | None
    _forget: Callable[["Script"], None] = attrs.field(repr=False)
    matched: int = attrs.field(default=0, init=False)
    applied: int = attrs.field(default=0, init=False)

    def remove(self) -> None:
        """Let no further request run into the trouble."""
        self._forget(self)


class Scripts:
    """All scripts of a mock, in the order in which they are tried."""

    def __init__(self) -> None:
        self._scripts: list[Script] = []

    def add(
        self,
        troubles: tuple[Trouble, ...],
        route: RouteName | None,
        linked_account_id: str | None,
        action_id: str | None,
        calls: int | Collection[int] | None,
    ) -> Script:
        """Add a script at the end; `MockRefold.script` describes the arguments.

        Raises:
            ValueError: They are not valid.
        """
        plan = _plan(troubles)
        if isinstance(plan.trouble, Errored | ExpiredConnection):
            if route not in (None, "execute_action"):
                raise ValueError(f"{type(plan.trouble).__name__} is for execute_action, not for {route}")
            route = "execute_action"
        if route is not None and route not in _ROUTE_NAMES:
            raise ValueError(f"no route {route!r}; there are {', '.join(sorted(_ROUTE_NAMES))}")
        if action_id is not None:
            route = route or "execute_action"
            if route not in _ROUTES_OF_ACTIONS:
                raise ValueError(f"{route} names no action; {' and '.join(_ROUTES_OF_ACTIONS)} do")
        script = Script(plan, route, linked_account_id, action_id, _call_numbers(calls), self._forget)
        self._scripts.append(script)
        return script

    def plan_for(self, route: RouteName | None, linked_account_id: str | None, action_id: str | None) -> Plan:
        """Count one request and return what is planned for it.

        Args:
            route: Its route; None for an unknown path.
            linked_account_id: The linked account that it names.
            action_id: The action that it names.
        """
        plan = None
        for script in self._scripts:
            if script.route not in (None, route) or script.linked_account_id not in (None, linked_account_id):
                continue
            if script.action_id not in (None, action_id):
                continue
            script.matched += 1
            if plan is None and (script.calls is None or script.matched in script.calls):
                script.applied += 1
                plan = script.plan
        return NO_TROUBLE if plan is None else plan

    def clear(self) -> None:
        """Delete all scripts."""
        self._scripts.clear()

    def _forget(self, script: Script) -> None:
        if script in self._scripts:
            self._scripts.remove(script)


def _plan(troubles: tuple[Trouble, ...]) -> Plan:
    delay, final = 0.0, None
    for trouble in troubles:
        if not isinstance(trouble, Trouble):
            raise TypeError(f"script() takes troubles such as Answer(503) or Silence(), not {trouble!r}")
        if final is not None:
            raise ValueError(f"nothing can follow {final!r}: only a Delay may come before another trouble")
        if isinstance(trouble, Delay):
            delay += trouble.seconds
        else:
            final = trouble
    return Plan(delay, final)


def _call_numbers(calls: int | Collection[int] | None) -> Collection[int] | None:
    if calls is None:
        return None
    if isinstance(calls, int):
        calls = (calls,)
    if not isinstance(calls, range) and not all(isinstance(number, int) for number in calls):
        raise TypeError(f"calls is a number or a collection of numbers, not {calls!r}")
    # A range is kept as it is and not iterated over: it may be very long.
    numbers = calls if isinstance(calls, range) else frozenset(calls)
    extremes = (numbers[0], numbers[-1]) if isinstance(numbers, range) and numbers else numbers
    if not numbers or min(extremes) < 1:
        raise ValueError(f"calls are counted from 1, so they must be 1 or more, not {calls!r}")
    return numbers
