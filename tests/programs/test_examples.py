"""The examples run as they are, say what they should, and write to a real service only if asked to."""

import asyncio
import csv
import importlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from refold_async.testing import Answer, Delay, Errored, ExpiredConnection, MockRefold, Reset, Silence, Trouble
from support.running_programs import Finished, ended, first_url, run_program, running
from support.waiting import until

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples"
TALKS_TO_MOCK: Final = re.compile(r"REFOLD_API_KEY is not set: talking to a mock on http://127\.0\.0\.1:\d+\n")


async def run_example(name: str, *arguments: str, service: MockRefold | None = None) -> Finished:
    """Run an example as a user would: with a key for a service, or without."""
    return await run_program(str(EXAMPLES / name), *arguments, environment=settings(service))


def settings(service: MockRefold | None) -> dict[str, str]:
    """Return the environment of an example that talks to this service as if it were the real one."""
    return {} if service is None else {"REFOLD_API_KEY": "tk_test", "REFOLD_BASE_URL": service.base_url}


def executed(mock: MockRefold) -> list[str]:
    """Return the ids of the actions that were executed, in order."""
    return [request.path.split("/")[-2] for request in mock.requests_to("execute_action")]


async def test_quickstart() -> None:
    """Without a key it makes the four calls, read and write, against a mock of its own."""
    ran = await run_example("quickstart.py")
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    assert "HubSpot's actions: httprequest, get_contact," in ran.output
    assert "create_contact requires: email" in ran.output
    assert "'contact@example.com'" in ran.output
    contact_id = re.findall(r"Created contact (\d+)", ran.output)[0]
    assert f"returned {{'contact_id': '{contact_id}', 'created': False}}" in ran.output


async def test_quickstart_with_a_key_reads_only(mock: MockRefold) -> None:
    """A service that holds real data is not written to unasked."""
    ran = await run_example("quickstart.py", "--account", "user_1", service=mock)
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert executed(mock) == ["get_contact"]
    assert not mock.requests_to("execute_workflow")
    assert {request.linked_account_id for request in mock.requests} == {"user_1"}


async def test_quickstart_writes_if_asked(mock: MockRefold) -> None:
    """`--write` and `--workflow` each do what they say."""
    ran = await run_example("quickstart.py", "--write", "--workflow", "welcome_contact", service=mock)
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert executed(mock) == ["get_contact", "create_contact"]
    assert len(mock.requests_to("execute_workflow")) == 2


@pytest.mark.parametrize("name", ["quickstart.py", pytest.param("custom_types.py", marks=pytest.mark.slow)])
async def test_error_is_told_without_traceback(mock: MockRefold, name: str) -> None:
    """An error of the library ends an example with its message and exit code 1."""
    mock.account("user_12345").expire("hubspot")
    ran = await run_example(name, service=mock)
    assert ran.exit_code == 1
    assert ran.complaints.startswith("ReconnectRequiredError: Action 'get_contact'")
    assert "Traceback" not in ran.complaints


async def test_fan_out() -> None:
    """It reads every linked account's contact, names the one that failed, then writes what is missing."""
    ran = await run_example("fan_out.py")
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    failed, *rest = ran.output.splitlines()
    assert failed.startswith("user_7: failed, ")
    assert rest == ["Read the contacts of 19 linked accounts", "user_1: created", "user_2: found"]


async def test_fan_out_with_a_key_reads_only(mock: MockRefold) -> None:
    """Each linked account of the service is read once, over all pages, and none is written to."""
    # The bucket of the example's rate limit begins full: few accounts take no time, a second page would.
    accounts = [f"customer_{number}" for number in range(4)]
    for linked_account_id in accounts:
        mock.account(linked_account_id)
    ran = await run_example("fan_out.py", service=mock)
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert ran.output == "Read the contacts of 4 linked accounts\n"
    assert executed(mock) == ["get_contact"] * 4
    assert sorted(str(request.linked_account_id) for request in mock.requests_to("execute_action")) == accounts


async def test_custom_types() -> None:
    """Typed results are typed, and one that does not fit is explained with its data kept."""
    ran = await run_example("custom_types.py")
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    assert "Contact 51: contact@example.com\n" in ran.output
    assert re.search(r"^Workflow \w+: Welcome a contact$", ran.output, re.MULTILINE)
    assert "Does not fit, effect 'done'" in ran.output
    assert "The data is not lost: '51'" in ran.output


async def test_observing() -> None:
    """A call that succeeds and one that fails are told by the trace, an observer, the result and the error."""
    ran = await run_example("observing.py")
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    assert ran.output.splitlines() == [
        (
            "span execute_action hubspot/get_contact: {'refold.slug': 'hubspot', 'refold.action_id': 'get_contact', "
            "'refold.attempts': 1, 'refold.effect': 'done'}"
        ),
        "result: HTTP 200, 1 attempt(s), application/json; charset=utf-8",
        (
            "span list_actions no_such_app: {'refold.slug': 'no_such_app', 'refold.attempts': 1, "
            "'refold.effect': 'none', 'error.type': 'NotFoundError'}"
        ),
        "error: NotFoundError of no_such_app, HTTP 404, effect none",
        "tally: hubspot: 1 ok",
        "tally: no_such_app: 1 NotFoundError",
    ]


