"""Errors after a resume: each tells which it was, of which class, with what effect and about which call."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    APIConnectionError,
    APIStatusError,
    AsyncRefold,
    FanOutReport,
    Journal,
    NotFoundError,
    ReconnectRequiredError,
    RecordedError,
    RefoldError,
)
from refold_async.testing import Answer, ExpiredConnection, MockRefold, Reset


class CustomerGoneError(Exception):
    """An error of the caller's own."""


class CustomerMovedError(CustomerGoneError):
    """A special case of it."""


class SameNameError(Exception):
    """Another library's error of the same name as one of ours."""


SameNameError.__name__ = SameNameError.__qualname__ = "NotFoundError"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that is not there yet."""
    return Journal(tmp_path / "june.sqlite", job="june sync")


IDS = [f"user_{number}" for number in range(9)]


async def run(refold: AsyncRefold, journal: Journal) -> FanOutReport[str, None]:
    """Run a job whose items end in all kinds of errors."""
    raised: dict[str, BaseException] = {
        "user_3": ValueError("no number"),
        "user_4": CustomerMovedError("moved [GET to, 1 attempt, effect: none] Rome"),
        "user_5": SameNameError("no such index"),
        "user_6": RecordedError("Gone then.", error_type="ReconnectRequiredError"),
        "user_7": RecordedError("Interrupted then."),
    }

    for error in raised.values():
        if isinstance(error, RecordedError):
            error.effect = "none"

    async def call(scope: AccountScope, item: str) -> None:
        if item in raised:
            raise raised[item]
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})

    return await refold.fan_out(IDS, call, journal=journal).collect()


async def test_refusals_after_a_resume(mock: MockRefold, journal: Journal) -> None:
    """A call that was refused because it came too fast is still told apart; it took no time in this run."""
    mock.script(Answer(429, retry_after=9999), linked_account_id="user_1")
    for recorded in (False, True):
        async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
            report = await run(refold, journal)
        row = report.to_dicts()[1]
        assert (report.outcomes[1].throttled, row["error"]) == (True, "RateLimitError")
        assert (row["recorded"], row["elapsed"] is None) == (recorded, recorded)
        assert not report.outcomes[3].throttled


async def test_errors_after_a_resume(mock: MockRefold, refold: AsyncRefold, journal: Journal, tmp_path: Path) -> None:
    """Message, text, class, effect and call are those of then; so are the names in reports, lines and groups."""
    mock.script(ExpiredConnection(), linked_account_id="user_0")
    mock.script(Answer(404), linked_account_id="user_1")
    mock.script(Reset("after"), linked_account_id="user_2")
    first, second = await run(refold, journal), await run(refold, journal)
    assert [outcome.recorded for outcome in second.outcomes] == [True] * len(IDS)
    assert first.counts == second.counts == {"ok": 1, "failed": 7, "unknown": 1}
    for then, now in zip(first.outcomes[:3], second.outcomes[:3], strict=True):
        assert isinstance(then.error, RefoldError)
        assert isinstance(now.error, RecordedError)
        assert type(now) is type(then)
        assert str(now.error) == f"{type(then.error).__name__}: {then.error}"
        assert now.error.message == then.error.message
        for name in ("effect", "method", "url", "linked_account_id", "attempts"):
            assert getattr(now.error, name) == getattr(then.error, name), name
    assert [outcome.effect for outcome in second.outcomes] == [outcome.effect for outcome in first.outcomes]

    reconnect, missing, lost, value, moved, other, twice, interrupted, ok = second.outcomes
    assert ok.error is None
    for outcome, kinds, others in [
        (reconnect, (ReconnectRequiredError, ActionFailedError, RefoldError, Exception), (NotFoundError, ValueError)),
        (missing, (NotFoundError, APIStatusError, RefoldError), (SameNameError, ReconnectRequiredError)),
        (lost, (APIConnectionError,), (TimeoutError,)),
        (value, (ValueError, Exception), (RefoldError, TypeError)),
        (moved, (CustomerMovedError, CustomerGoneError, Exception), (RefoldError, NotFoundError)),
        (other, (SameNameError, Exception), (NotFoundError, RefoldError)),
        (twice, (ReconnectRequiredError, RefoldError), (NotFoundError,)),
        (interrupted, (RecordedError, RefoldError), (NotFoundError,)),
    ]:
        assert outcome.error is not None
        assert [kind for kind in kinds if not outcome.matches(kind)] == []
        assert [kind for kind in others if outcome.matches(kind)] == []
        assert outcome.matches(KeyError, *kinds[-1:])
    assert [str(outcome.error) for outcome in (value, moved, twice)] == [
        "ValueError: no number",
        f"{__name__}.CustomerMovedError: moved [GET to, 1 attempt, effect: none] Rome",
        "ReconnectRequiredError: Gone then.",
    ]

    names = [
        *("ReconnectRequiredError", "NotFoundError", "APIConnectionError", "ValueError"),
        *(f"{__name__}.CustomerMovedError", f"{__name__}.NotFoundError", "ReconnectRequiredError"),
        *("interrupted", None),
    ]
    assert [row["error"] for row in second.to_dicts()] == [row["error"] for row in first.to_dicts()] == names
    assert [row["message"] for row in second.to_dicts()] == [row["message"] for row in first.to_dicts()]
    assert "2 ReconnectRequiredError" in repr(second)
    second.to_csv(tmp_path / "failures.csv", status=("failed", "unknown"))
    with (tmp_path / "failures.csv").open(encoding="utf-8-sig") as file:
        assert [line["error"] for line in csv.DictReader(file)] == names[:-1]
    with pytest.raises(ExceptionGroup) as caught:
        second.raise_for_errors()
    assert [str(error).partition(":")[0] for error in caught.value.exceptions] == [*names[:-2], "Interrupted then."]


async def test_an_item_that_was_in_flight(mock: MockRefold, refold: AsyncRefold, journal: Journal) -> None:
    """There was no error then: what is told is that it may have run."""
    await refold.fan_out_action(["user_1"], "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal).collect()
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute("UPDATE items SET status = 'started', effect = NULL")
    job = refold.fan_out_action(["user_1"], "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal)
    report = await job.collect()
    (outcome,) = report.unknown
    assert [row["error"] for row in report.to_dicts()] == ["interrupted"]
    assert isinstance(outcome.error, RecordedError)
    assert (outcome.error.error_type, outcome.error.effect) == (None, "unknown")
    assert outcome.error.message == str(outcome.error).partition(" [")[0]
    assert outcome.matches(RecordedError)
    assert not outcome.matches(NotFoundError)


@pytest.mark.parametrize(
    ("recorded_as", "kind", "matches"),
    [
        ("NotFoundError", NotFoundError, True),
        ("CustomerMovedError", CustomerGoneError, True),  # as journals used to have it, without the module
        ("CustomerMovedError", RefoldError, False),
        (f"{__name__}.CustomerMovedError", CustomerGoneError, True),
        ("another.CustomerMovedError", CustomerGoneError, False),
        ("print", Exception, False),
        ("", Exception, False),
    ],
)
def test_matches_by_name(recorded_as: str, kind: type[BaseException], *, matches: bool) -> None:
    """The name decides: ours and Python's by itself, that of others with its module."""
    error = RecordedError("x", error_type=recorded_as)
    assert error.matches(kind) is error.matches((KeyError, (kind,))) is matches  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_what_only_looks_like_a_call(refold: AsyncRefold, journal: Journal) -> None:
    """A text that no error of ours has is the message, whole; the job goes on all the same."""
    text = r"no [GET https://x.example/y, linked account '\x', 1 attempt, effect: none]"

    async def call(scope: AccountScope, item: str) -> None:
        raise ValueError(text)

    await refold.fan_out(["user_1"], call, journal=journal).collect()
    (outcome,) = (await refold.fan_out(["user_1"], call, journal=journal).collect()).failed
    assert isinstance(outcome.error, RecordedError)
    assert (outcome.error.message, outcome.error.method, outcome.recorded) == (text, None, True)


@pytest.mark.parametrize("account", ["it's", "both ' and \"", "a, 1 attempt, effect: none] [GET x, 1 attempt", "é\\"])
@pytest.mark.parametrize("request_id", [None, "req_1"])
async def test_calls_for_accounts_of_any_name(
    refold: AsyncRefold, journal: Journal, account: str, request_id: str | None
) -> None:
    """Whatever an account is called, the message ends where it ended, and the account is whole."""

    async def call(scope: AccountScope, item: str) -> None:
        error = RefoldError("It [as usual] failed.\nTwice.")
        error.method, error.url, error.linked_account_id, error.attempts = "POST", "https://x.example/y", account, 2
        error.request_id, error.effect = request_id, "none"
        raise error

    await refold.fan_out(["user_1"], call, journal=journal).collect()
    (outcome,) = (await refold.fan_out(["user_1"], call, journal=journal).collect()).failed
    assert isinstance(outcome.error, RecordedError)
    assert outcome.error.message == "It [as usual] failed.\nTwice."
    assert (outcome.error.linked_account_id, outcome.error.attempts) == (account, 2)
    assert outcome.error.request_id == request_id
