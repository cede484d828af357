"""What results and errors tell of the call that they came of."""

import copy
import pickle
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from refold_async import (
    Action,
    ActionFailedError,
    ActionResult,
    APIConnectionError,
    APIResponseValidationError,
    AsyncRefold,
    ClientClosedError,
    Execution,
    Journal,
    NotFoundError,
    ParameterError,
    ReconnectRequiredError,
    RefoldError,
    ResponseMeta,
    SavedFile,
)
from refold_async.models.response_meta import pack
from refold_async.testing import Answer, Delay, Errored, MockRefold, Reset, Truncated
from support.raw_server import http_response, raw_server
from support.retry_policies import IMPATIENT

HEADERS: Final = CIMultiDictProxy(
    CIMultiDict([("X-Trace-ID", "r"), ("Set-Cookie", "a=1: 2"), ("Set-Cookie", "b"), ("Empty", "")])
)


@pytest.mark.parametrize("way", ["as it is", "packed", "copied", "pickled by 0", "pickled by 1", "pickled by 5"])
def test_headers(way: str) -> None:
    """However they are kept, names are case-insensitive, and repeated headers are all there."""
    meta = ResponseMeta(1, 0.5, "r", 200, HEADERS)
    if way == "packed":
        pack(meta)
        pack(meta)
    elif way != "as it is":
        meta = copy.deepcopy(meta) if way == "copied" else pickle.loads(pickle.dumps(meta, int(way[-1])))
    assert (meta.headers["x-trace-id"], meta.headers["EMPTY"]) == ("r", "")
    assert meta.headers.get("nothing") is None
    assert "set-cookie" in meta.headers
    assert list(meta.headers.items()) == list(HEADERS.items())
    assert (len(meta.headers), list(meta.headers)) == (len(HEADERS), list(HEADERS))
    assert meta == ResponseMeta(1, 0.5, "r", 200)
    assert "Cookie" not in repr(meta)


def test_frozen() -> None:
    """One that many results share does not change, also where it was made of a response."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ResponseMeta().attempts = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_of_what_no_call_made() -> None:
    """A result of a test's own tells of no attempt, or what it is made with."""
    assert ActionResult("Success", 1).meta == ResponseMeta()
    assert (ActionResult("Success", 1).request_id, RefoldError("x").meta.attempts) == (None, 0)
    assert Action("a", meta=ResponseMeta(request_id="r")).request_id == "r"


async def test_results(mock: MockRefold) -> None:
    """Each tells attempts, seconds, status, headers and id, also those that were retried, typed, or in a list."""
    mock.script(Answer(503), calls=1)
    mock.script(Delay(0.05), calls=2)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        account = refold.account("user_1")
        retried = await account.execute_action("hubspot", "get_contact", idempotent=True)
        actions = await account.list_actions("hubspot")
        results: list[Any] = [
            retried,
            await account.execute_action("hubspot", "get_contact", into=dict[str, Any]),
            await account.get_action_parameters("hubspot", "get_contact"),
            await account.execute_workflow("welcome_contact", slug="hubspot"),
            actions[0],
            actions[-1],
            await refold.linked_accounts.get("user_1"),
        ]
        executions: list[Execution] = [execution async for execution in account.executions.list()]
    assert (retried.meta.attempts, retried.meta.status) == (2, 200)
    assert retried.meta.elapsed >= 0.05
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        retried.meta.attempts = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert actions[0].meta is actions[-1].meta
    assert [result.meta.attempts for result in results] == [2, *[1] * 6]
    for result in [*results, *executions]:
        assert result.meta.status in {200, 202}
        assert 0 < result.meta.elapsed < 60
        assert result.request_id == result.meta.request_id == result.meta.headers["x-trace-id"]
        assert pickle.loads(pickle.dumps(result)).meta == copy.deepcopy(result).meta == result.meta
        assert pickle.loads(pickle.dumps(result)).meta.headers["server"] == "mock-refold"


