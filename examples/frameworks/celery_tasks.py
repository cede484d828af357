"""Celery tasks that call Refold: one event loop and one client in each worker process. Set REDIS_URL.

    pip install "celery[redis]"
    celery --workdir examples/frameworks -A celery_tasks worker --concurrency 2
    python examples/frameworks/celery_tasks.py user_12345 jane@example.com

Set `REFOLD_API_KEY`. Without a key, run `refold mock` first, and set the two variables that it prints.

This is for the pools `prefork` and `solo`. The other pools run tasks in several threads, or in none.
"""

import asyncio
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from refold_async import APIConnectionError, AsyncRefold, RefoldError, Timeout

REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1")
app: Any = Celery("celery_tasks", broker=REDIS, backend=REDIS)

runner: asyncio.Runner
refold: AsyncRefold


@worker_process_init.connect
def open_client(**_: Any) -> None:
    """Make the event loop and the client of a worker process, after the fork: neither survives one."""
    global runner, refold
    runner = asyncio.Runner()
    refold = AsyncRefold(timeout=Timeout(total=50, attempt=20), require_api_key=True)


@worker_process_shutdown.connect
def close_client(**_: Any) -> None:
    """Close both when the process ends."""
    with runner:
        runner.run(refold.aclose())


@app.task(bind=True, max_retries=5)
def create_contact(self: Any, customer: str, email: str) -> dict[str, str]:
    """Create a contact in a customer's HubSpot. Run the task again only if nothing was done.

    It returns the effect as data, because Celery's results lose it in errors.
    """
    account = refold.account(customer)
    try:
        created = runner.run(account.execute_action("hubspot", "create_contact", {"email": email}))
    except RefoldError as error:
        if error.effect != "none":
            return {"effect": error.effect, "problem": str(error)}  # somebody has to check it in HubSpot
        if error.throttled or isinstance(error, APIConnectionError):
            raise self.retry(exc=error, countdown=min(error.retry_after or 60, 1800)) from None
        raise  # another run would not help
    return {"effect": "done", "id": created.data["id"]}


if __name__ == "__main__":
    print(create_contact.delay(*sys.argv[1:3]).get(timeout=60))
