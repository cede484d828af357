"""A job whose items end in every way that a journal knows, for tests of its reports."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from refold_async import AsyncRefold, Journal
from refold_async.testing import Answer, Errored, ExpiredConnection, MockRefold, Reset, Silence
from support.journals import statuses
from support.retry_policies import IMPATIENT
from support.waiting import until

__all__ = ["HOSTILE", "HOSTILE_SHOWN", "JOB", "make_journal", "run_job"]

JOB: Final = 'June <script>alert("job")</script> sync'
HOSTILE: Final = (
    "</script><script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=alert(1)> "
    "&amp; \u202eevil\u202c \u2028 ' \" ${a} \x1b[31m =1+1"
)
HOSTILE_SHOWN: Final = (
    "</script><script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=alert(1)> "
    "&amp; \\u202eevil\\u202c \\u2028 ' \" ${a} \\x1b[31m =1+1"
)
"""What a terminal and a page show of it."""
ITEMS: Final = [*(f"user_{number}" for number in range(39)), "=1+1"]
TROUBLES: Final[dict[str, Answer | Errored | ExpiredConnection | Reset | Silence]] = {
    "user_3": Answer(404),
    "user_4": ExpiredConnection(),
    "user_5": Reset("after"),
    "user_6": Silence(),
    "user_7": Answer(429, retry_after=30),
    "user_8": Errored(400, {"message": HOSTILE}),
    "user_9": Errored(502, {"message": "Bad gateway"}),
}


def make_journal(path: Path) -> None:
    """Run the job, whether or not there is an event loop already."""

    async def serve_and_run() -> None:
        async with MockRefold() as mock:
            await run_job(mock, path)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, serve_and_run()).result()


async def run_job(mock: MockRefold, path: Path) -> None:
    """Run it until all items except two have ended, and leave it.

    It ends with 33 items ok. One was refused, since its key occurred before. user_3, user_4 and user_8 failed; user_5
    and user_9 are unknown, and so is user_6, which was in flight when the job was left. user_7 has not begun.
    """
    for account, trouble in TROUBLES.items():
        mock.script(trouble, linked_account_id=account)
    journal = Journal(path, job=JOB)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        job = refold.fan_out_action(
            [*ITEMS, "user_1"], "hubspot", "create_contact", {"email": "a@example.com"}, journal=journal, grace=0
        )

        async def read() -> None:
            async for _ in job:
                pass

        async with job:
            reading = asyncio.create_task(read())
            await until(lambda: list(statuses(journal).values()).count("ok") == 33)
            await until(lambda: statuses(journal).get("user_7") == "withdrawn" and mock.in_flight == 1)
            reading.cancel()
            await asyncio.wait([reading])
