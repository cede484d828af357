"""The suite's server: a few responses, by path, each sent as fast as possible.

Run it as a process of its own: `python benchmarks/suite_server.py` prints its port and serves until its standard input
ends. `GET /seen` returns its counts and the CPU time it used. It uses uvloop if that is installed.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from api import ACTIONS, ACTIONS_BODY, LARGE_BODY
from canned_server import RESPONSE, CannedProtocol, http_response, serve
from sdk_responses import RESPONSES
from servers import allow_many_connections

try:
    import uvloop
except ImportError:
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
else:
    loop_factory = uvloop.new_event_loop

_REFUSAL: Final = http_response(
    b"503 Service Unavailable",
    b'{"status_code":503,"http_error_type":"Service Unavailable","error_code":"UNAVAILABLE","message":"Try again."}',
)
_RESPONSES: Final = {
    f"get {ACTIONS}".encode(): http_response(b"200 OK", ACTIONS_BODY),
    f"post {ACTIONS}/export_contacts/execute".encode(): http_response(b"200 OK", LARGE_BODY),
    **{
        f"get {path}".encode(): http_response(b"200 OK", json.dumps(value).encode())
        for path, value in RESPONSES.items()
    },
}
_HELD: Final = f"post {ACTIONS}/held/execute".encode()
_UNAVAILABLE: Final = f"post {ACTIONS}/unavailable/execute".encode()


class Service:
    """What the connections of a server share.

    Args:
        hold: How many requests for `held` must arrive before all of them get their responses.
    """

    def __init__(self, hold: int) -> None:
        self.connections = 0
        self._hold = hold
        self._held: list[CannedProtocol] = []
        self._refused = False

    def hold(self, connection: CannedProtocol) -> None:
        """Respond later, to all at the same time."""
        self._held.append(connection)
        if len(self._held) == self._hold:
            for waiting in self._held:
                waiting.write(RESPONSE)
            self._held.clear()

    def refuse_once(self) -> bytes:
        """Return a refusal and a success by turns."""
        self._refused = not self._refused
        return _REFUSAL if self._refused else RESPONSE

    def seen(self) -> bytes:
        """Return its counts, as JSON."""
        return json.dumps({"connections": self.connections, "cpu": time.process_time()}).encode()


class SuiteProtocol(CannedProtocol):
    """Responds by path; paths without their own response get the small one."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        super().connection_made(transport)
        self._service.connections += 1

    def respond(self, head: bytes) -> None:
        """Respond to the request with this head, in lower case."""
        request = head[: head.index(b" http/")]
        if request == _HELD:
            self._service.hold(self)
        elif request == _UNAVAILABLE:
            self.write(self._service.refuse_once())
        elif request == b"get /seen":
            self.write(http_response(b"200 OK", self._service.seen()))
        else:
            self.write(_RESPONSES.get(request, RESPONSE))


def main() -> None:
    """Serve with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hold", type=int, default=1000)
    arguments = parser.parse_args()

    allow_many_connections()
    service = Service(arguments.hold)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serve(lambda: SuiteProtocol(service)))


if __name__ == "__main__":
    main()
