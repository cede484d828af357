"""What a test can read about each request the mock received."""

import json
from collections.abc import Mapping
from typing import Any

import attrs
from multidict import CIMultiDictProxy

from refold_async.testing.protocol.route_names import RouteName

__all__ = ["ReceivedRequest"]


@attrs.define(eq=False)
class ReceivedRequest:
    """One request, recorded when its headers have arrived.

    Attributes:
        number: Serial number among the mock's requests, from 1.
        route: Name of its route; None for a path the mock does not serve.
        method: HTTP method.
        path: The path as it came over the wire, without the query.
        query: The decoded query string; of a repeated name, the last value.
        headers: The headers, names in any case.
        linked_account_id: Whom it names, by header or by session token.
        action_id: The action that its path names; None where it names none.
        time: When it arrived, in seconds of the event loop's clock.
        connection: Serial number of the TCP connection, from 1.
        request_id: The id that its response names, wherever `MockRefold(request_id_in=)` says.
        body: The body; None until it has been read.
        status: HTTP status of the response; None until that has been sent to the end.
    """

    number: int
    route: RouteName | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)  # they hold the API key
    linked_account_id: str | None
    time: float
    connection: int
    request_id: str
    action_id: str | None = None
    body: bytes | None = None
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body decoded from JSON, anew at each access.

        Raises:
            ValueError: There is no body, or it is no JSON.
        """
        if self.body is None:
            raise ValueError("the body was not read")
        return json.loads(self.body)
