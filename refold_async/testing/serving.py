"""Serving a mock Refold until Ctrl-C, for the commands that offer it."""

import asyncio
import ipaddress
import math
from collections.abc import Sequence
from typing import Final

import attrs

from refold_async.testing.faults.troubles import Delay
from refold_async.testing.mock_refold import MockRefold

__all__ = ["ServingOptions", "serve_until_interrupted"]

_CURL: Final = """\
curl -X POST "{base_url}/api/v2/integration-schema/hubspot/actions/get_contact/execute" \\
  -H "x-api-key: {api_key}" \\
  -H "linked_account_id: user_12345" \\
  -H "Content-Type: application/json" \\
  -d '{{ "limit": "1" }}'"""


@attrs.frozen(kw_only=True)
class ServingOptions:
    """How a mock is served."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 8080
    """The port to listen on; 0 picks a free one."""
    allow_remote: bool = False
    """Whether `host` may be an address that other machines can reach."""
    api_key: Sequence[str] | None = None
    """The API keys that are accepted; None accepts any."""
    rate: float | None = None
    """Requests accepted per second; more are refused with HTTP 429."""
    burst: int = 1
    """Requests accepted in one burst."""
    retry_after: float | None = None
    """Seconds to send as `Retry-After` with each HTTP 429."""
    action_seconds: float = 0.0
    """Seconds that an action takes."""
    workflow_seconds: float = 0.05
    """Seconds that a workflow takes."""
    known_accounts_only: bool = False
    """Whether to refuse linked accounts that were not created before use."""

    @property
    def is_allowed(self) -> bool:
        """Whether it may listen on this address: only on this machine, unless `allow_remote` is set."""
        return self.allow_remote or _is_loopback(self.host)


def serve_until_interrupted(options: ServingOptions) -> None:
    """Serve a mock Refold until Ctrl-C, and print how to call it.

    Raises:
        OSError: The address is not available.
        ValueError: An option is not valid.
    """
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:
        print("\nstopped")


async def _serve(options: ServingOptions) -> None:
    mock = MockRefold(
        host=options.host,
        port=options.port,
        api_keys=options.api_key,
        workflow_seconds=options.workflow_seconds,
        known_accounts_only=options.known_accounts_only,
        record=False,
    )
    if not 0 <= options.action_seconds < math.inf:
        raise ValueError(f"action_seconds must be 0 or more, not {options.action_seconds:g}")
    if options.action_seconds:
        mock.script(Delay(options.action_seconds), route="execute_action")
    mock.limit_rate(options.rate, burst=options.burst, retry_after=options.retry_after)
    async with mock:
        api_key = options.api_key[0] if options.api_key else "tk_mock"
        print(f"Mock Refold at {mock.base_url}; Ctrl-C stops it. To try it in a second terminal:\n")
        print(_CURL.format(base_url=mock.base_url, api_key=api_key))
        print("\nThe command line, and programs that use refold_async, call it if you set these variables there:\n")
        print(f"export REFOLD_BASE_URL={mock.base_url} REFOLD_API_KEY={api_key}")
        print("refold actions hubspot -a user_12345", flush=True)
        await asyncio.Event().wait()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
