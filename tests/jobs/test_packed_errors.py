"""Errors that a report keeps packed: what is built from them, and which are kept as they are."""

import copy
import gc
import pickle
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs
import pytest

from refold_async import (
    ActionFailedError,
    ActionResult,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncRefold,
    Failed,
    NotFoundError,
    Outcome,
    ParameterError,
    RecordedError,
    RefoldError,
    ResponseMeta,
    RetryPolicy,
    errors,
)
from refold_async.faults import Fault
from refold_async.jobs.outcomes import pack_error
from refold_async.jobs.packed_errors import ErrorPacker, PackedError
from refold_async.testing import Answer, MockRefold

Raised = TypeVar("Raised", bound=BaseException)

HEADERS: Final = {"Date": "Fri, 27 Nov 2026 23:37:10 GMT", "X-Trace-ID": "3f0c"}


class OwnError(NotFoundError):
    """A class of the caller's."""


def complete(error: RefoldError) -> RefoldError:
    """Set all that a call sets of its error."""
    error.method, error.url, error.attempts = "POST", "https://app.refold.ai/api", 3
    error.linked_account_id, error.slug, error.action_id = "user_12345", "hubspot", "create_contact"
    error.effect, error.fault, error.retry_after = "unknown", Fault.SERVER_ERROR, 2.5
    error.sent_at = datetime(2026, 11, 27, 23, 32, tzinfo=UTC)
    error.request_id = "req_7"
    error.meta = ResponseMeta(attempts=3, elapsed=0.25, request_id="req_7", status=500, headers=HEADERS)
    if isinstance(error, APIStatusError):
        error.status_code, error.body, error.headers = 500, {"message": "Down.", "error_code": "DOWN"}, HEADERS
    if isinstance(error, ActionFailedError):
        error.result = ActionResult(node_status="Failed", data={"id": 7})
    return error


def every_error() -> list[RefoldError]:
    """Return an error of each class."""
    return [complete(getattr(errors, name)(f"Something about {name}.")) for name in errors.__all__]


def state(error: BaseException) -> Any:
    """Return all that an error has."""
    return type(error), error.args, error.__dict__, repr(error.__cause__), error.__suppress_context__


def raised(error: Raised) -> Raised:
    """Return an error with a traceback."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def caused_by(cause: BaseException) -> RefoldError:
    """Return an error with a cause."""
    error = APIConnectionError("No connection.")
    error.__cause__ = cause
    return error


def with_attribute(name: str, value: Any) -> RefoldError:
    """Return an error with an attribute of the caller's, or with another value of one of ours."""
    error = NotFoundError("Gone.")
    setattr(error, name, value)
    return error


def in_context() -> RefoldError:
    """Return an error that was raised while another was handled."""
    error = NotFoundError("Gone.")
    error.__context__ = ValueError("first")
    return error


def with_cause_of_a_cause() -> RefoldError:
    """Return an error whose cause has a cause."""
    refused = ConnectionRefusedError(111, "refused")
    refused.__cause__ = ValueError("first")
    return caused_by(refused)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_every_error_is_built_as_it_was(error: RefoldError) -> None:
    """Also if it is not the first of its class."""
    error.add_note("seen by the caller")
    packer = ErrorPacker()
    for _ in range(3):
        packed = packer.pack(error)
        assert isinstance(packed, PackedError)
        built = packed.build()
        assert built is not error
        assert state(built) == state(error)
        assert str(built) == str(error)
        error.linked_account_id = "user_67890"


def test_what_the_system_said_is_kept() -> None:
    """The cause of an error of a connection."""
    error = caused_by(ConnectionRefusedError(111, "Connect call failed"))
    error.__suppress_context__ = True
    packed = ErrorPacker().pack(error)
    assert isinstance(packed, PackedError)
    assert state(packed.build()) == state(error)
    assert isinstance(packed.build().__cause__, ConnectionRefusedError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: raised(NotFoundError("Gone.")),
        lambda: ValueError("no error of ours"),
        lambda: OwnError("Gone."),
        lambda: caused_by(ValueError("not from the system")),
        with_cause_of_a_cause,
        in_context,
        lambda: with_attribute("customer", object()),
        lambda: with_attribute("body", lambda: None),
        lambda: with_attribute("body", "x" * 100_000),
    ],
    ids=["raised", "foreign", "own", "cause", "causes", "context", "attribute", "unpicklable", "long"],
)
def test_an_error_that_would_lose_something_is_kept(make: Callable[[], BaseException]) -> None:
    """As it is: a report never has less to say."""
    error = make()
    assert ErrorPacker().pack(error) is error


def test_what_is_too_long_is_not_pickled_to_its_end() -> None:
    """Pickling megabytes would hold up the event loop."""
    pickled: list[int] = []

    class Counted:
        def __init__(self, number: int) -> None:
            self.number = number

        def __reduce__(self) -> Any:
            pickled.append(self.number)
            return str, (f"{self.number:01000}",)

    error = with_attribute("body", [Counted(number) for number in range(10_000)])
    assert ErrorPacker().pack(error) is error
    assert len(pickled) < 200


def packed_outcome(error: RefoldError) -> Failed[str]:
    """Return an outcome whose error is packed."""
    outcome = Failed(item="user_1", linked_account_id="user_1", index=1, error=error, effect="none", attempts=2)
    pack_error(outcome, ErrorPacker())
    return outcome


