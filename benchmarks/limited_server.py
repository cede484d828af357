"""A server that responds after a while and limits the rate of its clients, as Refold does.

Run it as a process of its own: `python benchmarks/limited_server.py --rate 20 --burst 5` prints its port and serves
until its standard input ends. `GET /counts` returns its counts, `GET /arrivals` their times.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter

from canned_server import RESPONSE, CannedProtocol, http_response, serve

REFUSAL = (
    b'{"status_code":429,"http_error_type":"Too Many Requests","error_code":"RATE_LIMIT",'
    b'"message":"Too many requests, slow down."}'
)


class Limit:
    """A token bucket, full at first, and counts of the requests that it accepted and refused."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._updated = time.monotonic()
        self._done: Counter[bytes] = Counter()
        self._refused = 0
        self._arrivals: list[tuple[float, bool]] = []

    def admit(self, account: bytes) -> bool:
        """Take a token for an account's request; return whether there was one."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        admitted = self._tokens >= 1
        self._arrivals.append((now, admitted))
        if not admitted:
            self._refused += 1
            return False
        self._tokens -= 1
        self._done[account] += 1
        return True

    def counts(self) -> bytes:
        """Return the counts as JSON: requests accepted and refused, items done once and more than once."""
        times = Counter(self._done.values())
        once = times.pop(1, 0)
        seen = {"accepted": self._done.total(), "refused": self._refused, "once": once, "again": times.total()}
        return json.dumps(seen).encode()

    def arrivals(self) -> bytes:
        """Return when requests came, in seconds from the first, and whether they were accepted, as JSON."""
        first = self._arrivals[0][0] if self._arrivals else 0
        return json.dumps([(round(moment - first, 4), admitted) for moment, admitted in self._arrivals]).encode()


class LimitedProtocol(CannedProtocol):
    """Delays each request by a random time, then applies the limit: responds after a while, or refuses immediately."""

    def __init__(self, limit: Limit, refusal: bytes, jitter: float, delay: float) -> None:
        super().__init__()
        self._limit = limit
        self._refusal = refusal
        self._jitter = jitter
        self._delay = delay
        self._loop = asyncio.get_running_loop()

    def respond(self, head: bytes) -> None:
        """Delay the request for a random time."""
        if head.startswith(b"get /counts "):
            self.write(http_response(b"200 OK", self._limit.counts()))
            return
        if head.startswith(b"get /arrivals "):
            self.write(http_response(b"200 OK", self._limit.arrivals()))
            return
        account = head.partition(b"\r\nlinked_account_id:")[2].partition(b"\r\n")[0].strip()
        self._loop.call_later(random.uniform(0, self._jitter), self._arrive, account)

    def _arrive(self, account: bytes) -> None:
        if self._limit.admit(account):
            self._loop.call_later(self._delay, self.write, RESPONSE)
        else:
            self.write(self._refusal)


def main() -> None:
    """Serve with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1e9, help="requests per second; by default practically no limit")
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--retry-after", type=int, help="seconds to send as Retry-After with refusals")
    parser.add_argument("--jitter", type=float, default=0, help="the most seconds that a request is in transit")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds until a response")
    arguments = parser.parse_args()

    random.seed(1)
    limit = Limit(arguments.rate, arguments.burst)
    headers = [] if arguments.retry_after is None else [b"Retry-After: %d" % arguments.retry_after]
    refusal = http_response(b"429 Too Many Requests", REFUSAL, *headers)
    asyncio.run(serve(lambda: LimitedProtocol(limit, refusal, arguments.jitter, arguments.delay)))


if __name__ == "__main__":
    main()
