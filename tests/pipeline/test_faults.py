"""The table that says what became of an action and whether to try again."""

from typing import Any, Final, get_args

import pytest

from refold_async import RetryPolicy
from refold_async.faults import Effect, Fault, Kind
from refold_async.pipeline.retry import should_retry
from refold_async.retry_table import RULES
from support.cases import each_case

RETRY, RAISE = True, False

# What happened, what became of a write, and what is done about a read, a write and an idempotent write.
TABLE: Final[list[tuple[Fault, Effect, bool, bool, bool]]] = [
    (Fault.NEVER_SENT, "none", RETRY, RETRY, RETRY),
    (Fault.CERTIFICATE, "none", RAISE, RAISE, RAISE),
    (Fault.RATE_LIMITED, "none", RETRY, RETRY, RETRY),
    (Fault.LOST, "unknown", RETRY, RAISE, RETRY),
    (Fault.SERVER_ERROR, "unknown", RETRY, RAISE, RETRY),
    (Fault.REFUSED, "none", RAISE, RAISE, RAISE),
    (Fault.NOT_CONNECTED, "none", RAISE, RAISE, RAISE),
    (Fault.UNREADABLE, "unknown", RAISE, RAISE, RAISE),
    (Fault.MISFIT, "done", RAISE, RAISE, RAISE),
    (Fault.APP_REFUSED, "none", RAISE, RAISE, RAISE),
    (Fault.APP_RATE_LIMITED, "none", RAISE, RAISE, RETRY),
    (Fault.APP_FAILED, "unknown", RAISE, RAISE, RETRY),
    (Fault.APP_UNCLEAR, "unknown", RAISE, RAISE, RAISE),
    (Fault.WORKFLOW_UNCLEAR, "unknown", RAISE, RAISE, RAISE),
    (Fault.WORKFLOW_RATE_LIMITED, "unknown", RAISE, RAISE, RAISE),
    (Fault.WORKFLOW_SET_STATUS, "done", RAISE, RAISE, RAISE),
    (Fault.WORKFLOW_ERRORED, "unknown", RAISE, RAISE, RAISE),
    (Fault.WORKFLOW_DUPLICATE, "none", RAISE, RAISE, RAISE),
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def name_of_fault(value: Any) -> str | None:
    """Name the cases of a parametrized test by their fault."""
    return value.name if isinstance(value, Fault) else None


def test_every_fault_has_a_rule_and_a_row_here() -> None:
    """No fault is left out of the table, nor of this test of it."""
    assert set(RULES) == set(Fault)
    assert [row[0] for row in TABLE] == list(Fault)


@pytest.mark.parametrize(("fault", "effect"), [row[:2] for row in TABLE], ids=name_of_fault)
def test_effect_on_a_write(fault: Fault, effect: Effect) -> None:
    """Each fault says whether the action ran."""
    assert RULES[fault].effect == effect


@pytest.mark.parametrize(("fault", "read", "write", "idempotent"), [(r[0], *r[2:]) for r in TABLE], ids=name_of_fault)
def test_what_is_tried_again(fault: Fault, read: bool, write: bool, idempotent: bool) -> None:
    """Each kind of call is tried again after the faults the table allows it for, and after no other."""
    policy = RetryPolicy()
    assert [should_retry(policy, kind, fault) for kind in ("read", "write", "idempotent")] == [read, write, idempotent]


def test_the_kinds_of_call() -> None:
    """There are no kinds beside the three the table has a column for."""
    assert set(KINDS) == {"read", "write", "idempotent"}


@each_case("fault", list(Fault), ids=name_of_fault)
@each_case("kind", KINDS)
def test_the_policy_switch_decides_over_rate_limited_writes_alone(kind: Kind, fault: Fault) -> None:
    """`resend_rate_limited_writes=False` keeps writes that met HTTP 429 from being sent again, and nothing else."""
    by_default = should_retry(RetryPolicy(), kind, fault)
    switched_off = should_retry(RetryPolicy(resend_rate_limited_writes=False), kind, fault)
    if (kind, fault) == ("write", Fault.RATE_LIMITED):
        assert by_default
        assert not switched_off
    else:
        assert switched_off == by_default


@pytest.mark.parametrize("fault", list(Fault), ids=name_of_fault)
def test_a_write_that_may_have_run_is_not_sent_again(fault: Fault) -> None:
    """Only what certainly did not run is sent again without the caller's word for it."""
    assert RULES[fault].effect == "none" or not should_retry(RetryPolicy(), "write", fault)
