"""Starts programs with this interpreter, this library, and warnings as errors. Nothing they start outlives its test."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

import refold_async

__all__ = ["SLOW_MACHINE", "Finished", "children", "ended", "first_line", "first_url", "run_program", "running"]

# What asyncio's debug mode says of steps that took longer than 0.1 seconds.
SLOW_MACHINE: Final = re.compile(r"Executing <.*> took \d+\.\d+ seconds\n")

_LONGEST: Final = 240.0
"""Seconds within which a program says something, and ends."""


@attrs.frozen
class Finished:
    """The output and exit code of a program."""

    exit_code: int | None
    output: str
    complaints: str


@asynccontextmanager
async def running(
    *arguments: str, environment: Mapping[str, str] | None = None, stdout: int = PIPE
) -> AsyncGenerator[Process]:
    """Run `python` with these arguments and additional environment variables until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-X", "faulthandler"),
        *(["-P"] if "-c" in arguments else []),  # of the library, what is tested, not what lies in this directory
        *arguments,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(refold_async.__file__).parent.parent),
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
            **(environment or {}),
        },
        stdin=DEVNULL,
        stdout=stdout,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # Also what it has started: that may have outlived it, and keeps its output open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def first_line(process: Process) -> str:
    """Return the first line that a program prints; if it ends before that, what it printed."""
    assert process.stdout is not None
    async with asyncio.timeout(_LONGEST):
        return (await process.stdout.readline()).decode()


async def first_url(process: Process) -> str:
    """Return the URL in the first line that a program prints."""
    url: str = re.findall(r"http://[\d.]+:\d+", await first_line(process))[0]
    return url


async def ended(process: Process) -> Finished:
    """Wait for a program to end, and return its output and exit code."""
    communicating = asyncio.create_task(process.communicate())
    try:
        done, _ = await asyncio.wait([communicating], timeout=_LONGEST)
    except asyncio.CancelledError:
        communicating.cancel()
        raise
    if not done:
        process.send_signal(signal.SIGABRT)  # as its fault handler does, it tells then where it is
    output, complaints = ((part or b"").decode() for part in await communicating)
    assert done, f"It did not end. {output}{complaints}"
    return Finished(process.returncode, output, SLOW_MACHINE.sub("", complaints))


async def run_program(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run `python` as `running` does, and wait for its end."""
    async with running(*arguments, environment=environment) as process:
        return await ended(process)


def children(process: Process, running: str = "") -> list[int]:
    """Return the ids of the processes that a program has started, with this in their command lines."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    pids = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in pids if running in Path(f"/proc/{pid}/cmdline").read_text()]
