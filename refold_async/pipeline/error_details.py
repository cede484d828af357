"""What every error of a call tells: what it is about, what became of the call, and none of the secrets that were sent.

Loaded by the first failure.
"""

from collections.abc import Mapping, Sequence

import attrs

from refold_async.config.secret import Secret
from refold_async.errors import APIConnectionError, APITimeoutError, RefoldError
from refold_async.faults import Fault
from refold_async.models.model import Result
from refold_async.models.response_meta import pack
from refold_async.pipeline.call_state import CallState
from refold_async.protocol.endpoints import Request
from refold_async.protocol.redaction import quotes, redact_error
from refold_async.protocol.responses import Response, request_id_of

__all__ = ["add_to_message", "annotate", "annotate_failure", "not_read_in_time", "redact", "secrets_sent"]


def annotate(error: RefoldError, request: Request, base_url: str, linked_account_id: str | None) -> None:
    """Fill in what an error is about."""
    error.method = request.target.method
    error.url = base_url + request.target.path
    error.linked_account_id = linked_account_id
    error.slug = request.slug
    error.action_id = request.action_id


def annotate_failure(error: RefoldError, call: CallState, base_url: str) -> None:
    """Fill in what the error that ends a call tells, and what to do about a write that may have run."""
    annotate(error, call.request, base_url, call.linked_account_id)
    error.effect = call.effect
    error.attempts = call.attempts
    error.meta = attrs.evolve(
        error.meta,
        attempts=call.attempts,
        elapsed=call.deadlines.now() - call.began,
        request_id=error.request_id,
    )
    message = error.message
    if call.effect == "unknown" and call.request.kind == "write" and error.fault is not Fault.WORKFLOW_ERRORED:
        message += " It may have run all the same: look in the app before you send it again."
    # A response may hold half of a surrogate pair, which could not be printed.
    message = message.encode(errors="backslashreplace").decode()
    error.args = (message, *error.args[1:])


def add_to_message(error: RefoldError, text: str) -> None:
    """Have the message of an error say this too."""
    error.args = (f"{error.message} {text}", *error.args[1:])


def secrets_sent(headers: Mapping[str, str], own_secrets: list[str]) -> list[str]:
    """Return the secrets that a response could quote: those of the client, and the token among the headers."""
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    return [Secret(token), *own_secrets] if token else own_secrets


def not_read_in_time(call: CallState, response: Response) -> RefoldError:
    """Return the error for a response that came, and was not read before the time was up, or the client closed."""
    size = f"{len(response.body):,} bytes"
    told = f"The answer about {call.request.target.subject} came, {size}, and was not yet read when"
    error: RefoldError
    if call.deadlines.closed:
        error = APIConnectionError(f"{told} the client was closed.")
    else:
        error = APITimeoutError(f"{told} the time was up (timeout total={call.timeout.total:g}).")
    error.fault = Fault.UNREADABLE
    error.request_id = request_id_of(response.headers, {})
    _tell_of_response(error, response)
    return error


def _tell_of_response(error: RefoldError, response: Response) -> None:
    """Have an error tell of the response that it was made of, as does the result that it may carry."""
    error.meta = response.meta(error.request_id)
    pack(error.meta)
    for carried in (getattr(error, "result", None), getattr(error, "execution", None)):
        if isinstance(carried, Result):
            object.__setattr__(carried.meta, "headers", error.meta.headers)


def redact(error: RefoldError, secrets: Sequence[str], response: Response | None) -> None:
    """Have an error tell of the response it was made of, but nothing that this quotes of the secrets that were sent."""
    if response is not None:
        _tell_of_response(error, response)
    if secrets:
        # What was made of a large body is looked through only where the body itself holds one.
        redact_error(error, secrets, thoroughly=response is not None and quotes(response.body, secrets))
