"""Serves a mock Refold until you stop it: `python -m refold_async.testing --port 8080`."""

import argparse
from collections.abc import Sequence

from refold_async.testing.serving import ServingOptions, serve_until_interrupted


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m refold_async.testing",
        description="Serve a mock Refold until Ctrl-C. It has only sample data and keeps nothing when it ends.",
    )
    default = ServingOptions()
    parser.add_argument("--host", default=default.host, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=default.port, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow --host to be an address that other machines can reach"
    )
    parser.add_argument("--api-key", action="append", metavar="KEY", help="accept only this API key; may be repeated")
    parser.add_argument("--rate", type=float, help="requests accepted per second; more are refused with HTTP 429")
    parser.add_argument(
        "--burst", type=int, default=default.burst, help="requests accepted in one burst (default: %(default)s)"
    )
    parser.add_argument("--retry-after", type=float, help="seconds to send as Retry-After with each HTTP 429")
    parser.add_argument(
        "--action-seconds",
        type=float,
        default=default.action_seconds,
        help="seconds that an action takes (default: %(default)s)",
    )
    parser.add_argument(
        "--workflow-seconds",
        type=float,
        default=default.workflow_seconds,
        help="seconds that a workflow takes (default: %(default)s)",
    )
    parser.add_argument(
        "--known-accounts-only", action="store_true", help="refuse linked accounts that were not created before use"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a mock Refold until Ctrl-C.

    Args:
        arguments: The arguments of the command line; None uses those of the process.
    """
    parser = _parser()
    options = ServingOptions(**vars(parser.parse_args(arguments)))
    if not options.is_allowed:
        parser.error(f"{options.host} can be reached from other machines: pass --allow-remote to allow that")
    try:
        serve_until_interrupted(options)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
