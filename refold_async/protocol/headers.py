"""The headers of requests: those that identify the account, those of workflows, and those that callers may add."""

from collections.abc import Mapping
from typing import Final

from refold_async.config.secret import Secret
from refold_async.config.validation import check_bool, check_header_value
from refold_async.errors import ConfigurationError
from refold_async.protocol.encoding import given_texts

__all__ = ["NO_API_KEY", "account_headers", "added_headers", "execution_headers", "flag_headers", "workflow_headers"]

NO_API_KEY: Final = "No API key: pass api_key= to AsyncRefold, or set REFOLD_API_KEY."

_OURS: Final = frozenset(
    {
        "x-api-key",
        "linked_account_id",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that only the client sets, in lower case."""


def account_headers(
    api_key: str | None, linked_account_id: str | None, session_token: str | None = None
) -> dict[str, str]:
    """Return the headers that authenticate a request and identify its account. A session token does both."""
    if session_token is not None:
        return {"Authorization": Secret(f"Bearer {session_token}")}
    if api_key is None:
        raise ConfigurationError(NO_API_KEY)
    if linked_account_id is None:
        return {"x-api-key": api_key}
    return {"x-api-key": api_key, "linked_account_id": linked_account_id}


def workflow_headers(*, slug: str | None, config_id: str | None, instance_tag: str | None) -> dict[str, str]:
    """Return the headers that select the app, the config and the label of a workflow run; None leaves one out."""
    return given_texts(slug=slug, config_id=config_id, instance_tag=instance_tag)


def flag_headers(**flags: bool | None) -> dict[str, str]:
    """Return headers that are `true` or `false`; None leaves one out."""
    return {name: "true" if check_bool(name, value) else "false" for name, value in flags.items() if value is not None}


_CONNECTION: Final[Mapping[str, str]] = {"connection_id": "connection_id"}
"""The argument that sets a header of every execution."""


def execution_headers(
    connection_id: str | None, headers: Mapping[str, str] | None, arguments: Mapping[str, str] = _CONNECTION
) -> dict[str, str]:
    """Return the headers that select the connection of an execution, and those that a caller adds.

    Args:
        connection_id: The connection. None lets Refold use the default of the linked account.
        headers: Headers that a caller adds.
        arguments: The arguments that set headers themselves, by the name of the header in lower case.

    Raises:
        ConfigurationError: A header cannot be sent, or is one that the client or an argument sets.
    """
    given = given_texts(connection_id=connection_id)
    if headers is None:
        return given
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers must be a mapping, not {type(headers).__name__}.")
    added = added_headers(headers)
    for name in added:
        if (argument := arguments.get(name.lower())) is not None:
            raise ConfigurationError(f"headers may not set {name!r}: pass {argument}= if the method has this argument.")
    return {**given, **added}


def added_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a caller adds to those of the client, after checking them.

    Raises:
        ConfigurationError: The client sets one of them itself, or one cannot be sent.
    """
    added: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for name, value in headers.items():
        check_header_value("a header's name", name)
        if (other := spelled.setdefault(name.lower(), name)) != name:
            raise ConfigurationError(
                f"headers contains {other!r} and {name!r}, the same header twice: pass one of them."
            )
        if name.lower() in _OURS:
            raise ConfigurationError(f"headers may not set {name!r}: the client sets it for the account of the call.")
        if not all(
            character.isascii() and (character.isalnum() or character in "!#$%&'*+-.^_`|~") for character in name
        ):
            raise ConfigurationError(f"headers contains {name!r}, which is not a valid header name.")
        added[name] = check_header_value(f"headers[{name!r}]", value)
    return added
