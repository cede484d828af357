"""The details that every error of a call gets: its request, its effect, its response. Imported at the first failure.

Secrets that were sent are removed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from refold_async.config.secret import Secret
from refold_async.errors import APIConnectionError, APIStatusError, APITimeoutError, RefoldError
from refold_async.faults import Fault
from refold_async.models.model import Result
from refold_async.models.response_meta import ResponseMeta, pack, shared
from refold_async.pipeline.call_state import CallState
from refold_async.protocol.endpoints import Request
from refold_async.protocol.redaction import quotes, redact_error
from refold_async.protocol.responses import Response, request_id_of

__all__ = ["add_to_message", "annotate", "annotate_failure", "not_read_in_time", "redact", "secrets_sent"]


def annotate(error: RefoldError, request: Request, base_url: str, linked_account_id: str | None) -> None:
    """Set the attributes of an error that identify its request."""
    error.method = request.target.method
    error.url = shared(base_url + request.target.shown_path)
    error.linked_account_id = linked_account_id
    error.slug = request.slug
    error.action_id = request.action_id


def annotate_failure(error: RefoldError, call: CallState, base_url: str) -> None:
    """Set the attributes of the error that ends a call; if it may have run, add advice to the message."""
    annotate(error, call.request, base_url, call.linked_account_id)
    error.effect = call.effect
    error.attempts = call.attempts
    if call.sent:
        error.sent_at = datetime.now(UTC) - timedelta(seconds=call.deadlines.now() - call.permit.sent_at)
    elapsed = call.deadlines.now() - call.began
    meta = error.meta
    error.meta = ResponseMeta(call.attempts, elapsed, error.request_id, meta.status, meta.headers, meta.reconciled)
    message = error.message
    if call.effect == "unknown" and error.fault is not Fault.WORKFLOW_ERRORED:
        message += f" {_advice(call.request)}"
    # A response may contain half of a surrogate pair, which could not be printed.
    message = message.encode(errors="backslashreplace").decode()
    error.args = (shared(message), *error.args[1:])
    if isinstance(error, APIStatusError):
        error.body = _with_shared_texts(error.body)
        error.error_code = error.error_code and shared(error.error_code)
        error.http_error_type = error.http_error_type and shared(error.http_error_type)


def _with_shared_texts(body: Any) -> Any:
    """Return the body of an error with the names and texts that other bodies contain too.

    A report may keep a million errors that say the same.
    """
    if type(body) is not dict:
        return body
    fields = cast("dict[str, Any]", body)
    return {shared(name): shared(value) if type(value) is str else value for name, value in fields.items()}


def _advice(request: Request) -> str:
    """Return what to do about a request that may have had an effect."""
    operation = request.target.operation
    if request.kind == "idempotent":
        return "It may have run; it is safe to retry."
    if operation == "execute_action":
        return "The action may have run: check in the app before you retry it."
    if operation == "execute_workflow":
        return "The workflow may have run: check its executions before you retry it."
    return "It may have run: check that before you retry it."


def add_to_message(error: RefoldError, text: str) -> None:
    """Append a text to the message of an error."""
    error.args = (f"{error.message} {text}", *error.args[1:])


def secrets_sent(headers: Mapping[str, str], own_secrets: list[str]) -> list[str]:
    """Return the secrets that a response could quote: those of the client, and the token in the headers."""
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    return [Secret(token), *own_secrets] if token else own_secrets


def not_read_in_time(call: CallState, response: Response) -> RefoldError:
    """Return the error for a response that was not parsed before the time was up or the client was closed."""
    size = f"{len(response.body):,} bytes"
    told = f"The response for {call.request.target.subject} arrived ({size}), but was not parsed"
    error: RefoldError
    if call.deadlines.closed:
        error = APIConnectionError(f"{told} before the client was closed.")
    else:
        error = APITimeoutError(f"{told} within {call.timeout.total:g} seconds (Timeout.total).")
    error.fault = Fault.UNREADABLE
    error.request_id = request_id_of(response.headers, {})
    _tell_of_response(error, response)
    return error


def _tell_of_response(error: RefoldError, response: Response) -> None:
    """Add to an error, and to the result that it may have, the metadata of the response it was made from."""
    error.meta = response.meta(error.request_id)
    pack(error.meta)
    if isinstance(error, APIStatusError):
        error.headers = error.meta.headers
    for carried in (getattr(error, "result", None), getattr(error, "execution", None)):
        if isinstance(carried, Result):
            object.__setattr__(carried.meta, "headers", error.meta.headers)


def redact(error: RefoldError, secrets: Sequence[str], response: Response | None) -> None:
    """Add to an error the metadata of its response, and remove every secret that the response quotes."""
    if response is not None:
        _tell_of_response(error, response)
    if secrets:
        # For a large body, all that was made from it is searched only if the body itself contains a secret.
        redact_error(error, secrets, thoroughly=response is not None and quotes(response.body, secrets))
