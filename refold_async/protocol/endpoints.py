"""How an endpoint is declared, and made into a call: its path, its query, its headers, its body. No I/O."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from string import Formatter
from typing import Any, cast
from urllib.parse import urlencode

import attrs

from refold_async.codec import json_codec
from refold_async.config.validation import check_header_value, quote_segment
from refold_async.errors import ConfigurationError, ParameterError
from refold_async.faults import Kind

__all__ = ["NO_HEADERS", "Endpoint", "Request", "Target", "encode_json", "given_texts", "with_query"]

NO_HEADERS: Mapping[str, str] = {}
_NO_IDS: Mapping[str, str] = {}


@attrs.frozen(eq=False, repr=False)
class Target:
    """Where a call goes, and how messages speak of it. Made once per endpoint and its ids."""

    method: str
    path: str
    """Below the base URL, quoted, with the query."""
    subject: str
    """What the call is about, such as `action 'get_contact' of app 'hubspot'`."""
    if_not_found: str = ""
    """What to do about a 404."""
    template: str | None = None
    """The path with the names of its ids, such as `/api/v2/public/workflow/{workflow_id}`; None for raw requests."""
    ids: Mapping[str, str] = _NO_IDS
    """The ids in the path, by name."""


@attrs.define(eq=False, repr=False)
class Request:
    """One call, ready to be sent for any account."""

    target: Target
    kind: Kind = "read"
    body: bytes | None = None
    """JSON, or None for no body."""
    headers: Mapping[str, str] = NO_HEADERS
    """Headers beside those that name the account."""
    synchronous: bool = False
    """Whether a workflow's own answer comes back, with a status of its choosing."""


class Endpoint:
    """One operation of the API: declare it once, and make a call of it for any ids.

    ```python
    GET_WORKFLOW = Endpoint("GET", "/api/v2/public/workflow/{workflow_id}", "workflow {workflow_id!r}")
    ```

    Args:
        method: The HTTP method.
        path: The path, with the `{names}` of ids; messages about a bad id call it by that name.
        subject: What a call is about, for messages; may name the same ids.
        if_not_found: What to do about a 404.
        kind: Whether a call may be sent twice; by default a GET is a read and all else a write.
    """

    def __init__(
        self, method: str, path: str, subject: str, if_not_found: str = "", *, kind: Kind | None = None
    ) -> None:
        self.method = method
        self.path = path
        self.kind: Kind = kind or ("read" if method == "GET" else "write")
        self._subject = subject
        self._if_not_found = if_not_found
        self._names = [name for _, name, _, _ in Formatter().parse(path) if name]
        self._known = lru_cache(maxsize=1024)(self._make_target)

    def __repr__(self) -> str:
        return f"<Endpoint {self.method} {self.path}>"

    def target(self, *ids: str) -> Target:
        """Return where a call for these ids, in the order of the path, goes.

        Raises:
            ConfigurationError: An id cannot be part of a path.
        """
        try:
            return self._known(*ids)
        except TypeError:  # an unhashable id gets the error that any id of a wrong type gets
            return self._make_target(*ids)

    def _make_target(self, *ids: str) -> Target:
        named = dict(zip(self._names, ids, strict=True))
        quoted = {name: quote_segment(name, value) for name, value in named.items()}
        plain = {name: str.__str__(value) for name, value in named.items()}
        return Target(
            self.method,
            self.path.format(**quoted),
            self._subject.format(**plain),
            self._if_not_found,
            self.path,
            plain,
        )

    def request(
        self,
        *ids: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Request:
        """Make a call.

        Args:
            *ids: The ids in the path.
            query: Query parameters; those that are None are left out.
            headers: Headers beside those that name the account.
            body: The fields of the JSON object to send; those that are None are left out.

        Raises:
            ConfigurationError: An id or a query parameter cannot be sent as it is.
            ParameterError: A field is no JSON.
        """
        target = self.target(*ids)
        if query:
            target = attrs.evolve(target, path=with_query(target.path, query))
        sent = None if body is None else {name: value for name, value in body.items() if value is not None}
        return Request(
            target,
            self.kind,
            None if sent is None else encode_json(sent),
            NO_HEADERS if headers is None else headers,
        )


def given_texts(**values: Any) -> dict[str, str]:
    """Return the arguments that are not None, each checked under its own name: no empty ones, no control characters."""
    return {name: check_header_value(name, value) for name, value in values.items() if value is not None}


def encode_json(value: Any, name: str = "") -> bytes:
    """Return `value` as JSON bytes.

    Args:
        value: A JSON value.
        name: What messages call it; without one, they call its fields by their own names.

    Raises:
        ParameterError: Names the place in `value` that is no JSON.
    """
    try:
        return json_codec.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    message = f"{_first_unsendable(name, value)} cannot be sent as JSON: {reason}."
    raise ParameterError(message.encode(errors="backslashreplace").decode())


def _first_unsendable(path: str, value: Any) -> str:
    """Return the path of the first part of `value` that is no JSON by itself, else the path of the whole."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        parts = [(f"{prefix}{key}", part) for key, part in cast("dict[str, Any]", value).items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(cast("Sequence[Any]", value))]
    for part_path, part in parts:
        try:
            json_codec.encode(part)
        except (TypeError, ValueError, RecursionError) as error:
            # A cycle is part of itself all the way down.
            cyclic = isinstance(error, RecursionError) or "Circular" in str(error)
            return part_path if cyclic else _first_unsendable(part_path, part)
    return path


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """Return a path with a query, spelled as Refold reads it.

    True and false are in lower case, a list is a repeated name, and what is None is left out.

    Raises:
        ConfigurationError: Names the parameter that cannot be sent.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,)
        pairs += [(_query_text("query's names", name), _query_value(name, one)) for one in values if one is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _query_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _query_text(f"query[{name!r}]", value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    if isinstance(value, datetime):
        return _query_moment(name, value)
    if isinstance(value, date):
        return value.isoformat()
    raise ConfigurationError(
        f"query[{name!r}] must hold str, int, finite float, bool, datetime, date or None, got {value!r}."
    )


def _query_moment(name: str, moment: datetime) -> str:
    """Spell a point in time as Refold does: in UTC, to the millisecond."""
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"query[{name!r}] is a datetime without a time zone, which could be any of many moments: "
            "give it one, such as datetime.now(UTC)."
        )
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _query_text(what: str, value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"{what} must be str without lone surrogates, got {value!r}.")
    return str.__str__(value)
