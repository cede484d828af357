"""What a test can read about each request that the mock received."""

import json
from collections.abc import Mapping
from typing import Any

import attrs
from multidict import CIMultiDictProxy

from refold_async.testing.protocol.route_names import RouteName

__all__ = ["ReceivedRequest"]


@attrs.define(eq=False)
class ReceivedRequest:
    """One request, recorded as soon as its headers have arrived.

    Attributes:
        number: Its serial number among the mock's requests, from 1.
        route: The name of its route; None for a path that the mock does not serve.
        method: HTTP method.
        path: The path exactly as it was sent, without the query.
        query: The decoded query string; for a repeated name, the last value.
        headers: The headers; names in upper or lower case.
        linked_account_id: The linked account that it names, by header or by session token; None if it names none.
        action_id: The action in its path; None if there is none.
        time: When it arrived, in seconds of the event loop's clock.
        connection: Serial number of its TCP connection, from 1.
        request_id: The id of the request that its response has where `MockRefold(request_id_in=)` says.
        body: The body; None until it has been read.
        status: HTTP status of the response; None until the response has been sent completely.
    """

    number: int
    route: RouteName | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)  # they contain the API key
    linked_account_id: str | None
    time: float
    connection: int
    request_id: str
    action_id: str | None = None
    body: bytes | None = None
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body decoded from JSON, a new object at each access.

        Raises:
            ValueError: There is no body, or it is not JSON.
        """
        if self.body is None:
            raise ValueError("the body was not read")
        return json.loads(self.body)
