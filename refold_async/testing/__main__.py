"""Serves a mock Refold until interrupted: `python -m refold_async.testing --port 8080`."""

import argparse
import asyncio
import ipaddress
from collections.abc import Sequence

from refold_async.testing.mock_refold import MockRefold

_CURL = """\
curl -X POST "{base_url}/api/v2/integration-schema/hubspot/actions/get_contact/execute" \\
  -H "x-api-key: {api_key}" \\
  -H "linked_account_id: user_12345" \\
  -H "Content-Type: application/json" \\
  -d '{{ "limit": "1" }}'"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m refold_async.testing",
        description="Serve a mock Refold until interrupted. It holds sample data only and forgets all at its end.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8080, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="let --host be an address that other machines can reach"
    )
    parser.add_argument(
        "--api-key", action="append", metavar="KEY", help="accept this API key and no other; may be repeated"
    )
    parser.add_argument("--rate", type=float, help="requests let through per second; more are refused with 429")
    parser.add_argument("--burst", type=int, default=1, help="requests let through at once (default: %(default)s)")
    parser.add_argument("--retry-after", type=float, help="seconds to send as Retry-After with a 429")
    parser.add_argument(
        "--workflow-seconds", type=float, default=0.05, help="how long a workflow takes (default: %(default)s)"
    )
    parser.add_argument(
        "--known-accounts-only", action="store_true", help="refuse linked accounts that were not created before"
    )
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(options: argparse.Namespace) -> None:
    mock = MockRefold(
        host=options.host,
        port=options.port,
        api_keys=options.api_key,
        workflow_seconds=options.workflow_seconds,
        known_accounts_only=options.known_accounts_only,
        record=False,
    )
    mock.limit_rate(options.rate, burst=options.burst, retry_after=options.retry_after)
    async with mock:
        api_key = options.api_key[0] if options.api_key else "tk_mock"
        print(f"mock Refold at {mock.base_url} until Ctrl-C; to try it:\n")
        print(_CURL.format(base_url=mock.base_url, api_key=api_key))
        print("\nPrograms that use refold_async find it with these in their environment:\n")
        print(f"export REFOLD_BASE_URL={mock.base_url} REFOLD_API_KEY={api_key}", flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a mock Refold until interrupted.

    Args:
        arguments: The command line's; None takes those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        parser.error(f"{options.host} can be reached from other machines; say --allow-remote to mean it")
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:
        print("\nstopped")
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
