"""The examples for web frameworks, Celery and notebooks: run as their first lines say, under load, until they stop."""

import ast
import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import pytest

from docs.wording import ROOT
from refold_async import webhooks
from refold_async.testing import Answer, Delay, MockRefold, Reset, Silence
from support.redis_server import RedisProcess
from support.running_programs import children, ended, running
from support.waiting import until

EXAMPLES: Final = ROOT / "examples" / "frameworks"
SERVICES: Final = {"fastapi": "fastapi_service:app", "django": "django_service:application"}
NOTEBOOK: Final = EXAMPLES / "notebook.ipynb"
KEY: Final = "tk_test"
EXPIRED: Final = json.dumps({"event": "Connection Expired", "linked_account_id": "user_7", "slug": "hubspot"}).encode()
EMAIL: Final = "jane@example.com"
AT_ONCE: Final = 12
"""How many requests are made of a service at the same time: few enough that a busy machine answers them in time."""


@attrs.define
class Service:
    """A service that runs, and what it has logged."""

    name: str
    process: Process
    session: aiohttp.ClientSession
    url: str = ""
    log: str = ""

    async def read_log(self) -> None:
        """Read what it logs until it ends, so that it never waits for somebody to read."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line.decode()

    async def started(self, workers: int) -> None:
        """Wait until all workers serve."""
        told = ("Application startup complete.",) * workers + ("running on http://",)
        await until(lambda: all(self.log.count(one) >= told.count(one) for one in told) or self.ended, within=120)
        assert not self.ended, self.log
        self.url = re.findall(r"running on (http://[\d.:]+)", self.log)[0]

    @property
    def ended(self) -> bool:
        """Whether it has ended, and all that it logged is read."""
        return self.process.stderr is None or self.process.stderr.at_eof()

    async def read(self, customer: str) -> tuple[int, Any]:
        """Ask for the contacts of a customer."""
        async with self.session.get(f"{self.url}/contacts", headers={"X-Customer": customer}) as response:
            return response.status, await response.json(content_type=None)

    async def write(self, customer: str) -> tuple[int, Any]:
        """Ask for a new contact, in the form in which the service takes it."""
        contact: Any = {"json" if self.name == "fastapi" else "data": {"email": EMAIL}}
        async with self.session.post(f"{self.url}/contacts", headers={"X-Customer": customer}, **contact) as response:
            return response.status, await response.json(content_type=None)

    def workers(self) -> list[int]:
        """Return the ids of its worker processes."""
        return children(self.process, running="spawn_main")

    async def stop(self) -> str:
        """Tell it to stop, wait until it has, and return what it logged."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 60)
        await until(lambda: self.ended)
        assert self.process.returncode in {0, -signal.SIGTERM}, self.log
        return self.log


@asynccontextmanager
async def serving(name: str, mock: MockRefold, *, workers: int = 1, grace: int = 10) -> AsyncGenerator[Service]:
    """Serve an example with uvicorn, as its first lines say."""
    arguments = ["-m", "uvicorn", SERVICES[name], "--app-dir", str(EXAMPLES), "--lifespan", "on", "--port", "0"]
    arguments += ["--workers", str(workers), "--timeout-graceful-shutdown", str(grace), "--no-access-log"]
    arguments += ["--timeout-worker-healthcheck", "120"]  # or it kills a worker that a busy machine delays
    environment = {"REFOLD_API_KEY": KEY, "REFOLD_BASE_URL": mock.base_url}
    async with (
        running(*arguments, environment=environment) as process,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session,
        asyncio.TaskGroup() as group,
    ):
        service = Service(name, process, session)
        reading = group.create_task(service.read_log())
        try:
            await service.started(workers)
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.wait([reading], timeout=60)


