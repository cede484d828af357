"""Receive webhooks from Refold: verify who signed them, and read their events. Nothing here does I/O.

```python
async def receive(request: web.Request) -> web.Response:
    try:
        event = webhooks.unwrap(await request.read(), request.headers, api_key)
    except WebhookSignatureError:
        return web.Response(status=401)
    match event:
        case webhooks.ConnectionExpired(linked_account_id=customer, slug=slug):
            ...
    return web.Response()
```

- Pass the raw bytes of the body. JSON that was parsed and encoded again no longer fits its signature. `unwrap` verifies
  and then parses; `verify` and `parse` each do one of the two.
- Respond with 200, and quickly. Otherwise Refold delivers the webhook up to 3 more times, and then gives up.
- So you may receive the same event twice, late, or after a newer one. Skip events that you have handled, by their
  `delivery_key`, and if the current state matters, ask Refold for it. The signature contains no time: anybody who
  recorded a webhook can send it again, and it still verifies.
- Expect `UnknownEvent` and respond to it with 200: Refold may add events and change their fields.

To choose where Refold sends webhooks, use `refold.webhooks`. Refold page: *Webhooks*.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, cast

import attrs

from refold_async.codec.json_codec import decode
from refold_async.codec.structuring.converters import structure
from refold_async.codec.structuring.misfits import MisfitError
from refold_async.config.secret import hide
from refold_async.config.validation import check_secret
from refold_async.errors import APIResponseValidationError, ConfigurationError, WebhookSignatureError
from refold_async.models.model import Model, named

__all__ = [
    "SIGNATURE_HEADER",
    "ConnectionCreated",
    "ConnectionDeleted",
    "ConnectionExpired",
    "Headers",
    "UnknownEvent",
    "WebhookEvent",
    "WorkflowCompleted",
    "WorkflowErrored",
    "WorkflowStopped",
    "WorkflowTimedOut",
    "delivery_key",
    "parse",
    "sign",
    "unwrap",
    "verify",
]

SIGNATURE_HEADER: Final = "x-cobalt-signature"
"""The header that contains the signature of a webhook."""


@attrs.frozen(eq=False, repr=False)
class _ConnectionEvent(Model):
    linked_account_id: str = attrs.field(metadata=named("linked_account_id"))
    """Your own id for the customer, which `refold.account()` takes."""
    slug: str
    """The app, such as `hubspot`."""
    environment: str | None = None
    """`test` or `production`."""
    type: str | None = None
    """The type of the event: `General`."""
    org_id: str | None = None
    """Refold's id for your organisation."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """The time of the event, as Refold states it."""


@attrs.frozen(eq=False, repr=False)
class ConnectionCreated(_ConnectionEvent):
    """A linked account has connected or reconnected an app."""

    event: str = "Connection Created"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class ConnectionDeleted(_ConnectionEvent):
    """A linked account is no longer connected to an app."""

    event: str = "Connection Deleted"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class ConnectionExpired(_ConnectionEvent):
    """The credentials of a connection no longer work: the owner of the linked account must reconnect the app."""

    event: str = "Connection Expired"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class _WorkflowEvent(Model):
    linked_account_id: str = attrs.field(metadata=named("linked_account_id"))
    """The linked account that the workflow ran for."""
    execution_id: str = attrs.field(metadata=named("instance_id", "execution_id"))
    """Refold's id for the execution, the same that `execute_workflow` returned."""
    workflow_id: str | None = None
    """Refold's id for the workflow."""
    workflow_name: str | None = None
    """The display name of the workflow."""
    config_id: str | None = None
    """The config that the workflow ran with."""
    status: str | None = None
    """How the execution ended, such as `COMPLETED`."""


@attrs.frozen(eq=False, repr=False)
class WorkflowCompleted(_WorkflowEvent):
    """An execution of a workflow succeeded."""

    event: str = "Workflow Completed"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class WorkflowErrored(_WorkflowEvent):
    """An execution of a workflow stopped at an error.

    If Refold sends them, `raw` contains the node that failed, its attempts and the app's response.
    """

    event: str = "Workflow Errored"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class WorkflowStopped(_WorkflowEvent):
    """An execution of a workflow was stopped."""

    event: str = "Workflow Stopped"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class WorkflowTimedOut(_WorkflowEvent):
    """An execution of a workflow exceeded its time limit."""

    event: str = "Workflow Timed Out"
    """The name of the event, as Refold sends it."""


