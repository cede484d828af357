"""Turns the exception that ended an attempt, such as a timeout, into our error with its fault.

Imported at the first failure.
"""

from typing import TYPE_CHECKING, Final, Literal

import aiohttp

from refold_async.codec.excerpts import shortened
from refold_async.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ConfigurationError,
    RefoldError,
)
from refold_async.faults import Fault
from refold_async.journal.send_fence import SEND_WITHIN
from refold_async.runtime.foreign_errors import safe_repr
from refold_async.transport.broken_responses import has_too_long_headers
from refold_async.transport.connection_guard import UnusableConnectionError
from refold_async.transport.connector import is_closed

if TYPE_CHECKING:
    from refold_async.config.settings import Timeout
    from refold_async.transport.deadlines import Deadline
    from refold_async.transport.request_body import Body

__all__ = ["TimeoutField", "cancelled_from_within", "expired_timeout", "reason", "wire_error"]

TimeoutField = Literal["total", "attempt", "connect"]

_WRONG_CERTIFICATE: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)
_WHILE_CONNECTING: Final = (
    UnusableConnectionError,
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
_MAX_QUOTED: Final = 200
"""How many characters to quote of aiohttp's message about a response that it refuses. It quotes the response."""


def expired_timeout(
    error: BaseException, attempt: "Deadline", ends: float, ending: TimeoutField
) -> TimeoutField | None:
    """Return which field of the timeout ended an attempt, or None if none did.

    Args:
        error: The exception that was raised.
        attempt: The deadline of the attempt. Until the request's body begins, it is the one for connecting.
        ends: When the attempt had to end.
        ending: The field that sets this time.
    """
    if attempt.expired:
        return ending if attempt.when >= ends else "connect"
    return "connect" if isinstance(error, TimeoutError) else None


def wire_error(
    error: BaseException,
    subject: str,
    body: "Body | None",
    *,
    expired: TimeoutField | None,
    timeout: "Timeout",
    received: aiohttp.ClientResponse | None,
    client_closed: bool,
    connector: aiohttp.BaseConnector | None,
    max_header_bytes: int,
    max_headers: int,
) -> RefoldError:
    """Return our error for an exception. The effect of a write depends only on whether its body began.

    The cause of our error is the system's error, if there is one. It is never an error of aiohttp: those hold the
    request's headers.

    Args:
        error: The exception that was raised.
        subject: What the request was about.
        body: The request's body, if it had one.
        expired: Which field of the timeout ended the attempt, or None.
        timeout: The timeout that applies.
        received: The response, if it began.
        client_closed: Whether the client was closed in the meantime.
        connector: The user's connector, if one was passed.
        max_header_bytes: How long a header of a response may be, in bytes.
        max_headers: How many headers a response may have.
    """
    connecting = isinstance(error, _WHILE_CONNECTING) and not client_closed
    begun = body is None or body.begun
    kind: type[APIConnectionError] = APIConnectionError
    fault = _fault(body, connecting=connecting)
    if client_closed:
        text = f"The client was closed during the call for {subject}."
    elif body is not None and body.too_late:
        text = (
            f"The call for {subject} was not sent, because more than {SEND_WITHIN:g} seconds had passed since it was "
            "recorded in the journal: the process was stopped, the machine slept, or no connection came in time."
        )
    elif expired is not None:
        kind = APITimeoutError
        missing = "no connection" if expired == "connect" else "no response"
        allowed = f"within {getattr(timeout, expired):g} seconds (Timeout.{expired})"
        text = f"The call for {subject} got {missing} {allowed}."
        if received is not None:
            text = (
                f"The response for {subject} was not complete {allowed}: {received.content.total_bytes:,} bytes had "
                "arrived. For large files, pass a larger timeout=, such as Timeout(total=600, attempt=600)."
            )
    elif isinstance(error, aiohttp.ClientResponseError):  # its str contains the URL of the proxy
        if begun and has_too_long_headers(error):
            return _too_long_headers(subject, max_header_bytes, max_headers)
        proxied = isinstance(error, aiohttp.ClientHttpProxyError)
        by = "The proxy" if proxied else "The server"
        said = " ".join(f"{error.status if proxied else ''} {error.message}".split())
        text = f"{by} gave no usable response for {subject}: {shortened(said, _MAX_QUOTED).removesuffix('.')}."
    elif isinstance(error, RuntimeError) and is_closed(connector) and (body is None or not body.begun):
        return ConfigurationError(f"connector= cannot be used: {safe_repr(error)}.")
    else:
        what = "The connection broke during the call for"
        if connecting or not begun:
            what = "No connection could be made for"
        text = f"{what} {subject}: {reason(error)}."
        if isinstance(error, _WRONG_CERTIFICATE):
            fault = Fault.CERTIFICATE
        elif connecting:
            text += " Check base_url, the network, and the proxy if there is one."
    failure = kind(text)
    failure.fault = fault
    failure.__cause__ = _system_error(error)
    return failure


def cancelled_from_within(
    subject: str, body: "Body | None", connector: aiohttp.BaseConnector | None
) -> APIConnectionError:
    """Return our error for a cancellation that nobody requested.

    aiohttp does so to shared waits when a connector closes.
    """
    what = "The connector closed" if is_closed(connector) else "aiohttp cancelled the connection"
    failure = APIConnectionError(f"{what} during the call for {subject}.")
    failure.fault = _fault(body, connecting=False)
    return failure


def reason(error: BaseException) -> str:
    """Return the text of an exception, without the head of a response that aiohttp adds to one of them."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the response broke off"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error).replace(" ssl:default", "")  # aiohttp adds it for plain http:// too
    if isinstance(error, aiohttp.ClientError | OSError | UnusableConnectionError):
        return str(error) or type(error).__name__
    return safe_repr(error)


def _system_error(error: BaseException) -> OSError | None:
    """Return the system's error that kept the connection from being made, if there is one."""
    behind = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    return behind if isinstance(behind, OSError) else None  # an exception of the user may hold anything


def _fault(body: "Body | None", *, connecting: bool) -> Fault:
    """Return the fault: whether the request left. A body knows; without a body, only a failed connection is certain."""
    never_sent = connecting if body is None else not body.begun
    return Fault.NEVER_SENT if never_sent else Fault.LOST


def _too_long_headers(subject: str, max_header_bytes: int, max_headers: int) -> APIResponseValidationError:
    error = APIResponseValidationError(
        f"The response for {subject} cannot be read: one of its headers is longer than "
        f"max_header_bytes={max_header_bytes}, or there are more than {max_headers} headers. "
        "Pass a larger max_header_bytes= to AsyncRefold."
    )
    error.fault = Fault.UNREADABLE
    return error
