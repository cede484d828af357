"""Webhooks that Refold sends: check who signed them, and read their events. Nothing here does I/O.

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

- Pass the raw bytes: JSON that was parsed and written again is signed otherwise. `unwrap` verifies before it parses;
  `verify` and `parse` do one of the two.
- Answer 200, and soon. Whatever is not answered 200 Refold sends again, up to 3 times, and then no more.
- So the same event can come twice, late, or behind a younger one. Drop what you have handled, by `delivery_key`, and
  where it matters how things stand, ask Refold. The signature names no time: whoever recorded a webhook can send it
  again, and it verifies.
- Expect `UnknownEvent` and answer it 200: Refold may add events and change their fields.

`refold.webhooks` tells Refold where to send them. Refold page: *Webhooks*.
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
"""The header that a webhook carries its signature in."""


@attrs.frozen(eq=False, repr=False)
class _ConnectionEvent(Model):
    linked_account_id: str = attrs.field(metadata=named("linked_account_id"))
    """Your own id of the customer, which `refold.account()` takes."""
    slug: str
    """The app, such as `hubspot`."""
    environment: str | None = None
    """`test` or `production`."""
    type: str | None = None
    """What kind of event it is: `General`."""
    org_id: str | None = None
    """Refold's id of your organisation."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """The time that Refold gives the event."""


@attrs.frozen(eq=False, repr=False)
class ConnectionCreated(_ConnectionEvent):
    """A linked account has connected an app, or reconnected it."""

    event: str = "Connection Created"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class ConnectionDeleted(_ConnectionEvent):
    """A linked account is no longer connected to an app."""

    event: str = "Connection Deleted"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class ConnectionExpired(_ConnectionEvent):
    """The credentials of a connection no longer work: the linked account's owner must reconnect the app."""

    event: str = "Connection Expired"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class _WorkflowEvent(Model):
    linked_account_id: str = attrs.field(metadata=named("linked_account_id"))
    """The linked account it ran for."""
    execution_id: str = attrs.field(metadata=named("instance_id", "execution_id"))
    """Refold's id of the run, as `execute_workflow` gave it."""
    workflow_id: str | None = None
    """The workflow."""
    workflow_name: str | None = None
    """Its name for people."""
    config_id: str | None = None
    """The config it ran under."""
    status: str | None = None
    """How the run ended, such as `COMPLETED`."""


@attrs.frozen(eq=False, repr=False)
class WorkflowCompleted(_WorkflowEvent):
    """A run of a workflow ended well."""

    event: str = "Workflow Completed"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class WorkflowErrored(_WorkflowEvent):
    """A run of a workflow stopped at an error.

    Where Refold sends them along, the node that failed, its attempts and what the app answered are in `raw`.
    """

    event: str = "Workflow Errored"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class WorkflowStopped(_WorkflowEvent):
    """A run of a workflow was stopped."""

    event: str = "Workflow Stopped"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class WorkflowTimedOut(_WorkflowEvent):
    """A run of a workflow took longer than it may."""

    event: str = "Workflow Timed Out"
    """The event's name, as sent."""


@attrs.frozen(eq=False, repr=False)
class UnknownEvent(Model):
    """An event of a name or a shape that this version does not know. `raw` has all of it."""

    event: str | None = None
    """The event's name, as sent, or None where it has none."""


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
"""What `parse` returns, to match on."""

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
    """The headers of a request: what every framework has, or a plain dict."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return their names, in any case, and values."""
        ...


def unwrap(body: bytes | bytearray | memoryview, headers: Headers, api_key: str | Sequence[str]) -> WebhookEvent:
    """Verify a webhook and read its event. Refold page: *Webhooks*.

    Args:
        body: The request's body as it came, such as `await request.read()`.
        headers: The request's headers, such as `request.headers`: any mapping of names, in any case, to values.
        api_key: The API key, of the environment that sends; or several, any of which will do, such as the new and the
            old one while you change it.

    Returns:
        The event, as `parse` returns it.

    Raises:
        WebhookSignatureError: It is not signed, or was signed otherwise: answer 401, and do nothing of what it says.
        APIResponseValidationError: It was signed, and is no JSON object.
        ConfigurationError: The arguments are not what could verify anything: a body that was decoded or parsed, no
            headers, an empty key, no key.
    """
    api_key = _hidden(api_key)
    signature = _signature_in(headers)
    if not verify(body, signature, api_key):
        problem = (
            f"has no header {SIGNATURE_HEADER}: it is not from Refold, or something on its way has dropped the header."
            if signature is None
            else "was not signed with this API key, or its body is not as it was signed: pass the key of the "
            "environment that sends, and the body as it came."
        )
        raise WebhookSignatureError(f"The webhook {problem}")
    return parse(body)


