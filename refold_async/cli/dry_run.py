"""Prints a request for `--dry-run`."""

import json
from typing import TYPE_CHECKING

from refold_async.cli.output import print_json

if TYPE_CHECKING:
    from refold_async import AsyncRefold
    from refold_async.protocol.endpoints import Request

__all__ = ["print_request"]


def print_request(refold: "AsyncRefold", request: "Request", account: str | None) -> None:
    """Print a request, with the key hidden, without sending it.

    Args:
        refold: The client that would send it.
        request: The request.
        account: The linked account that it is for, or None for the organisation.
    """
    from refold_async.protocol.headers import account_headers

    headers = {**account_headers("***", account), **request.headers}
    shown = {"method": request.target.method, "url": refold.base_url + request.target.path, "headers": headers}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
        shown["body"] = json.loads(request.body)
    print_json(shown)