@attrs.frozen(eq=False, repr=False)
class UnknownEvent(Model):
    """An event whose name or shape this version does not know. `raw` contains all of it."""

    event: str | None = None
    """The name of the event, as Refold sends it; None if it has none."""


WebhookEvent: TypeAlias = (
    ConnectionCreated
    | ConnectionDeleted
    | ConnectionExpired
    | WorkflowCompleted
    | WorkflowErrored
    | WorkflowStopped
    | WorkflowTimedOut
    | UnknownEvent
)
"""What `parse` and `unwrap` return, for use in a `match` statement."""

_EVENTS: Final[Mapping[str, type[WebhookEvent]]] = {
    "Connection Created": ConnectionCreated,
    "Connection Deleted": ConnectionDeleted,
    "Connection Expired": ConnectionExpired,
    "Workflow Completed": WorkflowCompleted,
    "Workflow Errored": WorkflowErrored,
    "Workflow Stopped": WorkflowStopped,
    "Workflow Timed Out": WorkflowTimedOut,
}

_OTHER_FORM: Final = "Only webhooks of webhook_type='default' can be read."


class Headers(Protocol):
    """The headers of a request: the object that your web framework provides, or a plain dict."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return pairs of a name, in upper or lower case, and a value."""
        ...


def unwrap(body: bytes | bytearray | memoryview, headers: Headers, api_key: str | Sequence[str]) -> WebhookEvent:
    """Verify a webhook and read its event. Refold page: *Webhooks*.

    Args:
        body: The body of the request, as received, such as `await request.read()`.
        headers: The headers of the request, such as `request.headers`: any mapping of names, in upper or lower case, to
            values.
        api_key: The API key of the environment that sends the webhook. Pass a list to accept any of several keys, such
            as the old and the new one while you replace it.

    Returns:
        The event, as `parse` returns it.

    Raises:
        WebhookSignatureError: The webhook is not signed, or its signature is wrong. Respond with 401, and do not act on
            it.
        APIResponseValidationError: The signature is right, but the body is not a JSON object.
        ConfigurationError: The arguments cannot be used to verify anything: the body was already decoded or parsed,
            there are no headers, or there is no key or an empty one.
    """
    api_key = _hidden(api_key)
    signature = _signature_in(headers)
    if not verify(body, signature, api_key):
        problem = (
            f"has no header {SIGNATURE_HEADER}: it is not from Refold, or something on its way has dropped the header."
            if signature is None
            else "was not signed with this API key, or its body was changed: pass the key of the environment that "
            "sends it, and the body as received."
        )
        raise WebhookSignatureError(f"The webhook {problem}")
    return parse(body)


def verify(body: bytes | bytearray | memoryview, signature: str | None, api_key: str | Sequence[str]) -> bool:
    """Return whether a webhook was signed with your API key and its body is unchanged. Refold page: *Webhooks*.

    The signature is the HMAC-SHA256 of the body, in lower-case hex, exactly as Refold writes it. Other spellings, such
    as upper case or a prefix `sha256=`, are refused: Refold does not send them, so they come from somebody else.

    Args:
        body: The body of the request, as received, such as `await request.read()`.
        signature: The value of the header `SIGNATURE_HEADER`, or None if the request has none.
        api_key: The API key of the environment that sends the webhook. Pass a list to accept any of several keys, such
            as the old and the new one while you replace it.

    Returns:
        True if the signature is right. False in all other cases: it is missing, shortened, not hex, or made for another
        body or with another key. The comparison takes the same time for a wrong signature however much of it is right,
        and always checks all keys.

    Raises:
        ConfigurationError: The arguments cannot be used to verify anything: the body was already decoded or parsed, or
            there is no key or an empty one.
    """
    api_key = _hidden(api_key)
    signed = _check_body(body)
    keys = _check_keys(api_key)
    if signature is None:
        return False
    if not isinstance(signature, str):
        raise ConfigurationError(
            f"signature must be a str or None, not {type(signature).__name__}: "
            "pass `request.headers.get(SIGNATURE_HEADER)`."
        )
    # Compared as bytes: compare_digest accepts only ASCII strings, and the signature may contain anything.
    claimed = signature.encode("ascii", "replace")
    # All of them are computed before any is read: the time must not reveal which key it was.
    fits = [hmac.compare_digest(claimed, _sign(signed, key)) for key in keys]
    return any(fits)


