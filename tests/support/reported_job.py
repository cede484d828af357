"""A job whose items end in every way that a journal knows, for tests of what is told of it."""

import asyncio
from pathlib import Path
from typing import Final

from refold_async import AsyncRefold, Journal
from refold_async.testing import Answer, Delay, Errored, ExpiredConnection, MockRefold, Reset, Silence
from support.journals import statuses
from support.retry_policies import IMPATIENT
from support.waiting import until

__all__ = ["HOSTILE", "JOB", "run_job"]

JOB: Final = 'June <script>alert("job")</script> sync'
HOSTILE: Final = (
    "</script><script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=alert(1)> "
    "&amp; \u202eevil\u202c \u2028 ' \" ${a} \x1b[31m =1+1"
)
ITEMS: Final = [f"user_{number}" for number in range(40)]
TROUBLES: Final = {
    "user_3": Answer(404),
    "user_4": ExpiredConnection(),
    "user_5": Reset("after"),
    "user_6": Silence(),
    "user_7": Answer(429, retry_after=30),
    "user_8": Errored(400, {"message": HOSTILE}),
    "user_9": Errored(502, {"message": "Bad gateway"}),
}


async def run_job(mock: MockRefold, path: Path) -> None:
    """Run it until only two items have not ended, and leave it.

    It ends with 34 items ok. user_3, user_4 and user_8 failed; user_5 and user_9 are unknown, and so is user_6, which
    was in flight when the job was left. user_7 was refused and is to be run again.
    """
    for account, trouble in TROUBLES.items():
        mock.script(trouble, linked_account_id=account)
    mock.script(Delay(0.02), linked_account_id="user_20")
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