async def test_failure_report() -> None:
    """A job that was killed goes on, and its table has the real errors of both runs, one line each."""
    ran = await run_example("failure_report.py")
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.fullmatch(ran.complaints)
    assert "18 ok, 2 failed, 5 unknown, 0 in flight, 15 not begun" in ran.output
    counts = "32 ok, 3 failed, 5 unknown; 5 interrupted, 2 ReconnectRequiredError, 1 ActionFailedError"
    assert f"<FanOutReport 40 items: {counts}>" in ran.output
    assert "To reconnect: user_3 user_30\n" in ran.output
    table = list(csv.DictReader(ran.output[ran.output.index("index,") :].strip().splitlines()))
    assert [(row["item"], row["error"], row["recorded"]) for row in table] == [
        ("user_3", "ReconnectRequiredError", "true"),
        ("user_7", "ActionFailedError", "true"),
        *((f"user_{number}", "interrupted", "true") for number in range(20, 25)),
        ("user_30", "ReconnectRequiredError", "false"),
    ]
    assert r"Property values\nwere not valid" in table[1]["message"]


@pytest.mark.slow
async def test_demo(mock: MockRefold) -> None:
    """It shows what it promises, and talks to its own mock even where a key for another service is set."""
    ran = await run_example("demo.py", service=mock)
    assert (ran.exit_code, ran.complaints) == (0, "")
    assert mock.request_count == 0
    for error, effect in [
        ("NotFoundError", "none"),
        ("ReconnectRequiredError", "none"),
        ("APIConnectionError", "unknown"),
    ]:
        assert re.search(rf"raised +{error}\n +effect +{effect}\n", ran.output)
    assert "\r" not in ran.output
    assert "1,000 of 2,000" in ran.output
    for line in [r"ok +1,995", r"failed +5 ", r"unknown +0", r"requests +2,019 ", r"connections opened +\d+"]:
        assert re.search(rf"^ +{line}", ran.output, re.MULTILINE), line
    assert "Everything went as expected" in ran.output


async def test_demo_on_a_terminal() -> None:
    """Progress stays on one line there; Ctrl-C in its middle ends the demo with the usual exit code, no traceback."""
    ours, theirs = os.openpty()
    async with running(str(EXAMPLES / "demo.py"), stdout=theirs) as program:
        os.close(theirs)
        shown = b""
        with open(ours, "rb", buffering=0) as terminal:  # noqa: ASYNC230 - read in a thread
            while b"failed\r   [" not in shown:
                part = await asyncio.to_thread(terminal.read, 65536)
                assert part, shown
                shown += part
            program.send_signal(signal.SIGINT)
            with suppress(OSError):  # how Linux tells that the other end was closed
                while part := await asyncio.to_thread(terminal.read, 65536):
                    shown += part
        ran = await ended(program)
    assert (ran.exit_code, ran.complaints) == (130, "")
    assert shown.endswith(b"\r\nInterrupted.\r\n")
    assert b"Everything went as expected" not in shown


class Service:
    """The example's web application, served in this process."""

    def __init__(self, application: web.Application, url: str, session: aiohttp.ClientSession) -> None:
        self.application = application
        self.url = url
        self._session = session

    async def get(self, path: str) -> tuple[int, Any, Any]:
        """Return the status, headers and JSON of the answer to a GET."""
        async with self._session.get(self.url + path) as response:
            return response.status, response.headers, await response.json(content_type=None)

    async def post(self, path: str, body: Any) -> tuple[int, Any, Any]:
        """Return the status, headers and JSON of the answer to a POST."""
        async with self._session.post(self.url + path, data=body) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, response.headers, json.loads(text) if is_json else text


CONTACTS: Final = "/accounts/user_12345/contacts"
OVERVIEW: Final = "/accounts/user_12345/overview"
JANE: Final = '{"email": "jane@example.com"}'