def verify(body: bytes | bytearray | memoryview, signature: str | None, api_key: str | Sequence[str]) -> bool:
    """Tell whether a webhook was signed with your API key, and its body is as it was signed. Refold page: *Webhooks*.

    The signature is the HMAC-SHA256 of the body, in lower-case hex, just as Refold writes it. Other spellings (upper
    case, a `sha256=` before it) are refused: Refold sends none, so they come from somebody else.

    Args:
        body: The request's body as it came, such as `await request.read()`.
        signature: The header `SIGNATURE_HEADER`, or None where the request has none.
        api_key: The API key, of the environment that sends; or several, any of which will do, such as the new and the
            old one while you change it.

    Returns:
        False for whatever is not that signature: missing, cut, no hex, of another body or key. The comparison takes as
        long for a near miss as for a far one, and always includes all keys.

    Raises:
        ConfigurationError: The arguments are not what could verify anything: a body that was decoded or parsed, an
            empty key, no key.
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
    # Compared as bytes: of strings, only those in ASCII can be, and this one may hold anything.
    claimed = signature.encode("ascii", "replace")
    # All of them before any is asked for: time must not tell which key it was.
    fits = [hmac.compare_digest(claimed, _sign(signed, key)) for key in keys]
    return any(fits)


def parse(body: bytes | bytearray | memoryview) -> WebhookEvent:
    """Read the event in a webhook that was verified. Refold page: *Webhooks*.

    Args:
        body: The request's body as it came.

    Returns:
        The event. One of a name that is not known, or without a field its class needs, is an `UnknownEvent`: it is for
        you to say whether that matters.

    Raises:
        APIResponseValidationError: The body is no JSON object.
        ConfigurationError: The body was decoded or parsed already.
    """
    content = _check_body(body)
    try:
        value: Any = decode(content)
    except (ValueError, RecursionError):
        raise APIResponseValidationError(f"The webhook's body is not JSON. {_OTHER_FORM}") from None
    if not isinstance(value, dict):
        raise APIResponseValidationError(f"The webhook's body is JSON, but no object. {_OTHER_FORM}")
    return _event(cast("dict[str, Any]", value))


def sign(body: bytes | bytearray | memoryview, api_key: str) -> str:
    """Return the signature that Refold sends with a webhook, to test a receiver with.

    ```python
    headers = {webhooks.SIGNATURE_HEADER: webhooks.sign(body, "tk_test")}
    ```

    Args:
        body: The request's body.
        api_key: The API key.

    Returns:
        The value of the header `SIGNATURE_HEADER`: 64 hex digits.

    Raises:
        ConfigurationError: The body is not bytes, or the key is empty.
    """
    api_key = hide(api_key)
    return _sign(_check_body(body), check_secret("api_key", api_key)).decode()


def delivery_key(body: bytes | bytearray | memoryview) -> str:
    """Return what the redeliveries of a webhook have in common, to drop those that were handled.

    It is the SHA-256 of the body, for Refold gives deliveries no id. (The signature would not do: it changes with the
    API key.) Remember a key only once its event was handled, or a redelivery after a failure would be dropped; and
    forget it after a time, such as an hour, for two events that read the same have the same key.

    Args:
        body: The request's body as it came.

    Returns:
        64 hex digits.

    Raises:
        ConfigurationError: The body was decoded or parsed already.
    """
    return hashlib.sha256(_check_body(body)).hexdigest()


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
    # As HTTP joins headers of one name: two of them are no signature.
    return ", ".join(found) if found else None


def _check_body(body: bytes | bytearray | memoryview) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"body must be the raw bytes as they came, not {type(body).__name__}: pass `await request.read()`."
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
