"""The benchmarks' servers: each a process of its own, on another core than the client where the system allows."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path


def take_core() -> int | None:
    """Keep this process to one of its cores, and return another one for the server, or None if there is none."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, {cores[0]})
    return cores[-1]


@contextlib.contextmanager
def server(script: str, core: int | None, *options: str) -> Generator[str]:
    """Run a server of this directory, on `core` if there is one, and yield its URL."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.communicate()