@pytest.fixture
async def service(mock: MockRefold, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """The web application on a free port, talking to the mock; it answers each request within four seconds."""
    for name, value in settings(mock).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    application = importlib.import_module("web_app").application(seconds=4.0)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as session:
        yield Service(application, site.name, session)
    await runner.cleanup()


async def test_overview_reads_side_by_side(mock: MockRefold, service: Service) -> None:
    """A request's calls are under way at the same time, and their results come together."""
    mock.script(Delay(0.8))
    request = asyncio.create_task(service.get(OVERVIEW))
    await until(lambda: mock.in_flight == 3)
    status, _, body = await request
    assert status == 200
    assert body["contacts"][0]["properties"]["email"] == "contact@example.com"
    assert [channel["name"] for channel in body["channels"]] == ["general", "sales"]
    assert body["connected"] == ["hubspot", "slack"]


async def test_requests_share_connections(mock: MockRefold, service: Service) -> None:
    """One client serves all requests: later ones find the connections of earlier ones."""
    for number in range(5):
        status, _, _ = await service.get(f"/accounts/user_{number}/overview")
        assert status == 200
    assert mock.request_count == 15
    assert mock.connections_opened <= 3


async def test_contact_is_created(mock: MockRefold, service: Service) -> None:
    """A write goes to the linked account that the request names, as its body says."""
    status, _, body = await service.post(CONTACTS, JANE)
    assert (status, body) == (201, {"id": "1510721"})
    (request,) = mock.requests_to("execute_action", "user_12345")
    assert request.json == {"email": "jane@example.com"}


@pytest.mark.parametrize(
    ("trouble", "status", "effect", "retry_after"),
    [
        (ExpiredConnection(), 409, "none", None),
        (Errored(400, {"message": "Property values were not valid"}), 422, "none", None),
        (Errored(429, {"message": "Too fast"}), 503, "none", None),
        (Errored(500), 502, "unknown", None),
        (Answer(429, retry_after=30), 503, "none", "30"),
        (Answer(400), 400, "none", None),
        (Answer(401), 500, "none", None),
        (Answer(404), 500, "none", None),
        (Answer(502, body="<html>Bad Gateway</html>"), 502, "unknown", None),
        (Answer(503, retry_after=30), 502, "unknown", None),
        (Answer(200, body="<html>"), 502, "unknown", None),
        (Reset("after"), 502, "unknown", None),
        (Silence(), 504, "unknown", None),
    ],
    ids=str,
)
async def test_failed_write(
    mock: MockRefold, service: Service, trouble: Trouble, status: int, effect: str, retry_after: str | None
) -> None:
    """Each kind of failure has its status; `effect` is passed on, and nobody is invited to repeat an unknown write."""
    mock.script(trouble)
    answered_status, headers, body = await service.post(CONTACTS, JANE)
    assert (answered_status, body["effect"], headers.get("Retry-After")) == (status, effect, retry_after)
    assert "tk_test" not in body["problem"]
    assert mock.request_count == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{}", "Required parameter 'email' is missing"),
        ("[]", "parameters must be a mapping"),
        ('{"email": NaN}', "parameters.email cannot be sent as JSON"),
        ("{", "The body must be JSON."),
    ],
)
async def test_bad_body(service: Service, body: str, problem: str) -> None:
    """What the caller sent wrongly is told to the caller."""
    status, _, body = await service.post(CONTACTS, body)
    assert status == 400
    assert problem in (body if isinstance(body, str) else body["problem"])


async def test_bad_account(mock: MockRefold, service: Service) -> None:
    """An id that would become another on the wire is refused before anything is sent."""
    status, _, _ = await service.post("/accounts/%20user_12345/contacts", JANE)
    assert status == 400
    assert mock.request_count == 0


async def test_failed_read(mock: MockRefold, service: Service) -> None:
    """One failed read fails the overview; of reads no effect is told."""
    mock.account("user_12345").disconnect("slack")
    status, _, body = await service.get(OVERVIEW)
    assert (status, body) == (409, {"problem": "Reconnect the app, then try again."})


async def test_late_read(mock: MockRefold, service: Service) -> None:
    """Reads that get no answer are given up in time, and nothing of them goes on."""
    mock.script(Silence())
    status, _, _ = await service.get(OVERVIEW)
    assert status == 504
    await until(lambda: mock.in_flight == 0)


async def test_late_request(mock: MockRefold, service: Service) -> None:
    """A request that is late by itself is answered too: its body does not come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
    writer.write(f"POST {CONTACTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n".encode())
    assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 504 Gateway Timeout\r\n"
    writer.write(b"too late.")
    writer.close()
    await writer.wait_closed()
    assert mock.request_count == 0


async def test_shutdown(mock: MockRefold) -> None:
    """On SIGTERM the request under way is answered, then the client's connections close and the exit code is 0."""
    mock.script(Delay(0.5), calls=1)
    async with running(str(EXAMPLES / "web_app.py"), "--port", "0", environment=settings(mock)) as program:
        url = await first_url(program)
        async with aiohttp.ClientSession() as session:
            request = asyncio.create_task(session.post(url + CONTACTS, data=JANE))
            await until(lambda: mock.in_flight == 1)
            program.send_signal(signal.SIGTERM)
            async with await request as response:
                assert response.status == 201
        ran = await ended(program)
    assert ran.exit_code == 0
    assert "Traceback" not in ran.complaints
    assert mock.connections_open == 0


async def test_web_app_without_a_key() -> None:
    """It runs as it is, against a mock of its own."""
    async with running(str(EXAMPLES / "web_app.py"), "--port", "0") as program:
        url = await first_url(program)
        async with aiohttp.ClientSession() as session, session.get(url + OVERVIEW) as response:
            assert response.status == 200
        program.send_signal(signal.SIGINT)
        ran = await ended(program)
    assert ran.exit_code == 0
    assert TALKS_TO_MOCK.search(ran.complaints)
