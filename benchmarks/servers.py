"""The benchmarks' processes: servers on another core than their clients, if the system allows that."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path


def take_core() -> int | None:
    """Keep this process on one of its cores; return another core for the server, or None if there is none."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, {cores[0]})
    return cores[-1]


def start(script: str, *options: str) -> subprocess.Popen[str]:
    """Start a script of this directory; its standard input and output are for commands and results."""
    # Everything goes over loopback, and every run has the same order of sets.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, *(f"-W{option}" for option in sys.warnoptions), Path(__file__).with_name(script), *options],
        env={**environment, "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def server(script: str, core: int | None, *options: str) -> Generator[str]:
    """Run a server of this directory, on `core` if there is one, and yield its URL."""
    with start(script, *options) as process:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.communicate()


def allow_many_connections() -> None:
    """Raise the limit of open files to the highest that the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