def test_all_who_read_an_error_get_the_same() -> None:
    """As long as anyone holds it; nobody does, and it takes no memory."""
    outcome = packed_outcome(NotFoundError("Gone."))
    held = outcome.error
    assert held is outcome.error
    held.add_note("seen")
    assert outcome.error.__notes__ == ["seen"]
    del held
    gc.collect()
    assert not any(isinstance(one, NotFoundError) for one in gc.get_objects())
    assert str(outcome.error) == "Gone."


def pickled(outcome: Failed[str]) -> Any:
    """Return an outcome that was pickled."""
    return pickle.loads(pickle.dumps(outcome))


COPIES: Final[list[Callable[[Failed[str]], Any]]] = [copy.copy, copy.deepcopy, attrs.evolve, pickled]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_have_the_error_too(copied: Callable[[Failed[str]], Failed[str]]) -> None:
    """However an outcome is copied."""
    error = complete(NotFoundError("Gone."))
    plain = Failed(item="user_1", linked_account_id="user_1", index=1, error=error, effect="none", attempts=2)
    outcome = copied(packed_outcome(error))
    assert state(outcome.error) == state(error)
    assert repr(outcome) == repr(plain)
    assert repr(outcome).startswith("Failed(item='user_1', linked_account_id='user_1', index=1, attempts=2, ")
    assert repr(outcome).endswith("reconciled=None, error=NotFoundError('Gone.'), effect='none')")


def test_classes_and_names_need_no_error() -> None:
    """A report of a million failures counts and finds them without building any."""
    outcome = packed_outcome(complete(NotFoundError("Gone.")))
    gc.collect()
    assert outcome.error_name == "NotFoundError"
    assert outcome.matches(ValueError, APIStatusError)
    assert not outcome.matches(ValueError, ParameterError)
    assert not any(isinstance(one, NotFoundError) for one in gc.get_objects())
    assert not outcome.throttled


@pytest.mark.parametrize(("error_type", "name"), [("NotFoundError", "NotFoundError"), (None, "interrupted")])
def test_a_recorded_error_is_what_was_recorded(error_type: str | None, name: str) -> None:
    """Its class is that of the original error."""
    outcome = packed_outcome(RecordedError("Gone.", error_type=error_type))
    assert outcome.error_name == name
    assert outcome.matches(APIStatusError) is (error_type is not None)
    assert not outcome.matches(APITimeoutError)


async def test_a_report_builds_what_was_raised(mock: MockRefold) -> None:
    """The errors of a job are those that a single call raises, whether they are packed or not."""
    mock.script(Answer(404))
    items = [f"user_{number}" for number in range(150)]
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        report = await refold.fan_out_action(items, "hubspot", "get_contact").collect()
        with pytest.raises(NotFoundError) as caught:
            await refold.account("user_149").execute_action("hubspot", "get_contact")
    last = report.failed[-1].error
    assert last.__dict__.keys() == caught.value.__dict__.keys()
    different = {name for name, value in last.__dict__.items() if value != caught.value.__dict__[name]}
    assert different <= {"sent_at", "meta", "request_id", "headers"}
    assert last.__traceback__ is None
    assert [outcome.linked_account_id for outcome in report.failed] == items
    assert {error_account(outcome) for outcome in report.failed} == set(items)
    with pytest.raises(ExceptionGroup) as group:
        report.raise_for_errors()
    assert len(group.value.exceptions) == 100
    assert "150 of 150 items did not succeed (150 failed, 0 unknown; 150 NotFoundError)" in str(group.value)


def error_account(outcome: Outcome[str, Any]) -> str | None:
    """Return the account that the error of an outcome names."""
    assert isinstance(outcome.error, RefoldError)
    return outcome.error.linked_account_id


def pack_alike() -> PackedError:
    """Pack an error like one before it, with what the system said, and return it."""
    packer = ErrorPacker()
    error = caused_by(raised(ConnectionRefusedError(111, "Connect call failed")))
    packer.pack(error)
    packed = packer.pack(error)
    assert isinstance(packed, PackedError)
    return packed


def test_packed_as_anywhere_beside_dask(request: pytest.FixtureRequest) -> None:
    """How a process pickles errors changes nothing; with Dask's `distributed` imported, that is with tracebacks."""
    expected = pack_alike()
    request.getfixturevalue("pickled_by_dask")
    packed = pack_alike()
    assert state(packed.build()) == state(expected.build())
    cause = packed.build().__cause__
    assert cause is not None
    assert cause.__traceback__ is None


async def test_refused_connections() -> None:
    """The errors of a job whose server is gone say what the system said."""
    items = [f"user_{number}" for number in range(120)]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        base_url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with AsyncRefold("tk_test", base_url=base_url, retry=RetryPolicy(max_retries=0)) as refold:
            report = await refold.fan_out_action(items, "hubspot", "get_contact").collect()
    assert report.counts == {"ok": 0, "failed": 120, "unknown": 0}
    causes = [outcome.error.__cause__ for outcome in report.failed]
    assert all(isinstance(cause, ConnectionRefusedError) for cause in causes)
    assert [cause is not None and cause.__traceback__ is None for cause in causes] == [False] * 100 + [True] * 20
