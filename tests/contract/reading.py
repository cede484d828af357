"""What the client's methods make of answers that are given, over a real socket."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final

import attrs

from contract.attributes import losses
from contract.calls.call import Call, Ids, Stage
from contract.calls.credentials import methods_by_key_alone
from contract.calls.groups import CALLS
from contract.exchanges import operation_of
from contract.facts.table import Operation, Shape
from contract.problems import Problem
from refold_async import ActionFailedError, AsyncRefold, Listing, RetryPolicy, WorkflowFailedError
from refold_async.testing import Answer, MockRefold

__all__ = ["Given", "Read", "losses_of", "read"]

INDIRECT: Final = frozenset(
    {
        "account.applications.ensure_connected",
        "account.applications.wait_connected",
        "account.executions.wait",
        "account.executions.watch",
        "account.run_workflow",
        "refold.check",
        "refold.fan_out_action",
        "refold.session_tokens.account",
    }
)
"""Methods that make something else of answers than what other methods make of them."""


@attrs.frozen
class Given:
    """An answer that is given to the methods of an operation."""

    operation: Operation
    label: str
    status: int
    body: Any


@attrs.frozen
class Read:
    """What a method made of an answer."""

    given: Given
    method: str
    result: Any
    error: Exception | None


def read(all_given: Sequence[Given]) -> list[Read]:
    """Give answers to all methods of their operations, and return what these make of them."""
    return asyncio.run(_read(all_given))


async def _read(all_given: Sequence[Given]) -> list[Read]:
    done: list[Read] = []
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold,
    ):
        # By token and by name, no method has to ask for either first.
        account = refold.account_from_session_token("some-session-token", linked_account_id="user_12345")
        stages = (
            Stage(refold, account, Ids(token="some-session-token")),
            Stage(refold, refold.account("user_12345"), Ids()),
        )
        mock.script(Answer(200, json={}))
        callers = await _callers(mock, stages)
        for given in all_given:
            for call in callers.get(given.operation.name, ()):
                mock.clear()
                empty = given.status == HTTPStatus.NO_CONTENT
                mock.script(Answer(given.status) if empty else Answer(given.status, json=given.body))
                result, error = await _result(call, _stage_of(call, stages), given.operation)
                done.append(Read(given, call.method, result, error))
    return done


def _stage_of(call: Call, stages: tuple[Stage, Stage]) -> Stage:
    return stages[call.method in methods_by_key_alone()]


async def _callers(mock: MockRefold, stages: tuple[Stage, Stage]) -> dict[str, list[Call]]:
    """Find out which operations each direct method is of, by what it sends."""
    callers: dict[str, list[Call]] = {}
    seen: set[tuple[str, str]] = set()
    for call in CALLS:
        if call.method in INDIRECT:
            continue
        mock.requests.clear()
        await _result(call, _stage_of(call, stages), None)
        operation = operation_of(mock.requests[0].method, mock.requests[0].path) if mock.requests else None
        if operation is not None and (operation.name, call.method) not in seen:
            seen.add((operation.name, call.method))
            callers.setdefault(operation.name, []).append(call)
    return callers


async def _result(call: Call, stage: Stage, operation: Operation | None) -> tuple[Any, Exception | None]:
    try:
        result = call.make(stage)
        if not isinstance(result, AsyncIterable):
            return await result, None
        if operation is not None and isinstance(operation.answer, Shape) and isinstance(result, Listing):
            async with aclosing(result.pages()) as pages:
                return await anext(pages), None
        return [item async for item in result], None
    except ActionFailedError as failed:  # what the app refused comes back with it
        return failed.result, None
    except WorkflowFailedError as failed:
        return failed.execution, None
    except Exception as error:  # noqa: BLE001 - what is raised is what is asked for
        return None, error


def losses_of(reads: Iterable[Read]) -> Iterator[Problem]:
    """Tell what of successful answers does not come back as a typed attribute."""
    for each in reads:
        given = each.given
        if given.status >= HTTPStatus.BAD_REQUEST:
            continue
        if each.error is not None:
            yield Problem(given.operation.name, f"{each.method}: {given.label} cannot be read: {each.error!r:.200}")
        else:
            for loss in losses(each.result, given.body, given.operation.answer):
                yield Problem(given.operation.name, f"{each.method}: {loss}")