async def test_results_of_a_fan_out(mock: MockRefold, tmp_path: Any) -> None:
    """They tell it too; one that a journal had tells that nothing was sent."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        for recorded in (False, True):
            journal = Journal(tmp_path / "june.sqlite", job="june", results=True)
            report = await refold.fan_out_action(["user_1"], "hubspot", "get_contact", journal=journal).collect()
            result = report.ok[0].value
            assert result is not None
            assert result.meta.attempts == (0 if recorded else 1)
            assert ("x-trace-id" in result.meta.headers) == (not recorded)


@pytest.mark.parametrize(
    ("trouble", "error", "status"),
    [
        (Answer(404), NotFoundError, 404),
        (Answer(503), RefoldError, 503),
        (Errored(400), ActionFailedError, 200),
        (
            Answer(400, json={"message": "Application Authentication not found", "error": "x"}),
            ReconnectRequiredError,
            400,
        ),
        (Answer(200, body="<html>"), APIResponseValidationError, 200),
        (Reset("after"), APIConnectionError, None),
        (Truncated(), APIConnectionError, None),
    ],
    ids=["not found", "failing", "the app failed", "not connected", "unreadable", "lost", "cut"],
)
async def test_errors(mock: MockRefold, trouble: Any, error: type[RefoldError], status: int | None) -> None:
    """They tell the app, the action, and the call: also where no response came."""
    mock.script(trouble)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        with pytest.raises(error) as caught:
            await refold.account("user_1").execute_action("hubspot", "get_contact", idempotent=True)
    for told in (caught.value, pickle.loads(pickle.dumps(caught.value)), copy.deepcopy(caught.value)):
        assert (told.slug, told.action_id) == ("hubspot", "get_contact")
        assert (told.meta.attempts, told.meta.status, told.meta.request_id) == (told.attempts, status, told.request_id)
        assert 0 < told.meta.elapsed < 60
        assert told.meta.headers.get("x-trace-id") == (None if status is None else told.request_id)


@pytest.mark.parametrize("trouble", [None, Answer(403)], ids=["the run failed", "it could not be asked after"])
async def test_errors_of_runs(mock: MockRefold, trouble: Any) -> None:
    """They name the app that the run was for, although what asks after a run does not."""
    if trouble is not None:
        mock.script(trouble, route="get_execution")
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        with pytest.raises(RefoldError) as caught:
            await refold.account("user_1").run_workflow(
                "welcome_contact", slug="hubspot", payload={}, poll_interval=0.01
            )
    assert (caught.value.slug, caught.value.meta.attempts) == ("hubspot", 1)


async def test_errors_without_an_attempt(mock: MockRefold) -> None:
    """A client that is closed and parameters that do not fit name app and action too."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        account = refold.account("user_1")
        parameters = await account.get_action_parameters("hubspot", "create_contact")
        with pytest.raises(ParameterError) as misfit:
            parameters.validate({})
    with pytest.raises(ClientClosedError) as closed:
        await account.execute_workflow("welcome_contact", slug="hubspot")
    assert (misfit.value.slug, misfit.value.action_id) == ("hubspot", "create_contact")
    assert (closed.value.slug, closed.value.action_id, closed.value.meta.attempts) == ("hubspot", None, 0)


async def test_saved_files(mock: MockRefold, tmp_path: Path) -> None:
    """They tell it too, also where they are the data of a result."""
    pdf = Answer(200, body="%PDF-1.7", content_type="application/pdf")
    mock.script(pdf)
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        account = refold.account("user_1")
        result = await account.execute_action("hubspot", "get_contact", save_to=tmp_path / "a")
        by_request = await account.request("POST", "/api/v2/x", save_to=tmp_path / "b")
    assert result.data.meta is result.meta
    for saved in result.data, by_request:
        assert (saved.meta.attempts, saved.meta.status, saved.meta.headers["content-type"]) == (
            1,
            200,
            "application/pdf",
        )
        assert saved.request_id == saved.meta.headers["x-trace-id"]
        assert saved == SavedFile(saved.path, 8, "application/pdf")
        assert "meta" not in repr(saved)


async def test_what_an_error_carries(mock: MockRefold) -> None:
    """Its result keeps the headers of the response once for both, as few bytes."""
    mock.script(Errored(400))
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        with pytest.raises(ActionFailedError) as caught:
            await refold.account("user_1").execute_action("hubspot", "get_contact")
    assert caught.value.result is not None
    assert caught.value.result.meta.headers is caught.value.meta.headers
    assert caught.value.meta.headers["server"] == "mock-refold"


@pytest.mark.parametrize("by_token", [False, True])
async def test_a_request_id_that_quotes_a_secret(mock: MockRefold, *, by_token: bool) -> None:
    """Results do not show it, whatever stands before Refold names requests by."""
    secret = "st_secret_token" if by_token else "tk_secret_key"
    mock.script(Answer(200, json={"node_status": "Success", "data": 1}, headers={"X-Trace-ID": f"for {secret}"}))
    async with AsyncRefold("tk_secret_key", base_url=mock.base_url) as refold:
        account = refold.account_from_session_token(secret) if by_token else refold.account("user_1")
        result = await account.execute_action("hubspot", "get_contact")
    assert result.request_id == "for ***"
    assert secret not in repr(result.meta)


async def test_no_secret_in_the_headers_of_an_error() -> None:
    """A gateway may echo the key in a header: errors show none, nor do the results they carry."""
    failed = b'{"node_status": "Errored", "data": {"message": "no"}, "http_status": 400}'
    answer = http_response(failed).replace(b"\r\n\r\n", b"\r\nX-Echo: a\r\nX-Echo: tk_secret_key_1\r\n\r\n", 1)
    async with (
        raw_server(lambda _: answer) as server,
        AsyncRefold("tk_secret_key_1", base_url=server.base_url) as refold,
    ):
        with pytest.raises(ActionFailedError) as caught:
            await refold.account("user_1").execute_action("hubspot", "get_contact")
    error = caught.value
    assert error.result is not None
    for meta in (error.meta, error.result.meta):
        assert [value for name, value in meta.headers.items() if name == "X-Echo"] == ["a", "***"]
