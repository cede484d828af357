"""What reading from connections costs in system calls."""

import platform
from typing import Final

import pytest

from refold_async.testing import MockRefold
from support.running_programs import run_program

CALLS: Final = 300
COUNT_FAULTS: Final = f"""
import asyncio, os, resource

from refold_async import AsyncRefold


async def main():
    async with AsyncRefold("tk_test", base_url=os.environ["URL"]) as refold:
        account = refold.account("user_12345")
        for _ in range(50):
            await account.list_actions("hubspot")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range({CALLS}):
            await account.list_actions("hubspot")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


asyncio.run(main())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not treat large blocks like this")
async def test_no_read_maps_memory(mock: MockRefold) -> None:
    """Each of asyncio's buffers of 256 KB would be mapped, faulted in and unmapped.

    In other modes it is chance whether the imports have prevented that.
    """
    ended = await run_program("-X", "dev", "-c", COUNT_FAULTS, environment={"URL": mock.base_url})
    assert ended.exit_code == 0, ended.complaints
    assert int(ended.output) < CALLS
