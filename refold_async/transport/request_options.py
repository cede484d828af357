"""The options for aiohttp that only some requests need. aiohttp takes time for each option of a request."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import aiohttp

from refold_async.config.settings import Timeout
from refold_async.protocol.endpoints import Request
from refold_async.transport.guarded_request import RESENT_BY_AIOHTTP, never_resend
from refold_async.transport.request_body import Body

__all__ = ["further_options"]

_NO_CONTENT_TYPE: Final = ("Content-Type",)


@lru_cache(maxsize=16)
def _connect_timeout(connect: float) -> aiohttp.ClientTimeout:
    # aiohttp rounds times above the threshold up to whole seconds.
    return aiohttp.ClientTimeout(connect=None if connect == math.inf else connect, ceil_threshold=math.inf)


def further_options(
    request: Request, headers: Mapping[str, str], body: Body | None, timeout: Timeout
) -> dict[str, Any]:
    """Return the options for aiohttp that a request without a body needs, or one that aiohttp or hooks may change."""
    options: dict[str, Any] = {"trace_request_ctx": headers}  # for the guard of the hooks; the hooks never see it
    if body is None:
        # A timer of aiohttp costs more than all of ours. Only a read gets one, because it has no body that records its
        # start.
        options["timeout"] = _connect_timeout(timeout.connect)
    elif not request.body:
        options["skip_auto_headers"] = _NO_CONTENT_TYPE
    if request.target.method in RESENT_BY_AIOHTTP:
        options["middlewares"] = (never_resend,)
    return options