def talks_to(pid: int, port: int) -> bool:
    """Return whether a process has a connection to a port of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{fields[9]}]" for fields in lines if int(fields[2].partition(":")[2], 16) == port}
    return any(os.readlink(file) in inodes for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink())


@pytest.mark.parametrize("name", SERVICES)
async def test_answers(name: str, mock: MockRefold) -> None:
    """What a service makes of customers, of mistakes, of failures and of webhooks. No write is sent twice."""
    mock.account("user_2").expire("hubspot")
    mock.script(Reset("after"), linked_account_id="user_3", action_id="create_contact")
    mock.script(Answer(429, retry_after=60), linked_account_id="user_4")
    async with serving(name, mock) as service:
        status, contacts = await service.read("user_1")
        assert (status, "contact@example.com" in json.dumps(contacts)) == (200, True)
        status, created = await service.write("user_1")
        assert (status, created["id"]) == (201, "1510721")
        assert (await service.read("user_2"))[0] == 409
        status, lost = await service.write("user_3")
        assert (status, lost["effect"]) == (502, "unknown")
        assert (await service.read("user_4"))[0] == 503
        for body, key, expected in ((EXPIRED, KEY, 200), (EXPIRED, "tk_other", 401), (b"5", KEY, 400)):
            headers = {webhooks.SIGNATURE_HEADER: webhooks.sign(body, key)}
            async with service.session.post(f"{service.url}/refold", data=body, headers=headers) as response:
                assert response.status == expected
        if name == "fastapi":
            async with service.session.get(f"{service.url}/overview", headers={"X-Customer": "user_2"}) as response:
                assert response.status == 409
        log = await service.stop()
    assert "user_7 must reconnect hubspot" in log
    assert len(mock.requests_to(linked_account_id="user_3", action_id="create_contact")) == 1
    assert KEY not in log
    assert "Traceback" not in log


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
async def test_two_workers_under_load(name: str, mock: MockRefold) -> None:
    """Every request gets the answer of its customer. Told to stop, they finish what is in flight, and leave nothing."""
    customers = [f"customer_{number}" for number in range(300)]
    broken = set(customers[::10])
    for customer in broken:
        mock.account(customer).expire("hubspot")
    mock.script(Delay(0.02))
    async with serving(name, mock, workers=2) as service:
        workers = service.workers()
        assert len(workers) == 2
        answers = await asyncio.gather(*map(service.write, customers), *map(service.read, customers))
        expected = [409 if customer in broken else 201 for customer in customers]
        expected += [409 if customer in broken else 200 for customer in customers]
        assert [status for status, _ in answers] == expected
        assert all(talks_to(worker, int(mock.base_url.rpartition(":")[2])) for worker in workers)
        mock.clear()

        mock.script(Delay(3.0), action_id="create_contact")
        fine = [customer for customer in customers if customer not in broken][:AT_ONCE]
        last = asyncio.gather(*map(service.write, fine))
        await until(lambda: mock.in_flight == len(fine))
        log = await service.stop()
        assert [status for status, _ in await last] == [201] * len(fine)
    writes = Counter(request.linked_account_id for request in mock.requests)
    assert writes == Counter(fine)
    await until(lambda: mock.connections_open == 0)
    assert not [line for line in log.splitlines() if re.search(r"Traceback|Unclosed|never awaited|may have run", line)]
    assert log.count("Application shutdown complete.") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
async def test_a_write_that_the_shutdown_cuts_off(name: str, mock: MockRefold) -> None:
    """If it takes longer than uvicorn waits, it is cancelled, leaves a warning, and is not sent again."""
    mock.script(Silence(), action_id="create_contact")
    async with serving(name, mock, grace=1) as service:
        writing = asyncio.ensure_future(service.write("user_1"))
        await until(lambda: mock.in_flight == 1)
        log = await service.stop()
        await asyncio.wait([writing], timeout=30)
        writing.exception()
    assert "may have run" in log
    assert len(mock.requests_to(action_id="create_contact")) == 1
    await until(lambda: mock.connections_open == 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
async def test_a_caller_who_hangs_up(name: str, mock: MockRefold) -> None:
    """Django cancels the view, and the write leaves a warning. FastAPI lets the route end. Neither sends it again."""
    mock.script(Delay(1.0), action_id="create_contact")
    async with serving(name, mock) as service:
        writing = asyncio.ensure_future(service.write("user_1"))
        await until(lambda: mock.in_flight == 1)
        writing.cancel()
        if name == "django":
            await until(lambda: "may have run" in service.log)
        await until(lambda: mock.in_flight == 0)
        assert (await service.read("user_1"))[0] == 200
        log = await service.stop()
    assert ("may have run" in log) == (name == "django")
    assert len(mock.requests_to(action_id="create_contact")) == 1


@pytest.mark.slow
async def test_celery(mock: MockRefold, redis: RedisProcess) -> None:
    """Two worker processes run tasks, one client each; a task whose write may have run says so, and is not repeated."""
    mock.script(Reset("after"), linked_account_id="user_2", action_id="create_contact")
    environment = {
        "REFOLD_API_KEY": KEY,
        "REFOLD_BASE_URL": mock.base_url,
        "REDIS_URL": redis.tcp_url,
    }
    # It warns that it runs as root, and the tests may.
    command = ("-W", "always", "-m", "celery", "--workdir", str(EXAMPLES), "-A", "celery_tasks", "worker")
    async with running(*command, "--concurrency", "2", environment=environment) as worker:
        for customer, effect in (("user_1", "done"), ("user_2", "unknown"), ("user_1", "done"), ("user_3", "done")):
            arguments = (str(EXAMPLES / "celery_tasks.py"), customer, EMAIL)
            async with running(*arguments, environment=environment) as program:
                ran = await ended(program)
            assert (ran.exit_code, ran.complaints) == (0, ""), ran
            assert ast.literal_eval(ran.output)["effect"] == effect
        worker.terminate()
        ran = await ended(worker)
    assert ran.exit_code == 0, ran
    assert "Unclosed" not in ran.complaints
    assert len(mock.requests_to(linked_account_id="user_2", action_id="create_contact")) == 1
    assert mock.connections_opened <= 2 + 1  # a lost response takes its connection with it


def cells() -> list[str]:
    """Return the code of the notebook, cell by cell."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


async def test_cells_of_the_notebook(mock: MockRefold, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one event loop, as a kernel runs them, they read from the service whose key is set, and write nothing."""
    monkeypatch.setenv("REFOLD_API_KEY", KEY)
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    names: dict[str, Any] = {}
    for cell in cells():
        running = eval(compile(cell, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if running is not None:
            await running
    assert names["report"].counts == {"ok": 3, "failed": 0, "unknown": 0}
    assert {request.action_id for request in mock.requests if request.method == "POST"} == {"get_contact"}
    assert repr(names["job"]).startswith("<FanOut, ended: ")


async def test_the_notebook_as_it_is_saved() -> None:
    """It has no outputs, which may hold data of customers."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]


@pytest.mark.slow
def test_the_notebook_in_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel of Jupyter runs it from top to bottom, against a mock of its own."""
    client = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    client.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "\n".join(
        "".join(output.get("text") or output["data"]["text/plain"])
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "<AsyncRefold http://127.0.0.1" in shown
    assert "<FanOutReport 3 items: 2 ok, 1 failed, 0 unknown; 1 ReconnectRequiredError>" in shown
    assert "email email required" in shown
    assert shown.endswith(" closed>")
