"""Outcomes: which of the three classes an item's end is of, with which effect, and how a program tells them apart."""

import asyncio
from typing import Any

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    Failed,
    NotFoundError,
    Ok,
    Outcome,
    RefoldError,
    Unknown,
)
from refold_async.testing import Answer, MockRefold, Reset


def told_by_match(outcome: Outcome[str, int]) -> Any:
    """Return what a match statement finds."""
    match outcome:
        case Ok(value):
            return value
        case Failed(NotFoundError(), effect="none"):
            return "not found"
        case Failed(error=error) | Unknown(error):
            return type(error).__name__


async def test_three_classes(refold: AsyncRefold, mock: MockRefold) -> None:
    """Each outcome is of one class, by which `status` and `effect` are given, and has what it has."""
    mock.script(Answer(404), linked_account_id="user_1")
    mock.script(Reset("after"), linked_account_id="user_2")

    async def call(scope: AccountScope, item: str) -> int:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
        if item == "user_3":
            raise ValueError(item)
        return 7

    ok, failed, unknown, partly = (await refold.fan_out([f"user_{n}" for n in range(4)], call).collect()).outcomes
    assert isinstance(ok, Ok)
    assert (ok.status, ok.effect, ok.value, ok.error, ok.throttled) == ("ok", "done", 7, None, False)
    assert isinstance(failed, Failed)
    assert (failed.status, failed.effect, failed.value) == ("failed", "none", None)
    assert isinstance(failed.error, NotFoundError)
    assert isinstance(unknown, Unknown)
    assert (unknown.status, unknown.effect, unknown.value) == ("unknown", "unknown", None)
    assert isinstance(unknown.error, APIConnectionError)
    assert isinstance(partly, Failed)
    assert partly.effect == "unknown"  # what the call wrote before it failed stays written
    assert [told_by_match(outcome) for outcome in (ok, failed, unknown, partly)] == [
        *(7, "not found", "APIConnectionError", "ValueError"),
    ]


@pytest.mark.parametrize(
    ("error", "kinds", "matches"),
    [
        (NotFoundError("x"), (NotFoundError,), True),
        (NotFoundError("x"), (RefoldError,), True),
        (NotFoundError("x"), (ValueError, APIConnectionError), False),
        (APITimeoutError("x"), (ValueError, TimeoutError), True),
        (ValueError("x"), (RefoldError,), False),
        (UnicodeError("x"), (ValueError,), True),
        (asyncio.CancelledError(), (asyncio.CancelledError,), True),
        (ValueError("x"), (), False),
    ],
)
def test_matches(error: BaseException, kinds: tuple[type[BaseException], ...], *, matches: bool) -> None:
    """An outcome tells of any error what `except` would; of ours, so does the error."""
    outcome = Failed(item="x", linked_account_id="x", index=0, error=error, effect="none")
    assert outcome.matches(*kinds) is matches
    if isinstance(error, RefoldError):
        assert error.matches(*kinds) is matches
