"""Our error, and its fault, for the exception that ended an attempt, timeouts included. Loaded by the first failure."""

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
"""Characters of what aiohttp says of a response that it refuses: it quotes the response."""


def expired_timeout(
    error: BaseException, attempt: "Deadline", ends: float, ending: TimeoutField
) -> TimeoutField | None:
    """Return which field of the timeout ended an attempt, or None if none did.

    Args:
        error: What was raised.
        attempt: The deadline of the attempt, which is the one for connecting until the request's body begins.
        ends: When the attempt had to be over.
        ending: The field which says so.
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
    """Return our error for what was raised. Whether the body began decides what became of a write, nothing else.

    Its cause is an error of the system, if one was behind it, and never aiohttp's: those hold the request's headers.

    Args:
        error: What was raised.
        subject: What the request was about.
        body: The request's body, if it had one.
        expired: Which field of the timeout ended the attempt, or None.
        timeout: The timeout in force.
        received: The response, if it began.
        client_closed: Whether the client was closed meanwhile.
        connector: The connector that was lent, if one was.
        max_header_bytes: How long a header of a response may be.
        max_headers: How many of them a response may have.
    """
    connecting = isinstance(error, _WHILE_CONNECTING) and not client_closed
    begun = body is None or body.begun
    kind: type[APIConnectionError] = APIConnectionError
    fault = _fault(body, connecting=connecting)
    if client_closed:
        text = f"The client was closed while calling {subject}."
    elif expired is not None:
        kind = APITimeoutError
        missing = "no connection" if expired == "connect" else "no answer"
        allowed = f"within the {expired}={getattr(timeout, expired):g} seconds that timeout= allows"
        text = f"Calling {subject} got {missing} {allowed}."
        if received is not None:
            text = (
                f"The answer about {subject} was not whole {allowed}: {received.content.total_bytes:,} bytes had come. "
                "Large files take longer: pass a larger timeout=, such as Timeout(total=600, attempt=600)."
            )
    elif isinstance(error, aiohttp.ClientResponseError):  # its str holds the URL of the proxy
        if begun and has_too_long_headers(error):
            return _too_long_headers(subject, max_header_bytes, max_headers)
        proxied = isinstance(error, aiohttp.ClientHttpProxyError)
        by = "The proxy" if proxied else "The server"
        said = " ".join(f"{error.status if proxied else ''} {error.message}".split())
        text = f"{by} gave no usable answer, calling {subject}: {shortened(said, _MAX_QUOTED).removesuffix('.')}."
    elif isinstance(error, RuntimeError) and is_closed(connector) and (body is None or not body.begun):
        return ConfigurationError(f"connector= cannot be used: {safe_repr(error)}.")
    else:
        what = "The connection broke while calling"
        if connecting or not begun:
            what = "No connection could be made to call"
        text = f"{what} {subject}: {reason(error)}."
        if isinstance(error, _WRONG_CERTIFICATE):
            fault = Fault.CERTIFICATE
    failure = kind(text)
    failure.fault = fault
    failure.__cause__ = _system_error(error)
    return failure


def cancelled_from_within(
    subject: str, body: "Body | None", connector: aiohttp.BaseConnector | None
) -> APIConnectionError:
    """Return our error for a cancellation that nobody asked for: so aiohttp ends shared waits as a connector closes."""
    what = "The connector closed" if is_closed(connector) else "The connection was cancelled from within"
    failure = APIConnectionError(f"{what} while calling {subject}.")
    failure.fault = _fault(body, connecting=False)
    return failure


def reason(error: BaseException) -> str:
    """Return what an exception says, without the head of a response that aiohttp puts into one of them."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error).replace(" ssl:default", "")  # which it says of plain http:// too
    if isinstance(error, aiohttp.ClientError | OSError | UnusableConnectionError):
        return str(error) or type(error).__name__
    return safe_repr(error)


def _system_error(error: BaseException) -> OSError | None:
    """Return the error of the system for which no connection could be made."""
    behind = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    return behind if isinstance(behind, OSError) else None  # one of the user's own may hold anything


def _fault(body: "Body | None", *, connecting: bool) -> Fault:
    """Tell whether the request left. A body knows; of a request without one, only what happened before is certain."""
    never_sent = connecting if body is None else not body.begun
    return Fault.NEVER_SENT if never_sent else Fault.LOST


def _too_long_headers(subject: str, max_header_bytes: int, max_headers: int) -> APIResponseValidationError:
    error = APIResponseValidationError(
        f"The answer about {subject} cannot be read: it has a header of more than max_header_bytes={max_header_bytes}, "
        f"or more than {max_headers} headers. Pass a larger max_header_bytes= to AsyncRefold."
    )
    error.fault = Fault.UNREADABLE
    return error
