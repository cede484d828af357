r"""Django with async views under uvicorn: a client for each worker, errors as HTTP statuses, webhooks.

    pip install django uvicorn
    uvicorn django_service:application --app-dir examples/frameworks --lifespan on --workers 2 \
        --timeout-graceful-shutdown 10
    curl http://127.0.0.1:8000/contacts -H "X-Customer: user_12345"
    curl http://127.0.0.1:8000/contacts -H "X-Customer: user_12345" -d email=jane@example.com

Set `REFOLD_API_KEY`. Without a key, run `refold mock` first, and set the two variables that it prints.

A real project has its settings, views and middleware in modules of their own.
"""

import logging
import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    AsyncRefold,
    ParameterError,
    ReconnectRequiredError,
    RefoldError,
    Timeout,
    WebhookSignatureError,
    webhooks,
)

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.RefoldErrors"]
)
logger = logging.getLogger("uvicorn.error")

refold: AsyncRefold


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Open a client when a worker starts, and close it after its last request. Django itself does neither."""
    global refold
    if scope["type"] != "lifespan":
        await django_application(scope, receive, send)
        return
    await receive()  # the server starts
    async with AsyncRefold(timeout=Timeout(total=8, attempt=4), require_api_key=True) as refold:
        await send({"type": "lifespan.startup.complete"})
        await receive()  # the server has ended the last request
    await send({"type": "lifespan.shutdown.complete"})


def account_of(request: HttpRequest) -> AccountScope:
    """Return the linked account of the customer who is logged in.

    Here, a gateway in front of the service puts the customer into a header. Never trust a header that your users set.
    """
    return refold.account(request.headers["X-Customer"])


async def contacts(request: HttpRequest) -> JsonResponse:
    """Return contacts of the customer, or create one.

    Django cancels an async view if its caller disconnects: a write that was in flight may then have run, and leaves a
    warning in the log. If that must not happen, let a task make it (`celery_tasks.py`).
    """
    account = account_of(request)
    if request.method == "POST":
        created = await account.execute_action("hubspot", "create_contact", {"email": request.POST.get("email")})
        return JsonResponse({"id": created.data["id"]}, status=201)
    found = await account.execute_action("hubspot", "get_contact", {"limit": "10"}, idempotent=True)
    return JsonResponse({"contacts": found.data["results"]})


@csrf_exempt
@require_POST
def receive_webhook(request: HttpRequest) -> HttpResponse:
    """Receive a webhook. Refold repeats it until the response is 200, so a real service skips what it has handled."""
    try:
        event = webhooks.unwrap(request.body, request.headers, os.environ["REFOLD_API_KEY"])
    except WebhookSignatureError:
        return HttpResponse(status=401)
    except APIResponseValidationError:
        return HttpResponse(status=400)
    if isinstance(event, webhooks.ConnectionExpired):
        logger.info("%s must reconnect %s", event.linked_account_id, event.slug)
    return HttpResponse()


class RefoldErrors(MiddlewareMixin):
    """Answers errors of Refold with a status that helps our caller. `fastapi_service.py` has more statuses."""

    def process_exception(self, request: HttpRequest, error: Exception) -> JsonResponse | None:
        """Return the response to an error of a view. The details are for our log only."""
        if not isinstance(error, RefoldError):
            return None
        logger.warning("%s %s: %s", request.method, request.path, error)
        if isinstance(error, ReconnectRequiredError):
            status, problem = 409, "Reconnect the app, then try again."
        elif isinstance(error, ParameterError):
            status, problem = 400, error.message
        elif error.throttled and (error.effect == "none" or request.method == "GET"):
            status, problem = 503, "Busy. Try again later."
        else:
            status, problem = 502, "Refold or the app failed."
        return JsonResponse({"problem": problem, "effect": error.effect}, status=status)


urlpatterns = [path("contacts", contacts), path("refold", receive_webhook)]
django_application = get_asgi_application()
