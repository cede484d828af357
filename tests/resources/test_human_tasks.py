"""Forms with which workflows ask a person: anybody who has the id of one submits it, once, and nothing shows the id."""

import logging
import pickle
import traceback
from typing import Any, Final, Literal

import pytest

from refold_async import (
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    RefoldError,
    RetryPolicy,
)
from refold_async.observers import CallStart
from refold_async.testing import Answer, MockRefold, Reset, Silence, Trouble

FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["approved"],
    "properties": {"approved": {"type": "boolean"}, "amount": {"type": "number", "readOnly": True}},
}


@pytest.fixture
def task_id(mock: MockRefold) -> str:
    """A form that waits."""
    return mock.human_task("Approve Discount", FORM, data={"amount": 5})


async def test_the_life_of_a_form(mock: MockRefold, task_id: str) -> None:
    """It is read and submitted by a client that has no API key."""
    async with AsyncRefold(base_url=mock.base_url) as anybody:
        form = await anybody.human_tasks.get(task_id)
        assert (form.task_id, form.name, form.status) == (task_id, "Approve Discount", "WAITING")
        assert (form.form_structure, form.data) == (FORM, {"amount": 5})
        submitted = await anybody.human_tasks.submit(task_id, {"approved": True})
        assert submitted.message == "Form submitted successfully"
        again = await anybody.human_tasks.get(task_id)
        assert (again.status, again.data) == ("SUBMITTED", {"amount": 5, "approved": True})


async def test_no_key_is_sent(mock: MockRefold, refold: AsyncRefold, task_id: str) -> None:
    """Refold asks for none here, whatever the client has."""
    await refold.human_tasks.get(task_id)
    await refold.human_tasks.submit(task_id, {"approved": True})
    assert [{"x-api-key", "authorization", "linked_account_id"} & {*sent.headers} for sent in mock.requests] == [
        set(),
        set(),
    ]


@pytest.mark.parametrize(
    ("status", "data", "said"),
    [
        ("SUBMITTED", {"approved": True}, "already been submitted"),
        ("TIMEOUT", {"approved": True}, "has expired"),
        ("WAITING", {}, "Missing required fields: approved"),
        ("WAITING", {"approved": True, "amount": 6}, "amount is read-only"),
    ],
)
async def test_what_cannot_be_submitted(
    mock: MockRefold,
    refold: AsyncRefold,
    status: Literal["WAITING", "SUBMITTED", "TIMEOUT"],
    data: dict[str, Any],
    said: str,
) -> None:
    """Refold says why."""
    task_id = mock.human_task("Approve Discount", FORM, data={"amount": 5}, status=status)
    with pytest.raises(BadRequestError, match=said) as caught:
        await refold.human_tasks.submit(task_id, data)
    assert caught.value.effect == "none"


async def test_forms_that_are_not_there(refold: AsyncRefold) -> None:
    """The error says where the id is from."""
    with pytest.raises(NotFoundError, match="the link that Refold sent"):
        await refold.human_tasks.get("no-such-form")


@pytest.mark.parametrize("data", [None, "yes", [True]])
async def test_wrong_data(mock: MockRefold, refold: AsyncRefold, data: Any) -> None:
    """Is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="data must be a mapping"):
        await refold.human_tasks.submit("some-id", data)
    assert not mock.requests


class Watcher:
    """Remembers what calls it saw."""

    def __init__(self) -> None:
        self.starts: list[CallStart] = []

    def on_call_start(self, start: CallStart) -> None:
        """Remember one."""
        self.starts.append(start)


TASK_ID: Final = "6a31a2f0d396207fd2510000"
TROUBLES: Final[tuple[Trouble, ...]] = (
    Answer(404, json={"message": f"No form {TASK_ID}", "error_code": "SERVER_ERROR", "status_code": 404}),
    Answer(503, body=f"/human-tasks/{TASK_ID}".encode()),
    Answer(200, body=TASK_ID.encode()),
    Reset("after"),
    Silence(),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
async def test_nothing_shows_the_id(mock: MockRefold, caplog: pytest.LogCaptureFixture, trouble: Trouble) -> None:
    """Neither errors nor the log nor observers: anybody who has it can submit the form."""
    caplog.set_level(logging.DEBUG, "refold_async")
    watcher = Watcher()
    mock.script(trouble)
    retry = RetryPolicy(max_retries=0)
    async with AsyncRefold(base_url=mock.base_url, retry=retry, timeout=0.5, observers=[watcher]) as refold:
        with pytest.raises(RefoldError) as caught:
            await refold.human_tasks.get(TASK_ID)
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + caplog.text
    assert "/human-tasks/{task_id}" in shown
    assert TASK_ID not in shown + repr(watcher.starts) + str(pickle.dumps(caught.value))
    assert mock.requests[0].path.endswith(TASK_ID)
