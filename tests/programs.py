"""Programs that tests start: with this interpreter, this library, and warnings as errors."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import attrs

import refold_async

__all__ = ["SLOW_MACHINE", "Finished", "run_program", "start_program"]

# What asyncio's debug mode says of steps that took longer than 0.1 seconds.
SLOW_MACHINE: Final = re.compile(r"Executing <.*> took \d+\.\d+ seconds\n")


@attrs.frozen
class Finished:
    """What a program left."""

    exit_code: int | None
    output: str
    complaints: str


async def start_program(*arguments: str, environment: Mapping[str, str] | None = None, stdout: int = PIPE) -> Process:
    """Start `python` with these arguments, and with these variables added to the environment."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-X", "dev"),
        *arguments,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(refold_async.__file__).parent.parent),
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
            **(environment or {}),
        },
        # Whoever runs the tests may ignore Ctrl-C, and children would too.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=PIPE,
    )


async def run_program(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run `python` as `start_program` does, to its end."""
    process = await start_program(*arguments, environment=environment)
    try:
        output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Finished(process.returncode, output.decode(), SLOW_MACHINE.sub("", complaints.decode()))
