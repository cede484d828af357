"""Servers that tests run: each is a process of the test's own, has no privileges, and ends with this process."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from support.waiting import until

__all__ = [
    "REQUIRED",
    "ServiceProcess",
    "ending_with_this_process",
    "find_program",
    "free_port",
    "program",
    "run_unprivileged",
    "service_directory",
]

REQUIRED: Final = "REFOLD_ASYNC_REQUIRE_SERVICES"
"""The variable that makes a test fail where it would be skipped because a server's program is missing."""

# Where programs lie that are not on every user's path: the newest PostgreSQL first.
_OTHER_PLACES: Final = [
    *("/usr/sbin", "/usr/local/sbin"),
    *sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda place: -float(Path(place).parent.name)),
]
_LONGEST: Final = 60.0


def find_program(name: str) -> str | None:
    """Return the path of a server's program, or None if there is none."""
    return next(filter(None, (shutil.which(name, path=place) for place in (None, *_OTHER_PLACES))), None)


def program(name: str, package: str) -> str:
    """Return the path of a server's program; skip the test, or fail it if services are required, if there is none."""
    if (found := find_program(name)) is not None:
        return found
    missing = f"there is no {name}: apt-get install {package}"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{missing} ({REQUIRED} is 1)", pytrace=False)
    pytest.skip(missing)


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def ending_with_this_process(number: signal.Signals) -> list[str]:
    """Return what to run a program with so that it gets a signal when this process dies, however: on Linux only.

    The thread that starts the program counts as the process.
    """
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"]


@contextmanager
def service_directory() -> Generator[Path]:
    """Make a directory that belongs to the user of the servers. Its path is short, as that of a Unix socket must be."""
    with tempfile.TemporaryDirectory(prefix="refold", ignore_cleanup_errors=True) as directory:
        if (user := _unprivileged_user()) is not None:
            os.chown(directory, user.pw_uid, user.pw_gid)
        yield Path(directory)


def run_unprivileged(command: Sequence[str | Path]) -> None:
    """Run a program to its end, as servers run."""
    done = subprocess.run(
        command,
        **_as_unprivileged_user(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    assert done.returncode == 0, done.stdout


class ServiceProcess(ABC):
    """A server that a test can start, stop, kill and freeze."""

    parent_died: signal.Signals = signal.SIGKILL
    """The signal it receives if this process dies."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[Any] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Return the program that serves, in the foreground, and its arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it takes connections."""

    @property
    def log(self) -> str:
        """What it printed since it was first started."""
        return (self.directory / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it, and return when it takes connections. The thread that calls this must outlive the server."""
        assert not self.is_running
        self._launch()
        await until(lambda: self._check_running() and self.is_ready(), within=_LONGEST)

    def _launch(self) -> None:
        with open(self.directory / "log", "ab") as log:
            # A process of asyncio would end with its event loop, and each test has its own.
            self._process = subprocess.Popen(
                [*ending_with_this_process(self.parent_died), *self.command()],
                **_as_unprivileged_user(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
            )

    def _check_running(self) -> bool:
        assert self.is_running, self.log
        return True

    async def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        await self._end_by(signal.SIGTERM)

    async def _end_by(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        await until(lambda: not self.is_running, within=_LONGEST)

    async def restart(self) -> None:
        """Stop it, and start it again."""
        await self.stop()
        await self.start()

    async def kill(self) -> None:
        """End all its processes immediately, as a machine that fails does. Harmless if it has ended."""
        self.end()

    def end(self) -> None:
        """End it immediately. Harmless if it has ended."""
        if self._process is not None and self.is_running:
            processes = self.processes()
            for pid in processes:
                _signal(pid, signal.SIGKILL)
            self._process.wait(_LONGEST)
            while any(map(_runs, processes)):  # they hold on to its memory and its port
                time.sleep(0.001)

    def freeze(self) -> None:
        """Let it do nothing until `thaw()`: its connections stay, and nothing answers."""
        for pid in self.processes():
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it continue."""
        for pid in self.processes():
            _signal(pid, signal.SIGCONT)

    def processes(self) -> list[int]:
        """Return the ids of its processes; the first is the one that was started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [self.pid, *(map(int, children.read_text().split()) if children.exists() else [])]


def _as_unprivileged_user() -> dict[str, Any]:
    """Return the arguments with which `subprocess` runs a program as servers run."""
    user = _unprivileged_user()
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user of a server, if that is not the one of this process.

    PostgreSQL and PgBouncer refuse to run as root.
    """
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself
        os.kill(pid, number)


def _runs(pid: int) -> bool:
    """Return whether there is this process, where that is known, and it is more than an entry in a table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