def parse(body: bytes | bytearray | memoryview) -> WebhookEvent:
    """Read the event of a webhook that you have verified. Refold page: *Webhooks*.

    Args:
        body: The body of the request, as received.

    Returns:
        The event. If its name is not known, or a field that its class needs is missing, it is an `UnknownEvent`: decide
        for yourself whether that matters.

    Raises:
        APIResponseValidationError: The body is not a JSON object.
        ConfigurationError: The body was already decoded or parsed.
    """
    content = _check_body(body)
    try:
        value: Any = decode(content)
    except (ValueError, RecursionError):
        raise _unreadable("not JSON") from None
    if not isinstance(value, dict):
        raise _unreadable("JSON, but not an object")
    return _event(cast("dict[str, Any]", value))


def sign(body: bytes | bytearray | memoryview, api_key: str) -> str:
    """Return the signature that Refold sends with a webhook. Use it to test your receiver.

    ```python
    headers = {webhooks.SIGNATURE_HEADER: webhooks.sign(body, "tk_test")}
    ```

    Args:
        body: The body of the request.
        api_key: The API key.

    Returns:
        The value of the header `SIGNATURE_HEADER`: 64 hex digits.

    Raises:
        ConfigurationError: The body is not bytes, or the key is empty.
    """
    api_key = hide(api_key)
    return _sign(_check_body(body), check_secret("api_key", api_key)).decode()


def delivery_key(body: bytes | bytearray | memoryview) -> str:
    """Return a key that is the same for all deliveries of a webhook. Use it to skip events that you have handled.

    The key is the SHA-256 of the body, because Refold gives deliveries no id. (The signature cannot be used: it changes
    with the API key.) Remember a key only after you have handled its event, or you would skip a redelivery after a
    failure. Forget it after some time, such as an hour, because two events with the same content have the same key.

    Args:
        body: The body of the request, as received.

    Returns:
        64 hex digits.

    Raises:
        ConfigurationError: The body was already decoded or parsed.
    """
    return hashlib.sha256(_check_body(body)).hexdigest()


def _unreadable(what: str) -> APIResponseValidationError:
    error = APIResponseValidationError(f"The webhook's body is {what}. {_OTHER_FORM}")
    error.effect = "none"
    return error


def _event(value: Mapping[str, Any]) -> WebhookEvent:
    name = value.get("event")
    if not isinstance(name, str):
        return UnknownEvent(raw=value)
    if name in _EVENTS:
        with suppress(MisfitError):
            event: WebhookEvent = structure(value, _EVENTS[name], "event")
            return event
    return UnknownEvent(name, raw=value)


def _sign(body: bytes, key: str) -> bytes:
    return hmac.digest(key.encode(), body, "sha256").hex().encode()


def _signature_in(headers: Headers) -> str | None:
    if not callable(getattr(headers, "items", None)):
        raise ConfigurationError(
            f"headers must be the request's headers, such as `request.headers`, not {type(headers).__name__}."
        )
    found: list[str] = []
    for name, value in headers.items():
        if not isinstance(name, str):
            raise ConfigurationError("The names of headers must be str, not bytes: decode them first.")
        if name.lower() != SIGNATURE_HEADER:
            continue
        if not isinstance(value, str):
            raise ConfigurationError(f"The header {SIGNATURE_HEADER} must be a str, not {type(value).__name__}.")
        found.append(value)
    # Joined as HTTP joins headers of one name, so that two signatures never count as one.
    return ", ".join(found) if found else None


def _check_body(body: bytes | bytearray | memoryview) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"body must be the raw bytes as received, not {type(body).__name__}: pass `await request.read()`."
        )
    return bytes(body)


def _hidden(api_key: Any) -> Any:
    several = isinstance(api_key, Sequence) and not isinstance(api_key, str | bytes | bytearray | memoryview)
    return [hide(key) for key in cast("Sequence[Any]", api_key)] if several else hide(api_key)


def _check_keys(api_key: str | Sequence[str]) -> list[str]:
    if isinstance(api_key, str):
        return [check_secret("api_key", api_key)]
    if not isinstance(api_key, Sequence) or isinstance(api_key, bytes | bytearray | memoryview):
        raise ConfigurationError(f"api_key must be a str or a list of them, not {type(api_key).__name__}.")
    if not api_key:
        raise ConfigurationError("api_key is empty: pass at least one key.")
    return [check_secret(f"api_key[{index}]", key) for index, key in enumerate(api_key)]
