"""Faults of the network: answers that come oddly, in part, or not at all; requests that are cut short."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from .exchange import Exchange
from .wire import chunked, compressed, head, response

__all__ = ["ANY", "DELIVERIES", "EXECUTIONS", "WRITES", "Fault"]

ANY: Final = frozenset(
    {"list_actions", "get_action_parameters", "execute_action", "start_workflow", "run_workflow", "request"}
)
EXECUTIONS: Final = frozenset({"execute_action"})
WRITES: Final = frozenset({"execute_action", "start_workflow", "run_workflow"})


@attrs.frozen
class Fault:
    """What may happen to a request."""

    name: str
    act: Callable[[Exchange], Awaitable[None]]
    weight: float = 1.0
    operations: frozenset[str] = ANY


async def plain(exchange: Exchange) -> None:
    """Do it and say so."""
    await exchange.run()
    exchange.respond(response(200, exchange.success()))


async def delayed(exchange: Exchange) -> None:
    """Take a while."""
    await exchange.body()
    await exchange.pause(0.02)
    await plain(exchange)


async def in_chunks(exchange: Exchange) -> None:
    """Answer in chunks."""
    await exchange.run()
    exchange.respond(chunked(200, exchange.success(), exchange.random.randint(1, 60)))


async def in_pieces(exchange: Exchange) -> None:
    """Answer in pieces of all sizes, each in a segment of its own."""
    await exchange.run()
    data = response(200, exchange.success())
    cuts = sorted(exchange.random.sample(range(1, len(data)), exchange.random.randint(1, 5)))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        exchange.write(data[start:end])
        await exchange.pause(0.002)
    exchange.response_sent = data


async def in_gzip(exchange: Exchange) -> None:
    """Answer in an encoding that was asked for."""
    await exchange.run()
    exchange.respond(response(200, compressed(exchange.success()), [("Content-Encoding", "gzip")]))


async def after_interim_responses(exchange: Exchange) -> None:
    """Send what comes before an answer."""
    await exchange.run()
    exchange.write(head(103, [("Link", "</style.css>; rel=preload")]))
    await exchange.pause(0.002)
    exchange.respond(head(100) + response(200, exchange.success()))


async def then_closed(exchange: Exchange) -> None:
    """Answer, and say that the connection ends."""
    await exchange.run()
    exchange.write(response(200, exchange.success(), [("Connection", "close")]))
    exchange.close()


async def until_closed(exchange: Exchange) -> None:
    """Answer in the old way, without a length."""
    await exchange.run()
    exchange.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + exchange.success())
    exchange.close()


async def with_byte_order_mark(exchange: Exchange) -> None:
    """Put a UTF-8 BOM before the JSON."""
    await exchange.run()
    exchange.respond(response(200, b"\xef\xbb\xbf" + exchange.success()))


async def with_huge_headers(exchange: Exchange) -> None:
    """Set a cookie of 9 KB, or many of them."""
    await exchange.run()
    count, size = exchange.random.choice([(1, 9000), (150, 20)])
    cookies = [("Set-Cookie", f"c{number}={'x' * size}") for number in range(count)]
    exchange.write(response(200, exchange.success(), [*cookies, ("Connection", "close")]))
    exchange.close()


async def reset_at_once(exchange: Exchange) -> None:
    """Reset before the body was read."""
    exchange.reset()


async def reset_in_the_body(exchange: Exchange) -> None:
    """Reset while the body is read."""
    await exchange.some_of_body()
    exchange.reset()


async def reset_before_it_ran(exchange: Exchange) -> None:
    """Reset after the body was read, with nothing done."""
    await exchange.body()
    exchange.reset()


async def reset_after_it_ran(exchange: Exchange) -> None:
    """Do it, and reset."""
    await exchange.run()
    exchange.reset()


async def closed_without_response(exchange: Exchange) -> None:
    """Close in good order, having done it or not."""
    await exchange.maybe_run()
    exchange.close()


async def reset_in_the_response(exchange: Exchange) -> None:
    """Reset half way through the answer."""
    await exchange.run()
    data = response(200, exchange.success())
    exchange.write(data[: exchange.random.randrange(len(data))])
    await exchange.pause(0.002)
    exchange.reset()


async def cut_response(exchange: Exchange) -> None:
    """Close half way through the answer."""
    await exchange.run()
    data = response(200, exchange.success())
    exchange.write(data[: exchange.random.randrange(len(data))])
    exchange.close()


async def too_short_a_length(exchange: Exchange) -> None:
    """Announce less than what comes: the rest of it stays on the connection."""
    await exchange.run()
    body = exchange.success()
    exchange.write(response(200, body, length=exchange.random.randrange(1, len(body))))
    exchange.line.spoil("the rest of an answer longer than its Content-Length")


async def too_long_a_length(exchange: Exchange) -> None:
    """Announce more than what comes."""
    await exchange.run()
    body = exchange.success()
    exchange.write(response(200, body, length=len(body) + 10))
    await exchange.hang()


async def false_chunks(exchange: Exchange) -> None:
    """Break off chunks in a way that is no HTTP."""
    await exchange.run()
    ending = exchange.random.choice([b"zz\r\n", b"-1\r\n\r\n", b"0\r\nnot a trailer\r\n\r\n", b"\0\0"])
    exchange.write(chunked(200, exchange.success(), 20, ending=ending))
    exchange.close()


async def no_response_before_it_ran(exchange: Exchange) -> None:
    """Hang with nothing done."""
    await exchange.body()
    await exchange.hang()


async def no_response_after_it_ran(exchange: Exchange) -> None:
    """Do it, and hang."""
    await exchange.run()
    await exchange.hang()


async def it_runs_when_nobody_waits(exchange: Exchange) -> None:
    """Do it after the client has given up."""
    await exchange.body()
    await asyncio.sleep(0.4)
    exchange.record.ran += 1
    exchange.close()


async def dribble(exchange: Exchange) -> None:
    """Send byte after byte, for longer than anybody waits."""
    await exchange.run()
    for byte in response(200, exchange.success()):
        exchange.write(bytes([byte]))
        await asyncio.sleep(0.004)
    exchange.close()


async def no_http(exchange: Exchange) -> None:
    """Answer with something else."""
    await exchange.maybe_run()
    junk = [b"\0" * 50, b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"]
    exchange.write(exchange.random.choice([*junk, b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"{}\r\n\r\n"]))
    exchange.close()


async def two_framings(exchange: Exchange) -> None:
    """Give a length and chunks."""
    await exchange.run()
    body = exchange.success()
    exchange.write(chunked(200, body, 30, [("Content-Length", str(len(body)))]))
    exchange.close()


DELIVERIES: Final = [
    Fault("none", plain, 50),
    Fault("a delay", delayed, 8),
    Fault("chunks", in_chunks, 2),
    Fault("pieces", in_pieces, 2),
    Fault("gzip", in_gzip, 2),
    Fault("interim answers", after_interim_responses),
    Fault("Connection: close", then_closed, 2),
    Fault("HTTP/1.0, until closed", until_closed),
    Fault("a BOM", with_byte_order_mark, 0.5),
    Fault("huge headers", with_huge_headers, 0.5),
    Fault("reset before the body was read", reset_at_once),
    Fault("reset while the body was read", reset_in_the_body),
    Fault("reset before it ran", reset_before_it_ran),
    Fault("reset after it ran", reset_after_it_ran),
    Fault("closed without an answer", closed_without_response),
    Fault("reset in the answer", reset_in_the_response),
    Fault("a cut answer", cut_response),
    Fault("too short a Content-Length", too_short_a_length),
    Fault("too long a Content-Length", too_long_a_length, 0.3),
    Fault("false chunks", false_chunks),
    Fault("hangs before it ran", no_response_before_it_ran, 0.3),
    Fault("hangs after it ran", no_response_after_it_ran, 0.3),
    Fault("it runs when nobody waits", it_runs_when_nobody_waits, 0.3),
    Fault("a dribble", dribble, 0.3),
    Fault("no HTTP", no_http),
    Fault("two framings", two_framings, 0.5),
]
