"""How an endpoint is declared, and what its requests consist of: target, kind, headers, body."""

import copy
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Any

from refold_async.config.secret import hide_bytes
from refold_async.config.validation import quote_segment
from refold_async.faults import Kind
from refold_async.protocol.encoding import encode_json, with_query

if TYPE_CHECKING:
    from refold_async.protocol.arguments import Checks
    from refold_async.protocol.files import SaveTo

__all__ = ["NO_HEADERS", "Endpoint", "Request", "Target"]

NO_HEADERS: Mapping[str, str] = {}
_NO_IDS: Mapping[str, str] = {}
_NO_CHECKS: "Checks" = {}


class Target:
    """Where a request goes, and how messages describe it. Made once for each endpoint and set of ids.

    Many requests share one, so change only a copy of it.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL, percent-encoded, with the query.
        subject: What the request is about, such as `action 'get_contact' of app 'hubspot'`.
        if_not_found: What to do about a 404, for messages.
        template: The path with placeholders for its ids, such as `/api/v2/public/workflow/{workflow_id}`. None for raw
            requests.
        ids: The ids in the path, by name.
        if_file: What to do about a response that is a file and not JSON.
        if_unauthorized: What else to do about a 401.
        operation: The name of the endpoint, if it has one.
        secret_ids: Whether its ids are secrets, which neither errors nor logs nor observers may show.
    """

    __slots__ = (
        "ids",
        "if_file",
        "if_not_found",
        "if_unauthorized",
        "method",
        "operation",
        "path",
        "secret_ids",
        "subject",
        "template",
    )

    def __init__(
        self,
        method: str,
        path: str,
        subject: str,
        if_not_found: str = "",
        template: str | None = None,
        ids: Mapping[str, str] = _NO_IDS,
        if_file: str = "",
        operation: str | None = None,
        *,
        secret_ids: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.subject = subject
        self.if_not_found = if_not_found
        self.template = template
        self.ids = ids
        self.if_file = if_file
        self.if_unauthorized = ""
        self.operation = operation
        self.secret_ids = secret_ids

    @property
    def shown_path(self) -> str:
        """The path as errors, logs and observers show it."""
        return self.template if self.secret_ids and self.template is not None else self.path


class Request:
    """A request that is ready to be sent for any account.

    Attributes:
        target: Where it goes.
        kind: Whether it may be repeated.
        body: The JSON body, or None for no body.
        headers: Headers in addition to those that identify the account.
        synchronous: Whether the response is the workflow's own, with a status that the workflow chooses.
        save_to: The file to which the body of a successful response is saved, if any.
        secrets: Secrets in the body or in the path, which no error may show.
    """

    __slots__ = ("body", "headers", "kind", "save_to", "secrets", "synchronous", "target")

    def __init__(
        self,
        target: Target,
        kind: Kind = "read",
        body: bytes | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        synchronous: bool = False,
        save_to: "SaveTo | None" = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self.target = target
        self.kind: Kind = kind
        self.body = body
        self.headers = headers
        self.synchronous = synchronous
        self.save_to = save_to
        self.secrets = secrets

    @property
    def slug(self) -> str | None:
        """The slug of the app, if the request names one: in its path or, for a workflow, in a header."""
        return self.target.ids.get("slug", self.headers.get("slug"))

    @property
    def action_id(self) -> str | None:
        """The id of the action, if the request is about one."""
        return self.target.ids.get("action_id")


class Endpoint:
    """One operation of the API. Declare it once, then make requests of it for any ids.

    ```python
    GET_WORKFLOW = Endpoint("GET", "/api/v2/public/workflow/{workflow_id}", "workflow {workflow_id!r}")
    SEARCH = Endpoint("POST", "/api/v2/public/…/search", "the records", kind="read", takes={"filter": mapping})
    ```

    Args:
        method: The HTTP method.
        path: The path, with the `{names}` of its ids. Messages about an invalid id use this name.
        subject: What a request is about, for messages. It may use the same ids.
        if_not_found: What to do about a 404.
        if_file: What to do about a response that is a file and not JSON.
        kind: Whether a request may be repeated. By default, a GET is a read, and every other method a write.
            `idempotent` is only for what Refold documents as having the same effect twice as once.
        takes: The checks of ids, query parameters, headers and fields of the body, by their names. Values without a
            check are sent as they are.
        required: The names in `takes` that may not be None.
        name: The name for observers: that of the method that makes the requests.
        secret_ids: Whether its ids are secrets. Errors, logs and observers then show only their names.
    """

    def __init__(
        self,
        method: str,
        path: str,
        subject: str,
        if_not_found: str = "",
        if_file: str = "",
        *,
        kind: Kind | None = None,
        takes: "Checks" = _NO_CHECKS,
        required: Collection[str] = (),
        name: str | None = None,
        secret_ids: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.kind: Kind = kind or ("read" if method == "GET" else "write")
        self.takes = takes
        self._required = required
        self._name = name
        self.secret_ids = secret_ids
        self._subject = subject
        self._if_not_found = if_not_found
        self._if_file = if_file
        self._names = [name for _, name, _, _ in Formatter().parse(path) if name]
        self._known = lru_cache(maxsize=1024)(self._make_target)

    def __repr__(self) -> str:
        return f"<Endpoint {self.method} {self.path}>"

    def target(self, *ids: str) -> Target:
        """Return the target of a request for these ids, which are in the order of the path.

        Raises:
            ConfigurationError: An id cannot be part of a path.
        """
        try:
            return self._known(*ids)
        except TypeError:  # an unhashable id gets the same error as any id of a wrong type
            return self._make_target(*ids)

    def _make_target(self, *ids: str) -> Target:
        takes = self.takes
        named = {
            name: takes[name](name, value) if name in takes else value
            for name, value in zip(self._names, ids, strict=True)
        }
        quoted = {name: quote_segment(name, value) for name, value in named.items()}
        plain = {name: str.__str__(value) for name, value in named.items()}
        return Target(
            self.method,
            self.path.format(**quoted),
            self._subject.format(**plain),
            self._if_not_found,
            self.path,
            plain,
            self._if_file,
            operation=self._name,
            secret_ids=self.secret_ids,
        )

    def request(
        self,
        *ids: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        subject: str | None = None,
        secrets: Sequence[str] = (),
    ) -> Request:
        """Make a request.

        Args:
            *ids: The ids in the path.
            query: Query parameters. Those that are None are left out.
            headers: Headers in addition to those that identify the account. Those that are None are left out.
            body: The fields of the JSON object to send. Those that are None are left out.
            subject: What the request is about, for messages, if its path does not show that.
            secrets: Secrets in the body or in the path, which neither errors nor frames may show.

        Raises:
            ConfigurationError: An argument cannot be sent. The message names it.
            ParameterError: A field is not JSON.
        """
        target = self.target(*ids)
        if query or subject is not None:
            target = copy.copy(target)
        if query:
            target.path = with_query(target.path, self._checked(query))
        if subject is not None:
            target.subject = subject
        encoded = None if body is None else encode_json(self._checked(body))
        return Request(
            target,
            self.kind,
            hide_bytes(encoded) if secrets and encoded is not None else encoded,
            NO_HEADERS if headers is None else self._checked(headers),
            secrets=secrets,
        )

    def taken(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return those arguments that the endpoint takes, such as of `locals()` in a method with many of them."""
        return {name: arguments[name] for name in self.takes if name in arguments}

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that were given, as their checks return them."""
        takes, required = self.takes, self._required
        return {
            name: takes[name](name, value) if name in takes else value
            for name, value in values.items()
            if value is not None or name in required
        }
