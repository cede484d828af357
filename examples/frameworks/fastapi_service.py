"""A FastAPI service: a client for each worker, the customer from a dependency, errors as HTTP statuses, webhooks.

    pip install fastapi uvicorn
    uvicorn fastapi_service:app --app-dir examples/frameworks --workers 2 --timeout-graceful-shutdown 10
    curl http://127.0.0.1:8000/contacts -H "X-Customer: user_12345"
    curl http://127.0.0.1:8000/contacts -H "X-Customer: user_12345" --json '{"email": "jane@example.com"}'

Set `REFOLD_API_KEY`. Without a key, run `refold mock` first, and set the two variables that it prints.
"""

import asyncio
import logging
import math
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from refold_async import (
    AccountScope,
    ActionFailedError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    NotFoundError,
    ParameterError,
    PermissionDeniedError,
    ReconnectRequiredError,
    RefoldError,
    Timeout,
    WebhookSignatureError,
    webhooks,
)

logger = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open a client when a worker starts, and close it after the last request of that worker."""
    async with AsyncRefold(timeout=Timeout(total=8, attempt=4), require_api_key=True) as refold:
        app.state.refold = refold
        yield


app = FastAPI(lifespan=lifespan)


def account_of_customer(request: Request, x_customer: Annotated[str, Header()]) -> AccountScope:
    """Return the linked account of the customer who is logged in.

    Here, a gateway in front of the service puts the customer into a header. Never trust a header that your users set.
    """
    refold: AsyncRefold = request.app.state.refold
    try:
        return refold.account(x_customer)
    except ConfigurationError:
        raise HTTPException(401) from None


Account = Annotated[AccountScope, Depends(account_of_customer)]


class NewContact(BaseModel):
    """A contact to create."""

    email: str
    firstname: str | None = None


@app.get("/contacts")
async def list_contacts(account: Account) -> list[Any]:
    """Return contacts of the customer."""
    found = await account.execute_action("hubspot", "get_contact", {"limit": "10"}, idempotent=True)
    contacts: list[Any] = found.data["results"]
    return contacts


@app.post("/contacts", status_code=201)
async def create_contact(contact: NewContact, account: Account) -> dict[str, str]:
    """Create a contact in the customer's HubSpot."""
    created = await account.execute_action("hubspot", "create_contact", contact)
    return {"id": created.data["id"]}


@app.get("/overview")
async def overview(account: Account) -> dict[str, Any]:
    """Return contacts and channels, read at the same time. If one call fails, the group cancels the other."""
    async with asyncio.TaskGroup() as group:
        contacts = group.create_task(account.execute_action("hubspot", "get_contact", {"limit": "10"}, idempotent=True))
        channels = group.create_task(account.execute_action("slack", "list_channels", idempotent=True))
    return {"contacts": contacts.result().data["results"], "channels": channels.result().data["channels"]}


@app.post("/refold")
async def receive(request: Request) -> Response:
    """Receive a webhook. Refold repeats it until the response is 200, so a real service skips what it has handled."""
    try:
        event = webhooks.unwrap(await request.body(), request.headers, os.environ["REFOLD_API_KEY"])
    except WebhookSignatureError:
        return Response(status_code=401)
    except APIResponseValidationError:
        return Response(status_code=400)
    if isinstance(event, webhooks.ConnectionExpired):
        logger.info("%s must reconnect %s", event.linked_account_id, event.slug)
    return Response()


@app.exception_handler(RefoldError)
async def answer_error(request: Request, error: RefoldError) -> JSONResponse:
    """Answer with a status that helps our caller. The details are for our log only."""
    logger.warning("%s %s: %s", request.method, request.url.path, error)
    repeatable = error.effect == "none" or request.method == "GET"
    status, problem = status_of(error, repeatable=repeatable)
    headers: dict[str, str] = {}
    if error.retry_after is not None and repeatable:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return JSONResponse({"problem": problem, "effect": error.effect}, status, headers)


def status_of(error: RefoldError, *, repeatable: bool) -> tuple[int, str]:
    """Return the status for an error, and what to say to our caller."""
    match error:
        case ParameterError() | BadRequestError():
            return 400, error.message  # what our caller sent does not fit the action
        case ReconnectRequiredError():
            return 409, "Reconnect the app, then try again."
        case _ if repeatable and (error.throttled or isinstance(error, ClientClosedError)):
            return 503, "Busy. Try again later."  # not 429: it was not our caller that was too fast
        case ActionFailedError(effect="none"):
            return 422, "The app refused this."
        case APITimeoutError():
            return 504, "No response in time."
        case ConfigurationError() | AuthenticationError() | PermissionDeniedError() | NotFoundError():
            return 500, "This service is not configured correctly."  # our key, or an id in our code
        case _:
            return 502, "Refold or the app failed."


@app.exception_handler(ExceptionGroup)
async def answer_group(request: Request, group: ExceptionGroup[Exception]) -> JSONResponse:
    """Answer for a task group, which raises the errors of its calls as a group."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, RefoldError):
        raise group
    return await answer_error(request, error)
